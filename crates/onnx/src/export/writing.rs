//! A file in the making.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use sapwood_graph::{Array, DType, Shape};

use crate::proto::{
    Message, data_type,
    field::{attribute, node},
};

/// What messages are called that are the network's ends.
pub(super) const INPUT: &str = "input";
pub(super) const OUTPUT: &str = "logits";

/// A value between two nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) name: String,
    /// 4 for `[N, C, H, W]`, 2 for `[N, C]`.
    pub(super) rank: usize,
}

/// An attribute of a node.
pub(super) enum Attribute {
    Int(i64),
    Ints(Vec<i64>),
    Float(f32),
    Text(&'static str),
}

/// A tensor of the file.
pub(super) struct Tensor<'s> {
    pub(super) name: String,
    pub(super) data_type: i64,
    pub(super) dims: Vec<i64>,
    pub(super) bytes: Cow<'s, [u8]>,
}

/// Nodes and tensors, in the order in which they are written.
pub(super) struct Writing<'s> {
    pub(super) opset: i64,
    /// What each node of the graph makes.
    pub(super) values: Vec<Value>,
    pub(super) nodes: Vec<Message>,
    pub(super) tensors: Vec<Tensor<'s>>,
    pub(super) input: Shape,
    names: BTreeSet<String>,
    /// How many nodes have a name, each of which may be there once.
    named: BTreeMap<String, usize>,
    /// Numbers that are there already, by their type and bytes.
    numbers: BTreeMap<(i64, Vec<u8>), String>,
}

impl<'s> Writing<'s> {
    pub(super) fn new(opset: i64, input: Shape) -> Self {
        Self {
            opset,
            values: vec![Value { name: INPUT.into(), rank: 4 }],
            nodes: Vec::new(),
            tensors: Vec::new(),
            input,
            names: [INPUT, OUTPUT].map(String::from).into(),
            named: BTreeMap::new(),
            numbers: BTreeMap::new(),
        }
    }

    /// A name that nothing in the file has.
    fn unused(&mut self, name: String) -> String {
        let mut unused = name;
        while !self.names.insert(unused.clone()) {
            unused.push('_');
        }
        unused
    }

    /// A node; a network's node gives it its name, and what ONNX needs beside it has none.
    pub(super) fn layer(
        &mut self,
        name: &str,
        op: &str,
        inputs: Vec<String>,
        attributes: &[(&str, Attribute)],
        rank: usize,
    ) -> Value {
        let output =
            self.unused(format!("/{}/{}", self.nodes.len(), if name.is_empty() { op } else { name }));
        self.push(name, op, &inputs, &output, attributes);
        Value { name: output, rank }
    }

    fn push(
        &mut self,
        name: &str,
        op: &str,
        inputs: &[String],
        output: &str,
        attributes: &[(&str, Attribute)],
    ) {
        let mut message = inputs.iter().fold(Message::default(), |m, input| m.text(node::INPUT, input));
        message = message.text(node::OUTPUT, output);
        if !name.is_empty() {
            message = message.text(node::NAME, &self.node_name(name));
        }
        message = message.text(node::OP_TYPE, op);
        for (name, value) in attributes {
            let own = Message::default().text(attribute::NAME, name);
            // Their types are numbers of `AttributeProto.AttributeType`.
            let own = match value {
                Attribute::Float(value) => own.float(attribute::F, *value).integer(attribute::TYPE, 1),
                Attribute::Int(value) => own.integer(attribute::I, *value).integer(attribute::TYPE, 2),
                Attribute::Text(value) => own.text(attribute::S, value).integer(attribute::TYPE, 3),
                Attribute::Ints(values) => {
                    own.integers(attribute::INTS, values.iter().copied()).integer(attribute::TYPE, 7)
                }
            };
            message = message.message(node::ATTRIBUTE, &own);
        }
        self.nodes.push(message);
    }

    /// Operations of a network share names (`relu`), nodes of a file do not.
    fn node_name(&mut self, name: &str) -> String {
        let count = self.named.entry(name.into()).or_default();
        *count += 1;
        match *count {
            1 => name.into(),
            count => {
                let unique = format!("{name}_{count}");
                if self.named.contains_key(&unique) { self.node_name(name) } else { self.node_name(&unique) }
            }
        }
    }

    /// A parameter, in f32; its name.
    pub(super) fn weights(&mut self, path: &str, value: &'s Array) -> String {
        let name = self.unused(path.into());
        let bytes = match value.dtype() {
            DType::F32 => value.as_bytes(),
            _ => Cow::Owned(value.iter::<f32>().flat_map(f32::to_le_bytes).collect()),
        };
        let dims = value.shape().iter().map(|size| *size as i64).collect();
        self.tensors.push(Tensor { name: name.clone(), data_type: data_type::FLOAT, dims, bytes });
        name
    }

    /// A row of integers; its name.
    pub(super) fn integers(&mut self, values: Vec<i64>) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(data_type::INT64, vec![values.len() as i64], bytes, format!("{values:?}"))
    }

    /// A number; its name.
    pub(super) fn number(&mut self, value: f32) -> String {
        self.constant(data_type::FLOAT, vec![], value.to_le_bytes().to_vec(), value.to_string())
    }

    fn constant(&mut self, data_type: i64, dims: Vec<i64>, bytes: Vec<u8>, said: String) -> String {
        if let Some(name) = self.numbers.get(&(data_type, bytes.clone())) {
            return name.clone();
        }
        let name = self.unused(said);
        self.numbers.insert((data_type, bytes.clone()), name.clone());
        self.tensors.push(Tensor { name: name.clone(), data_type, dims, bytes: Cow::Owned(bytes) });
        name
    }

    /// The value of a node in one row.
    pub(super) fn flat(&mut self, at: usize) -> String {
        match self.values[at].clone() {
            Value { name, rank: 2 } => name,
            Value { name, .. } => {
                self.layer("", "Flatten", vec![name], &[("axis", Attribute::Int(1))], 2).name
            }
        }
    }

    /// The value of a node of this shape as an image.
    pub(super) fn image(&mut self, at: usize, [c, h, w]: Shape) -> String {
        match self.values[at].clone() {
            Value { name, rank: 4 } => name,
            Value { name, .. } => {
                let shape = self.integers(vec![0, c as i64, h as i64, w as i64]);
                self.layer("", "Reshape", vec![name, shape], &[], 4).name
            }
        }
    }

    /// In the place of what cannot be written, so that all of it is found.
    pub(super) fn nothing(&self, [_, h, w]: Shape) -> Value {
        Value { name: String::new(), rank: if (h, w) == (1, 1) { 2 } else { 4 } }
    }

    /// Makes the last value the output, flat as every network's is.
    pub(super) fn end(&mut self) {
        let last = self.flat(self.values.len() - 1);
        self.push("", "Identity", &[last], OUTPUT, &[]);
    }
}
