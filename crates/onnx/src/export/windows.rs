//! Convolutions, pools and planes in another size.

use sapwood_graph::{AvgPool, ConvSpec, Interpolation, Pair, Places, Resize, Window};

use super::{
    params::Params,
    writing::{Attribute, Writing},
};

use Attribute::{Int, Ints, Text};

/// Of two directions both numbers, of one the width.
fn pair(pair: Pair, spatial: usize) -> Attribute {
    Ints(pair.hw()[2 - spatial..].iter().map(|n| *n as i64).collect())
}

fn window(window: &Window, spatial: usize) -> Vec<(&'static str, Attribute)> {
    let [top, left, bottom, right] = window.padding.sides().map(|n| n as i64);
    let pads = if spatial == 1 { vec![left, right] } else { vec![top, left, bottom, right] };
    let mut attributes = vec![
        ("kernel_shape", pair(window.kernel, spatial)),
        ("strides", pair(window.stride, spatial)),
        ("pads", Ints(pads)),
    ];
    if window.dilation != Pair::both(1) {
        attributes.push(("dilations", pair(window.dilation, spatial)));
    }
    if window.ceil {
        attributes.push(("ceil_mode", Int(1)));
    }
    attributes
}

/// What a convolution says of itself.
pub(super) fn of_conv(spec: &ConvSpec) -> Vec<(&'static str, Attribute)> {
    let mut attributes = window(&spec.window(), spec.spatial);
    attributes.push(("group", Int(spec.groups as i64)));
    attributes
}

pub(super) fn conv<'s>(
    to: &mut Writing<'s>,
    name: &str,
    spec: ConvSpec,
    x: String,
    params: Params<'_, 's>,
) -> Result<String, String> {
    let inputs = to.with_params(x, params, &[true, false])?;
    let mut attributes = of_conv(&spec);
    match spec.transposed {
        None => Ok(to.layer(name, "Conv", inputs, &attributes)),
        Some(extra) => {
            if extra != Pair::both(0) {
                attributes.push(("output_padding", pair(extra, spec.spatial)));
            }
            Ok(to.layer(name, "ConvTranspose", inputs, &attributes))
        }
    }
}

pub(super) fn max_pool(to: &mut Writing<'_>, name: &str, over: Window, x: String, from: usize) -> String {
    let attributes = window(&over, to.dims[from].rank() - 2);
    to.layer(name, "MaxPool", vec![x], &attributes)
}

pub(super) fn average_pool(
    to: &mut Writing<'_>,
    name: &str,
    pool: AvgPool,
    x: String,
    from: usize,
) -> String {
    let attributes = of_average(&pool, to.dims[from].rank() - 2);
    to.layer(name, "AveragePool", vec![x], &attributes)
}

/// What a mean of windows says of itself.
pub(super) fn of_average(pool: &AvgPool, spatial: usize) -> Vec<(&'static str, Attribute)> {
    let mut attributes = window(&pool.window, spatial);
    if pool.count_padding {
        attributes.push(("count_include_pad", Int(1)));
    }
    attributes
}

pub(super) fn resize(to: &mut Writing<'_>, name: &str, resize: Resize, x: String, from: usize) -> String {
    let places = match resize.places {
        Places::HalfPixel => "half_pixel",
        Places::Asymmetric => "asymmetric",
        Places::AlignCorners => "align_corners",
    };
    let mut attributes = match resize.interpolation {
        Interpolation::Bilinear => vec![("mode", Text("linear"))],
        Interpolation::Nearest => vec![("mode", Text("nearest")), ("nearest_mode", Text("floor"))],
        Interpolation::NearestRound => {
            vec![("mode", Text("nearest")), ("nearest_mode", Text("round_prefer_floor"))]
        }
    };
    attributes.push(("coordinate_transformation_mode", Text(places)));
    let rank = to.dims[from].rank();
    let sizes: Vec<usize> = resize.size.hw()[4 - rank..].to_vec();
    let nothing = String::new;
    let old = &to.dims[from].sizes()[2..];
    let is_whole =
        |(old, new): (&usize, &usize)| (*old as f32 * (*new as f32 / *old as f32)).floor() as usize == *new;
    // Some runtimes that move channels to the end do not find the axes of sizes.
    if 18 <= to.opset && !old.iter().zip(&sizes).all(is_whole) {
        attributes.push(("axes", Ints((2..rank as i64).collect())));
        let sizes = to.integers(sizes.into_iter().map(|size| size as i64).collect());
        return to.layer(name, "Resize", vec![x, nothing(), nothing(), sizes], &attributes);
    }
    // Sizes would have to name the number of examples.
    let scale = |(old, new): (&usize, usize)| {
        let scale = new as f32 / *old as f32;
        // Rounded down it must be the new size.
        if ((*old as f32 * scale).floor() as usize) < new { scale.next_up() } else { scale }
    };
    let scales = [1.0, 1.0].into_iter().chain(old.iter().zip(sizes).map(scale)).collect();
    let scales = to.numbers(scales);
    to.layer(name, "Resize", vec![x, nothing(), scales], &attributes)
}
