//! The same values in other dimensions.

use sapwood_graph::{Dims, Op};

use super::{
    call::{Call, plain},
    known::Known,
    making::Making,
    refusal::Refusal,
    value::{Data, Size, Stored, Value},
};

/// A constant in another shape.
pub(super) fn view<'a>(stored: &Stored<'a>, shape: Vec<usize>) -> Result<Value<'a>, Refusal> {
    match stored.viewed(shape.clone()) {
        Some(stored) => Ok(Value::Stored(stored)),
        None => Ok(Known::of(&Value::Stored(stored.clone()))?.reshape(shape)?.into_value()),
    }
}

pub(super) fn dims_of(sizes: &[usize], batch: Option<usize>) -> Result<Dims, Refusal> {
    Dims::of(sizes, batch).ok_or_else(|| Refusal::Cannot(format!("to {} dimensions", sizes.len())))
}

/// A value in other dimensions. What only ONNX needs has no name.
pub(super) fn reshaped(
    making: &mut Making<'_>,
    call: &Call<'_, '_>,
    x: Data,
    dims: Dims,
) -> Result<Data, Refusal> {
    if dims == x.dims {
        return Ok(x);
    }
    let node = &making.nodes[x.node];
    if matches!(node.op, Op::Reshape(_)) && making.implicit.contains(&x.node) {
        let before = making.at(node.inputs[0]);
        if dims == before.dims {
            return Ok(before);
        }
    }
    let made = making.push(Op::Reshape(dims), &[x])?;
    if call.node.name.is_empty() {
        making.implicit.insert(made.node);
    }
    Ok(made)
}

pub(super) fn reshape<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let keeps_zero = call.integer("allowzero", 0)? != 0;
    let target = match call.integers("shape")? {
        Some(shape) => shape.into_iter().map(Size::Number).collect(),
        None => call.sizes(1)?.ok_or_else(|| Refusal::Damaged("it lacks its shape".into()))?,
    };
    let constant = |shape: &[usize]| {
        let found = resolve(shape, &plain(&target)?, keeps_zero);
        found.ok_or_else(|| Refusal::Damaged(format!("{shape:?} cannot become {}", said(&target))))
    };
    match call.input(0) {
        Value::Data(data) if data.integers => super::truths::reshaped(*data, &target),
        Value::Stored(stored) => view(stored, constant(&stored.shape)?),
        Value::Numbers(numbers) => {
            let shape = constant(&numbers.shape)?;
            Ok(call.known(0)?.reshape(shape)?.into_value())
        }
        _ => {
            let x = call.data(0)?;
            let dims = target_dims(&x.dims, &target, keeps_zero, making.fixed_batch);
            let dims = dims.ok_or_else(|| Refusal::Dims(format!("of {} to {}", x.dims, said(&target))))?;
            if x.dims.rank() > 2 && x.dims.example().is_some() && dims.example().is_some_and(|e| e.len() == 1)
            {
                return making.flatten(call.node.name, x).map(Value::from);
            }
            reshaped(making, call, x, dims).map(Value::from)
        }
    }
}

pub(super) fn said(sizes: &[Size]) -> String {
    let said = sizes.iter().map(|size| match size {
        Size::Number(number) => number.to_string(),
        Size::Batch(1) => "N".into(),
        Size::Batch(multiple) => format!("{multiple}N"),
    });
    format!("[{}]", said.collect::<Vec<_>>().join(", "))
}

/// The dimensions that a target stands for, of which the batch is one.
fn target_dims(x: &Dims, target: &[Size], keeps_zero: bool, fixed: Option<i64>) -> Option<Dims> {
    let mut sizes = Vec::with_capacity(target.len());
    let mut batch = None;
    for (at, size) in target.iter().enumerate() {
        let (size, is_batch) = match size {
            Size::Batch(multiple) => (*multiple, true),
            Size::Number(0) if !keeps_zero => (*x.sizes().get(at)? as i64, x.batch() == Some(at)),
            Size::Number(number) => (*number, false),
        };
        if is_batch && batch.replace(at).is_some() {
            return None;
        }
        sizes.push(size);
    }
    let all = i128::try_from(x.values()).ok()?;
    let free = sizes.iter().position(|size| *size == -1);
    let known = sizes
        .iter()
        .filter(|size| **size != -1)
        .try_fold(1i128, |all, size| all.checked_mul(i128::from(*size)))?;
    let rest = |all: i128| i64::try_from(all.checked_div(known)?).ok();
    if x.batch().is_some() && batch.is_none() {
        match (fixed, free) {
            (None, Some(free)) => {
                sizes[free] = rest(all)?;
                batch = Some(free);
            }
            // A file of one number of examples, or one for any number that would not run with another one than that
            // with which it was written.
            _ => {
                let examples = fixed.or_else(|| i64::try_from(known.checked_div(all)?).ok())?;
                if let Some(free) = free {
                    sizes[free] = rest(all.checked_mul(i128::from(examples))?)?;
                }
                let at = place_of_batch(&sizes, x.pieces()?, examples)?;
                sizes[at] /= examples;
                batch = Some(at);
            }
        }
    } else if let Some(free) = free {
        sizes[free] = rest(all)?;
    }
    let sizes = sizes.into_iter().map(|size| usize::try_from(size).ok()).collect::<Option<Vec<_>>>()?;
    let dims = dims_of(&sizes, batch).ok()?;
    // Once examples are mixed, numbers no longer say where each of them lies.
    let keeps = fixed.is_none() || dims.pieces() == x.pieces();
    (dims.values() == x.values() && batch.is_some() == x.batch().is_some() && keeps).then_some(dims)
}

/// Which of the sizes that a file says for this number of examples is a multiple of it: the one in front of which as
/// many values lie as before, so that those of an example stay together.
fn place_of_batch(sizes: &[i64], pieces: usize, examples: i64) -> Option<usize> {
    let before = |at: usize| sizes[..at].iter().try_fold(1i64, |product, size| product.checked_mul(*size));
    let fits = |at: &usize| {
        sizes[*at].checked_rem(examples) == Some(0)
            && before(*at).is_some_and(|before| usize::try_from(before) == Ok(pieces))
    };
    (0..sizes.len()).find(fits)
}

/// The shape that a target stands for: 0 is the old size at its place, one -1 what is left.
fn resolve(from: &[usize], target: &[i64], keeps_zero: bool) -> Option<Vec<usize>> {
    let all = from.iter().try_fold(1usize, |all, size| all.checked_mul(*size))?;
    let mut to = Vec::with_capacity(target.len());
    for (at, size) in target.iter().enumerate() {
        to.push(match size {
            -1 => 1,
            0 if !keeps_zero => *from.get(at)?,
            size => usize::try_from(*size).ok()?,
        });
    }
    let known = to.iter().try_fold(1usize, |known, size| known.checked_mul(*size))?;
    let mut free = target.iter().enumerate().filter(|(_, size)| **size == -1).map(|(at, _)| at);
    if let Some(at) = free.next() {
        to[at] = all.checked_div(known)?;
    }
    let is_all = to.iter().try_fold(1usize, |all, size| all.checked_mul(*size)) == Some(all);
    (free.next().is_none() && is_all).then_some(to)
}
