//! What is computed while a file is read: of constants, and of the shapes of values.

use sapwood_graph::{Dims, F16};

use super::{
    arithmetic,
    call::{Call, axis, plain},
    known::{Items, Known, cost, joined, spread, walk},
    making::Making,
    refusal::Refusal,
    value::Affine,
    value::{Data, Size, Stored, Value},
};
use crate::proto::{MOST_NUMBERS, data_type};

/// Pays for a tensor of this shape.
fn afford(making: &mut Making<'_>, shape: &[usize], integers: bool) -> Result<(), Refusal> {
    match integers && MOST_NUMBERS < cost(shape) && !shape.contains(&0) {
        true => Err(Refusal::Cannot(format!("of more than {MOST_NUMBERS} integers"))),
        false => making.afford(cost(shape)),
    }
}

/// A function of two constants, by the rules of broadcasting.
pub(super) fn arithmetic<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let (a, b) = (call.known(0)?, call.known(1)?);
    let shape = joined(&a.shape, &b.shape)
        .ok_or_else(|| Refusal::Damaged(format!("{:?} and {:?} do not fit", a.shape, b.shape)))?;
    afford(making, &shape, matches!(a.items, Items::Sizes(_)))?;
    let places =
        |known: &Known| spread(&known.shape, &shape).map(|steps| walk(&shape, &steps)).unwrap_or_default();
    let pairs = places(&a).into_iter().zip(places(&b));
    let op = match call.node.op {
        "Mod" if call.integer("fmod", 0)? != 0 => "fmod",
        op => op,
    };
    let known = match (&a.items, &b.items) {
        (Items::Sizes(a), Items::Sizes(b)) => {
            let all = pairs.map(|(i, j)| sizes(op, a[i], b[j])).collect::<Result<Vec<_>, _>>()?;
            Known::sizes(shape, all)
        }
        (Items::Floats(a), Items::Floats(b)) => {
            let one = |(i, j): (usize, usize)| floats(call.node.op, a[i], b[j]);
            match call.node.op {
                "Equal" | "Greater" | "Less" => {
                    let all = pairs.map(|pair| one(pair).map(|found| Size::Number(found as i64)));
                    Known::sizes(shape.clone(), all.collect::<Result<_, _>>()?)
                }
                _ => Known::floats(shape.clone(), pairs.map(one).collect::<Result<_, _>>()?),
            }
        }
        // An exponent may be an integer.
        (Items::Floats(a), Items::Sizes(b)) if call.node.op == "Pow" => {
            let b = plain(b)?;
            Known::floats(shape, pairs.map(|(i, j)| a[i].powf(b[j] as f32)).collect())
        }
        _ => return Err(Refusal::Damaged("it joins integers and floating point".into())),
    };
    Ok(known.into_value())
}

fn floats(op: &str, a: f32, b: f32) -> Result<f32, Refusal> {
    Ok(match op {
        "Add" | "Sum" => a + b,
        "Sub" => a - b,
        "Mul" => a * b,
        "Div" => a / b,
        "Pow" => a.powf(b),
        "Max" => a.max(b),
        "Min" => a.min(b),
        "Equal" => f32::from(a == b),
        "Greater" => f32::from(a > b),
        "Less" => f32::from(a < b),
        _ => return Err(Refusal::Unheard),
    })
}

/// Multiples of the number of examples stay what they are under what can be said of every number.
fn sizes(op: &str, a: Size, b: Size) -> Result<Size, Refusal> {
    use Size::{Batch, Number};
    let by_examples = || Refusal::Cannot("by the number of examples".into());
    let whole = |found: Option<i64>| found.ok_or_else(|| Refusal::Damaged("its result is no integer".into()));
    let multiple = |found: i64| if found == 0 { Number(0) } else { Batch(found) };
    let truth = |found: bool| Ok(Number(i64::from(found)));
    match (op, a, b) {
        ("Equal", Batch(_), Number(n)) | ("Equal", Number(n), Batch(_)) if n <= 0 => truth(false),
        ("Equal", Batch(a), Batch(b)) => truth(a == b),
        ("Greater", Batch(_), Number(n)) | ("Less", Number(n), Batch(_)) if n <= 0 => truth(true),
        ("Add", Batch(a), Batch(b)) => whole(a.checked_add(b)).map(multiple),
        ("Sub", Batch(a), Batch(b)) => whole(a.checked_sub(b)).map(multiple),
        ("Add", Batch(a), Number(0)) | ("Add", Number(0), Batch(a)) | ("Sub", Batch(a), Number(0)) => {
            Ok(Batch(a))
        }
        ("Mul", Batch(a), Number(n)) | ("Mul", Number(n), Batch(a)) => whole(a.checked_mul(n)).map(multiple),
        ("Div", Batch(a), Number(n)) if a.checked_rem(n) == Some(0) => Ok(Batch(a / n)),
        ("Div", Batch(a), Batch(b)) if a.checked_rem(b) == Some(0) => Ok(Number(a / b)),
        (_, Number(a), Number(b)) => match op {
            "Add" | "Sum" => whole(a.checked_add(b)).map(Number),
            "Sub" => whole(a.checked_sub(b)).map(Number),
            "Mul" => whole(a.checked_mul(b)).map(Number),
            "Div" => whole(a.checked_div(b)).map(Number),
            "fmod" => whole(a.checked_rem(b)).map(Number),
            // The same with the sign of what divides.
            "Mod" => whole(a.checked_rem(b)).map(|rest| match rest != 0 && (rest < 0) != (b < 0) {
                true => Number(rest + b),
                false => Number(rest),
            }),
            "Pow" => whole(u32::try_from(b).ok().and_then(|b| a.checked_pow(b))).map(Number),
            "Max" => Ok(Number(a.max(b))),
            "Min" => Ok(Number(a.min(b))),
            "Equal" => truth(a == b),
            "Greater" => truth(a > b),
            "GreaterOrEqual" => truth(a >= b),
            "Less" => truth(a < b),
            "LessOrEqual" => truth(a <= b),
            "And" => truth(a != 0 && b != 0),
            "Or" => truth(a != 0 || b != 0),
            _ => Err(Refusal::Unheard),
        },
        _ => Err(by_examples()),
    }
}

/// A function of one constant.
pub(super) fn unary<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let known = call.known(0)?;
    making.afford(known.items.len())?;
    let items = match known.items {
        Items::Floats(all) => {
            let function: fn(f32) -> f32 = match call.node.op {
                "Neg" => |x| -x,
                "Abs" => f32::abs,
                "Exp" => f32::exp,
                "Log" => f32::ln,
                "Sqrt" => f32::sqrt,
                "Reciprocal" => f32::recip,
                "Floor" => f32::floor,
                "Ceil" => f32::ceil,
                "Round" => f32::round_ties_even,
                "Sin" => f32::sin,
                "Cos" => f32::cos,
                "Tanh" => f32::tanh,
                "Sigmoid" => |x| 1.0 / (1.0 + (-x).exp()),
                "Relu" => |x| x.max(0.0),
                _ => return Err(Refusal::Cannot("of constants".into())),
            };
            Items::Floats(all.into_iter().map(function).collect())
        }
        Items::Sizes(all) => {
            let function: fn(i64) -> Option<i64> = match call.node.op {
                "Neg" => i64::checked_neg,
                "Abs" => i64::checked_abs,
                "Not" => |x| Some(i64::from(x == 0)),
                "Floor" | "Ceil" | "Round" => Some,
                _ => return Err(Refusal::Cannot("of constants".into())),
            };
            let found =
                plain(&all)?.into_iter().map(|x| function(x).map(Size::Number)).collect::<Option<_>>();
            Items::Sizes(found.ok_or_else(|| Refusal::Damaged("its result is no integer".into()))?)
        }
    };
    Ok(Known { items, ..known }.into_value())
}

/// One or the other, by a condition: of constants.
pub(super) fn choose<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    if let Some(found) = super::truths::choose(making, call) {
        return Ok(found);
    }
    if !call.is_constant() {
        if let Some((x, mask)) = mask(making, call)? {
            return arithmetic::add(making, &Call::new(call.node, vec![x, mask], call.opset));
        }
        call.inputs
            .iter()
            .try_for_each(|value| if let Value::Unknown = value { Err(Refusal::Follows) } else { Ok(()) })?;
        return Err(Refusal::Unheard);
    }
    let (condition, a, b) = (call.known(0)?, call.known(1)?, call.known(2)?);
    let shape = joined(&a.shape, &b.shape).and_then(|shape| joined(&shape, &condition.shape));
    let shape = shape.ok_or_else(|| Refusal::Damaged("its inputs do not fit".into()))?;
    afford(making, &shape, matches!(a.items, Items::Sizes(_)))?;
    let (condition, a, b) = (condition.expand(&shape)?, a.expand(&shape)?, b.expand(&shape)?);
    let Items::Sizes(chosen) = condition.items else {
        return Err(Refusal::Damaged("its condition is no truth value".into()));
    };
    let chosen = plain(&chosen)?;
    let items = match (a.items, b.items) {
        (Items::Sizes(a), Items::Sizes(b)) => Items::Sizes(
            chosen.iter().enumerate().map(|(at, is)| if *is != 0 { a[at] } else { b[at] }).collect(),
        ),
        (Items::Floats(a), Items::Floats(b)) => Items::Floats(
            chosen.iter().enumerate().map(|(at, is)| if *is != 0 { a[at] } else { b[at] }).collect(),
        ),
        _ => return Err(Refusal::Damaged("it joins integers and floating point".into())),
    };
    Ok(Known { shape, items }.into_value())
}

/// A value some places of which become minus infinity, and the mask that is added to it for that.
fn mask<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Option<(Value<'a>, Value<'a>)>, Refusal> {
    let (x, filled, chosen) = match [call.input(1), call.input(2)] {
        [_, x @ Value::Data(_)] => (x, 1, 1.0),
        [x @ Value::Data(_), _] => (x, 2, 0.0),
        _ => return Ok(None),
    };
    let (Ok(condition), Ok(filled)) = (call.known(0), call.known(filled)) else { return Ok(None) };
    let (Items::Sizes(truths), Items::Floats(filled)) = (&condition.items, &filled.items) else {
        return Ok(None);
    };
    if filled[..] != [f32::NEG_INFINITY] {
        return Ok(None);
    }
    making.afford(cost(&condition.shape))?;
    let one = |truth: &i64| if f32::from(*truth != 0) == chosen { f32::NEG_INFINITY } else { 0.0 };
    let mask = plain(truths)?.iter().map(one).collect();
    Ok(Some((x.clone(), Known::floats(condition.shape.clone(), mask).into_value())))
}

/// The dimensions of a value.
pub(super) fn shape<'a>(_: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let (start, end) = (call.integer("start", 0)?, call.integer("end", i64::MAX)?);
    let fixed = |shape: &[usize]| shape.iter().map(|size| Size::Number(*size as i64)).collect();
    let all: Vec<Size> = match call.input(0) {
        Value::Stored(stored) => fixed(&stored.shape),
        Value::Numbers(numbers) => fixed(&numbers.shape),
        Value::Data(data) => sizes_of(&data.dims),
        Value::Truth(truth) => sizes_of(&super::truths::dims(truth).ok_or_else(|| truth.refuse())?),
        _ => return call.data(0).map(Value::from),
    };
    let len = all.len() as i64;
    let bound = |at: i64| (if at < 0 { at.saturating_add(len) } else { at }).clamp(0, len) as usize;
    let row = all.get(bound(start)..bound(end)).unwrap_or_default().to_vec();
    Ok(Known::sizes(vec![row.len()], row).into_value())
}

fn sizes_of(dims: &Dims) -> Vec<Size> {
    let size = |(at, size): (usize, &usize)| match dims.batch() == Some(at) {
        true => Size::Batch(*size as i64),
        false => Size::Number(*size as i64),
    };
    dims.sizes().iter().enumerate().map(size).collect()
}

/// The number of values.
pub(super) fn size<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let Value::Numbers(found) = shape(making, call)? else { return Err(Refusal::Unheard) };
    let product = found.all.into_iter().try_fold(Size::Number(1), |all, size| sizes("Mul", all, size))?;
    Ok(Known::sizes(vec![], vec![product]).into_value())
}

/// A tensor with one value everywhere.
pub(super) fn constant_of_shape<'a>(
    making: &mut Making<'a>,
    call: &Call<'a, '_>,
) -> Result<Value<'a>, Refusal> {
    let value = call.tensor("value")?;
    let shape = call.numbers(0)?.unwrap_or_default();
    let shape = shape.iter().map(|size| usize::try_from(*size).ok()).collect::<Option<Vec<_>>>();
    let shape = shape.ok_or_else(|| Refusal::Damaged("it asks for a negative size".into()))?;
    let one = match value {
        Some(tensor) if tensor.is_float() => Known::of(&Value::Stored(Stored::new(tensor)?))?,
        Some(tensor) if tensor.is_of_other_type() => {
            return Err(Refusal::Cannot("of a type that is not read".into()));
        }
        Some(tensor) => {
            let all = tensor.integers()?.into_iter().map(Size::Number).collect();
            Known::sizes(tensor.shape.clone(), all)
        }
        None => Known::floats(vec![1], vec![0.0]),
    };
    afford(making, &shape, matches!(one.items, Items::Sizes(_)))?;
    Ok(one.reshape(vec![])?.expand(&shape)?.into_value())
}

/// Numbers at equal distances.
pub(super) fn range<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let parts = [call.known(0)?, call.known(1)?, call.known(2)?].map(|known| known.items);
    if let [Items::Sizes(start), Items::Sizes(end), Items::Sizes(step)] = &parts
        && let ([Size::Number(0)], [Size::Batch(multiple)], [Size::Number(1)]) =
            (&start[..], &end[..], &step[..])
    {
        return Ok(Value::Places(Affine::examples(*multiple)));
    }
    match &parts {
        [Items::Sizes(start), Items::Sizes(end), Items::Sizes(step)] => {
            let [start, end, step] =
                [plain(start)?, plain(end)?, plain(step)?].map(|all| all.first().copied().unwrap_or(0));
            let count = match step {
                0 => return Err(Refusal::Damaged("its step is 0".into())),
                step => {
                    (i128::from(end) - i128::from(start) + i128::from(step) - i128::from(step.signum()))
                        / i128::from(step)
                }
            };
            let count = count.clamp(0, i128::from(u32::MAX)) as usize;
            afford(making, &[count], true)?;
            let all =
                (0..count as i64).map(|at| Size::Number(start.wrapping_add(at.wrapping_mul(step)))).collect();
            Ok(Known::sizes(vec![count], all).into_value())
        }
        [Items::Floats(start), Items::Floats(end), Items::Floats(step)] => {
            let [start, end, step] = [start, end, step].map(|all| all.first().copied().unwrap_or(0.0));
            let count = ((end - start) / step).ceil().max(0.0);
            if !count.is_finite() {
                return Err(Refusal::Damaged("it has no end".into()));
            }
            afford(making, &[count as usize], false)?;
            let all: Vec<f32> = (0..count as usize).map(|at| start + at as f32 * step).collect();
            Ok(Known::floats(vec![all.len()], all).into_value())
        }
        _ => Err(Refusal::Damaged("it joins integers and floating point".into())),
    }
}

/// Another type of number.
pub(super) fn cast<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let to = call.integer("to", 0)?;
    cast_to(making, call, to)
}

/// The type of another value.
pub(super) fn cast_like<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    use data_type::{BFLOAT16, FLOAT16};
    let is_flag = |size: &Size| matches!(size, Size::Number(0 | 1));
    let to = match call.input(1) {
        // In 16 bits other values come out.
        Value::Stored(like) if [FLOAT16, BFLOAT16].contains(&like.kind) => like.kind,
        Value::Data(Data { integers: false, .. }) | Value::Stored(_) => data_type::FLOAT,
        // Truth values are kept as integers too, and are other ones of other numbers than 0 and 1.
        Value::Numbers(like) if like.all.iter().all(is_flag) => match call.known(0)?.items {
            Items::Floats(all) if all.iter().all(|value| [0.0, 1.0].contains(value)) => data_type::INT64,
            Items::Sizes(all) if all.iter().all(is_flag) => data_type::INT64,
            _ => return Err(Refusal::Cannot("to what may be truth values".into())),
        },
        Value::Data(_) | Value::Numbers(_) | Value::Places(_) => data_type::INT64,
        Value::Unknown => return Err(Refusal::Follows),
        _ => return Err(Refusal::Cannot("to such a type".into())),
    };
    cast_to(making, call, to)
}

fn cast_to<'a>(making: &mut Making<'a>, call: &Call<'a, '_>, to: i64) -> Result<Value<'a>, Refusal> {
    use data_type::{BOOL, DOUBLE, FLOAT, FLOAT16, INT32, INT64};
    call.ignore(&["saturate"]);
    match (call.input(0), to) {
        (Value::Truth(truth), FLOAT | INT32 | INT64) => super::truths::cast(truth),
        (Value::Data(data), FLOAT) if !data.integers => Ok((*data).into()),
        (Value::Data(data), INT32 | INT64) if data.integers => Ok((*data).into()),
        (Value::Stored(stored), FLOAT | DOUBLE) => Ok(Value::Stored(stored.clone().of_kind(to))),
        (Value::Stored(stored), FLOAT16) => halved(making, stored),
        (Value::Stored(stored), INT32 | INT64) => {
            afford(making, &stored.shape, true)?;
            let all = stored.floats()?.into_iter().map(|value| Size::Number(value as i64)).collect();
            Ok(Known::sizes(stored.shape.clone(), all).into_value())
        }
        (Value::Numbers(_) | Value::Places(_), INT32 | INT64) => Ok(call.input(0).clone()),
        (Value::Numbers(numbers), BOOL) => {
            let all = plain(&numbers.all)?.into_iter().map(|x| Size::Number(i64::from(x != 0))).collect();
            Ok(Known::sizes(numbers.shape.clone(), all).into_value())
        }
        (Value::Numbers(numbers), FLOAT) => {
            afford(making, &numbers.shape, true)?;
            let all = plain(&numbers.all)?.into_iter().map(|x| x as f32).collect();
            Ok(Known::floats(numbers.shape.clone(), all).into_value())
        }
        (Value::Unknown, _) => Err(Refusal::Follows),
        _ => Err(Refusal::Cannot(format!("to type {to}"))),
    }
}

/// A constant rounded to 16 bits: itself, with its name, where it fits them.
fn halved<'a>(making: &mut Making<'a>, stored: &Stored<'a>) -> Result<Value<'a>, Refusal> {
    making.afford(stored.len())?;
    let values = stored.floats()?;
    let halves: Vec<f32> = values.iter().map(|value| F16::from_f64(f64::from(*value)).to_f32()).collect();
    if halves == values {
        return Ok(Value::Stored(stored.clone().of_kind(data_type::FLOAT16)));
    }
    making.computed(&Value::Stored(stored.clone()));
    let made = Stored::made("", stored.shape.clone(), halves);
    Ok(Value::Stored(made.of_kind(data_type::FLOAT16)))
}

/// Constants one behind the other.
pub(super) fn concat<'a>(
    making: &mut Making<'a>,
    call: &Call<'a, '_>,
    at: i64,
) -> Result<Value<'a>, Refusal> {
    let parts = (0..call.inputs.len()).map(|at| call.known(at)).collect::<Result<Vec<_>, _>>()?;
    let rank = parts.first().map_or(0, |part| part.shape.len());
    let len: usize = parts.iter().map(|part| part.items.len()).sum();
    afford(making, &[len], parts.iter().any(|part| matches!(part.items, Items::Sizes(_))))?;
    Ok(Known::concat(&parts, axis(at, rank)?)?.into_value())
}

/// Some places of a dimension of a constant.
pub(super) fn gather<'a>(
    making: &mut Making<'a>,
    call: &Call<'a, '_>,
    at: i64,
) -> Result<Value<'a>, Refusal> {
    let (from, Value::Numbers(places)) = (call.known(0)?, call.input(1)) else {
        return Err(Refusal::Cannot("by what are no integers".into()));
    };
    let axis = axis(at, from.shape.len())?;
    let size = from.shape[axis] as i64;
    let index = |index: i64| {
        usize::try_from(if index < 0 { index.saturating_add(size) } else { index }).unwrap_or(usize::MAX)
    };
    let indices: Vec<usize> = plain(&places.all)?.into_iter().map(index).collect();
    let made = [&from.shape[..axis], &places.shape, &from.shape[axis + 1..]].concat();
    afford(making, &made, matches!(from.items, Items::Sizes(_)))?;
    Ok(from.gather(axis, &indices, &places.shape)?.into_value())
}

/// Parts of a constant by rows of integers, which say a place in each of its first dimensions.
pub(super) fn gather_nd<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    call.only("batch_dims", 0)?;
    let (from, places) = (call.known(0)?, call.known(1)?);
    let Items::Sizes(all) = places.items else {
        return Err(Refusal::Cannot("by what are no integers".into()));
    };
    let all = plain(&all)?;
    let absent = || Refusal::Damaged("it picks what is not there".into());
    let (depth, rows) = places.shape.split_last().filter(|(depth, _)| **depth > 0).ok_or_else(absent)?;
    let sizes = from.shape.get(..*depth).ok_or_else(absent)?;
    let count = sizes.iter().try_fold(1usize, |count, size| count.checked_mul(*size)).ok_or_else(absent)?;
    let index = |row: &[i64]| {
        row.iter().zip(sizes).try_fold(0, |index, (place, size)| {
            let place = if *place < 0 { place.saturating_add(*size as i64) } else { *place };
            usize::try_from(place).ok().filter(|place| place < size).map(|place| index * size + place)
        })
    };
    let indices = all.chunks(*depth).map(index).collect::<Option<Vec<usize>>>().ok_or_else(absent)?;
    let behind = &from.shape[*depth..];
    let [made, flat] = [indices.len(), count].map(|count| [&[count][..], behind].concat());
    afford(making, &made, matches!(from.items, Items::Sizes(_)))?;
    Ok(from.reshape(flat)?.gather(0, &indices, rows)?.into_value())
}
