//! `exp(x) / sum exp(x)`.

use sapwood_graph::Op;

use super::{
    call::{Call, axis},
    making::Making,
    reduced,
    refusal::Refusal,
    value::Value,
};

/// Softmax, or its logarithm.
pub(super) fn softmax<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let log = call.node.op == "LogSoftmax";
    let at = call.integer("axis", if call.opset < 13 { 1 } else { -1 })?;
    if call.is_constant() && call.opset >= 13 {
        let known = call.known(0)?;
        let at = axis(at, known.shape.len())?;
        making.computed(call.input(0));
        return reduced::softmax(making, known, at, log);
    }
    let x = call.data(0)?;
    let at = axis(at, x.dims.rank())?;
    // Older ones add over all dimensions from this one on.
    let rest: usize = x.dims.sizes()[at + 1..].iter().product();
    let over_examples = x.dims.batch().is_some_and(|batch| at < batch);
    if call.opset < 13 && (rest != 1 || over_examples) {
        let what = format!("over several dimensions of {}", x.dims);
        return Err(if over_examples { Refusal::Dims(what) } else { Refusal::Cannot(what) });
    }
    making.push(Op::Softmax { axis: at, log }, &[x]).map(Value::from)
}
