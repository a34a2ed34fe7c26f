//! Sums, products and curves.

use sapwood_graph::{Activation, Op};

use super::{
    call::{Call, Refusal},
    gelu::{Kind, Part, Step, product, scaled},
    making::Making,
    numbers,
    value::{Data, Stored, Value},
};

/// A value that depends on the input, alone or in the formula of a GELU.
fn part(value: &Value<'_>) -> Option<(Data, Option<Kind>)> {
    match value {
        Value::Data(data) => Some((*data, None)),
        Value::Gelu(part) => Some((part.x, Some(part.kind))),
        _ => None,
    }
}

/// A value with a constant, whichever comes first.
fn with_constant<'c, 'a>(call: &'c Call<'a, '_>) -> Option<(&'c Value<'a>, &'c Stored<'a>, usize)> {
    match [call.input(0), call.input(1)] {
        [value, Value::Stored(stored)] => Some((value, stored, 0)),
        [Value::Stored(stored), value] => Some((value, stored, 1)),
        _ => None,
    }
}

/// The next step of a formula, or the activation that it was.
fn step<'a>(making: &mut Making<'a>, call: &Call<'a, '_>, x: Data, step: Step) -> Result<Value<'a>, Refusal> {
    match step {
        Step::Part(kind) => {
            let operation = match kind {
                Kind::Erf => call.node.op.to_string(),
                _ => format!("{} by a constant", call.node.op),
            };
            Ok(Value::Gelu(Part { kind, x, operation, node: call.node.called() }))
        }
        Step::Whole(activation) => activate(making, activation, x),
    }
}

fn activate<'a>(making: &mut Making<'a>, activation: Activation, x: Data) -> Result<Value<'a>, Refusal> {
    let made = making.push(activation.name(), Op::Activation(activation), &[x])?;
    Ok(Data { rank: x.rank, ..made }.into())
}

pub(super) fn add<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    if numbers::are_all(call) {
        return numbers::arithmetic(call);
    }
    if let Some((value, stored, at)) = with_constant(call) {
        return match part(value) {
            Some((x, Some(Kind::Erf))) if stored.scalar()? == Some(1.0) => {
                step(making, call, x, Step::Part(Kind::PlusOne))
            }
            Some((x, None)) if is_bias(stored, x) && making.bias(x, call.node.inputs[at], stored) => {
                Ok(x.into())
            }
            _ => {
                call.data(at)?;
                Err(Refusal::Cannot("of a constant".into()))
            }
        };
    }
    let (a, b) = (call.data(0)?, call.data(1)?);
    if (a.shape, a.rank) != (b.shape, b.rank) {
        return Err(Refusal::Cannot(format!("of different shapes, {:?} and {:?}", a.shape, b.shape)));
    }
    let sum = making.push("add", Op::Add, &[a, b])?;
    Ok(Data { rank: a.rank, ..sum }.into())
}

/// Whether a constant has a value for each channel.
fn is_bias(stored: &Stored<'_>, x: Data) -> bool {
    let channels = x.shape[0];
    let expected: &[&[usize]] = match x.rank {
        2 => &[&[channels], &[1, channels]],
        _ => &[&[channels, 1, 1], &[1, channels, 1, 1]],
    };
    stored.tensor.is_float() && !stored.transposed && expected.contains(&&stored.shape[..])
}

pub(super) fn multiply<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    if numbers::are_all(call) {
        return numbers::arithmetic(call);
    }
    if let Some((value, stored, at)) = with_constant(call) {
        let next = match (part(value), stored.scalar()?) {
            (Some((x, kind)), Some(by)) => scaled(by, kind).map(|next| (x, next)),
            _ => None,
        };
        return match next {
            Some((x, next)) => step(making, call, x, next),
            None => {
                call.data(at)?;
                Err(Refusal::Cannot("by a constant".into()))
            }
        };
    }
    if let (Some((x, a)), Some((y, b))) = (part(call.input(0)), part(call.input(1)))
        && x == y
        && let Some(next) = product(a, b)
    {
        return step(making, call, x, next);
    }
    let (a, b) = (call.data(0)?, call.data(1)?);
    // `x hardsigmoid(x)`, as exporters before opset 14 write it.
    let is_gate_of = |gate: Data, x: Data| {
        let node = &making.nodes[gate.node];
        node.op == Op::Activation(Activation::HSigmoid) && node.inputs == [x.node]
    };
    if let Some(x) = [(a, b), (b, a)].into_iter().find(|(x, gate)| is_gate_of(*gate, *x)).map(|(x, _)| x) {
        return activate(making, Activation::HSwish, x);
    }
    let gate = |shape: [usize; 3], x: [usize; 3]| shape == [x[0], 1, 1];
    let (x, factors) = match (a.rank == b.rank, gate(b.shape, a.shape), gate(a.shape, b.shape)) {
        (true, true, _) => (a, b),
        (true, _, true) => (b, a),
        _ => return Err(Refusal::Cannot(format!("of the shapes {:?} and {:?}", a.shape, b.shape))),
    };
    let made = making.push("scale", Op::Scale, &[x, factors])?;
    Ok(Data { rank: x.rank, ..made }.into())
}

pub(super) fn divide<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    if numbers::are_all(call) {
        return numbers::arithmetic(call);
    }
    if let (Some((x, kind)), Value::Stored(stored)) = (part(call.input(0)), call.input(1))
        && let Some(by) = stored.scalar()?
        && let Some(next) = scaled(by.recip(), kind)
    {
        return step(making, call, x, next);
    }
    call.data(0)?;
    Err(Refusal::Unheard)
}

pub(super) fn subtract<'a>(_: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    if numbers::are_all(call) {
        return numbers::arithmetic(call);
    }
    call.data(0)?;
    Err(Refusal::Unheard)
}

pub(super) fn erf<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    match part(call.input(0)) {
        Some((x, Some(Kind::Scaled))) => step(making, call, x, Step::Part(Kind::Erf)),
        _ => {
            call.data(0)?;
            Err(Refusal::Unheard)
        }
    }
}

pub(super) fn relu<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    activate(making, Activation::Relu, call.data(0)?)
}

pub(super) fn clip<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let (min, max) = (call.float("min", f32::MIN)?, call.float("max", f32::MAX)?);
    let bound = |at: usize, attribute: f32| match call.maybe_floating(at)? {
        Some(stored) => stored.scalar()?.ok_or_else(|| Refusal::Damaged("a bound is no number".into())),
        None => Ok(attribute),
    };
    let bounds = (bound(1, min)?, bound(2, max)?);
    let x = call.data(0)?;
    match bounds {
        (0.0, 6.0) => activate(making, Activation::Relu6, x),
        (0.0, max) if f32::MAX <= max => activate(making, Activation::Relu, x),
        (min, max) => Err(Refusal::Cannot(format!("to {min:?} and {max:?}"))),
    }
}

pub(super) fn hard_sigmoid<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let (alpha, beta) = (call.float("alpha", 0.2)?, call.float("beta", 0.5)?);
    // A sixth, as nearly as f32 or an exporter's decimals have it.
    if 1e-6 < (alpha - 1.0 / 6.0).abs() || beta != 0.5 {
        return Err(Refusal::Cannot(format!("with alpha {alpha} and beta {beta}")));
    }
    activate(making, Activation::HSigmoid, call.data(0)?)
}

pub(super) fn hard_swish<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    activate(making, Activation::HSwish, call.data(0)?)
}

pub(super) fn gelu<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    match call.text("approximate", "none")? {
        "none" => activate(making, Activation::Gelu, call.data(0)?),
        other => Err(Refusal::Cannot(format!("with approximation `{other}`"))),
    }
}
