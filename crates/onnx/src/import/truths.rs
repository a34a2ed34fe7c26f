//! Comparisons of what comes in, which are nothing but steps of what a network here says otherwise: rows of a table by
//! their numbers, written as a product with one in the place of the number; and a softplus that is its input where
//! that is large.

use sapwood_graph::{Activation, Dims, Op};

use super::{
    call::Call,
    making::Making,
    refusal::Refusal,
    value::{Asked, Data, Size, Truth, Value},
};

impl Truth {
    pub(super) fn refuse(&self) -> Refusal {
        Refusal::Cannot("of a comparison".into())
    }
}

/// Integers with another dimension behind their own.
pub(super) fn spread<'a>(x: Data, sizes: &[Size]) -> Option<Value<'a>> {
    let (last, rest) = sizes.split_last()?;
    let fits = |(at, size): (usize, &Size)| match (size, x.dims.batch() == Some(at)) {
        (Size::Batch(multiple), true) => *multiple == x.dims.sizes()[at] as i64,
        (Size::Number(-1), true) => true,
        (Size::Number(size), false) => *size == x.dims.sizes()[at] as i64 || *size == -1,
        _ => false,
    };
    let free = rest.iter().filter(|size| **size == Size::Number(-1)).count();
    let Size::Number(count) = last else { return None };
    let count = usize::try_from(*count).ok().filter(|count| 0 < *count)?;
    (rest.len() == x.dims.rank() && free < 2 && rest.iter().enumerate().all(fits))
        .then_some(Value::Truth(Truth { x, asked: Asked::Spread(count) }))
}

/// Integers in another shape: nothing but a 1 behind their own.
pub(super) fn reshaped<'a>(x: Data, sizes: &[Size]) -> Result<Value<'a>, Refusal> {
    let cannot = || Refusal::Cannot("of integers".into());
    if sizes.last() != Some(&Size::Number(1)) {
        return Err(cannot());
    }
    spread(x, sizes).ok_or_else(cannot)
}

/// As often as a shape asks for.
pub(super) fn expanded<'a>(truth: &Truth, sizes: &[Size]) -> Result<Value<'a>, Refusal> {
    let found = match truth.asked {
        Asked::Spread(1) => spread(truth.x, sizes),
        _ => None,
    };
    found.ok_or_else(|| truth.refuse())
}

/// Whether a value is one of the numbers from 0 on, or more than a number.
pub(super) fn compare<'a>(call: &Call<'a, '_>) -> Option<Result<Value<'a>, Refusal>> {
    let found = match (call.node.op, call.input(0), call.input(1)) {
        ("Equal", Value::Truth(truth), Value::Numbers(numbers))
        | ("Equal", Value::Numbers(numbers), Value::Truth(truth)) => {
            let count = numbers.all.len();
            let in_order = numbers.all.iter().enumerate().all(|(at, size)| *size == Size::Number(at as i64));
            let fits = match truth.asked {
                Asked::Spread(size) => (size == 1 || size == count) && numbers.shape.last() == Some(&count),
                _ => false,
            };
            (in_order && fits && numbers.shape.len() <= truth.x.dims.rank() + 1)
                .then_some(Asked::Which(count))
                .map(|asked| (truth.x, asked))
        }
        ("Greater", Value::Data(x), Value::Stored(stored)) if !x.integers => {
            stored.scalar().ok().flatten().map(|than| (*x, Asked::More(than)))
        }
        _ => return None,
    };
    Some(found.map(|(x, asked)| Value::Truth(Truth { x, asked })).ok_or(Refusal::Unheard))
}

/// The same as numbers.
pub(super) fn cast<'a>(truth: &Truth) -> Result<Value<'a>, Refusal> {
    match truth.asked {
        Asked::Which(count) => Ok(Value::Truth(Truth { asked: Asked::Hot(count), ..*truth })),
        Asked::Spread(_) => Ok(Value::Truth(*truth)),
        _ => Err(truth.refuse()),
    }
}

/// One in the place of each integer, and zeros.
pub(super) fn one_hot<'a>(_: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let axis = call.integer("axis", -1)?;
    let (Value::Data(x @ Data { integers: true, .. }), Some(depth), values) =
        (call.input(0), call.numbers(1)?, call.known(2)?)
    else {
        return Err(Refusal::Unheard);
    };
    let plain = values.items == super::known::Items::Floats(vec![0.0, 1.0]);
    match depth[..] {
        [count] if 0 < count && plain && (axis == -1 || axis == x.dims.rank() as i64) => {
            Ok(Value::Truth(Truth { x: *x, asked: Asked::Hot(count as usize) }))
        }
        _ => Err(Refusal::Cannot("in other places or of other values".into())),
    }
}

/// Rows of a table: a product with one in the place of each row's number.
pub(super) fn product<'a>(
    making: &mut Making<'a>,
    call: &Call<'a, '_>,
    truth: &Truth,
) -> Result<Value<'a>, Refusal> {
    let table = call.stored(1)?;
    match (truth.asked, &table.shape[..]) {
        (Asked::Hot(count), &[entries, width]) if count == entries => {
            let op = Op::Embedding { entries, width };
            making.layer((call.node.name, "embedding"), op, truth.x, vec![("weight", table)]).map(Value::from)
        }
        _ => Err(truth.refuse()),
    }
}

/// A softplus, of which the input itself is taken where that is so large that f32 has no number between the two.
pub(super) fn choose<'a>(making: &Making<'a>, call: &Call<'a, '_>) -> Option<Value<'a>> {
    let (Value::Truth(truth), Value::Data(x), Value::Data(soft)) =
        (call.input(0), call.input(1), call.input(2))
    else {
        return None;
    };
    let Asked::More(than) = truth.asked else { return None };
    let node = &making.nodes[soft.node];
    let is =
        node.op == Op::Activation(Activation::Softplus) && node.inputs == [x.node] && truth.x.node == x.node;
    (is && 17.0 < than).then_some(Value::Data(*soft))
}

/// The dimensions of the integers with what stands behind them, for who asks for their shape.
pub(super) fn dims(truth: &Truth) -> Option<Dims> {
    let behind = match truth.asked {
        Asked::Spread(count) | Asked::Which(count) | Asked::Hot(count) => count,
        Asked::More(_) => return Some(truth.x.dims),
    };
    let sizes = [truth.x.dims.sizes(), &[behind]].concat();
    Dims::with_batch(&sizes, truth.x.dims.batch()?)
}
