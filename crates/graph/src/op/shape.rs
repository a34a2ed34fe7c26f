//! What leaves an operation, for what comes in.

use crate::{
    Dims, Op, Pair,
    window::{plane, with_plane},
};

impl Op {
    /// The dimensions that leave, for those that come in.
    ///
    /// # Errors
    /// What does not fit, as a clause about the operation.
    pub fn shape(&self, inputs: &[Dims]) -> Result<Dims, String> {
        if let Self::Constant { dims, .. } = self {
            return match dims.batch() {
                None => Ok(*dims),
                Some(_) => Err("a constant has no batch".into()),
            };
        }
        let x = *inputs.first().ok_or("it has no input")?;
        match self {
            Self::Input | Self::Constant { .. } | Self::Unary(_) | Self::Activation(_) => Ok(x),
            Self::Conv(spec) => {
                expect("spatial dimensions", spec.spatial, x.rank().saturating_sub(2))?;
                expect("channels", spec.inputs, channels(&x)?)?;
                if spec.spatial == 1
                    && [spec.kernel, spec.stride, spec.dilation].iter().any(|pair| pair.h != 1)
                {
                    return Err("over one dimension its window has height 1".into());
                }
                Ok(with_plane(&x, spec.outputs, spec.over(plane(&x)?)?))
            }
            Self::Linear { inputs, outputs, places, .. } => linear(&x, *inputs, *outputs, *places),
            Self::BatchNorm { channels: expected, .. }
            | Self::LayerNorm { channels: expected, last: false, .. } => {
                expect("channels", *expected, channels(&x)?).map(|()| x)
            }
            Self::LayerNorm { channels, last: true, .. } => {
                let found = x.rank().checked_sub(1).and_then(|last| x.number(last));
                expect("channels", *channels, found.unwrap_or(0)).map(|()| x)
            }
            Self::GroupNorm { groups, channels: expected, .. } => {
                expect("channels", *expected, channels(&x)?)?;
                match *groups == 0 || !expected.is_multiple_of(*groups) {
                    true => Err(format!("{expected} channels cannot be cut into {groups} groups")),
                    false => Ok(x),
                }
            }
            Self::Prelu { channels: 1 } => Ok(x),
            Self::Prelu { channels: expected } => expect("channels", *expected, channels(&x)?).map(|()| x),
            Self::Position(shape) if Dims::images(*shape) == x => Ok(x),
            Self::Position(shape) => Err(format!("it has values for {shape:?}, and its input is {x}")),
            Self::Embedding { width, .. } => {
                let sizes: Vec<usize> = x.sizes().iter().copied().chain([*width]).collect();
                made(&sizes, x.batch())
            }
            Self::Attention { heads } => attention(inputs, *heads),
            Self::Softmax { axis, .. } => match x.number(*axis) {
                Some(_) => Ok(x),
                None => Err(format!("there is no dimension {axis} to add over in {x}")),
            },
            Self::MaxPool(window) => pool(&x, window),
            Self::AvgPool(pooling) => {
                if !pooling.window.dilation.is_one() {
                    return Err("a mean has no dilation".into());
                }
                pool(&x, &pooling.window)
            }
            Self::Resize(resize) if resize.size.hw().contains(&0) => {
                Err("it leaves nothing of its input".into())
            }
            Self::Resize(resize) => {
                plane(&x)?;
                Ok(with_plane(&x, channels(&x)?, resize.size.hw()))
            }
            Self::Wrap { padding } => {
                let [h, w] = plane(&x)?;
                match h.min(w) < *padding {
                    true => Err(format!("it wraps {padding} of a {h}x{w} input")),
                    false => Ok(with_plane(&x, channels(&x)?, [h + 2 * padding, w + 2 * padding])),
                }
            }
            Self::Pad(pad) => pad.of(&x),
            Self::GlobalAvgPool => {
                plane(&x)?;
                Ok(with_plane(&x, channels(&x)?, [1, 1]))
            }
            Self::Reduce { axes, keep, .. } => reduce(&x, axes, *keep),
            Self::Flatten => {
                let example = x.example().ok_or_else(|| format!("{x} are no examples"))?;
                let values = example.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
                values.map(Dims::rows).ok_or_else(|| format!("{x} has too many values"))
            }
            Self::Reshape(to) => {
                match to.values() == x.values() && to.batch().is_some() == x.batch().is_some() {
                    true => Ok(*to),
                    false => Err(format!("{x} has not the values of {to}")),
                }
            }
            Self::Transpose { order } => transpose(&x, order),
            Self::Concat { axis } => concat(inputs, *axis),
            Self::Slice(slice) => slice.of(&x),
            Self::Expand(to) => match broadcast(&x, to)? {
                found if found == *to => Ok(found),
                _ => Err(format!("{x} cannot become {to}")),
            },
            Self::Add | Self::Binary(_) => broadcast(&x, inputs.get(1).ok_or("it has one input")?),
            Self::Scale => {
                let (factors, expected) = (inputs.get(1).ok_or("it has one input")?, channels(&x)?);
                match factors.example() {
                    Some([c]) | Some([c, 1, 1]) if *c == expected => Ok(x),
                    _ => Err(format!("expected one factor for each of {expected} channels, found {factors}")),
                }
            }
            Self::MatMul => matmul(&x, inputs.get(1).ok_or("it has one input")?),
            Self::Subsample { stride, channels: wider } => {
                let (c, [h, w]) = (channels(&x)?, plane(&x)?);
                match *stride == 0 || *wider < c {
                    true => Err(format!("it cannot make {wider} channels of {c} with stride {stride}")),
                    false => Ok(with_plane(&x, *wider, [h.div_ceil(*stride), w.div_ceil(*stride)])),
                }
            }
        }
    }
}

/// The channels of a batch, which are dimension 1.
fn channels(x: &Dims) -> Result<usize, String> {
    match x.example() {
        Some([c, ..]) => Ok(*c),
        _ => Err(format!("expected examples with channels, found {x}")),
    }
}

fn expect(what: &str, expected: usize, found: usize) -> Result<(), String> {
    if expected == found { Ok(()) } else { Err(format!("expected {expected} {what}, found {found}")) }
}

/// Dimensions that may be too many.
fn made(sizes: &[usize], batch: Option<usize>) -> Result<Dims, String> {
    Dims::of(sizes, batch).ok_or_else(|| format!("it would have {} dimensions", sizes.len()))
}

fn linear(x: &Dims, inputs: usize, outputs: usize, places: bool) -> Result<Dims, String> {
    if places {
        let last = x.rank().checked_sub(1).filter(|last| x.number(*last).is_some());
        let last = last.ok_or_else(|| format!("expected values in the last dimension, found {x}"))?;
        expect("values", inputs, x.sizes()[last])?;
        return Ok(x.resized(last, outputs));
    }
    let example = x.example().ok_or_else(|| format!("{x} are no examples"))?;
    expect("values", inputs, example.iter().fold(1, |product: usize, size| product.saturating_mul(*size)))?;
    Ok(Dims::rows(outputs))
}

fn attention(inputs: &[Dims], heads: usize) -> Result<Dims, String> {
    let (x, c) = (inputs[0], channels(&inputs[0])?);
    plane(&x)?;
    if heads == 0 || !c.is_multiple_of(heads) {
        return Err(format!("{c} channels cannot be cut into {heads} heads"));
    }
    match inputs.iter().all(|dims| *dims == x) {
        true => Ok(x),
        false => Err(format!("its queries, keys and values have different shapes: {inputs:?}")),
    }
}

fn pool(x: &Dims, window: &crate::Window) -> Result<Dims, String> {
    let Pair { h, w } = window.kernel;
    if x.rank() == 3 && [window.kernel, window.stride, window.dilation].iter().any(|pair| pair.h != 1) {
        return Err("over one dimension its window has height 1".into());
    }
    // A window that held nothing but padding would have no largest value and no mean.
    let within = |around: [usize; 2], kernel: usize, dilation: usize| {
        around.iter().all(|n| *n <= dilation.saturating_mul(kernel.saturating_sub(1)))
    };
    let pads = window.padding;
    if !within([pads.top, pads.bottom], h, window.dilation.h)
        || !within([pads.left, pads.right], w, window.dilation.w)
    {
        return Err(format!("its padding {pads} is not less than its {h}x{w} window"));
    }
    Ok(with_plane(x, channels(x)?, window.over(plane(x)?)?))
}

fn reduce(x: &Dims, axes: &[usize], keep: bool) -> Result<Dims, String> {
    if let Some(axis) = axes.iter().find(|axis| x.number(**axis).is_none()) {
        return Err(format!("there is no dimension {axis} to reduce in {x}"));
    }
    let reduced = axes.iter().fold(*x, |found, axis| found.resized(*axis, 1));
    if keep {
        return Ok(reduced);
    }
    let left: Vec<usize> = (0..x.rank()).filter(|dim| !axes.contains(dim)).collect();
    let sizes: Vec<usize> = left.iter().map(|dim| x.sizes()[*dim]).collect();
    made(&sizes, x.batch().and_then(|batch| left.iter().position(|dim| *dim == batch)))
}

fn transpose(x: &Dims, order: &[usize]) -> Result<Dims, String> {
    let mut sorted = order.to_vec();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..x.rank()) {
        return Err(format!("{order:?} is no order of the dimensions of {x}"));
    }
    let sizes: Vec<usize> = order.iter().map(|dim| x.sizes()[*dim]).collect();
    made(&sizes, x.batch().and_then(|batch| order.iter().position(|dim| *dim == batch)))
}

fn concat(inputs: &[Dims], axis: usize) -> Result<Dims, String> {
    let mut total = 0usize;
    for dims in inputs {
        let size =
            dims.number(axis).ok_or_else(|| format!("there is no dimension {axis} to join in {dims}"))?;
        if dims.resized(axis, 0) != inputs[0].resized(axis, 0) {
            return Err(format!("it joins different shapes: {inputs:?}"));
        }
        total = total.saturating_add(size);
    }
    Ok(inputs[0].resized(axis, total))
}

/// The rules of NumPy: dimensions are compared from the last one on, and those that one lacks, or of which it
/// has 1, are the other's.
pub(super) fn broadcast(a: &Dims, b: &Dims) -> Result<Dims, String> {
    let rank = a.rank().max(b.rank());
    let (mut sizes, mut batch) = (vec![1; rank], None);
    for back in 1..=rank {
        let of = |dims: &Dims| {
            let dim = dims.rank().checked_sub(back)?;
            Some((dims.sizes()[dim], dims.batch() == Some(dim)))
        };
        let (a_here, b_here) = (of(a).unwrap_or((1, false)), of(b).unwrap_or((1, false)));
        let found = match (a_here, b_here) {
            (one, other) if one == other => one,
            (other, (1, false)) | ((1, false), other) => other,
            _ => return Err(format!("it joins different shapes: {a} and {b}")),
        };
        sizes[rank - back] = found.0;
        if found.1 {
            batch = Some(rank - back);
        }
    }
    made(&sizes, batch)
}

fn matmul(a: &Dims, b: &Dims) -> Result<Dims, String> {
    let (Some(last), Some(rows)) = (a.rank().checked_sub(1), b.rank().checked_sub(2)) else {
        return Err(format!("expected matrices, found {a} and {b}"));
    };
    let wrong = || format!("{a} and {b} cannot be multiplied");
    if a.number(last).is_none() || a.number(last) != b.number(rows) {
        return Err(wrong());
    }
    let before = last.checked_sub(1).ok_or_else(wrong)?;
    let columns = b.number(b.rank() - 1).ok_or_else(wrong)?;
    // What stands before the matrices, with the rows of the one and the columns of the other as they are.
    let one = a.resized(last, 1);
    let stacked = match b.batch() {
        None => b.sizes()[..rows].to_vec(),
        Some(at) if at < rows => b.sizes()[..rows].to_vec(),
        Some(_) => return Err(wrong()),
    };
    let other = made(&[&stacked[..], &[1, 1]].concat(), b.batch())?;
    let found = broadcast(&one, &other).map_err(|_| wrong())?;
    match found.rank().checked_sub(2) {
        Some(at) if found.sizes()[at] == a.sizes()[before] => Ok(found.resized(found.rank() - 1, columns)),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Ranked, Reduction, Slice};

    fn n(text: &str) -> Dims {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_batch_stays_where_it_is_or_goes_along() {
        for (op, inputs, expected) in [
            (Op::Reshape(n(r#"["4n",8,2]"#)), vec![n(r#"["n",8,8]"#)], n(r#"["4n",8,2]"#)),
            (
                Op::Transpose { order: Ranked::new(&[2, 0, 1]).unwrap() },
                vec![n(r#"["n",8,5]"#)],
                n(r#"[5,"n",8]"#),
            ),
            (
                Op::Reduce { to: Reduction::Mean, axes: Ranked::new(&[0]).unwrap(), keep: false },
                vec![n(r#"[5,"n",8]"#)],
                n(r#"["n",8]"#),
            ),
            (Op::Add, vec![n(r#"["n",3,8,8]"#), n("[3,1,1]")], n(r#"["n",3,8,8]"#)),
            (Op::Add, vec![n("[1,3,1]"), n(r#"["n",1,8]"#)], n(r#"["n",3,8]"#)),
            (Op::MatMul, vec![n(r#"["n",4,8,5]"#), n(r#"["n",4,5,7]"#)], n(r#"["n",4,8,7]"#)),
            (Op::MatMul, vec![n(r#"["n",5]"#), n("[5,7]")], n(r#"["n",7]"#)),
            (Op::Concat { axis: 1 }, vec![n(r#"["n",3,4]"#), n(r#"["n",2,4]"#)], n(r#"["n",5,4]"#)),
            (
                Op::Slice(Slice { axis: 1, start: 1, length: 2, step: 3 }),
                vec![n(r#"["n",5]"#)],
                n(r#"["n",2]"#),
            ),
            (Op::Expand(n(r#"["n",1,8]"#)), vec![n("[1,1,8]")], n(r#"["n",1,8]"#)),
            (Op::Embedding { entries: 9, width: 4 }, vec![n(r#"["n",7]"#)], n(r#"["n",7,4]"#)),
        ] {
            assert_eq!(op.shape(&inputs), Ok(expected), "{op:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_said() {
        for (op, inputs, expected) in [
            (Op::Reshape(n("[64]")), vec![n(r#"["n",8,8]"#)], "[n, 8, 8] has not the values of [64]"),
            (Op::Add, vec![n(r#"["n",3]"#), n(r#"["2n",3]"#)], "it joins different shapes"),
            (Op::MatMul, vec![n(r#"["n",5]"#), n("[4,7]")], "[n, 5] and [4, 7] cannot be multiplied"),
            (Op::MatMul, vec![n(r#"[3,"n"]"#), n(r#"["n",7]"#)], "cannot be multiplied"),
            (Op::Concat { axis: 0 }, vec![n(r#"["n",3]"#), n(r#"["n",3]"#)], "no dimension 0 to join"),
            (
                Op::Slice(Slice { axis: 1, start: 1, length: 2, step: 4 }),
                vec![n(r#"["n",5]"#)],
                "it takes 2 places from 1 in steps of 4 of a dimension of 5",
            ),
            (Op::MaxPool(crate::Window::new(2, 2).padding(2)), vec![n(r#"["n",1,8,8]"#)], "its padding 2"),
            (Op::Softmax { axis: 0, log: false }, vec![n(r#"["n",5]"#)], "no dimension 0"),
        ] {
            let found = op.shape(&inputs).unwrap_err();
            assert!(found.contains(expected), "{found}");
        }
    }
}
