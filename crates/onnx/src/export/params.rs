//! What the parameters of a layer are called, and what shapes they have.

use sapwood_graph::{Array, Mismatch, Node, Op, ParamPath};

use crate::Error;

/// The values of a layer's parameters, under their names.
pub(super) type Params<'p, 's> = &'p [(String, &'s Array)];

/// The values of a layer's parameters, in the order in which ONNX wants them.
pub(super) fn params<'s>(
    node: &Node,
    value: impl Fn(&ParamPath) -> Option<&'s Array>,
) -> Result<Vec<(String, &'s Array)>, Error> {
    let affine = |channels: usize| vec![("weight", vec![channels]), ("bias", vec![channels])];
    let with_bias = |weight: Vec<usize>, outputs: usize, bias: bool| {
        [("weight", weight)].into_iter().chain(bias.then(|| ("bias", vec![outputs]))).collect::<Vec<_>>()
    };
    let wanted = match node.op {
        Op::Conv(spec) => with_bias(spec.weight(), spec.outputs, spec.bias),
        Op::Linear { inputs, outputs, bias, .. } => with_bias(vec![outputs, inputs], outputs, bias),
        Op::BatchNorm { channels, .. } => {
            let statistics = ["running_mean", "running_var"].map(|name| (name, vec![channels]));
            affine(channels).into_iter().chain(statistics).collect()
        }
        Op::LayerNorm { channels, .. } | Op::GroupNorm { channels, .. } => affine(channels),
        Op::Prelu { channels } => vec![("weight", vec![channels])],
        Op::Embedding { entries, width } => vec![("weight", vec![entries, width])],
        Op::Position(shape) => vec![("embedding", shape.to_vec())],
        // A constant is called as its node.
        Op::Constant { dims, .. } => vec![("", dims.sizes().to_vec())],
        _ => return Ok(vec![]),
    };
    let mut mismatch = Mismatch::default();
    let mut found = Vec::new();
    for (name, shape) in wanted {
        let path = match name {
            "" => ParamPath::from(node.name.clone()),
            name => ParamPath::from(format!("{}.{name}", node.name)),
        };
        match value(&path) {
            Some(value) if value.shape() == shape => found.push((path.to_string(), value)),
            Some(value) => mismatch.misshapen.push((path, shape, value.shape().to_vec())),
            None => mismatch.missing.push(path),
        }
    }
    match mismatch.is_empty() {
        true => Ok(found),
        false => Err(sapwood_graph::Error::Mismatch(mismatch).into()),
    }
}
