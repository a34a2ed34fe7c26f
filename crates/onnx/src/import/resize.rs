//! Planes in another size.

use sapwood_graph::{Interpolation, Op, Places, Resize};

use super::{
    call::{Call, axis},
    making::Making,
    refusal::Refusal,
    value::{Data, Size, Value},
    windows::{number, pair},
};

pub(super) fn resize<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let mode = call.text("mode", "nearest")?;
    // Its first version knew one way of counting.
    let (counted, rounded) =
        if call.opset < 11 { ("asymmetric", "floor") } else { ("half_pixel", "round_prefer_floor") };
    let places = call.text("coordinate_transformation_mode", counted)?;
    let rounding = call.text("nearest_mode", rounded)?;
    call.only("antialias", 0)?;
    call.only("exclude_outside", 0)?;
    call.ignore(&["cubic_coeff_a", "extrapolation_value"]);
    let policy = call.text("keep_aspect_ratio_policy", "stretch")?;
    let axes = call.integers("axes")?;
    if policy != "stretch" {
        return Err(Refusal::Cannot(format!("with `{policy}`")));
    }
    let x = call.planes(0)?;
    let rank = x.dims.rank();
    let axes = match axes {
        Some(axes) => axes.iter().map(|at| axis(*at, rank)).collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).collect(),
    };
    let scales = if call.opset < 11 { 1 } else { 2 };
    let sizes = match call.sizes(3)?.filter(|sizes| !sizes.is_empty()) {
        Some(sizes) => sizes_of(&x, &axes, &sizes)?,
        None => {
            let scales = call.maybe_stored(scales)?.filter(|scales| scales.len() > 0);
            let scales = scales.ok_or_else(|| Refusal::Damaged("it says neither sizes nor scales".into()))?;
            let scales = scales.floats()?;
            let sizes = scaled(&x, &axes, &scales)?;
            // Where pixels are left out its first version rounds up, which is the same for every n-th pixel alone.
            let old = x.dims.sizes()[2..].iter().map(|size| *size as i64);
            let leaves_parts =
                old.zip(&sizes).any(|(old, new)| *new < old && old.checked_rem(*new) != Some(0));
            if call.opset < 11 && mode == "nearest" && leaves_parts {
                return Err(Refusal::Cannot(format!("to the nearest by {scales:?} of {}", x.dims)));
            }
            sizes
        }
    };
    to_size(making, x, &sizes, mode, places, rounding).map(Value::from)
}

/// What came before `Resize`.
pub(super) fn upsample<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let mode = call.text("mode", "nearest")?;
    let said = call.floats("scales")?;
    let stored = call.maybe_stored(1)?;
    let x = call.planes(0)?;
    let scales = match (said, stored) {
        (Some(said), _) => said,
        (None, Some(stored)) => stored.floats()?,
        (None, None) => return Err(Refusal::Damaged("it does not say its scales".into())),
    };
    let axes: Vec<usize> = (0..x.dims.rank()).collect();
    let sizes = scaled(&x, &axes, &scales)?;
    let mode = if mode == "bilinear" { "linear" } else { mode };
    to_size(making, x, &sizes, mode, "asymmetric", "floor").map(Value::from)
}

/// The sizes of height and width, where nothing else gets another one.
fn sizes_of(x: &Data, axes: &[usize], sizes: &[Size]) -> Result<Vec<i64>, Refusal> {
    let mut found: Vec<i64> = x.dims.sizes().iter().map(|size| *size as i64).collect();
    if axes.len() != sizes.len() {
        return Err(Refusal::Damaged(format!("it has {} sizes for {} axes", sizes.len(), axes.len())));
    }
    for (axis, size) in axes.iter().zip(sizes) {
        match size {
            Size::Number(size) if 2 <= *axis => found[*axis] = *size,
            Size::Number(size) if *size == found[*axis] || *axis == 0 => {}
            Size::Batch(_) if x.dims.batch() == Some(*axis) => {}
            _ => return Err(Refusal::Cannot("of channels".into())),
        }
    }
    Ok(found.split_off(2))
}

/// The same by factors, which must lead to whole sizes: pixels lie elsewhere where they do not.
fn scaled(x: &Data, axes: &[usize], scales: &[f32]) -> Result<Vec<i64>, Refusal> {
    let mut found: Vec<i64> = x.dims.sizes().iter().map(|size| *size as i64).collect();
    if axes.len() != scales.len() {
        return Err(Refusal::Damaged(format!("it has {} scales for {} axes", scales.len(), axes.len())));
    }
    for (axis, scale) in axes.iter().zip(scales) {
        let exact = f64::from(*scale) * found[*axis] as f64;
        let size = exact.round();
        // As near as f32 comes to a quotient of whole numbers.
        if *axis < 2 && *scale != 1.0
            || 1e-6 * size.max(1.0) < (exact - size).abs()
            || !(1.0..16_777_216.0).contains(&size.max(1.0))
        {
            return Err(Refusal::Cannot(format!("by {scales:?} of {}", x.dims)));
        }
        found[*axis] = size as i64;
    }
    Ok(found.split_off(2))
}

fn to_size(
    making: &mut Making<'_>,
    x: Data,
    sizes: &[i64],
    mode: &str,
    places: &str,
    rounding: &str,
) -> Result<Data, Refusal> {
    let size = pair(sizes)?;
    number(size.product() as i64)?;
    // Where one pixel is left, two ways of counting differ.
    let one_is_left = sizes.contains(&1);
    let at = match places {
        "half_pixel" => Places::HalfPixel,
        "pytorch_half_pixel" if !one_is_left => Places::HalfPixel,
        "asymmetric" => Places::Asymmetric,
        "align_corners" => Places::AlignCorners,
        _ => return Err(Refusal::Cannot(format!("in mode `{mode}` with `{places}` to {sizes:?}"))),
    };
    let interpolation = match (mode, rounding) {
        ("linear", _) => Interpolation::Bilinear,
        ("nearest", "floor") => Interpolation::Nearest,
        ("nearest", "round_prefer_floor") => Interpolation::NearestRound,
        ("nearest", rounding) => return Err(Refusal::Cannot(format!("to the nearest with `{rounding}`"))),
        _ => return Err(Refusal::Cannot(format!("in mode `{mode}`"))),
    };
    making.push(Op::Resize(Resize { size, interpolation, places: at }), &[x])
}
