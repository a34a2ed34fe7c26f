//! The parameters that a graph's layers have.

use sapwood_core::{Graph, Node, Op, ParamInfo, Role};

/// What [`sapwood_core::infos`] tells of the network, without making its tensors.
pub(crate) fn params(graph: &Graph) -> Vec<ParamInfo> {
    graph.nodes().iter().flat_map(of_layer).collect()
}

fn of_layer(node: &Node) -> Vec<ParamInfo> {
    let param = |name: &str, role: Role, shape: &[usize]| ParamInfo {
        path: format!("{}.{name}", node.name).into(),
        role,
        shape: shape.to_vec(),
        transposed: role == Role::LinearWeight,
    };
    let with_bias = |weight: ParamInfo, outputs: usize, bias: bool| {
        let bias = bias.then(|| param("bias", Role::Bias, &[outputs]));
        [weight].into_iter().chain(bias).collect()
    };
    let norm = |channels: usize| {
        vec![param("weight", Role::NormScale, &[channels]), param("bias", Role::NormShift, &[channels])]
    };
    match node.op {
        Op::Conv(conv) => {
            with_bias(param("weight", Role::ConvWeight, &conv.weight()), conv.outputs, conv.bias)
        }
        Op::Linear { inputs, outputs, bias, .. } => {
            with_bias(param("weight", Role::LinearWeight, &[outputs, inputs]), outputs, bias)
        }
        Op::BatchNorm { channels, .. } => {
            let statistics = ["running_mean", "running_var"];
            let statistics = statistics.map(|name| param(name, Role::Buffer, &[channels]));
            norm(channels).into_iter().chain(statistics).collect()
        }
        Op::LayerNorm { channels, .. } => norm(channels),
        Op::Position(shape) => vec![param("embedding", Role::Other, &shape)],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use sapwood_backend::DeviceSpec;
    use sapwood_core::infos;

    use super::*;
    use crate::{Net, Spec, names};

    #[test]
    fn they_are_those_of_the_network_that_is_built() {
        let device = DeviceSpec::CPU.resolve().unwrap();
        for model in names() {
            let spec = Spec { width: 0.1, ..Spec::named(model).unwrap() };
            let graph = spec.graph().unwrap();
            assert_eq!(params(&graph), infos(&Net::new(graph, &device)), "{model}");
        }
    }
}
