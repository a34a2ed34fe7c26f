//! How a graph is written down.
//!
//! In JSON it is `{"nodes": [...], "input": [C, H, W]}`. A later form will have a `version` beside
//! them: without that it is the first.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::{Error, Graph, Node, Op, Shape};

/// The form that is read and written.
const VERSION: u64 = 1;
/// The largest number that an operation may name.
const MOST: usize = 1 << 24;

impl<'de> Deserialize<'de> for Graph {
    /// Looks at the version first: of a newer one nothing else may be understood.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut value = Value::deserialize(deserializer)?;
        let version = value.as_object_mut().and_then(|fields| fields.remove("version"));
        if let Some(version) = version.filter(|version| version.as_u64() != Some(VERSION)) {
            return Err(D::Error::custom(format!(
                "the layers are of version {version}, and version {VERSION} is read: a newer version wrote them"
            )));
        }
        let written = Written::deserialize(value).map_err(D::Error::custom)?;
        written.try_into().map_err(D::Error::custom)
    }
}

/// A graph as a file says it, without its version.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    nodes: Vec<Node>,
    input: Shape,
}

impl TryFrom<Written> for Graph {
    type Error = Error;

    fn try_from(Written { nodes, input }: Written) -> Result<Self, Error> {
        Self::of_nodes(nodes, input)
    }
}

impl Graph {
    /// A network of nodes that something else than a builder made, such as a file.
    ///
    /// # Errors
    /// [`Error::Graph`] for what no builder makes: nodes that do not fit one another, stand in no
    /// order in which they can be run, or share a layer's name.
    pub fn of_nodes(nodes: Vec<Node>, input: Shape) -> Result<Self, Error> {
        let mut layers = BTreeSet::new();
        for (id, node) in nodes.iter().enumerate() {
            let refuse = |problem: String| Err(Error::Graph { layer: node.name.clone(), problem });
            let (expected, found) = (node.op.arity(), node.inputs.len());
            if (id == 0) != (node.op == Op::Input) {
                return refuse("expected the input as the first node and nowhere else".into());
            }
            if expected != found {
                return refuse(format!("expected {expected} inputs, found {found}"));
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
        }
        if nodes.len() < 2 {
            return Err(Error::Graph { layer: "input".into(), problem: "no layer reads it".into() });
        }
        let graph = Self::new(nodes, input);
        graph.shapes(input).map(|_| graph)
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
        let newer = json!({ "version": 2, "nodes": [{ "op": "unheard-of" }], "values": [] });
        let expected = "the layers are of version 2, and version 1 is read: a newer version wrote them";
        assert_eq!(said(newer), expected);
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
