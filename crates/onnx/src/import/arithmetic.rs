//! Functions of two values and of single ones.

use sapwood_graph::{Binary, Op, Unary};

use super::{
    affine,
    call::Call,
    curves, fold,
    making::Making,
    norms,
    refusal::Refusal,
    truths,
    value::{Data, Stored, Value},
};
use crate::decimal;

/// An operation with the layers and activations that it is the end of.
fn push(making: &mut Making<'_>, op: Op, a: Data, b: Data) -> Result<Data, Refusal> {
    if let Some((activation, x)) = curves::whole(making, op, a.node, b.node) {
        let x = making.at(x);
        return making.push(Op::Activation(activation), &[x]);
    }
    making.push(op, &[a, b])
}

pub(super) fn add<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    if let Some(found) = affine::arithmetic(call) {
        return found;
    }
    if call.is_constant() {
        return fold::arithmetic(making, call);
    }
    let found = match [call.input(0), call.input(1)] {
        [Value::Data(x), Value::Stored(stored)] => Some((*x, stored)),
        [Value::Stored(stored), Value::Data(x)] => Some((*x, stored)),
        _ => None,
    };
    if let Some((x, stored)) = found {
        let learnt = stored.is_learnt() && stored.name.ends_with(".embedding");
        if let (4, Some(&[c, h, w])) = (x.dims.rank(), x.dims.example())
            && learnt
            && stored.shape == [c, h, w]
        {
            let params = vec![("embedding", stored.clone())];
            return making
                .layer((call.node.name, "position"), Op::Position([c, h, w]), x, params)
                .map(Value::from);
        }
        if is_bias(making, stored, x) && making.bias(x, stored) {
            return Ok(x.into());
        }
        if let Some(layer) = norms::whole(making, call, x, stored)? {
            return Ok(layer.into());
        }
    }
    let (a, b) = (making.any(call, 0)?, making.any(call, 1)?);
    push(making, Op::Add, a, b).map(Value::from)
}

/// Whether a constant has a value for each output of the layer that made a value.
fn is_bias(making: &Making<'_>, stored: &Stored<'_>, x: Data) -> bool {
    let rank = x.dims.rank();
    let behind = match making.nodes[x.node].op {
        Op::Conv(spec) => spec.spatial,
        Op::Linear { .. } => 0,
        _ => return false,
    };
    let (channels, lead) = (x.dims.sizes()[rank - 1 - behind], stored.shape.len().checked_sub(behind + 1));
    let alike = lead.is_some_and(|lead| {
        stored.shape.iter().enumerate().all(|(at, size)| *size == if at == lead { channels } else { 1 })
    });
    alike && stored.shape.len() <= rank && stored.viewed(vec![channels]).is_some()
}

pub(super) fn multiply<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    if let Some(found) = affine::arithmetic(call) {
        return found;
    }
    if call.is_constant() {
        return fold::arithmetic(making, call);
    }
    let (a, b) = (making.any(call, 0)?, making.any(call, 1)?);
    // Squeeze and excitation: a factor for each channel of each example.
    let gate = |gate: Data, x: Data| match (x.dims.example(), gate.dims.example()) {
        (Some([c, _, _]), Some([d, 1, 1])) => c == d,
        _ => false,
    };
    let pair = match (gate(b, a), gate(a, b)) {
        (true, _) => Some((a, b)),
        (_, true) => Some((b, a)),
        _ => None,
    };
    let op = Op::Binary(Binary::Mul);
    match pair.filter(|_| curves::whole(making, op, a.node, b.node).is_none()) {
        Some((x, factors)) => {
            let factors =
                making.without_implicit(factors, |dims| Op::Scale.shape(&[x.dims, *dims]).is_ok())?;
            making.push(Op::Scale, &[x, factors]).map(Value::from)
        }
        None => push(making, op, a, b).map(Value::from),
    }
}

/// A function of two values.
pub(super) fn binary<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    if call.inputs.len() < 2 && matches!(call.node.op, "Sub" | "Div" | "Pow") {
        return Err(Refusal::Damaged("it lacks input 2".into()));
    }
    match call.inputs[..] {
        // The largest of one is that one.
        [ref one] if call.is_constant() => return Ok(one.clone()),
        [_, _] if call.is_constant() => return fold::arithmetic(making, call),
        _ => {}
    }
    let op = match call.node.op {
        "Sub" => Op::Binary(Binary::Sub),
        "Div" => Op::Binary(Binary::Div),
        "Pow" => Op::Binary(Binary::Pow),
        "Max" => Op::Binary(Binary::Max),
        "Min" => Op::Binary(Binary::Min),
        "Sum" | "Mean" => Op::Add,
        _ => return Err(Refusal::Unheard),
    };
    // The end of all numbers changes none, and no layer could hold it.
    let neutral = match op {
        Op::Binary(Binary::Max) => Some(f32::NEG_INFINITY),
        Op::Binary(Binary::Min) => Some(f32::INFINITY),
        _ => None,
    };
    let is_neutral = |value: &Value<'a>| match value {
        Value::Stored(stored) => neutral.is_some() && stored.scalar().ok().flatten() == neutral,
        _ => false,
    };
    let first = (0..call.inputs.len()).find(|at| !is_neutral(call.input(*at))).unwrap_or(0);
    let mut found = making.any(call, first)?;
    for at in (first + 1..call.inputs.len()).filter(|at| !is_neutral(call.input(*at))) {
        // An exponent may be an integer.
        let next = match (op, call.input(at)) {
            (Op::Binary(Binary::Pow), Value::Numbers(numbers)) => match numbers.all[..] {
                [super::value::Size::Number(exponent)] => making.scalar(exponent as f32)?,
                _ => making.any(call, at)?,
            },
            _ => making.any(call, at)?,
        };
        found = push(making, op, found, next)?;
    }
    if call.node.op == "Mean" {
        let count = making.scalar(call.inputs.len() as f32)?;
        found = making.push(Op::Binary(Binary::Div), &[found, count])?;
    }
    Ok(found.into())
}

/// What is computed of constants only.
pub(super) fn of_constants<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    if let Some(found) = truths::compare(call) {
        return found;
    }
    match call.is_constant() {
        true if call.inputs.len() == 1 => fold::unary(making, call),
        true => fold::arithmetic(making, call),
        false if call.follows() => Err(Refusal::Follows),
        false => Err(Refusal::Unheard),
    }
}

/// A function of single values.
pub(super) fn unary<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    if call.is_constant() && call.node.op != "Erf" {
        return fold::unary(making, call);
    }
    let function = match call.node.op {
        "Neg" => Unary::Neg,
        "Abs" => Unary::Abs,
        "Exp" => Unary::Exp,
        "Log" => Unary::Log,
        "Sqrt" => Unary::Sqrt,
        "Reciprocal" => Unary::Reciprocal,
        "Erf" => Unary::Erf,
        "Floor" => Unary::Floor,
        "Ceil" => Unary::Ceil,
        "Sin" => Unary::Sin,
        "Cos" => Unary::Cos,
        _ => return Err(Refusal::Unheard),
    };
    let x = making.any(call, 0)?;
    making.push(Op::Unary(function), &[x]).map(Value::from)
}

/// `x / (1 + |x|)`
pub(super) fn softsign<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let x = call.data(0)?;
    let (size, one) = (making.push(Op::Unary(Unary::Abs), &[x])?, making.scalar(1.0)?);
    let below = making.push(Op::Add, &[size, one])?;
    making.push(Op::Binary(Binary::Div), &[x, below]).map(Value::from)
}

/// Values over a figure of a dimension: over the sum of sizes, or the root of that of squares.
pub(super) fn over_norm<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    call.only("p", 2)?;
    let at = call.integer("axis", -1)?;
    let x = call.data(0)?;
    let axes = sapwood_graph::Ranked::new(&[call.axis(at, x.dims.rank())?]).ok_or(Refusal::Unheard)?;
    let norm = making.push(Op::Reduce { to: sapwood_graph::Reduction::L2, axes, keep: true }, &[x])?;
    // Zeros stay zeros, and no other norm in f32 is so small.
    let least = making.scalar(f32::MIN_POSITIVE)?;
    let norm = making.push(Op::Binary(Binary::Max), &[norm, least])?;
    making.push(Op::Binary(Binary::Div), &[x, norm]).map(Value::from)
}

/// A number in f32 as a decimal of f64.
pub(super) fn factor(value: f32) -> sapwood_graph::Factor {
    sapwood_graph::Factor(decimal(value.clamp(f32::MIN, f32::MAX)))
}
