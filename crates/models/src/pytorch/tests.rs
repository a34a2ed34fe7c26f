//! Files as PyTorch and Python write them (`benches/pytorch/odd_checkpoints.py`), and such as nobody should write.

mod containers;
mod damage;
mod files;

use burn::tensor::{DType, TensorData};

use super::{Node, Problem, Stored, read};

/// The weights of every network in the files.
const W: [f32; 6] = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5];

fn file(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/checkpoints/");
    std::fs::read(format!("{folder}{name}")).unwrap()
}

fn opened(name: &str) -> Node {
    read(&file(name)).unwrap_or_else(|problem| panic!("{name}: {problem}"))
}

/// The node at a path of keys.
fn at<'n>(node: &'n Node, keys: &[&str]) -> &'n Node {
    keys.iter().fold(node, |node, key| match node {
        Node::Dictionary(nodes) => &nodes.iter().find(|(name, _)| name == key).unwrap().1,
        Node::Tensor(_) => panic!("`{key}` in a tensor"),
    })
}

fn keys(node: &Node) -> Vec<&str> {
    match node {
        Node::Dictionary(nodes) => nodes.iter().map(|(key, _)| &key[..]).collect(),
        Node::Tensor(_) => Vec::new(),
    }
}

fn value<'n>(node: &'n Node, keys: &[&str]) -> &'n TensorData {
    match at(node, keys) {
        Node::Tensor(Stored::Value(value)) => value,
        other => panic!("{keys:?} is {other:?}"),
    }
}

fn unreadable<'n>(node: &'n Node, keys: &[&str]) -> &'n str {
    match at(node, keys) {
        Node::Tensor(Stored::Unreadable(why)) => why,
        other => panic!("{keys:?} is {other:?}"),
    }
}

fn assert_floats(node: &Node, keys: &[&str], shape: &[usize], expected: &[f32]) {
    let found = value(node, keys);
    assert_eq!((&found.shape()[..], found.dtype()), (shape, DType::F32), "{keys:?}");
    assert_eq!(found.as_slice::<f32>().unwrap(), expected, "{keys:?}");
}

/// Whether `w` and `b` lie at a path.
fn assert_network(node: &Node, path: &[&str]) {
    assert_floats(node, &[path, &["w"]].concat(), &[2, 3], &W);
    assert_floats(node, &[path, &["b"]].concat(), &[1], &[3.0]);
}
