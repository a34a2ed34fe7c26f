//! The network in the making.

use std::collections::{BTreeMap, BTreeSet};

use sapwood_graph::{Array, Dims, Graph, Node, Op, ParamPath, Shape, State};

use super::{
    call::Refusal,
    naming::Names,
    value::{Data, Stored, Value},
};
use crate::{Error, Note};

/// Layers, and the tensors of the file that are their parameters. No value is copied before all is known
/// to be a network.
pub(super) struct Making<'a> {
    pub(super) nodes: Vec<Node>,
    dims: Vec<Dims>,
    /// For each node with parameters their names within the layer.
    params: BTreeMap<usize, Vec<(&'static str, Stored<'a>)>>,
    names: Names,
    /// How many nodes read a value of the file.
    pub(super) uses: BTreeMap<&'a str, usize>,
    pub(super) opset: i64,
    /// The name of the network's output.
    pub(super) output: &'a str,
    /// Nodes that say nothing of their own: see [`Making::flatten`].
    implicit: BTreeSet<usize>,
    notes: Vec<Note>,
}

impl<'a> Making<'a> {
    pub(super) fn new(input: Shape, output: &'a str, opset: i64) -> Self {
        Self {
            nodes: vec![Node { name: "input".into(), op: Op::Input, inputs: vec![] }],
            dims: vec![Dims::images(input)],
            params: BTreeMap::new(),
            names: Names::default(),
            uses: BTreeMap::new(),
            opset,
            output,
            implicit: BTreeSet::new(),
            notes: Vec::new(),
        }
    }

    /// The value of a node.
    pub(super) fn at(&self, node: usize) -> Data {
        Data { node, shape: self.dims[node].image(), rank: 4 }
    }

    pub(super) fn uses(&self, name: &str) -> usize {
        self.uses.get(name).copied().unwrap_or_default()
    }

    pub(super) fn note(&mut self, note: Note) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// An operation without parameters. Operations have the names that a builder gives them.
    pub(super) fn push(&mut self, name: &str, op: Op, inputs: &[Data]) -> Result<Data, Refusal> {
        let dims: Vec<Dims> = inputs.iter().map(|data| self.dims[data.node]).collect();
        let dims = op.shape(&dims).map_err(Refusal::Damaged)?;
        let shape = dims.image();
        if !fits(shape) {
            return Err(Refusal::Damaged(format!("its output of {shape:?} is too large for any machine")));
        }
        let inputs = inputs.iter().map(|data| data.node).collect();
        self.nodes.push(Node { name: name.into(), op, inputs });
        self.dims.push(dims);
        Ok(Data { node: self.nodes.len() - 1, shape, rank: 4 })
    }

    /// A layer, of which parameters have these names.
    pub(super) fn layer(
        &mut self,
        (node, kind): (&str, &str),
        op: Op,
        input: Data,
        params: Vec<(&'static str, Stored<'a>)>,
    ) -> Result<Data, Refusal> {
        let said: Vec<(&str, &str)> = params.iter().map(|(suffix, stored)| (stored.name, *suffix)).collect();
        let name = self.names.layer(&said, node, kind);
        let made = self.push(&name, op, &[input])?;
        self.params.insert(made.node, params);
        Ok(made)
    }

    /// Gives the layer that made a value a bias, if it has none and nothing else reads the value.
    pub(super) fn bias(&mut self, value: Data, name: &str, bias: &Stored<'a>) -> bool {
        let alone = self.uses(name) == 1;
        let Some(node) = self.nodes.get_mut(value.node).filter(|_| alone) else { return false };
        let outputs = match &mut node.op {
            Op::Conv(spec) if !spec.bias => {
                spec.bias = spec.outputs == bias.len();
                spec.bias
            }
            Op::Linear { outputs, bias: has, .. } if !*has => {
                *has = *outputs == bias.len();
                *has
            }
            _ => false,
        };
        if outputs {
            self.params.entry(value.node).or_default().push(("bias", bias.clone()));
        }
        outputs
    }

    /// All values in one row. A flattening without a name was written because ONNX's linear layers want
    /// their inputs flat, which those here do not.
    pub(super) fn flatten(&mut self, name: &str, data: Data) -> Result<Data, Refusal> {
        if name.is_empty() && data.shape[1..] == [1, 1] {
            return Ok(Data { rank: 2, ..data });
        }
        let flat = self.push("flatten", Op::Flatten, &[data])?;
        if name.is_empty() {
            self.implicit.insert(flat.node);
        }
        Ok(Data { rank: 2, ..flat })
    }

    /// The network that ends with a node, of a file of so many bytes.
    pub(super) fn finish(mut self, last: usize, file: usize) -> Result<(Graph, State, Vec<Note>), Error> {
        let last = self.without_implicit(last);
        let mut needed = BTreeSet::from([0]);
        let mut todo = vec![last];
        while let Some(node) = todo.pop() {
            if needed.insert(node) || node == last {
                todo.extend(self.nodes[node].inputs.iter().filter(|input| !needed.contains(*input)));
            }
        }
        let place: BTreeMap<usize, usize> = needed.iter().enumerate().map(|(new, old)| (*old, new)).collect();
        let nodes = needed.iter().map(|old| {
            let Node { name, op, inputs } = self.nodes[*old].clone();
            Node { name, op, inputs: inputs.iter().map(|input| place[input]).collect() }
        });
        let graph = Graph::of_nodes(nodes.collect(), self.dims[0].image())?;
        let (mut state, mut bytes) = (State::default(), 0);
        for old in needed {
            for (suffix, stored) in self.params.remove(&old).into_iter().flatten() {
                bytes += 4 * stored.len();
                // A file says each weight once, in at least half of the bytes that it has here.
                if 3 * file < bytes {
                    return Err(Error::Format(
                        "layers share weights so often that they outgrow the file".into(),
                    ));
                }
                let node = &self.nodes[old];
                // All others are rows, whatever shape the file has for adding them.
                let shape = match suffix == "weight" && node.op.has_weights() {
                    true => stored.shape.clone(),
                    false => vec![stored.len()],
                };
                let path = ParamPath::from(format!("{}.{suffix}", node.name));
                state.0.insert(path, Array::new(shape, stored.floats()?)?);
            }
        }
        Ok((graph, state, self.notes))
    }

    /// Takes implicit flattenings out where what reads them flattens anyway.
    fn without_implicit(&mut self, last: usize) -> usize {
        for at in 0..self.nodes.len() {
            let read = match (self.nodes[at].op, &self.nodes[at].inputs[..]) {
                (Op::Linear { .. }, &[read]) if self.implicit.contains(&read) => self.nodes[read].inputs[0],
                _ => continue,
            };
            self.nodes[at].inputs[0] = read;
        }
        // The output of a network is flat whatever its last node makes.
        match self.implicit.contains(&last) && self.nodes[last].inputs[0] != 0 {
            true => self.nodes[last].inputs[0],
            false => last,
        }
    }
}

/// Whether the number of values is one that any machine could have.
pub(super) fn fits(shape: Shape) -> bool {
    const MOST_VALUES: u128 = 1 << 40;
    // Sizes are below 2^63, so that this cannot overflow before it is compared.
    shape
        .iter()
        .try_fold(1u128, |all, size| Some(all * *size as u128).filter(|all| *all <= MOST_VALUES))
        .is_some()
}

impl<'a> From<Data> for Value<'a> {
    fn from(data: Data) -> Self {
        Self::Data(data)
    }
}
