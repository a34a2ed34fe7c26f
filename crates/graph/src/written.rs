//! How a graph is written down.
//!
//! In JSON it is `{"nodes": [...], "input": [C, H, W]}` where one image goes in, the last node goes out and all
//! operations are of the first version. What needs more is
//! `{"version": 2, "nodes": [...], "inputs": [...], "outputs": [...]}`.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;

use crate::{Activation, Dims, Entry, Error, Graph, Interpolation, Node, Op, Places, Shape};

/// The newest form that is read.
const VERSION: u64 = 2;
/// The largest number that an operation may name.
const MOST: usize = 1 << 24;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct First {
    nodes: Vec<Node>,
    input: Shape,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Second {
    version: u64,
    nodes: Vec<Node>,
    inputs: Vec<Entry>,
    outputs: Vec<usize>,
}

impl Serialize for Graph {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nodes = self.nodes().to_vec();
        match self.of_first_version() {
            true => First { nodes, input: self.input() }.serialize(serializer),
            false => {
                let (inputs, outputs) = (self.entries().to_vec(), self.ends().to_vec());
                Second { version: VERSION, nodes, inputs, outputs }.serialize(serializer)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Graph {
    /// Looks at the version first: of a newer one nothing else may be understood.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut value = Value::deserialize(deserializer)?;
        let version = value.as_object_mut().and_then(|fields| fields.remove("version"));
        let graph = match version.as_ref().map(Value::as_u64) {
            None | Some(Some(1)) => {
                let First { nodes, input } = First::deserialize(value).map_err(D::Error::custom)?;
                Self::of_nodes(nodes, input)
            }
            Some(Some(VERSION)) => {
                value["version"] = VERSION.into();
                let Second { nodes, inputs, outputs, .. } =
                    Second::deserialize(value).map_err(D::Error::custom)?;
                Self::of_parts(nodes, inputs, outputs)
            }
            Some(_) => {
                let found = version.unwrap_or_default();
                return Err(D::Error::custom(format!(
                    "the layers are of version {found}, and version {VERSION} is read: a newer version wrote them"
                )));
            }
        };
        graph.map_err(D::Error::custom)
    }
}

impl Graph {
    /// A network on images that ends with its last node, of nodes that something else than a builder made, such
    /// as a file.
    ///
    /// # Errors
    /// See [`Graph::of_parts`].
    pub fn of_nodes(nodes: Vec<Node>, input: Shape) -> Result<Self, Error> {
        let last = nodes.len().saturating_sub(1);
        Self::of_parts(nodes, vec![Entry::images(input)], vec![last])
    }

    /// A network of nodes that something else than a builder made, what goes into its nodes that are inputs,
    /// and the nodes that go out.
    ///
    /// # Errors
    /// [`Error::Graph`] for what no builder makes: nodes that do not fit one another, stand in no
    /// order in which they can be run, or share a layer's name.
    pub fn of_parts(nodes: Vec<Node>, inputs: Vec<Entry>, outputs: Vec<usize>) -> Result<Self, Error> {
        let input = |problem: String| Err(Error::Graph { layer: "input".into(), problem });
        let mut layers = BTreeSet::new();
        for (id, node) in nodes.iter().enumerate() {
            let refuse = |problem: String| Err(Error::Graph { layer: node.name.clone(), problem });
            let ((least, most), found) = (node.op.arity(), node.inputs.len());
            if id == 0 && node.op != Op::Input {
                return refuse("expected an input as the first node".into());
            }
            if !(least..=most).contains(&found) {
                return refuse(format!("expected {least} inputs, found {found}"));
            }
            if let Some(late) = node.inputs.iter().find(|input| id <= **input) {
                return refuse(format!("it reads node {late}, which does not stand before it"));
            }
            if MOST < node.op.largest_number() {
                return refuse(format!("its sizes are at most {MOST}"));
            }
            if node.op.has_parameters() && !layers.insert(&node.name) {
                return refuse("there are two layers of this name".into());
            }
            let integers = |input: &usize| reads_integers(&nodes, &inputs, *input);
            let takes = matches!(node.op, Op::Embedding { .. });
            if let Some(found) = node.inputs.iter().map(integers).find(|found| *found != takes) {
                let kinds = ["numbers", "integers"];
                let [expected, found] = [takes, found].map(|is| kinds[usize::from(is)]);
                return refuse(format!("expected {expected} to come in, found {found}"));
            }
        }
        if nodes.len() < 2 {
            return input("no layer reads it".into());
        }
        let (expected, found) = (nodes.iter().filter(|node| node.op == Op::Input).count(), inputs.len());
        if expected != found {
            return input(format!("{found} inputs are described, and there are {expected}"));
        }
        if outputs.is_empty() || outputs.iter().any(|end| nodes.len() <= *end) {
            return input(format!("{outputs:?} are no outputs of {} nodes", nodes.len()));
        }
        for entry in &inputs {
            let sizes = entry.dims.sizes();
            if MOST < sizes.iter().copied().max().unwrap_or_default() || sizes.contains(&0) {
                return input(format!("its sizes are 1 to {MOST}, found {}", entry.dims));
            }
        }
        let graph = Self::new(nodes, inputs, outputs);
        graph.dims().map(|_| graph)
    }

    /// Whether the first version can say it.
    fn of_first_version(&self) -> bool {
        let image = |entry: &Entry| *entry == Entry::images(entry.dims.image());
        let inputs = self.nodes().iter().filter(|node| node.op == Op::Input).count();
        inputs == 1
            && self.entries().iter().all(image)
            && self.ends() == [self.nodes().len() - 1]
            && self.nodes().iter().all(|node| node.op.of_first_version())
            && self.dims().is_ok_and(|dims| of_first_shapes(self.nodes(), &dims))
    }
}

/// Whether a node's value are integers: an input that says so.
fn reads_integers(nodes: &[Node], inputs: &[Entry], id: usize) -> bool {
    let number = nodes[..id].iter().filter(|node| node.op == Op::Input).count();
    nodes[id].op == Op::Input && inputs.get(number).is_some_and(|entry| entry.integers)
}

/// The first version adds nothing but equal shapes.
fn of_first_shapes(nodes: &[Node], dims: &[Dims]) -> bool {
    let same = |node: &Node| node.inputs.windows(2).all(|pair| dims[pair[0]] == dims[pair[1]]);
    nodes.iter().filter(|node| node.op == Op::Add).all(same)
}

impl Op {
    fn of_first_version(&self) -> bool {
        match self {
            Self::Conv(spec) => spec.plain().is_some(),
            Self::Linear { places, .. } => !places,
            Self::LayerNorm { last, .. } => !last,
            Self::MaxPool(window) => {
                let square = [window.kernel, window.stride].iter().all(|pair| pair.square().is_some());
                square && window.padding.same().is_some() && window.dilation.is_one() && !window.ceil
            }
            Self::AvgPool(pool) => {
                pool.window.kernel.square().is_some_and(|kernel| *pool == crate::AvgPool::touching(kernel))
            }
            Self::Resize(resize) => {
                resize.interpolation == Interpolation::default() && resize.places == Places::default()
            }
            Self::Activation(activation) => matches!(
                activation,
                Activation::Relu
                    | Activation::Relu6
                    | Activation::HSwish
                    | Activation::HSigmoid
                    | Activation::Gelu
            ),
            Self::Input
            | Self::BatchNorm { .. }
            | Self::Position(_)
            | Self::Attention { .. }
            | Self::Wrap { .. }
            | Self::GlobalAvgPool
            | Self::Flatten
            | Self::Add
            | Self::Scale
            | Self::Subsample { .. } => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn graph() -> Graph {
        let mut g = Graph::builder([1, 2, 2]);
        let x = g.linear("fc1", g.input(), 3);
        let x = g.relu(x);
        g.linear("fc2", x, 2);
        g.finish().unwrap()
    }

    fn said(value: Value) -> String {
        serde_json::from_value::<Graph>(value).map_or_else(|error| error.to_string(), |_| "fine".into())
    }

    #[test]
    fn what_is_written_is_what_is_read_with_and_without_the_first_version() {
        let mut value = serde_json::to_value(graph()).unwrap();
        assert_eq!(value.as_object().unwrap().keys().collect::<Vec<_>>(), ["input", "nodes"]);
        assert_eq!(serde_json::from_value::<Graph>(value.clone()).unwrap(), graph());
        value["version"] = 1.into();
        assert_eq!(serde_json::from_value::<Graph>(value).unwrap(), graph());
    }

    #[test]
    fn a_newer_version_is_refused_whatever_else_it_says() {
        let newer = json!({ "version": 3, "nodes": [{ "op": "unheard-of" }], "values": [] });
        let expected = "the layers are of version 3, and version 2 is read: a newer version wrote them";
        assert_eq!(said(newer), expected);
    }

    #[test]
    fn what_the_first_version_cannot_say_is_of_the_second() {
        let mut g = Graph::builder_of(vec![
            Entry { name: "tokens".into(), dims: Dims::rows(7), integers: true },
            Entry { name: "extra".into(), dims: Dims::batch_of(&[7, 4]).unwrap(), integers: false },
        ]);
        let [tokens, extra] = [g.entry(0), g.entry(1)];
        let x = g.embedding("table", tokens, 100, 4);
        let x = g.add(x, extra);
        let x = g.linear_at_places("fc", x, 3);
        let ends = [x, extra];
        let graph = g.finish_with(&ends).unwrap();
        let value = serde_json::to_value(&graph).unwrap();
        assert_eq!((&value["version"], &value["outputs"]), (&json!(2), &json!([4, 1])));
        assert_eq!(serde_json::from_value::<Graph>(value.clone()).unwrap(), graph);
        let without = |key: &str, new: Value| {
            let mut value = value.clone();
            value[key] = new;
            said(value)
        };
        for (found, expected) in [
            (without("outputs", json!([])), "[] are no outputs of 5 nodes"),
            (without("outputs", json!([7])), "[7] are no outputs of 5 nodes"),
            (
                without("inputs", json!([{ "name": "tokens", "dims": ["n", 7], "integers": true }])),
                "1 inputs are described, and there are 2",
            ),
            (
                without(
                    "inputs",
                    json!([{ "name": "a", "dims": ["n", 7] }, { "name": "b", "dims": ["n", 7, 4] }]),
                ),
                "layer `table`: expected integers to come in, found numbers",
            ),
            (
                without(
                    "inputs",
                    json!([{ "name": "a", "dims": ["n", 0], "integers": true }, { "name": "b", "dims": ["n", 4] }]),
                ),
                "its sizes are 1 to 16777216, found [n, 0]",
            ),
        ] {
            assert!(found.contains(expected), "{found}");
        }
    }

    #[test]
    fn what_no_builder_makes_is_refused() {
        let with = |change: &dyn Fn(&mut Value)| {
            let mut value = serde_json::to_value(graph()).unwrap();
            change(&mut value);
            said(value)
        };
        for (found, expected) in [
            (with(&|g| g["nodes"][1]["inputs"] = json!([2])), "layer `fc1`: it reads node 2, which does not"),
            (
                with(&|g| g["nodes"][3]["name"] = json!("fc1")),
                "layer `fc1`: there are two layers of this name",
            ),
            (with(&|g| g["nodes"][2]["inputs"] = json!([1, 1])), "layer `relu`: expected 1 inputs, found 2"),
            (
                with(&|g| g["nodes"][1]["op"]["linear"]["outputs"] = json!(1u64 << 30)),
                "sizes are at most 16777216",
            ),
            (with(&|g| g["nodes"] = json!([])), "layer `input`: no layer reads it"),
            (with(&|g| g["edges"] = json!([])), "unknown field `edges`"),
        ] {
            assert!(found.contains(expected), "{found}");
        }
    }
}
