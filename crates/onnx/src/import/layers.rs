//! Layers with weights.

use sapwood_graph::{ConvSpec, Dims, Op, Pair};

use super::{
    call::Call,
    making::Making,
    refusal::Refusal,
    value::{Data, Stored, Value},
    windows::{Said, Same, number, pair},
};
use crate::{Note, decimal};

pub(super) fn conv<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let groups = number(call.integer("group", 1)?)?;
    let said = Said::of(call)?;
    let (x, weight, bias) = (call.planes(0), call.stored(1), call.maybe_stored(2)?);
    let weight = weight?;
    let (outputs, inputs, kernel) = kernel(&weight)?;
    let bias = unless_zeros(bias, outputs)?;
    let x = x?;
    let window = said.window(kernel)?;
    let window = said.over(making, &x, window);
    let spec = ConvSpec {
        inputs: inputs.saturating_mul(groups),
        outputs,
        kernel: window.kernel,
        stride: window.stride,
        padding: window.padding,
        groups,
        bias: bias.is_some(),
        dilation: window.dilation,
        spatial: kernel.len(),
        transposed: None,
    };
    // PyTorch's exporter gives a convolution that took in its normalisation other names than the module's.
    if bias.is_some() && weight.name.starts_with("onnx::Conv_") {
        making.note(Note::Folded);
    }
    let params = with_bias(weight, bias, outputs)?;
    making.layer((call.node.name, "conv"), Op::Conv(spec), x, params).map(Value::from)
}

pub(super) fn transposed_conv<'a>(
    making: &mut Making<'a>,
    call: &Call<'a, '_>,
) -> Result<Value<'a>, Refusal> {
    let groups = number(call.integer("group", 1)?)?;
    let said = Said::of(call)?;
    let extra = call.integers("output_padding")?.map(|extra| pair_of(&extra)).transpose()?;
    let wanted = call.integers("output_shape")?;
    let (x, weight, bias) = (call.planes(0), call.stored(1), call.maybe_stored(2)?);
    let weight = weight?;
    let (inputs, per_group, kernel) = kernel(&weight)?;
    let x = x?;
    let mut window = said.window(kernel)?;
    let extra = extra.unwrap_or([0, 0].into());
    let [_, h, w] = x.dims.image();
    let spatial = kernel.len();
    // The size that is wanted says how much is taken off.
    let sizes = match (&wanted, said.same) {
        (Some(sizes), _) => Some(pair(sizes.get(sizes.len().saturating_sub(spatial)..).unwrap_or_default())?),
        (None, Same::No) => None,
        (None, _) => Some([h * window.stride.h, w * window.stride.w].into()),
    };
    if let Some(sizes) = sizes {
        let off = |size: usize, at: fn(Pair) -> usize| {
            let full = size.saturating_sub(1) * at(window.stride)
                + at(extra)
                + (at(window.kernel).max(1) - 1) * at(window.dilation)
                + 1;
            let off = full.checked_sub(at(sizes));
            let off = off.ok_or_else(|| Refusal::Cannot(format!("to {sizes}")))?;
            Ok::<_, Refusal>(match said.same {
                Same::Upper => [off / 2, off.div_ceil(2)],
                _ => [off.div_ceil(2), off / 2],
            })
        };
        let [left, right] = off(w, |pair| pair.w)?;
        let [top, bottom] = if spatial == 1 { [0, 0] } else { off(h, |pair| pair.h)? };
        window = window.padding([top, left, bottom, right]);
        making.note(Note::Same);
    }
    let outputs = per_group.saturating_mul(groups);
    let bias = unless_zeros(bias, outputs)?;
    let spec = ConvSpec {
        inputs,
        outputs,
        kernel: window.kernel,
        stride: window.stride,
        padding: window.padding,
        groups,
        bias: bias.is_some(),
        dilation: window.dilation,
        spatial,
        transposed: Some(extra),
    };
    let params = with_bias(weight, bias, outputs)?;
    making.layer((call.node.name, "conv"), Op::Conv(spec), x, params).map(Value::from)
}

/// The bias of a convolution, if it has one: where a module has none, PyTorch's exporter may compute zeros.
fn unless_zeros(bias: Option<Stored<'_>>, outputs: usize) -> Result<Option<Stored<'_>>, Refusal> {
    let Some(bias) = bias else { return Ok(None) };
    let is_none = bias.is_made() && {
        let values = bias.floats()?;
        values.len() == outputs && values.iter().all(|value| *value == 0.0)
    };
    Ok((!is_none).then_some(bias))
}

fn pair_of(found: &[i64]) -> Result<Pair, Refusal> {
    match *found {
        [w] => Ok([0, number(w)?].into()),
        _ => pair(found),
    }
}

/// The first two dimensions of a convolution's weight, and the others.
fn kernel<'w>(weight: &'w Stored<'_>) -> Result<(usize, usize, &'w [usize]), Refusal> {
    match &weight.shape[..] {
        [first, second, kernel @ ..] if (1..=2).contains(&kernel.len()) => Ok((*first, *second, kernel)),
        shape => Err(Refusal::Cannot(format!("in {} dimensions", shape.len().saturating_sub(2)))),
    }
}

/// A weight and, if it is there, a bias of this length.
fn with_bias<'a>(
    weight: Stored<'a>,
    bias: Option<Stored<'a>>,
    outputs: usize,
) -> Result<Vec<(&'static str, Stored<'a>)>, Refusal> {
    let bias = match bias {
        Some(bias) if bias.len() == outputs => Some(row(&bias)?),
        Some(bias) => {
            return Err(Refusal::Cannot(format!("with {} biases for {outputs} outputs", bias.len())));
        }
        None => None,
    };
    Ok([("weight", weight)].into_iter().chain(bias.map(|bias| ("bias", bias))).collect())
}

/// Values in one row, whatever shape the file has for them.
pub(super) fn row<'a>(stored: &Stored<'a>) -> Result<Stored<'a>, Refusal> {
    stored.viewed(vec![stored.len()]).ok_or_else(|| Refusal::Cannot("with transposed parameters".into()))
}

pub(super) fn gemm<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let (alpha, beta) = (call.float("alpha", 1.0)?, call.float("beta", 1.0)?);
    call.only("transA", 0)?;
    let is_transposed = call.integer("transB", 0)? != 0;
    let weight = scaled(making, matrix(call.stored(1)?)?, alpha)?;
    let weight = if is_transposed { weight } else { weight.transpose() };
    let bias = call.maybe_stored(2)?.map(|bias| scaled(making, bias, beta)).transpose()?;
    // A value for each row, or for each value, is none for each output.
    let is_other = |bias: &&Stored<'_>| bias.len() != 1 && bias.shape.last() != Some(&bias.len());
    if let Some(bias) = bias.as_ref().filter(is_other) {
        return Err(Refusal::Cannot(format!("with a bias {:?}", bias.shape)));
    }
    let x = call.data(0)?;
    if x.dims.rank() != 2 {
        return Err(Refusal::Cannot(format!("of {}", x.dims)));
    }
    // A bias of one value is one for each output.
    let bias = match bias {
        Some(bias) if bias.len() == 1 && weight.shape[0] != 1 => {
            making.afford(weight.shape[0])?;
            let value = bias.floats()?[0];
            Some(Stored::made(bias.name, vec![weight.shape[0]], vec![value; weight.shape[0]]))
        }
        bias => bias,
    };
    linear(making, call, x, weight, bias)
}

/// A tensor times a number.
fn scaled<'a>(making: &mut Making<'a>, stored: Stored<'a>, by: f32) -> Result<Stored<'a>, Refusal> {
    if by == 1.0 {
        return Ok(stored);
    }
    making.afford(stored.len())?;
    let values = stored.floats()?.into_iter().map(|value| by * value).collect();
    Ok(Stored::made(stored.name, stored.shape, values))
}

/// A linear layer, or the product of two matrices.
pub(super) fn matmul<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    if let Value::Truth(truth) = call.input(0) {
        return super::truths::product(making, call, truth);
    }
    if let (Value::Data(_), Value::Stored(weight)) = (call.input(0), call.input(1))
        && let Ok(weight) = matrix(weight.clone())
    {
        let x = call.data(0)?;
        return linear(making, call, x, weight.transpose(), None);
    }
    let (a, b) = (making.any(call, 0)?, making.any(call, 1)?);
    making.push(Op::MatMul, &[a, b]).map(Value::from)
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
    x: Data,
    weight: Stored<'a>,
    bias: Option<Stored<'a>>,
) -> Result<Value<'a>, Refusal> {
    let (outputs, inputs) = (weight.shape[0], weight.shape[1]);
    let rows = rows_of_one(making, &x.dims, inputs);
    let x = match rows {
        Some((apart, _)) => making.push(Op::Reshape(apart), &[x])?,
        None => x,
    };
    let places = x.dims.rank() != 2 || x.dims.example().is_none();
    let op = Op::Linear { inputs, outputs, bias: bias.is_some(), places };
    let params = with_bias(weight, bias, outputs)?;
    let x = if places { x } else { making.without_implicit(x, |dims| op.shape(&[*dims]).is_ok())? };
    let made = making.layer((call.node.name, "linear"), op, x, params)?;
    let Some((_, before)) = rows else { return Ok(made.into()) };
    let back = Dims::with_batch(&[&before[..], &[outputs]].concat(), before.len()).ok_or(Refusal::Unheard)?;
    let made = making.push(Op::Reshape(back), &[made])?;
    making.implicit.insert(made.node);
    Ok(made.into())
}

/// Rows of the one example that a file is of, `[l, c n]`, with a dimension of their own for examples, `[l, n, c]`; and what
/// stands before the values of a row.
fn rows_of_one(making: &Making<'_>, x: &Dims, inputs: usize) -> Option<(Dims, Vec<usize>)> {
    let (values, before) = x.sizes().split_last()?;
    let fits = making.fixed_batch == Some(1) && x.batch() == Some(before.len()) && *values == inputs;
    let apart = Dims::with_batch(&[before, &[1, inputs]].concat(), before.len());
    apart.filter(|_| fits).map(|apart| (apart, before.to_vec()))
}

/// A row of a table for each integer.
pub(super) fn embedding<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    call.only("axis", 0)?;
    let (table, Value::Data(x)) = (call.stored(0)?, call.input(1)) else {
        return Err(Refusal::Cannot("by what is no input of integers".into()));
    };
    let [entries, width] = table.shape[..] else {
        return Err(Refusal::Cannot(format!("of rows in {} dimensions", table.shape.len())));
    };
    let op = Op::Embedding { entries, width };
    making.layer((call.node.name, "embedding"), op, *x, vec![("weight", table)]).map(Value::from)
}

/// `max(x, 0) + a min(x, 0)`
pub(super) fn prelu<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let (x, slope) = (call.data(0)?, call.stored(1)?);
    let channels = x.dims.example().and_then(|example| example.first().copied());
    let behind = x.dims.rank().saturating_sub(2);
    // The channels are followed by 1 for each place.
    let fits = slope.len() == 1
        || Some(slope.len()) == channels
            && (behind == 0
                || slope.shape.len() > behind
                    && slope.shape[slope.shape.len() - behind..].iter().all(|n| *n == 1));
    if !fits {
        return Err(Refusal::Cannot(format!("with slopes {:?} of {}", slope.shape, x.dims)));
    }
    let op = Op::Prelu { channels: slope.len() };
    let params = vec![("weight", row(&slope)?)];
    making.layer((call.node.name, "prelu"), op, x, params).map(Value::from)
}

pub(super) fn batch_norm<'a>(making: &mut Making<'a>, call: &Call<'a, '_>) -> Result<Value<'a>, Refusal> {
    let (epsilon, kept) = (call.finite("epsilon", 1e-5)?, call.finite("momentum", 0.9)?);
    call.only("spatial", 1)?;
    // How a layer is used is decided here by who runs it.
    call.ignore(&["is_test", "consumed_inputs"]);
    if call.integer("training_mode", 0)? != 0 {
        making.note(Note::Training);
    }
    let x = call.data(0);
    let names = ["weight", "bias", "running_mean", "running_var"];
    let mut params = Vec::new();
    for (at, name) in names.into_iter().enumerate() {
        params.push((name, row(&call.stored(at + 1)?)?));
    }
    let x = x?;
    let channels = params[0].1.len();
    if let Some((name, found)) = params.iter().find(|(_, stored)| stored.len() != channels) {
        return Err(Refusal::Damaged(format!(
            "its {name} has {} values for {channels} channels",
            found.len()
        )));
    }
    // ONNX's is what is kept of the old statistics.
    let momentum = decimal((1.0 - decimal(kept)) as f32);
    let op = Op::BatchNorm { channels, epsilon: decimal(epsilon), momentum };
    making.layer((call.node.name, "batch_norm"), op, x, params).map(Value::from)
}
