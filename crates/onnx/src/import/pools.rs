//! Windows, and what changes the size of an image.

use sapwood_graph::{AvgPool, Op, Resize};

use super::{
    call::{Call, Refusal},
    making::Making,
    numbers,
    value::{Data, Value},
};
use crate::Note;

/// The largest number that an operation of a graph may have.
const MOST: i64 = 1 << 24;

/// Where a window goes, as a file says it.
pub(super) struct Window {
    kernel: Option<Vec<i64>>,
    strides: Vec<i64>,
    pads: Option<Vec<i64>>,
    same: bool,
}

/// The attributes of a window. All that no window here has is refused at once.
pub(super) fn window(call: &Call<'_, '_>) -> Result<Window, Refusal> {
    let kernel = call.integers("kernel_shape")?;
    let dilations = call.integers("dilations")?.unwrap_or_default();
    if dilations.iter().any(|dilation| *dilation != 1) {
        return Err(Refusal::Cannot(format!("with dilations {dilations:?}")));
    }
    let strides = call.integers("strides")?.unwrap_or_else(|| vec![1, 1]);
    let pads = call.integers("pads")?;
    let same = match call.text("auto_pad", "NOTSET")? {
        "NOTSET" | "VALID" => false,
        "SAME_UPPER" | "SAME_LOWER" => true,
        other => return Err(Refusal::Damaged(format!("there is no auto_pad `{other}`"))),
    };
    Ok(Window { kernel, strides, pads, same })
}

impl Window {
    /// Side, stride and padding of a square window of this size.
    pub(super) fn square(&self, [h, w]: [usize; 2]) -> Result<(usize, usize, usize), Refusal> {
        if h != w {
            return Err(Refusal::Cannot(format!("with a {h}x{w} window")));
        }
        if let Some(kernel) = self.kernel.as_ref().filter(|kernel| **kernel != [h as i64, w as i64]) {
            return Err(Refusal::Damaged(format!("its window is {kernel:?} and {h}x{w}")));
        }
        let stride = match self.strides[..] {
            [a, b] if a == b && (1..=MOST).contains(&a) => a as usize,
            _ => return Err(Refusal::Cannot(format!("with strides {:?}", self.strides))),
        };
        let pads = match (&self.pads, self.same) {
            // With a stride the padding would depend on the size of the image.
            (_, true) if stride == 1 && h % 2 == 1 => vec![(h / 2) as i64; 4],
            (_, true) => {
                return Err(Refusal::Cannot(format!("with auto_pad, a {h}x{h} window and stride {stride}")));
            }
            (Some(pads), false) => pads.clone(),
            (None, false) => vec![0; 4],
        };
        match pads[..] {
            [a, b, c, d] if (0..=MOST).contains(&a) && [b, c, d] == [a; 3] => Ok((h, stride, a as usize)),
            _ => Err(Refusal::Cannot(format!("with padding {pads:?}"))),
        }
    }

    /// The window of a pool, which has no weight to say its size.
    fn pool(&self) -> Result<(usize, usize, usize), Refusal> {
        match self.kernel.as_deref() {
            Some(&[h, w]) if (1..=MOST).contains(&h) && (1..=MOST).contains(&w) => {
                self.square([h as usize, w as usize])
            }
            Some(kernel) => Err(Refusal::Cannot(format!("with a window {kernel:?}"))),
            None => Err(Refusal::Damaged("it does not say its window".into())),
        }
    }
}

pub(super) fn max_pool<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let window = window(call)?;
    call.only("ceil_mode", 0)?;
    call.ignore("storage_order");
    let x = call.image(0)?;
    let (kernel, stride, padding) = window.pool()?;
    making
        .push("max_pool", Op::MaxPool(sapwood_graph::Window::new(kernel, stride).padding(padding)), &[x])
        .map(Value::from)
}

pub(super) fn average_pool<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let window = window(call)?;
    let ceil = call.integer("ceil_mode", 0)? != 0;
    // Without padding there is nothing that it could count.
    call.ignore("count_include_pad");
    let x = call.image(0)?;
    let (kernel, stride, padding) = window.pool()?;
    if (stride, padding) != (kernel, 0) {
        return Err(Refusal::Cannot(format!(
            "with a {kernel}x{kernel} window, stride {stride} and padding {padding}"
        )));
    }
    let [_, h, w] = x.shape;
    // Windows that reach over the edge are left out there, and not here.
    if !ceil && (h % kernel, w % kernel) != (0, 0) {
        return Err(Refusal::Cannot(format!(
            "with a {kernel}x{kernel} window that leaves a rest of {h}x{w}"
        )));
    }
    if !ceil && 1 < kernel {
        making.note(Note::AveragePool);
    }
    making.push("avg_pool", Op::AvgPool(AvgPool::touching(kernel)), &[x]).map(Value::from)
}

pub(super) fn global_average<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let x = call.image(0)?;
    making.push("global_avg_pool", Op::GlobalAvgPool, &[x]).map(Value::from)
}

/// Over height and width only.
pub(super) fn reduce_mean<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let keep = call.integer("keepdims", 1)? != 0;
    call.only("noop_with_empty_axes", 0)?;
    let axes = call.either("axes", 1)?.unwrap_or_default();
    let mut places: Vec<i64> = axes.iter().map(|axis| if *axis < 0 { axis + 4 } else { *axis }).collect();
    places.sort_unstable();
    let x = call.image(0)?;
    if places != [2, 3] {
        return Err(Refusal::Cannot(format!("over {axes:?}")));
    }
    let mean = making.push("global_avg_pool", Op::GlobalAvgPool, &[x])?;
    Ok(Data { rank: if keep { 4 } else { 2 }, ..mean }.into())
}

/// New channels, all zero, or the opposite edge of a torus.
pub(super) fn pad<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let mode = call.text("mode", "constant")?;
    let value = call.float("value", 0.0)?;
    let value = call.maybe_floating(2)?.map_or(Ok(Some(value)), |stored| stored.scalar())?;
    let pads = call.either("pads", 1)?.unwrap_or_default();
    let x = call.image(0)?;
    let Ok(ends) = <[i64; 8]>::try_from(pads.clone()) else {
        return Err(Refusal::Cannot(format!("by {pads:?}")));
    };
    match (mode, ends) {
        ("constant", [0, 0, 0, 0, 0, 0, 0, 0]) => Ok(x.into()),
        ("constant", [0, front, 0, 0, 0, back, 0, 0])
            if value == Some(0.0) && (0..=MOST).contains(&front) && (0..=MOST).contains(&back) =>
        {
            // The first half of the new ones in front.
            if back != front && back != front + 1 {
                return Err(Refusal::Cannot(format!("by {pads:?}")));
            }
            let channels = x.shape[0].saturating_add(front as usize).saturating_add(back as usize);
            let (stride, from) = match (&making.nodes[x.node].op, call.node.name) {
                // As an export here writes one operation.
                (Op::Subsample { stride, .. }, "") => (*stride, making.nodes[x.node].inputs[0]),
                _ => (1, x.node),
            };
            let from = making.at(from);
            making.push("subsample", Op::Subsample { stride, channels }, &[from]).map(Value::from)
        }
        ("wrap", [0, 0, a, b, 0, 0, c, d]) if (1..=MOST).contains(&a) && [b, c, d] == [a; 3] => {
            making.push("wrap", Op::Wrap { padding: a as usize }, &[x]).map(Value::from)
        }
        _ => Err(Refusal::Cannot(format!("by {pads:?} in mode `{mode}`"))),
    }
}

/// Of integers, or every n-th pixel.
pub(super) fn slice<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let Value::Data(_) = call.input(0) else { return numbers::slice(call) };
    let x = call.image(0)?;
    let all = |name, at| call.either(name, at).map(Option::unwrap_or_default);
    let (starts, ends, axes, steps) = (all("starts", 1)?, all("ends", 2)?, all("axes", 3)?, all("steps", 4)?);
    let whole =
        |at: usize| ends.get(at).is_some_and(|end| x.shape[1..].iter().all(|size| *size as i64 <= *end));
    match (&starts[..], &axes[..], &steps[..]) {
        ([0, 0], [2, 3], &[a, b]) if (1..=MOST).contains(&a) && a == b && whole(0) && whole(1) => {
            let op = Op::Subsample { stride: a as usize, channels: x.shape[0] };
            making.push("subsample", op, &[x]).map(Value::from)
        }
        _ => Err(Refusal::Unheard),
    }
}

/// Bilinearly, as PyTorch does without `align_corners`.
pub(super) fn resize<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let mode = call.text("mode", "nearest")?;
    let places = call.text("coordinate_transformation_mode", "half_pixel")?;
    call.only("antialias", 0)?;
    call.only("exclude_outside", 0)?;
    ["cubic_coeff_a", "nearest_mode", "extrapolation_value"].into_iter().for_each(|name| call.ignore(name));
    let policy = call.text("keep_aspect_ratio_policy", "stretch")?;
    let axes = call.integers("axes")?.unwrap_or_else(|| vec![0, 1, 2, 3]);
    if (mode, policy) != ("linear", "stretch") || !matches!(places, "half_pixel" | "pytorch_half_pixel") {
        return Err(Refusal::Cannot(format!("in mode `{mode}` with `{places}`")));
    }
    let x = call.image(0)?;
    let sizes = match (call.numbers(3)?, call.maybe_floating(2)?) {
        (Some(sizes), _) => {
            let spatial = sizes.all.get(axes.len().saturating_sub(2)..).unwrap_or_default().to_vec();
            numbers_of(spatial)?
        }
        (None, Some(scales)) => {
            let scales = scales.floats()?;
            let spatial = scales.get(axes.len().saturating_sub(2)..).unwrap_or_default();
            let sized = x.shape[1..].iter().zip(spatial).map(|(size, scale)| (*size as f32 * scale).floor());
            if scales.iter().take(axes.len().saturating_sub(2)).any(|scale| *scale != 1.0) {
                return Err(Refusal::Cannot("of channels".into()));
            }
            sized.map(|size| size as i64).collect()
        }
        (None, None) => return Err(Refusal::Damaged("it says neither sizes nor scales".into())),
    };
    let size = match sizes[..] {
        [h, w] if (1..=MOST).contains(&h) && (1..=MOST).contains(&w) => [h as usize, w as usize],
        _ => return Err(Refusal::Cannot(format!("to {sizes:?}"))),
    };
    // Where one pixel is left, the two ways of counting differ.
    if axes.last() != Some(&3) || places == "pytorch_half_pixel" && size.contains(&1) {
        return Err(Refusal::Cannot(format!("along {axes:?} to {size:?}")));
    }
    making.push("resize", Op::Resize(Resize::bilinear(size)), &[x]).map(Value::from)
}

fn numbers_of(sizes: Vec<super::value::Size>) -> Result<Vec<i64>, Refusal> {
    super::value::Numbers::row(sizes).plain()
}
