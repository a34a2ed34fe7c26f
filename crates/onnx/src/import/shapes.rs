//! What changes the form of a value and not its numbers, but for reshapes.

use sapwood_graph::{Dims, Op, Ranked};

use super::{
    call::{Call, axis, plain},
    known::Known,
    making::Making,
    refusal::Refusal,
    reshape::{dims_of, reshaped, said, view},
    value::{Data, Size, Stored, Value},
    whole::Whole,
};
use crate::{Note, proto::MOST_NUMBERS};

/// What passes its input on.
pub(super) fn identity<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    match passed(call)? {
        // A tensor that is read as a value has its place here.
        Value::Stored(stored) => Ok(Value::Stored(making.place(stored, call.node.name))),
        value => Ok(value),
    }
}

fn passed<'a>(call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    match call.input(0) {
        Value::Unknown => Err(Refusal::Follows),
        Value::Absent => Err(Refusal::Damaged("it lacks its input".into())),
        value => Ok(value.clone()),
    }
}

/// Nothing is dropped but in training, and no network here drops anything.
pub(super) fn dropout<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    call.ignore(&["ratio", "seed", "is_test"]);
    if let Value::Numbers(training) = call.input(2)
        && training.all.contains(&Size::Number(1))
    {
        making.note(Note::Dropout);
    }
    passed(call)
}

pub(super) fn constant<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let place = |making: &mut Making<'a>, stored| Value::Stored(making.place(stored, call.node.name));
    if let Some(tensor) = call.tensor("value")? {
        return match tensor_value(making, tensor)? {
            Value::Stored(stored) => Ok(place(making, stored)),
            value => Ok(value),
        };
    }
    if let Some(all) = call.integers("value_ints")? {
        return Ok(Known::sizes(vec![all.len()], all.into_iter().map(Size::Number).collect()).into_value());
    }
    if let Some(all) = call.floats("value_floats")? {
        return Ok(place(making, Stored::made("", vec![all.len()], all)));
    }
    if call.has("value_int") {
        return Ok(Known::sizes(vec![], vec![Size::Number(call.integer("value_int", 0)?)]).into_value());
    }
    match call.has("value_float") {
        true => {
            let value = call.float("value_float", 0.0)?;
            Ok(place(making, Stored::made("", vec![], vec![value])))
        }
        false => Err(Refusal::Cannot("of such a value".into())),
    }
}

/// A tensor of the file, wherever it lies.
pub(super) fn tensor_value<'a>(
    making: &Making<'a>,
    tensor: crate::proto::Tensor<'a>,
) -> Result<Value<'a>, Refusal> {
    let tensor = match tensor.external {
        Some(outside) => {
            let file = making.files.get(outside.file);
            let file = file.ok_or_else(|| Refusal::Damaged(format!("`{}` was not read", outside.file)))?;
            tensor.with_outside(file)?
        }
        None => tensor,
    };
    if let Some(whole) = Whole::of(&tensor)? {
        return Ok(Value::Whole(whole));
    }
    match tensor.is_float() {
        true => Ok(Value::Stored(Stored::new(tensor)?)),
        // No shape has such: who reads it is refused.
        false if tensor.is_of_other_type() || MOST_NUMBERS < tensor.len()? => Ok(Value::Unknown),
        false => {
            let all = tensor.integers()?.into_iter().map(Size::Number).collect();
            Ok(Known::sizes(tensor.shape, all).into_value())
        }
    }
}

pub(super) fn transpose<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let order = call.integers("perm")?;
    let order = |rank: usize| match &order {
        None => Ok((0..rank).rev().collect::<Vec<usize>>()),
        Some(order) => order.iter().map(|dim| axis(*dim, rank)).collect(),
    };
    match call.input(0) {
        Value::Stored(stored) if stored.shape.len() == 2 => match order(2)?[..] {
            [0, 1] => Ok(call.input(0).clone()),
            _ => Ok(Value::Stored(stored.clone().transpose())),
        },
        Value::Stored(_) | Value::Numbers(_) => {
            let known = call.known(0)?;
            making.afford(known.items.len())?;
            Ok(known.transpose(&order(known.shape.len())?)?.into_value())
        }
        _ => {
            let x = call.data(0)?;
            let order = order(x.dims.rank())?;
            if order.iter().copied().eq(0..order.len()) {
                return Ok(x.into());
            }
            if let Some(found) = super::norms::back_in_front(making, x, &order)? {
                return Ok(found.into());
            }
            let order = Ranked::new(&order).ok_or_else(|| Refusal::Cannot(format!("by {order:?}")))?;
            making.push(Op::Transpose { order }, &[x]).map(Value::from)
        }
    }
}

pub(super) fn flatten<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let at = call.integer("axis", 1)?;
    let x = making.any(call, 0)?;
    let at = if at < 0 { at.saturating_add(x.dims.rank() as i64) } else { at };
    let at = usize::try_from(at).ok().filter(|at| *at <= x.dims.rank());
    let at = at.ok_or_else(|| Refusal::Damaged("there is no such axis".into()))?;
    if at == 1 && x.dims.example().is_some() {
        return match x.dims.rank() == 2 && call.node.name.is_empty() {
            true => Ok(x.into()),
            false => making.flatten(call.node.name, x).map(Value::from),
        };
    }
    let product = |sizes: &[usize]| sizes.iter().product::<usize>();
    let sizes = [product(&x.dims.sizes()[..at]), product(&x.dims.sizes()[at..])];
    let dims = match x.dims.batch() {
        // Where several dimensions become one, the batch must be the first of these.
        Some(batch) => {
            let first = if batch < at { 0 } else { at };
            let leads = x.dims.sizes()[first..batch].iter().all(|size| *size == 1);
            leads.then(|| Dims::with_batch(&sizes, usize::from(at <= batch))).flatten()
        }
        None => Dims::fixed(&sizes),
    };
    let dims = dims.ok_or_else(|| Refusal::Dims(format!("of {} from axis {at}", x.dims)))?;
    reshaped(making, call, x, dims).map(Value::from)
}

/// Dimensions of size 1 that go.
pub(super) fn squeeze<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let axes = call.either("axes", 1)?;
    let left = |sizes: &[usize], batch: Option<usize>| {
        let axes = match &axes {
            Some(axes) => axes.iter().map(|at| axis(*at, sizes.len())).collect::<Result<Vec<_>, _>>()?,
            None => (0..sizes.len()).filter(|at| sizes[*at] == 1 && batch != Some(*at)).collect(),
        };
        if axes.iter().any(|at| sizes[*at] != 1 || batch == Some(*at)) {
            return Err(Refusal::Dims(format!("of {axes:?}")));
        }
        Ok((0..sizes.len()).filter(|at| !axes.contains(at)).collect::<Vec<usize>>())
    };
    let shape = |left: &[usize], sizes: &[usize]| left.iter().map(|at| sizes[*at]).collect::<Vec<usize>>();
    match call.input(0) {
        Value::Stored(stored) => {
            let shape = shape(&left(&stored.shape, None)?, &stored.shape);
            view(stored, shape)
        }
        Value::Numbers(numbers) => {
            let shape = shape(&left(&numbers.shape, None)?, &numbers.shape);
            Ok(call.known(0)?.reshape(shape)?.into_value())
        }
        _ => {
            let x = call.data(0)?;
            let (sizes, batch) = (x.dims.sizes(), x.dims.batch());
            let left = left(sizes, batch)?;
            let at = batch.and_then(|batch| left.iter().position(|dim| *dim == batch));
            let dims = dims_of(&shape(&left, sizes), at)?;
            // Like a flattening this only drops what exporters needed.
            if x.dims.rank() > 2 && dims == Dims::rows(sizes[1..].iter().product()) {
                return making.flatten("", x).map(Value::from);
            }
            reshaped(making, call, x, dims).map(Value::from)
        }
    }
}

/// Dimensions of size 1 that come.
pub(super) fn unsqueeze<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let axes = call.either("axes", 1)?.unwrap_or_default();
    let with = |sizes: &[usize], batch: Option<usize>| {
        let rank = sizes.len() + axes.len();
        let axes = axes.iter().map(|at| axis(*at, rank)).collect::<Result<Vec<_>, _>>()?;
        let mut old = sizes.iter().enumerate().peekable();
        let (mut shape, mut found) = (Vec::new(), None);
        for at in 0..rank {
            match (axes.contains(&at), old.next_if(|_| !axes.contains(&at))) {
                (false, Some((dim, size))) => {
                    shape.push(*size);
                    found = if batch == Some(dim) { Some(at) } else { found };
                }
                (true, _) => shape.push(1),
                _ => return Err(Refusal::Damaged("two of its axes are one".into())),
            }
        }
        Ok((shape, found))
    };
    match call.input(0) {
        Value::Places(places) => super::affine::unsqueezed(places, &axes),
        Value::Data(data) if data.integers => {
            let (sizes, _) = with(data.dims.sizes(), data.dims.batch())?;
            let sizes = sizes.iter().enumerate().map(|(at, size)| match data.dims.batch() == Some(at) {
                true => Size::Batch(*size as i64),
                false => Size::Number(*size as i64),
            });
            super::truths::reshaped(*data, &sizes.collect::<Vec<_>>())
        }
        Value::Stored(stored) => view(stored, with(&stored.shape, None)?.0),
        Value::Numbers(numbers) => {
            let (shape, _) = with(&numbers.shape, None)?;
            Ok(call.known(0)?.reshape(shape)?.into_value())
        }
        _ => {
            let x = call.data(0)?;
            let (shape, at) = with(x.dims.sizes(), x.dims.batch())?;
            let dims = dims_of(&shape, at)?;
            reshaped(making, call, x, dims).map(Value::from)
        }
    }
}

/// The input as often as a shape asks for.
pub(super) fn expand<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let target = call.sizes(1)?.ok_or_else(|| Refusal::Damaged("it lacks its shape".into()))?;
    if let Value::Truth(truth) = call.input(0) {
        return super::truths::expanded(truth, &target);
    }
    if call.is_constant()
        && let Ok(target) = plain(&target)
    {
        let known = call.known(0)?;
        let target = target.iter().map(|size| usize::try_from(*size).ok()).collect::<Option<Vec<_>>>();
        let shape = target.and_then(|target| super::known::joined(&known.shape, &target));
        let shape = shape.ok_or_else(|| Refusal::Damaged("its shape does not fit".into()))?;
        let len = shape.iter().try_fold(1usize, |len, size| len.checked_mul(*size)).unwrap_or(usize::MAX);
        making.afford(known.items.price(len))?;
        return Ok(known.expand(&shape)?.into_value());
    }
    let x = making.any(call, 0)?;
    let cannot = || Refusal::Dims(format!("of {} to {}", x.dims, said(&target)));
    let rank = x.dims.rank().max(target.len());
    let (mut sizes, mut batch) = (Vec::new(), None);
    for back in (1..=rank).rev() {
        let old = x.dims.rank().checked_sub(back);
        let old = old.map_or((1, false), |dim| (x.dims.sizes()[dim], x.dims.batch() == Some(dim)));
        let new = target.len().checked_sub(back).map_or(Size::Number(1), |at| target[at]);
        let found = match (old, new) {
            ((size, true), Size::Batch(multiple)) if multiple as usize == size => (size, true),
            ((size, true), Size::Number(number)) if number == 1 || Some(number) == making.fixed_batch => {
                (size, true)
            }
            ((1, false), Size::Batch(multiple)) => (multiple as usize, true),
            ((size, false), Size::Number(1)) => (size, false),
            ((1, false), Size::Number(number)) => (usize::try_from(number).map_err(|_| cannot())?, false),
            ((size, false), Size::Number(number)) if usize::try_from(number) == Ok(size) => (size, false),
            _ => return Err(cannot()),
        };
        if found.1 && batch.replace(sizes.len()).is_some() {
            return Err(cannot());
        }
        sizes.push(found.0);
    }
    let dims = dims_of(&sizes, batch)?;
    match dims == x.dims {
        true => Ok(x.into()),
        false => making.push(Op::Expand(dims), &[x]).map(Value::from),
    }
}

/// A value that is the same for every batch, once for each example.
pub(super) fn for_each_example(making: &mut Making<'_>, x: Data, like: &Dims) -> Result<Data, Refusal> {
    match (x.dims.batch(), like.batch()) {
        (None, Some(at)) if x.dims.rank() == like.rank() && x.dims.sizes()[at] == 1 => {
            let mut sizes = x.dims.sizes().to_vec();
            sizes[at] = like.sizes()[at];
            making.push(Op::Expand(dims_of(&sizes, Some(at))?), &[x])
        }
        _ => Ok(x),
    }
}
