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
            let role = if conv.transposed.is_some() { Role::TransposedConvWeight } else { Role::ConvWeight };
            with_bias(param("weight", role, &conv.weight()), conv.outputs, conv.bias)
        }
        Op::Linear { inputs, outputs, bias, .. } => {
            with_bias(param("weight", Role::LinearWeight, &[outputs, inputs]), outputs, bias)
        }
        Op::BatchNorm { channels, .. } => {
            let statistics = ["running_mean", "running_var"];
            let statistics = statistics.map(|name| param(name, Role::Buffer, &[channels]));
            norm(channels).into_iter().chain(statistics).collect()
        }
        Op::LayerNorm { channels, .. } | Op::GroupNorm { channels, .. } => norm(channels),
        Op::Position(shape) => vec![param("embedding", Role::Other, &shape)],
        Op::Embedding { entries, width } => vec![param("weight", Role::Other, &[entries, width])],
        Op::Prelu { channels } => vec![param("weight", Role::Other, &[channels])],
        // It has no fields: it is the parameter, and the node's name is its own.
        Op::Constant { dims, learnt } => {
            let role = if learnt { Role::Other } else { Role::Buffer };
            let (path, shape) = (node.name.as_str().into(), dims.sizes().to_vec());
            vec![ParamInfo { path, role, shape, transposed: false }]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use sapwood_backend::{DeviceSpec, block_on};
    use sapwood_core::{Binary, Conv, Dims, Entry, Layout, ModuleState, State, infos, map};

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

    #[test]
    fn layers_beyond_the_zoos_have_pytorchs_names_and_constants_their_own() {
        let tokens = Entry { name: "tokens".into(), dims: Dims::rows(7), integers: true };
        let mut g = Graph::builder_of(vec![Entry::images([2, 1, 6]), tokens]);
        let x = g.reshape(g.input(), Dims::batch_of(&[2, 6]).unwrap());
        let x = g.conv("narrow", x, Conv::new(4, [1, 3]));
        let x = g.group_norm("gn", x, 2);
        let x = g.op("bent", Op::Prelu { channels: 4 }, &[x]);
        let x = g.conv("back", x, Conv::new(2, [1, 3]).transposed([0, 0]));
        let token = g.constant("bias", &[2, 1], true);
        let x = g.add(x, token);
        let half = g.constant("weight", &[], false);
        let x = g.binary(x, half, Binary::Mul);
        let words = g.embedding("table", g.entry(1), 9, 4);
        let graph = g.finish_with(&[x, words]).unwrap();
        let found = params(&graph);
        let said: Vec<_> = found.iter().map(|info| (info.path.as_str(), info.shape.as_slice())).collect();
        let expected: [(&str, &[usize]); 10] = [
            ("narrow.weight", &[4, 2, 3]),
            ("narrow.bias", &[4]),
            ("gn.weight", &[4]),
            ("gn.bias", &[4]),
            ("bent.weight", &[4]),
            ("back.weight", &[4, 2, 3]),
            ("back.bias", &[2]),
            ("bias", &[2, 1]),
            ("weight", &[]),
            ("table.weight", &[9, 4]),
        ];
        assert_eq!(said, expected);
        assert_eq!([&found[7], &found[8]].map(|info| info.role), [Role::Other, Role::Buffer]);
        let net = Net::new(graph, &DeviceSpec::CPU.resolve().unwrap());
        assert_eq!(found, infos(&net));
        // What is written into it is read again, also what has no dimension.
        let state = block_on(State::read(&net)).unwrap();
        let other = map(net.clone(), Layout::Torch, |_, old| old + 1.0);
        assert!(block_on(State::read(&other)).unwrap() != state);
        assert!(block_on(State::read(&state.write(other).unwrap())).unwrap() == state);
    }
}
