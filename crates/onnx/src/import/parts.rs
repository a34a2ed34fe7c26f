//! Parts of values, and values of parts.

use sapwood_graph::{Dims, Op, Ranked, Slice};

use super::{
    call::{Call, axis},
    fold,
    known::cost,
    making::Making,
    refusal::Refusal,
    shapes::for_each_example,
    value::{Data, Numbers, Size, Value},
    windows::number,
};
use crate::proto::MOST_NUMBERS;

/// Values one behind the other.
pub(super) fn concat<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let at = call.integer("axis", 0)?;
    if call.is_constant() {
        return fold::concat(making, call, at);
    }
    let mut inputs = Vec::new();
    for input in 0..call.inputs.len() {
        inputs.push(making.any(call, input)?);
    }
    let like =
        inputs.iter().find(|data| data.dims.batch().is_some()).or(inputs.first()).map(|data| data.dims);
    let like = like.ok_or_else(|| Refusal::Damaged("it joins nothing".into()))?;
    for data in &mut inputs {
        *data = for_each_example(making, *data, &like)?;
    }
    let axis = axis(at, like.rank())?;
    making.push(Op::Concat { axis }, &inputs).map(Value::from)
}

/// Places of a dimension: all of it is no operation.
fn sliced(making: &mut Making<'_>, x: Data, slice: Slice) -> Result<Data, Refusal> {
    let whole = slice.start == 0 && slice.step == 1 && x.dims.sizes().get(slice.axis) == Some(&slice.length);
    match whole {
        true => Ok(x),
        false => making.push(Op::Slice(slice), &[x]),
    }
}

/// Some places of a dimension in any order: rows of equal steps, one behind the other.
fn picked(making: &mut Making<'_>, x: Data, axis: usize, places: &[usize]) -> Result<Data, Refusal> {
    let mut parts = Vec::new();
    let mut rest = places;
    while let Some((start, more)) = rest.split_first() {
        let step = more.first().and_then(|next| next.checked_sub(*start)).filter(|step| 0 < *step);
        let length = match step {
            Some(step) => {
                1 + more
                    .iter()
                    .enumerate()
                    .take_while(|(at, place)| **place == start + (at + 1) * step)
                    .count()
            }
            None => 1,
        };
        parts.push(sliced(making, x, Slice { axis, start: *start, length, step: step.unwrap_or(1) })?);
        rest = &rest[length..];
    }
    match parts[..] {
        [] => Err(Refusal::Cannot("of nothing".into())),
        [one] => Ok(one),
        _ => making.push(Op::Concat { axis }, &parts),
    }
}

/// Some places of dimensions, from bounds that may lie outside or count from the end.
pub(super) fn slice<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let lacks = || Refusal::Damaged("it lacks its bounds".into());
    let starts = call.either("starts", 1)?.ok_or_else(lacks)?;
    let ends = call.either("ends", 2)?.ok_or_else(lacks)?;
    let axes = call.either("axes", 3)?;
    let steps = call.numbers(4)?;
    let axes = axes.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let says_steps = steps.is_some();
    let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()].iter().any(|len| *len != starts.len()) {
        return Err(Refusal::Damaged("its bounds are of different lengths".into()));
    }
    let bounds = |at: usize, size: usize| {
        let size = size as i64;
        let from_end = |bound: i64| if bound < 0 { bound.saturating_add(size) } else { bound };
        match steps[at] {
            1.. => (from_end(starts[at]).clamp(0, size), from_end(ends[at]).clamp(0, size)),
            // Nothing has no last place.
            _ => (from_end(starts[at]).max(0).min(size - 1), from_end(ends[at]).clamp(-1, size - 1)),
        }
    };
    let places = |at: usize, size: usize| {
        let ((start, end), step) = (bounds(at, size), steps[at].unsigned_abs().max(1) as usize);
        let places: Vec<usize> = match steps[at] {
            1.. => (start..end).step_by(step).map(|place| place as usize).collect(),
            _ => (end + 1..=start).rev().step_by(step).map(|place| place as usize).collect(),
        };
        places
    };
    if steps.contains(&0) {
        return Err(Refusal::Damaged("its step is 0".into()));
    }
    if call.is_constant() {
        let mut known = call.known(0)?;
        making.afford(cost(&known.shape))?;
        if known.shape.len() < axes.len() {
            let (bounds, rank) = (axes.len(), known.shape.len());
            return Err(Refusal::Damaged(format!(
                "it bounds {bounds} dimensions of a constant that has {rank}"
            )));
        }
        for (at, dim) in axes.iter().enumerate() {
            let axis = axis(*dim, known.shape.len())?;
            let places = places(at, known.shape[axis]);
            known = known.gather(axis, &places, &[places.len()])?;
        }
        return Ok(known.into_value());
    }
    let mut x = making.any(call, 0)?;
    // Every n-th pixel, as a shortcut without parameters is written.
    if let (Some(&[c, h, w]), 4, &[0, 0], &[2, 3], &[a, b]) =
        (x.dims.example(), x.dims.rank(), &starts[..], &axes[..], &steps[..])
        && says_steps
        && a == b
        && a > 0
        && ends.iter().zip([h, w]).all(|(end, size)| size as i64 <= *end)
    {
        return making
            .push(Op::Subsample { stride: super::windows::number(a)?, channels: c }, &[x])
            .map(Value::from);
    }
    for (at, dim) in axes.iter().enumerate() {
        let axis = axis(*dim, x.dims.rank())?;
        if x.dims.batch() == Some(axis) {
            // All examples, whatever their number.
            let most = making
                .fixed_batch
                .map_or(super::windows::MOST, |batch| batch.saturating_mul(x.dims.sizes()[axis] as i64));
            match (starts[at], steps[at]) {
                (0, 1) if most <= ends[at] => continue,
                _ => return Err(Refusal::Dims("of some examples".into())),
            }
        }
        let size = x.dims.sizes()[axis];
        x = match steps[at] {
            1.. => {
                let (start, end) = bounds(at, size);
                let step = super::windows::number(steps[at])?;
                let length = usize::try_from(end - start).unwrap_or(0).div_ceil(step);
                match length {
                    0 => return Err(Refusal::Cannot("of nothing".into())),
                    _ => sliced(making, x, Slice { axis, start: start as usize, length, step })?,
                }
            }
            _ if MOST_NUMBERS < size => return Err(Refusal::Cannot(format!("backwards of {size} places"))),
            _ => picked(making, x, axis, &places(at, size))?,
        };
    }
    Ok(x.into())
}

/// The most parts that are made of a dimension without a length for each.
const MOST_PARTS: usize = 256;

/// Parts of a dimension, one for each output.
pub(super) fn split<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Vec<Value<'a>>, Refusal> {
    let parts = call.integer("num_outputs", call.node.outputs.len() as i64)?;
    let said = call.either("split", 1)?;
    let found = cut(making, call, |size| match said {
        Some(said) => said.iter().map(|length| number(*length)).collect(),
        None => {
            let parts = usize::try_from(parts).ok().filter(|parts| (1..=MOST_PARTS).contains(parts));
            let parts = parts.ok_or_else(|| Refusal::Damaged("it has no parts".into()))?;
            let each = size.div_ceil(parts);
            Ok((0..parts).map(|part| each.min(size.saturating_sub(part * each))).collect())
        }
    })?;
    match found.len() < call.node.outputs.len() {
        true => Err(Refusal::Damaged(format!("it makes {} parts", found.len()))),
        false => Ok(found),
    }
}

/// The same in one value: parts of one length, or of one for each.
pub(super) fn sequence<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    // It is about parts whose lengths are not said.
    call.ignore(&["keepdims"]);
    let lacks = || Refusal::Cannot("without the lengths of its parts".into());
    let said = call.numbers(1)?.ok_or_else(lacks)?;
    let is_one = matches!(call.input(1), Value::Numbers(numbers) if numbers.shape.is_empty());
    let found = cut(making, call, |size| {
        let lengths = said.iter().map(|length| number(*length)).collect::<Result<Vec<usize>, _>>()?;
        match lengths.first().copied().filter(|_| is_one) {
            None => Ok(lengths),
            Some(each) if each > 0 && size.div_ceil(each) <= MOST_PARTS => {
                Ok((0..size.div_ceil(each)).map(|part| each.min(size - part * each)).collect())
            }
            Some(each) => Err(Refusal::Cannot(format!("of {size} places into parts of {each}"))),
        }
    });
    found.map(Value::Sequence)
}

/// A value of a sequence, by its place.
pub(super) fn of_sequence<'a>(_: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let (Value::Sequence(values), false) = (call.input(0), call.follows()) else {
        return Err(if call.follows() { Refusal::Follows } else { Refusal::Unheard });
    };
    let absent = || Refusal::Damaged("it picks what is not there".into());
    let place = call.numbers(1)?.and_then(|places| places.first().copied()).ok_or_else(absent)?;
    let place = if place < 0 { place.saturating_add(values.len() as i64) } else { place };
    usize::try_from(place).ok().and_then(|place| values.get(place)).cloned().ok_or_else(absent)
}

/// The first input in parts along its axis, whose lengths follow from its size.
fn cut<'a>(
    making: &mut Making<'a>,
    call: &Call<'a, '_>,
    lengths: impl FnOnce(usize) -> Result<Vec<usize>, Refusal>,
) -> Result<Vec<Value<'a>>, Refusal> {
    let at = call.integer("axis", 0)?;
    let parts = |size: usize| -> Result<Vec<(usize, usize)>, Refusal> {
        let lengths = lengths(size)?;
        if lengths.iter().sum::<usize>() != size {
            return Err(Refusal::Damaged(format!("its parts are {lengths:?} of {size}")));
        }
        let starts = lengths.iter().scan(0, |end, length| {
            let start = *end;
            *end += length;
            Some(start)
        });
        Ok(starts.zip(lengths.iter().copied()).collect())
    };
    if call.is_constant() {
        let known = call.known(0)?;
        let axis = axis(at, known.shape.len())?;
        let mut found = Vec::new();
        for (start, length) in parts(known.shape[axis])? {
            making.afford(cost(&known.shape))?;
            let places: Vec<usize> = (start..start + length).collect();
            found.push(known.gather(axis, &places, &[length])?.into_value());
        }
        return Ok(found);
    }
    let x = call.data(0)?;
    let axis = axis(at, x.dims.rank())?;
    let mut found = Vec::new();
    for (part, (start, length)) in parts(x.dims.sizes()[axis])?.into_iter().enumerate() {
        // What nobody reads may be of no length.
        let is_left_out =
            call.node.op == "Split" && call.node.outputs.get(part).is_some_and(|name| name.is_empty());
        found.push(match is_left_out {
            true => Value::Absent,
            false => sliced(making, x, Slice { axis, start, length, step: 1 })?.into(),
        });
    }
    Ok(found)
}

/// Places of a dimension by their numbers, or rows of a table by integers that come in.
pub(super) fn gather<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    if let (Value::Stored(_), Value::Data(Data { integers: true, .. })) = (call.input(0), call.input(1)) {
        return super::layers::embedding(making, call);
    }
    let at = call.integer("axis", 0)?;
    if call.is_constant() {
        return fold::gather(making, call, at);
    }
    let x = call.data(0)?;
    let Value::Numbers(Numbers { shape, all }) = call.input(1) else {
        return match call.input(1) {
            Value::Places(places) => super::affine::gathered(making, x, places),
            Value::Unknown => Err(Refusal::Follows),
            _ => Err(Refusal::Cannot("by what is computed".into())),
        };
    };
    let axis = axis(at, x.dims.rank())?;
    let size = x.dims.sizes()[axis];
    if x.dims.batch() == Some(axis) {
        // In a file of one example the first is all of them.
        return match (&all[..], shape.len()) {
            ([Size::Number(0 | -1)], 1) if making.fixed_batch == Some(1) && size == 1 => Ok(x.into()),
            _ => Err(Refusal::Dims("of some examples".into())),
        };
    }
    let place = |place: &Size| match place {
        Size::Number(at) => {
            usize::try_from(if *at < 0 { at + size as i64 } else { *at }).ok().filter(|at| *at < size)
        }
        Size::Batch(_) => None,
    };
    let places = all.iter().map(place).collect::<Option<Vec<_>>>();
    let places = places.ok_or_else(|| Refusal::Damaged("it picks what is not there".into()))?;
    let found = picked(making, x, axis, &places)?;
    if shape.len() == 1 {
        return Ok(found.into());
    }
    let sizes = [&found.dims.sizes()[..axis], shape, &found.dims.sizes()[axis + 1..]].concat();
    let batch = found.dims.batch().map(|at| if at < axis { at } else { at + shape.len() - 1 });
    let dims = Dims::of(&sizes, batch);
    let dims = dims.ok_or_else(|| Refusal::Cannot(format!("of {} dimensions", sizes.len())))?;
    making.push(Op::Reshape(dims), &[found]).map(Value::from)
}

/// A value several times behind itself.
pub(super) fn tile<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let repeats = call.numbers(1)?.unwrap_or_default();
    if call.is_constant() {
        let mut known = call.known(0)?;
        for (dim, times) in repeats.iter().enumerate().filter(|(_, times)| **times != 1) {
            let times = super::windows::number(*times)?;
            making.afford(known.items.price(cost(&known.shape).saturating_mul(times)))?;
            if known.shape.len() <= dim {
                return Err(Refusal::Damaged("it repeats what is not there".into()));
            }
            let places: Vec<usize> = (0..times).flat_map(|_| 0..known.shape[dim]).collect();
            known = known.gather(dim, &places, &[places.len()])?;
        }
        return Ok(known.into_value());
    }
    let mut x = call.data(0)?;
    for (axis, times) in repeats.iter().enumerate().filter(|(_, times)| **times != 1) {
        match usize::try_from(*times) {
            Ok(times @ 2..=64) => x = making.push(Op::Concat { axis }, &vec![x; times])?,
            _ => return Err(Refusal::Cannot(format!("by {repeats:?}"))),
        }
    }
    Ok(x.into())
}

/// Channels for pixels, or pixels for channels: blocks of values in another order.
pub(super) fn depth_and_space<'a>(
    making: &mut Making<'a>,
    call: &Call<'a, '_>,
) -> Result<Value<'a>, Refusal> {
    let block = super::windows::number(call.integer("blocksize", 1)?)?.max(1);
    let mode = call.text("mode", "DCR")?;
    let x = call.data(0)?;
    let (Some(&[c, h, w]), true) = (x.dims.example(), x.dims.rank() == 4) else {
        return Err(Refusal::Cannot(format!("of {}", x.dims)));
    };
    let (cut, order, to): ([usize; 5], [usize; 6], [usize; 3]) = match (call.node.op, mode) {
        ("SpaceToDepth", _) => {
            let (down, right) = (h / block, w / block);
            ([c, down, block, right, block], [0, 3, 5, 1, 2, 4], [c * block * block, down, right])
        }
        (_, mode) => {
            let rest = c / (block * block);
            let to = [rest, h * block, w * block];
            match mode {
                "DCR" => ([block, block, rest, h, w], [0, 3, 4, 1, 5, 2], to),
                "CRD" => ([rest, block, block, h, w], [0, 1, 4, 2, 5, 3], to),
                other => return Err(Refusal::Damaged(format!("there is no mode `{other}`"))),
            }
        }
    };
    let order = Ranked::new(&order).ok_or(Refusal::Unheard)?;
    let dims = |example: &[usize]| Dims::batch_of(example).ok_or(Refusal::Unheard);
    let cut = making.push(Op::Reshape(dims(&cut)?), &[x])?;
    let turned = making.push(Op::Transpose { order }, &[cut])?;
    making.push(Op::Reshape(dims(&to)?), &[turned]).map(Value::from)
}
