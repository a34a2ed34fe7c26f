//! A file in the making.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use sapwood_graph::{Array, Dims, Graph, Grid, Quantized};

use super::{
    options::{Options, Weights},
    weights::floats,
};
use crate::{
    Error,
    proto::{
        Message, data_type,
        field::{attribute, node, tensor},
    },
};

/// An attribute of a node.
pub(super) enum Attribute {
    Int(i64),
    Ints(Vec<i64>),
    Float(f32),
    Text(&'static str),
    Tensor(Message),
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
    /// The names of the network's inputs and outputs.
    pub(super) inputs: Vec<String>,
    /// Which of them have their channels last.
    last: Vec<bool>,
    /// How many of the inputs were read.
    taken: usize,
    pub(super) outputs: Vec<String>,
    /// For each node of the graph the name of what it makes.
    pub(super) values: Vec<String>,
    /// For each node of the graph the dimensions of that.
    pub(super) dims: Vec<Dims>,
    pub(super) nodes: Vec<Message>,
    pub(super) tensors: Vec<Tensor<'s>>,
    /// The parameters that are integers, of the node that is being written.
    pub(super) integers: BTreeMap<String, Cow<'s, Quantized>>,
    /// The grid of what that node reads.
    pub(super) read: Option<Grid>,
    /// For each node of the graph the name of its integers, where an operation on integers makes them.
    pub(super) whole: BTreeMap<usize, (String, Grid)>,
    /// Whether operations of ONNX Runtime's own are written.
    pub(super) contributed: bool,
    pub(super) weights: Weights,
    /// The version of the operations that has what a refused layer needs, if it is known.
    pub(super) later: Option<i64>,
    names: BTreeSet<String>,
    /// How many nodes have a name, each of which may be there once.
    named: BTreeMap<String, usize>,
    /// Numbers that are there already, by their type and bytes.
    numbers: BTreeMap<(i64, Vec<u8>), String>,
}

impl<'s> Writing<'s> {
    pub(super) fn new(graph: &Graph, options: &Options) -> Result<Self, Error> {
        let mut found = Self {
            opset: options.opset,
            inputs: Vec::new(),
            last: graph.entries().iter().map(|entry| options.channels_last.contains(&entry.name)).collect(),
            taken: 0,
            outputs: Vec::new(),
            values: Vec::new(),
            dims: graph.dims()?,
            nodes: Vec::new(),
            tensors: Vec::new(),
            integers: BTreeMap::new(),
            read: None,
            whole: BTreeMap::new(),
            contributed: false,
            weights: options.weights,
            later: None,
            names: BTreeSet::new(),
            named: BTreeMap::new(),
            numbers: BTreeMap::new(),
        };
        found.inputs = graph.entries().iter().map(|entry| found.unused(entry.name.clone())).collect();
        let outputs = graph.ends().len();
        found.outputs = (0..outputs).map(|at| found.unused(options.output(at, outputs))).collect();
        Ok(found)
    }

    /// Why a layer is not written before a version of the operations.
    pub(super) fn refused_before(&mut self, opset: i64, why: String) -> String {
        self.later = Some(opset);
        why
    }

    /// The name of the next of the network's inputs, with channels in front.
    pub(super) fn input(&mut self) -> String {
        let at = self.taken;
        self.taken += 1;
        let input = self.inputs[at].clone();
        match self.last[at] {
            true => self.layer("", "Transpose", vec![input], &[("perm", Attribute::Ints(vec![0, 3, 1, 2]))]),
            false => input,
        }
    }

    /// A name that nothing in the file has.
    pub(super) fn unused(&mut self, name: String) -> String {
        let mut unused = name;
        while unused.is_empty() || !self.names.insert(unused.clone()) {
            unused.push('_');
        }
        unused
    }

    /// A node; a network's node gives it its name, and what ONNX needs beside it has none. Before the name of an
    /// operation that is not ONNX's own stands its domain and a point.
    pub(super) fn layer(
        &mut self,
        name: &str,
        op: &str,
        inputs: Vec<String>,
        attributes: &[(&str, Attribute)],
    ) -> String {
        let short = op.rsplit('.').next().unwrap_or(op);
        let output =
            self.unused(format!("/{}/{}", self.nodes.len(), if name.is_empty() { short } else { name }));
        self.push(name, op, &inputs, &output, attributes);
        output
    }

    pub(super) fn push(
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
        let (domain, op) = op.rsplit_once('.').unwrap_or(("", op));
        message = message.text(node::OP_TYPE, op);
        if !domain.is_empty() {
            self.contributed = true;
            message = message.text(node::DOMAIN, domain);
        }
        for (name, value) in attributes {
            let own = Message::default().text(attribute::NAME, name);
            // Their types are numbers of `AttributeProto.AttributeType`.
            let own = match value {
                Attribute::Float(value) => own.float(attribute::F, *value).integer(attribute::TYPE, 1),
                Attribute::Int(value) => own.integer(attribute::I, *value).integer(attribute::TYPE, 2),
                Attribute::Text(value) => own.text(attribute::S, value).integer(attribute::TYPE, 3),
                Attribute::Tensor(value) => own.message(attribute::T, value).integer(attribute::TYPE, 4),
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

    /// A constant in a node of its own.
    pub(super) fn constant(&mut self, name: &str, value: &Array) -> String {
        let message = Message::default()
            .integers(tensor::DIMS, value.shape().iter().map(|size| *size as i64))
            .integer(tensor::DATA_TYPE, data_type::FLOAT)
            .bytes(tensor::RAW_DATA, &floats(value));
        self.layer(name, "Constant", vec![], &[("value", Attribute::Tensor(message))])
    }

    /// A row of integers; its name.
    pub(super) fn integers(&mut self, values: Vec<i64>) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.shared(data_type::INT64, vec![values.len() as i64], bytes, format!("{values:?}"))
    }

    /// A row of numbers; its name.
    pub(super) fn numbers(&mut self, values: Vec<f32>) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let said = values.first().map_or_else(String::new, |first| format!("[{first}; {}]", values.len()));
        self.shared(data_type::FLOAT, vec![values.len() as i64], bytes, said)
    }

    /// A number; its name.
    pub(super) fn number(&mut self, value: f32) -> String {
        self.shared(data_type::FLOAT, vec![], value.to_le_bytes().to_vec(), value.to_string())
    }

    pub(super) fn shared(&mut self, data_type: i64, dims: Vec<i64>, bytes: Vec<u8>, said: String) -> String {
        // A number is no row of one.
        let key = (data_type * 2 + i64::from(dims.is_empty()), bytes.clone());
        if let Some(name) = self.numbers.get(&key) {
            return name.clone();
        }
        let name = self.unused(said);
        self.numbers.insert(key, name.clone());
        self.tensors.push(Tensor { name: name.clone(), data_type, dims, bytes: Cow::Owned(bytes) });
        name
    }

    /// The value of a node in one row, on the grid on which it lay.
    pub(super) fn flat(&mut self, at: usize) -> Result<String, String> {
        let value = self.values[at].clone();
        if self.dims[at].rank() == 2 {
            return Ok(value);
        }
        let flat = self.layer("", "Flatten", vec![value], &[("axis", Attribute::Int(1))]);
        match self.read {
            Some(grid) => {
                let integers = self.quantize(flat, &grid)?;
                self.dequantize(integers, &grid)
            }
            None => Ok(flat),
        }
    }

    /// Makes the value of a node one of the outputs, behind a softmax if there is to be one.
    ///
    /// That has no name, and the output is its own: so it is told from one of the network's, which has a name and an
    /// identity behind it. An input that goes out under its own name has neither.
    pub(super) fn end(&mut self, number: usize, at: usize, options: &Options) {
        let (value, output) = (self.values[at].clone(), self.outputs[number].clone());
        match options.softmax {
            true => self.push("", "Softmax", &[value], &output, &[("axis", Attribute::Int(1))]),
            false if value == options.output(number, self.outputs.len()) => self.outputs[number] = value,
            false => self.push("", "Identity", &[value], &output, &[]),
        }
    }
}
