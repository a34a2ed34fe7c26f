//! What changes the form of a value and not its numbers.

use super::{
    call::{Call, Refusal},
    making::Making,
    numbers,
    value::{Data, Numbers, Size, Stored, Value},
};
use crate::{Note, proto::data_type};

/// What passes its input on.
pub(super) fn identity<'a>(_: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    passed(call)
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
    ["ratio", "seed", "is_test"].into_iter().for_each(|name| call.ignore(name));
    if let Value::Stored(stored) = call.input(2)
        && stored.tensor.integers()?.contains(&1)
    {
        making.note(Note::Dropout);
    }
    passed(call)
}

pub(super) fn cast<'a>(_: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let to = call.integer("to", 0)?;
    call.ignore("saturate");
    match (call.input(0), to) {
        (Value::Data(_), data_type::FLOAT) | (Value::Numbers(_), data_type::INT64 | data_type::INT32) => {
            passed(call)
        }
        (Value::Stored(stored), data_type::FLOAT) if stored.tensor.is_float() => passed(call),
        (Value::Stored(stored), data_type::INT64 | data_type::INT32) if !stored.tensor.is_float() => {
            passed(call)
        }
        (Value::Unknown, _) => Err(Refusal::Follows),
        _ => Err(Refusal::Cannot(format!("to type {to}"))),
    }
}

pub(super) fn constant<'a>(_: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    if let Some(tensor) = call.tensor("value")? {
        return match tensor.external {
            Some(file) => Err(Refusal::Damaged(format!("its value lies in another file, `{file}`"))),
            None => Ok(Value::Stored(Stored::new(tensor)?)),
        };
    }
    if let Some(all) = call.integers("value_ints")? {
        return Ok(Value::Numbers(Numbers::row(all.into_iter().map(Size::Number).collect())));
    }
    match call.has("value_int") {
        true => {
            let all = vec![Size::Number(call.integer("value_int", 0)?)];
            Ok(Value::Numbers(Numbers { all, rank: 0 }))
        }
        false => Err(Refusal::Cannot("of such a value".into())),
    }
}

pub(super) fn transpose<'a>(_: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let order = call.integers("perm")?;
    match call.input(0) {
        Value::Stored(stored)
            if stored.shape.len() == 2 && order.as_deref().is_none_or(|order| order == [1, 0]) =>
        {
            Ok(Value::Stored(stored.clone().transpose()))
        }
        Value::Stored(_) => Err(Refusal::Cannot(format!("of weights by {:?}", order.unwrap_or_default()))),
        _ => {
            call.data(0)?;
            Err(Refusal::Unheard)
        }
    }
}

pub(super) fn flatten<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let axis = call.integer("axis", 1)?;
    let x = call.data(0)?;
    let axis = if axis < 0 { axis.saturating_add(x.rank as i64) } else { axis };
    match axis {
        1 => making.flatten(call.node.name, x).map(Value::from),
        // Everything behind the channels has one value.
        _ if usize::try_from(axis) == Ok(x.rank) && x.shape[1..] == [1, 1] => {
            Ok(Data { rank: 2, ..x }.into())
        }
        axis => Err(Refusal::Cannot(format!("from axis {axis}"))),
    }
}

pub(super) fn reshape<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let keeps_zero = call.integer("allowzero", 0)? != 0;
    let target = match call.integers("shape")? {
        Some(shape) => Numbers::row(shape.into_iter().map(Size::Number).collect()),
        None => call.numbers(1)?.ok_or_else(|| Refusal::Damaged("it lacks its shape".into()))?,
    };
    if let Value::Stored(stored) = call.input(0) {
        let shape = resolve(&stored.shape, &target.plain()?, keeps_zero);
        return match shape.filter(|shape| *shape == stored.shape || !stored.transposed) {
            Some(shape) => Ok(Value::Stored(Stored { shape, ..stored.clone() })),
            None => Err(Refusal::Cannot(format!("of weights to {:?}", target.plain()?))),
        };
    }
    if numbers::are_all(call) {
        let numbers = numbers::of(call.input(0))?;
        return Ok(Value::Numbers(Numbers { rank: target.all.len().min(1), ..numbers }));
    }
    let x = call.data(0)?;
    let cannot = || {
        let said = target.all.iter().map(|size| match size {
            Size::Number(number) => number.to_string(),
            Size::Batch => "N".into(),
        });
        Refusal::Cannot(format!("to [{}]", said.collect::<Vec<_>>().join(", ")))
    };
    let (first, rest) = target.all.split_first().ok_or_else(cannot)?;
    let rest = Numbers::row(rest.to_vec()).plain()?;
    let from: Vec<usize> = x.shape[..x.rank - 1].to_vec();
    // A number in the place of the batch is that of the example with which the file was written; a free one
    // is the batch if the rest says all of an example.
    let free = *first == Size::Number(-1);
    if free && (rest.contains(&-1) || rest.contains(&0)) || *first == Size::Number(0) && keeps_zero {
        return Err(cannot());
    }
    let to = resolve(&from, &rest, keeps_zero).ok_or_else(cannot)?;
    match to[..] {
        [_] if x.rank == 2 => Ok(x.into()),
        [_] => making.flatten(call.node.name, x).map(Value::from),
        [c, h, w] if [c, h, w] == x.shape => Ok(Data { rank: 4, ..x }.into()),
        _ => Err(cannot()),
    }
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
    let is_all = to.iter().product::<usize>() == all;
    (free.next().is_none() && is_all).then_some(to)
}

/// Dimensions of size 1 that come or go.
pub(super) fn squeeze<'a>(_: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let axes = call.either("axes", 1)?;
    let comes = call.node.op == "Unsqueeze";
    let places = |rank: i64| {
        let mut places: Vec<i64> =
            axes.iter().flatten().map(|axis| if *axis < 0 { axis + rank } else { *axis }).collect();
        places.sort_unstable();
        places
    };
    match call.input(0) {
        Value::Data(x) if x.shape[1..] == [1, 1] && places(4) == [2, 3] && comes == (x.rank == 2) => {
            Ok(Data { rank: if comes { 4 } else { 2 }, ..*x }.into())
        }
        Value::Data(_) => Err(Refusal::Cannot(format!("of {:?}", axes.unwrap_or_default()))),
        Value::Stored(stored) if stored.tensor.is_float() && !stored.transposed => {
            let mut shape = stored.shape.clone();
            let rank = shape.len() + if comes { places(0).len() } else { 0 };
            for at in places(rank as i64) {
                let at = usize::try_from(at)
                    .ok()
                    .filter(|at| *at < rank && *at < shape.len() + usize::from(comes));
                match (at, comes) {
                    (Some(at), true) => shape.insert(at, 1),
                    (Some(at), false) if shape[at] == 1 => shape[at] = 0,
                    _ => return Err(Refusal::Damaged(format!("{axes:?} are no such dimensions"))),
                }
            }
            shape.retain(|size| comes || *size != 0);
            Ok(Value::Stored(Stored { shape, ..stored.clone() }))
        }
        value => {
            let numbers = numbers::of(value)?;
            match (comes, numbers.rank, numbers.all.len()) {
                (true, 0, _) => Ok(Value::Numbers(Numbers { rank: 1, ..numbers })),
                (false, 1, 1) => Ok(Value::Numbers(Numbers { rank: 0, ..numbers })),
                _ => Err(Refusal::Cannot("of a row of integers".into())),
            }
        }
    }
}

/// At the end only: a network here gives what goes into it.
pub(super) fn softmax<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let axis = call.integer("axis", if call.opset < 13 { 1 } else { -1 })?;
    let x = call.data(0)?;
    let ends = call.node.outputs.first().is_some_and(|output| *output == making.output);
    match ends && (axis == 1 || axis == -1 && x.rank == 2) && x.shape[1..] == [1, 1] {
        true => {
            making.note(Note::Softmax);
            Ok(x.into())
        }
        false => Err(Refusal::Unheard),
    }
}
