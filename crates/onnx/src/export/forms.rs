//! The same values in another form, and more or fewer of them.

use sapwood_graph::{Dims, Pad, PadMode, Slice};

use super::writing::{Attribute, Writing};

use Attribute::{Int, Text};

/// A value in other dimensions, of which the batch is what is left.
pub(super) fn reshape(to: &mut Writing<'_>, name: &str, x: String, dims: &Dims) -> String {
    let size = |(at, size): (usize, &usize)| if dims.batch() == Some(at) { -1 } else { *size as i64 };
    let shape = to.integers(dims.sizes().iter().enumerate().map(size).collect());
    to.layer(name, "Reshape", vec![x, shape], &[])
}

/// A value as often as dimensions ask for.
pub(super) fn expand(to: &mut Writing<'_>, name: &str, x: String, from: usize, dims: &Dims) -> String {
    let size = |(at, size): (usize, &usize)| if dims.batch() == Some(at) { 1 } else { *size as i64 };
    let sizes: Vec<i64> = dims.sizes().iter().enumerate().map(size).collect();
    let shape = match dims.batch().filter(|_| to.dims[from].batch().is_none()) {
        None => to.integers(sizes),
        // The number of examples is that of the input.
        Some(at) => {
            let input = to.inputs[0].clone();
            let examples = to.layer("", "Shape", vec![input], &[("start", Int(0)), ("end", Int(1))]);
            let examples = match dims.sizes()[at] {
                1 => examples,
                multiple => {
                    let multiple = to.integers(vec![multiple as i64]);
                    to.layer("", "Mul", vec![examples, multiple], &[])
                }
            };
            let (before, after) = (&sizes[..at], &sizes[at + 1..]);
            let mut parts = Vec::new();
            if !before.is_empty() {
                parts.push(to.integers(before.to_vec()));
            }
            parts.push(examples);
            if !after.is_empty() {
                parts.push(to.integers(after.to_vec()));
            }
            to.layer("", "Concat", parts, &[("axis", Int(0))])
        }
    };
    to.layer(name, "Expand", vec![x, shape], &[])
}

/// Some places of a dimension.
pub(super) fn slice(to: &mut Writing<'_>, name: &str, x: String, slice: &Slice) -> String {
    let end = slice.start + slice.length.saturating_sub(1) * slice.step + 1;
    let bounds = [slice.start, end, slice.axis, slice.step].map(|n| to.integers(vec![n as i64]));
    to.layer(name, "Slice", [x].into_iter().chain(bounds).collect(), &[])
}

pub(super) fn pad(to: &mut Writing<'_>, name: &str, x: String, pad: &Pad) -> Result<String, String> {
    let pads: Vec<i64> = pad.before.iter().chain(pad.after.iter()).map(|n| *n as i64).collect();
    let mode = match pad.with {
        PadMode::Wrap => return wrap(to, name, x, pads),
        PadMode::Constant(_) => "constant",
        PadMode::Reflect => "reflect",
        PadMode::Edge => "edge",
    };
    let mut inputs = vec![x, to.integers(pads)];
    if let PadMode::Constant(value) = pad.with {
        inputs.push(to.number(value as f32));
    }
    Ok(to.layer(name, "Pad", inputs, &[("mode", Text(mode))]))
}

/// Values of the opposite edge.
pub(super) fn wrap(to: &mut Writing<'_>, name: &str, x: String, pads: Vec<i64>) -> Result<String, String> {
    if to.opset < 19 {
        return Err(to.refused_before(19, "wraps its input, which is written from opset 19 on".into()));
    }
    let pads = to.integers(pads);
    Ok(to.layer(name, "Pad", vec![x, pads], &[("mode", Text("wrap"))]))
}

/// A factor for each channel, before places of which there is one.
pub(super) fn factors(to: &mut Writing<'_>, from: usize, rank: usize) -> String {
    let (value, dims) = (to.values[from].clone(), to.dims[from]);
    if dims.rank() == rank {
        return value;
    }
    let channels = dims.example().and_then(|example| example.first().copied()).unwrap_or(1) as i64;
    let shape = [vec![0, channels], vec![1; rank.saturating_sub(2)]].concat();
    let shape = to.integers(shape);
    to.layer("", "Reshape", vec![value, shape], &[])
}

/// Every `stride`-th pixel, and channels of zeros around.
pub(super) fn subsample(
    to: &mut Writing<'_>,
    name: &str,
    x: String,
    from: usize,
    (stride, channels): (usize, usize),
) -> String {
    let (starts, ends) = (to.integers(vec![0, 0]), to.integers(vec![i64::MAX; 2]));
    let (axes, steps) = (to.integers(vec![2, 3]), to.integers(vec![stride as i64; 2]));
    let some = to.layer(name, "Slice", vec![x, starts, ends, axes, steps], &[]);
    let old = to.dims[from].image()[0];
    if channels == old {
        return some;
    }
    let (front, back) = ((channels - old) / 2, (channels - old).div_ceil(2));
    let pads = to.integers(vec![0, front as i64, 0, 0, 0, back as i64, 0, 0]);
    to.layer("", "Pad", vec![some, pads], &[("mode", Text("constant"))])
}
