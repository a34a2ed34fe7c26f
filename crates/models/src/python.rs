//! A network as a file of Python, for those who go on in PyTorch.
//!
//! What is written is what one would write by hand: a class with its layers under their names, and a forward pass of a line for
//! each operation, which needs nothing but PyTorch. The state dict beside it has PyTorch's own form, so that `torch.load` reads it.

mod calls;
mod functions;
mod layers;
mod locals;
mod moves;
mod numbers;
mod state_dict;
mod tree;
mod windows;
mod writing;

use std::{collections::BTreeSet, path::Path};

use sapwood_core::{Graph, Op, State, TrainedOn, graph::Error};

use crate::{Checkpoint, Reading, Spec, params::params, reading::Known};
use calls::Call;
use locals::Locals;
use numbers::numbers;
use tree::Tree;
use writing::Writing;

/// A network as Python.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PythonModule {
    /// The text of a module with a class `Net`, and a function `load` for the state dict beside it.
    pub source: String,
    /// The bytes of its state dict, for [`PythonModule::STATE_DICT`].
    pub state_dict: Vec<u8>,
}

impl PythonModule {
    /// What the text's file should be called.
    pub const SOURCE: &'static str = "net.py";
    /// What the state dict has to be called beside it.
    pub const STATE_DICT: &'static str = "net.pt";

    /// Whether a file of this content is the text of a module that was written here: its first line says so.
    pub fn is_ours(text: &[u8]) -> bool {
        let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        first.trim_ascii_end().ends_with(OURS.as_bytes())
    }

    /// Writes a network down; `called` is what its text says of itself first.
    ///
    /// # Errors
    /// Values that are not the network's; names of layers that no module of PyTorch's can have.
    pub fn of(
        called: &str,
        graph: &Graph,
        state: &State,
        trained_on: Option<&TrainedOn>,
    ) -> Result<Self, Error> {
        let state_dict = state_dict::write(graph, state)?;
        Ok(Self { source: source(called, (graph, state), trained_on)?, state_dict })
    }
}

/// A network as Python. Its state dict was read again, and has these values to the bit.
///
/// # Errors
/// Those of [`PythonModule::of`].
pub fn to_pytorch(
    spec: &Spec,
    trained_on: Option<&TrainedOn>,
    state: &State,
) -> Result<PythonModule, crate::Error> {
    let graph = spec.graph()?;
    let module = PythonModule::of(&spec.model, &graph, state, trained_on)?;
    let found = Checkpoint::of_bytes(&module.state_dict, Path::new(PythonModule::STATE_DICT))?;
    let numbers = numbers(&graph);
    let stored = params(&graph).into_iter().filter(|info| !numbers.contains(info.path.as_str()));
    let found = found.fitted(&Known::of(stored.collect()), &Reading::default())?.state;
    let expected = state.0.iter().filter(|(path, _)| !numbers.contains(path.as_str()));
    match found.0.iter().eq(expected) {
        true => Ok(module),
        false => Err(crate::Error::ReadBack),
    }
}

/// How the first line of a module's text ends.
const OURS: &str = "written by Sapwood.";

fn source(
    called: &str,
    (graph, state): (&Graph, &State),
    trained_on: Option<&TrainedOn>,
) -> Result<String, Error> {
    let dims = graph.dims()?;
    let tree = Tree::of((graph, state), &dims)?;
    let mut writing = Writing { dims: &dims, functions: BTreeSet::new(), counts: false };
    let mut locals = Locals::of(graph);
    let mut lines = Vec::new();
    for (at, node) in graph.nodes().iter().enumerate() {
        if node.op == Op::Input {
            continue;
        }
        let inputs: Vec<String> = node.inputs.iter().map(|from| locals.read(*from)).collect();
        let integers = node.inputs.first().is_some_and(|from| locals.is_integers(*from));
        let layer = tree.path(&node.name).unwrap_or_default();
        let call = Call { node, at, inputs, integers, layer: &layer };
        let value = writing.call(&call);
        lines.push(format!("{} = {value}", locals.write(at)));
    }
    let ends: Vec<String> = graph.ends().iter().map(|end| locals.read(*end)).collect();
    lines.push(format!("return {}", ends.join(", ")));
    if writing.counts {
        lines.insert(0, format!("n = {}", locals.count(graph)));
    }
    let arguments = locals.arguments().join(", ");
    let takes = |(at, entry): (usize, &sapwood_core::Entry)| {
        let kind = if entry.integers { " integers" } else { "" };
        format!("{} {}{kind}", locals.arguments()[at], entry.dims)
    };
    let takes: Vec<String> = graph.entries().iter().enumerate().map(takes).collect();
    let gives: Vec<String> = graph.ends().iter().map(|end| dims[*end].to_string()).collect();
    let functions: Vec<&str> = writing.functions.iter().map(|function| function.text()).collect();
    Ok([
        head(called, &takes.join(", "), &gives.join(", "), trained_on),
        functions.concat(),
        LAYERS.into(),
        format!("class Net(Layers):\n    def __init__(self):\n        super().__init__({})\n", tree.text(2)),
        format!("\n    def forward(self, {arguments}):\n        {}\n", lines.join("\n        ")),
        LOAD.into(),
    ]
    .concat())
}

fn head(called: &str, takes: &str, gives: &str, trained_on: Option<&TrainedOn>) -> String {
    let called: String = called.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '\\')).collect();
    let said = trained_on.and_then(|trained_on| serde_json::to_string(trained_on).ok());
    let (json, said) = match said {
        // A text of JSON is one of Python.
        Some(said) => (
            "import json\n",
            format!(
                "\n# What the outputs are called, and how images become inputs.\nTRAINED_ON = json.loads({})\n",
                serde_json::Value::String(said)
            ),
        ),
        None => ("", String::new()),
    };
    format!(
        r#""""{called} as a module of PyTorch, {OURS}

    from net import load
    net = load()  # with the weights beside this file, in evaluation mode

It takes {takes} and gives {gives}, for any n.
"""

{json}from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
{said}
"#
    )
}

const LAYERS: &str = r#"
def grow(module, parts):
    """A module with layers, parameters and buffers under these names, of which some are digits. Numbers no state dict has."""
    for name, part in parts.items():
        if isinstance(part, nn.Module):
            module._modules[name] = part
        elif isinstance(part, nn.Parameter):
            module._parameters[name] = part
        elif isinstance(part, (float, list)):
            module._buffers[name] = torch.tensor(part)
            module._non_persistent_buffers_set.add(name)
        else:
            module._buffers[name] = part
    return module


class Layers(nn.Module):
    """Layers under their names."""

    def __init__(self, parts):
        super().__init__()
        grow(self, parts)

    def __getitem__(self, name):
        return next(parts[name] for parts in (self._modules, self._parameters, self._buffers) if name in parts)


"#;

const LOAD: &str = r#"

def load(path=Path(__file__).with_name("net.pt")):
    """The network with the values of a state dict, in evaluation mode."""
    net = Net()
    net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return net.eval()
"#;

#[cfg(test)]
mod tests {
    use sapwood_core::{Activation, Array, Conv};

    use super::*;

    #[test]
    fn bounds_are_numbers_that_pytorch_has_and_no_tensor_is_a_module() {
        let mut g = Graph::builder([2, 3, 3]);
        let bounds = Activation::Clip(sapwood_core::Factor(1e-12), sapwood_core::Factor(3.4028235e38));
        let x = g.activation(g.input(), bounds);
        let scale = g.constant("g.scale", &[2, 1, 1], true);
        g.binary(x, scale, sapwood_core::Binary::Mul);
        let text = source("bounded", (&g.finish().unwrap(), &State::default()), None).unwrap();
        assert!(text.contains("x.clamp(1e-12, 3.4028234663852886e38)"), "{text}");
        let mut g = Graph::builder([2, 3, 3]);
        let [inner, outer] = ["g.scale", "g"].map(|name| g.constant(name, &[2, 1, 1], true));
        let x = g.binary(inner, outer, sapwood_core::Binary::Mul);
        g.add(g.input(), x);
        let refused =
            source("twice", (&g.finish().unwrap(), &State::default()), None).unwrap_err().to_string();
        assert!(refused.contains("`g`") && refused.contains("no module of PyTorch's"), "{refused}");
    }

    #[test]
    fn a_network_is_written_as_one_would_write_it_by_hand() {
        let mut g = Graph::builder([3, 8, 8]);
        let x = g.conv("stem.0", g.input(), Conv::new(4, 3).same().no_bias());
        let x = g.batch_norm("stem.1", x);
        let x = g.relu(x);
        let y = g.conv("half", x, Conv::new(4, [1, 3]).padding([0, 0, 0, 2]));
        let y = g.activation(y, Activation::Silu);
        let x = g.add(x, y);
        let x = g.global_avg_pool(x);
        g.linear("fc", x, 2);
        let graph = g.finish().unwrap();
        let text = source("tiny", (&graph, &State::default()), None).unwrap();
        let forward = text.split("def forward").nth(1).unwrap().split("\n\n").next().unwrap();
        let expected = r#"(self, x):
        x = self.stem["0"](x)
        x = self.stem["1"](x)
        x = F.relu(x)
        y = self["half"](F.pad(x, (0, 2, 0, 0)))
        y = F.silu(y)
        x = x + y
        x = x.mean((2, 3), keepdim=True)
        x = self.fc(x.flatten(1))
        return x"#;
        assert_eq!(forward, expected);
        let layers = text.split("super().__init__({").nth(1).unwrap().split("})").next().unwrap();
        assert!(layers.contains(r#""0": nn.Conv2d(3, 4, (3, 3), padding=(1, 1), bias=False),"#), "{layers}");
    }

    #[test]
    fn the_first_line_of_a_text_says_that_it_is_ours() {
        let mut g = Graph::builder([1, 2, 2]);
        g.flatten(g.input());
        let graph = g.finish().unwrap();
        for called in ["flat", "two\nlines \"quoted\"", ""] {
            let text = source(called, (&graph, &State::default()), None).unwrap();
            assert!(text.lines().next().unwrap().ends_with(", written by Sapwood."), "{text}");
            let of_windows = text.replace('\n', "\r\n");
            assert!(PythonModule::is_ours(text.as_bytes()) && PythonModule::is_ours(of_windows.as_bytes()));
            assert!(!PythonModule::is_ours(format!("# mine\n{text}").as_bytes()));
        }
        assert!(!PythonModule::is_ours(b""));
    }

    #[test]
    fn a_number_that_nothing_learns_stands_in_the_text_alone() {
        let mut g = Graph::builder([2, 3, 3]);
        let [tenth, gain] = [("attn.constant", false), ("attn.gain", true)]
            .map(|(name, learnt)| g.constant(name, &[1, 1], learnt));
        let x = g.binary(g.input(), tenth, sapwood_core::Binary::Mul);
        g.binary(x, gain, sapwood_core::Binary::Mul);
        let spec = Spec::of_layers("own", g.finish().unwrap()).unwrap();
        let value = |value: f32| Array::from_fn([1, 1], |_| value);
        let state = State([("attn.constant".into(), value(0.1)), ("attn.gain".into(), value(0.25))].into());
        let module = to_pytorch(&spec, None, &state).unwrap();
        assert!(module.source.contains(r#""constant": [[0.10000000149011612]],"#), "{}", module.source);
        assert!(module.source.contains(r#""gain": nn.Parameter(torch.zeros((1, 1))),"#), "{}", module.source);
        let has = |name: &str| module.state_dict.windows(name.len()).any(|bytes| bytes == name.as_bytes());
        assert_eq!(["attn.constant", "attn.gain"].map(has), [false, true]);
    }

    #[test]
    fn values_that_are_missing_are_an_error() {
        let mut g = Graph::builder([1, 2, 2]);
        g.linear("fc", g.input(), 2);
        let graph = g.finish().unwrap();
        let state = State([("fc.weight".into(), Array::from_fn([2, 4], |at| at as f32))].into());
        assert!(matches!(PythonModule::of("x", &graph, &state, None), Err(Error::Mismatch(_))));
    }
}
