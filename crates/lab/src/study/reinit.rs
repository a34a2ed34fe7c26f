//! New initial weights in the place of those of the dense network: the control `reinit`.

use burn::prelude::Device;
use sapwood_backend::{Seed, Stream, block_on};
use sapwood_core::{ModuleState as _, Observed as _, Op, ParamPath, State};
use sapwood_models::{Init, Net, Spec};

use crate::Error;

/// A network with new weights. Constants keep the numbers that they have among the given values: what is computed with
/// them, nobody could draw.
pub(super) fn drawn_anew(
    spec: &Spec,
    (init, seed): (Init, Seed),
    given: impl FnOnce() -> Result<State, Error>,
    device: &Device,
) -> Result<Net, Error> {
    let net = init.apply_from(spec.net(device)?, seed, Stream::Reinitialisation);
    if !net.has_constants() {
        return Ok(net);
    }
    let (mut state, given) = (block_on(State::read(&net))?, given()?);
    for node in net.graph().nodes().iter().filter(|node| matches!(node.op, Op::Constant { .. })) {
        let path = ParamPath::from(node.name.as_str());
        if let Some(value) = given.0.get(&path) {
            state.0.insert(path, value.clone());
        }
    }
    Ok(state.write(net)?)
}

#[cfg(test)]
mod tests {
    use sapwood_backend::DeviceSpec;
    use sapwood_core::{Binary, Graph, Layout, map};

    use super::*;

    #[test]
    fn weights_are_drawn_and_constants_stay() {
        let device = DeviceSpec::CPU.resolve().unwrap();
        let mut g = Graph::builder([1, 2, 2]);
        let x = g.flatten(g.input());
        let x = g.linear("fc1", x, 4);
        let tenth = g.constant("tenth", &[], false);
        let x = g.binary(x, tenth, Binary::Mul);
        g.linear("fc2", x, 3);
        let spec = Spec::of_layers("own", g.finish().unwrap()).unwrap();
        let trained = map(spec.net(&device).unwrap(), Layout::Torch, |_, zeros| zeros + 0.1);
        let given = block_on(State::read(&trained)).unwrap();
        let drawn = |seed: u64| {
            let how = (Init::default(), Seed(seed));
            let net = drawn_anew(&spec, how, || Ok(given.clone()), &device).unwrap();
            block_on(State::read(&net)).unwrap()
        };
        let [one, other] = [drawn(1), drawn(2)];
        for (path, value) in &one.0 {
            let is_constant = path.as_str() == "tenth";
            assert_eq!(given.0[path] == *value, is_constant, "{path}");
            assert_eq!(other.0[path] == *value, is_constant, "{path}");
        }
    }
}
