//! Convolutions and pools: PyTorch's have the same padding on both sides, all else is added before or taken off behind.

use sapwood_core::{AvgPool, ConvSpec, Dims, Pads, Pair, Window};

use super::{functions::Function, writing::Writing};

/// A pair as the argument of an operation over one or two dimensions.
pub(super) fn pair(pair: Pair, spatial: usize) -> String {
    match spatial {
        1 => pair.w.to_string(),
        _ => format!("({}, {})", pair.h, pair.w),
    }
}

/// The padding that a layer itself has: all of it if both sides are the same, and of a transposed convolution what both
/// sides share.
pub(super) fn both_sides(pads: Pads, transposed: bool) -> Pair {
    match (pads.symmetric(), transposed) {
        (Some([h, w]), _) => Pair { h, w },
        (None, true) => Pair { h: pads.top.min(pads.bottom), w: pads.left.min(pads.right) },
        (None, false) => Pair::both(0),
    }
}

/// A value with this padding.
fn padded(x: &str, pads: Pads, spatial: usize, with: &str) -> String {
    let Pads { top, left, bottom, right } = pads;
    match spatial {
        1 => format!("F.pad({x}, ({left}, {right}){with})"),
        _ => format!("F.pad({x}, ({left}, {right}, {top}, {bottom}){with})"),
    }
}

pub(super) fn conv(layer: &str, x: &str, spec: &ConvSpec, out: &Dims) -> String {
    let both = both_sides(spec.padding, spec.transposed.is_some());
    if spec.padding.symmetric().is_some() {
        return format!("{layer}({x})");
    }
    if spec.transposed.is_none() {
        return format!("{layer}({})", padded(x, spec.padding, spec.spatial, ""));
    }
    // What is taken off beyond that.
    let [h, w] = [out.image()[1], out.image()[2]];
    let (top, left) = (spec.padding.top - both.h, spec.padding.left - both.w);
    let rows = if spec.spatial == 1 { String::new() } else { format!("{top}:{}, ", top + h) };
    format!("{layer}({x})[:, :, {rows}{left}:{}]", left + w)
}

impl Writing<'_> {
    pub(super) fn max_pool(&self, x: &str, over: Window, from: &Dims, to: &Dims) -> String {
        let spatial = from.rank() - 2;
        let fits = fits(&over);
        let x = if fits { x.into() } else { padded(x, over.padding, spatial, r#", value=float("-inf")"#) };
        let mut said = format!("F.max_pool{spatial}d({x}, {}", pair(over.kernel, spatial));
        said += &format!(", {}", pair(over.stride, spatial));
        let both = both_sides(over.padding, false);
        if fits && both.hw() != [0, 0] {
            said += &format!(", padding={}", pair(both, spatial));
        }
        if over.dilation != Pair::both(1) {
            said += &format!(", dilation={}", pair(over.dilation, spatial));
        }
        said + ceil(&over) + ")" + &cut(fits, &over, to)
    }

    pub(super) fn average_pool(&mut self, x: &str, pool: AvgPool, from: &Dims, to: &Dims) -> String {
        let AvgPool { window: over, count_padding } = pool;
        let spatial = from.rank() - 2;
        let sizes = format!("{}, {}", pair(over.kernel, spatial), pair(over.stride, spatial));
        let none = over.padding.sides() == [0; 4];
        if fits(&over) {
            let both = both_sides(over.padding, false);
            let pads = match none {
                true => String::new(),
                false => format!(", padding={}", pair(both, spatial)),
            };
            let counts = if count_padding || none { "" } else { ", count_include_pad=False" };
            return format!("F.avg_pool{spatial}d({x}, {sizes}{pads}{}{counts})", ceil(&over));
        }
        if count_padding {
            let x = padded(x, over.padding, spatial, "");
            return format!("F.avg_pool{spatial}d({x}, {sizes}{})", ceil(&over)) + &cut(false, &over, to);
        }
        self.functions.insert(Function::AveragePool);
        let Pads { top, left, bottom, right } = over.padding;
        let pads = match spatial {
            1 => format!("({left}, {right})"),
            _ => format!("({left}, {right}, {top}, {bottom})"),
        };
        let ceil = if over.ceil { "True" } else { "False" };
        format!("average_pool({x}, {pads}, {sizes}, {ceil})") + &cut(false, &over, to)
    }
}

/// Whether PyTorch's pools have such a padding.
fn fits(over: &Window) -> bool {
    over.padding.symmetric().is_some_and(|[h, w]| 2 * h <= over.kernel.h && 2 * w <= over.kernel.w)
}

fn ceil(over: &Window) -> &'static str {
    if over.ceil { ", ceil_mode=True" } else { "" }
}

/// Windows that begin in a padding which PyTorch takes for a part of the plane are too many.
fn cut(fits: bool, over: &Window, to: &Dims) -> String {
    let [_, h, w] = to.image();
    match (fits || !over.ceil, to.rank()) {
        (true, _) => String::new(),
        (false, 3) => format!("[:, :, :{w}]"),
        (false, _) => format!("[:, :, :{h}, :{w}]"),
    }
}
