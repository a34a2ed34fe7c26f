//! Layers with parameters.

use sapwood_graph::{ConvSpec, Op};

use super::{
    call::{Call, Refusal},
    making::Making,
    pools::window,
    value::{Data, Stored, Value},
};
use crate::decimal;

pub(super) fn conv<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let groups = call.integer("group", 1)?;
    let window = window(call)?;
    let (x, weight, bias) = (call.image(0), call.stored(1), call.maybe_floating(2)?);
    let weight = weight?;
    let [outputs, inputs, h, w] = weight.shape[..] else {
        return Err(Refusal::Cannot(format!("in {} dimensions", weight.shape.len().saturating_sub(2))));
    };
    let x = x?;
    let (kernel, stride, padding) = window.square([h, w])?;
    let groups = usize::try_from(groups).ok().filter(|groups| *groups > 0);
    let groups = groups.ok_or_else(|| Refusal::Damaged("its groups are fewer than one".into()))?;
    let spec = ConvSpec {
        stride: stride.into(),
        padding: padding.into(),
        groups,
        bias: bias.is_some(),
        ..ConvSpec::new(inputs.saturating_mul(groups), outputs, kernel)
    };
    if let Some(bias) = bias.as_ref().filter(|bias| bias.len() != outputs) {
        return Err(Refusal::Damaged(format!("{} biases for {outputs} outputs", bias.len())));
    }
    let params = [("weight", weight)].into_iter().chain(bias.map(|bias| ("bias", bias)));
    let made = making.layer((call.node.name, "conv"), Op::Conv(spec), x, params.collect());
    made.map(Value::from)
}

pub(super) fn gemm<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    for name in ["alpha", "beta"] {
        let factor = call.float(name, 1.0)?;
        if factor != 1.0 {
            return Err(Refusal::Cannot(format!("with {name} {factor}")));
        }
    }
    call.only("transA", 0)?;
    call.ignore("broadcast");
    let transposed = call.integer("transB", 0)? != 0;
    let weight = matrix(call.stored(1)?)?;
    let weight = if transposed { weight } else { weight.transpose() };
    linear(making, call, weight, call.maybe_floating(2)?)
}

pub(super) fn matmul<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let weight = matrix(call.stored(1)?)?.transpose();
    linear(making, call, weight, None)
}

fn matrix(weight: Stored<'_>) -> Result<Stored<'_>, Refusal> {
    match weight.shape.len() {
        2 => Ok(weight),
        rank => Err(Refusal::Cannot(format!("by a tensor of rank {rank}"))),
    }
}

fn linear<'a>(
    making: &mut Making<'a>,
    call: &Call<'a, '_>,
    weight: Stored<'a>,
    bias: Option<Stored<'a>>,
) -> Result<Value<'a>, Refusal> {
    let x = call.data(0)?;
    if x.rank != 2 {
        return Err(Refusal::Cannot("of images".into()));
    }
    let (outputs, inputs) = (weight.shape[0], weight.shape[1]);
    if let Some(bias) = bias.as_ref().filter(|bias| bias.len() != outputs) {
        return Err(Refusal::Cannot(format!("with {} biases for {outputs} outputs", bias.len())));
    }
    let op = Op::Linear { inputs, outputs, bias: bias.is_some(), places: false };
    let params = [("weight", weight)].into_iter().chain(bias.map(|bias| ("bias", bias)));
    let made = making.layer((call.node.name, "linear"), op, x, params.collect())?;
    Ok(Data { rank: 2, ..made }.into())
}

pub(super) fn batch_norm<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let (epsilon, kept) = (call.float("epsilon", 1e-5)?, call.float("momentum", 0.9)?);
    call.only("spatial", 1)?;
    // Files for training say so of every layer: how a layer is used is decided here by who runs it.
    call.ignore("training_mode");
    call.ignore("is_test");
    let x = call.data(0);
    let names = ["weight", "bias", "running_mean", "running_var"];
    let mut params = Vec::new();
    for (at, name) in names.into_iter().enumerate() {
        params.push((name, call.stored(at + 1)?));
    }
    let x = x?;
    let channels = x.shape[0];
    if let Some((name, found)) = params.iter().find(|(_, stored)| stored.len() != channels) {
        return Err(Refusal::Damaged(format!(
            "its {name} has {} values for {channels} channels",
            found.len()
        )));
    }
    // ONNX's is what is kept of the old statistics.
    let momentum = decimal((1.0 - decimal(kept)) as f32);
    let op = Op::BatchNorm { channels, epsilon: decimal(epsilon), momentum };
    let made = making.layer((call.node.name, "batch_norm"), op, x, params)?;
    Ok(Data { rank: x.rank, ..made }.into())
}
