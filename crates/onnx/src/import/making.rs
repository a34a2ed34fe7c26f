//! The network in the making.

use std::collections::{BTreeMap, BTreeSet};

use sapwood_graph::{Dims, Entry, Node, Op};

use super::{
    call::Call,
    naming::Names,
    refusal::Refusal,
    rounding::{self, Rounding},
    value::{Data, Stored, Value},
};
use crate::{Note, classes::are_classes};

/// Layers, and the tensors of the file that are their parameters. No value of these is copied before all is
/// known to be a network.
pub(super) struct Making<'a> {
    pub(super) nodes: Vec<Node>,
    pub(super) dims: Vec<Dims>,
    pub(super) entries: Vec<Entry>,
    /// For each node with parameters their names within the layer; that of a constant has none.
    pub(super) params: BTreeMap<usize, Vec<(&'static str, Stored<'a>)>>,
    names: Names,
    /// The layers whose names no parameter tells.
    untold: BTreeSet<usize>,
    /// The nodes of constants that the file lists among its tensors.
    constants: BTreeMap<(&'a str, Vec<usize>, bool), Vec<usize>>,
    /// How many nodes read a value of the file.
    pub(super) uses: BTreeMap<&'a str, usize>,
    /// How many nodes of the file read what a node of the network makes, under whichever names.
    readers: BTreeMap<usize, usize>,
    pub(super) opset: i64,
    /// Of the batch the number that the file says, if it says one.
    pub(super) fixed_batch: Option<i64>,
    /// Where values are rounded.
    pub(super) rounding: Rounding,
    /// Nodes that say nothing of their own: see [`Making::flatten`].
    pub(super) implicit: BTreeSet<usize>,
    pub(super) notes: Vec<Note>,
    /// How many values may still be computed.
    budget: usize,
    /// How many nodes the network may have, of which one of the file may ask for many: what they take in memory is in
    /// proportion to the file.
    most_nodes: usize,
    /// How many values its nodes may still read, of which one of the file may name one that is read again and again.
    reads: usize,
    /// The bytes of the files that lie beside this one.
    pub(super) files: &'a BTreeMap<String, Vec<u8>>,
}

/// The most values that are computed while a file is read: 1 GiB.
const MOST_MADE: usize = 1 << 28;

impl<'a> Making<'a> {
    /// A network of which a file with this number of bytes tells.
    pub(super) fn new(opset: i64, bytes: usize, files: &'a BTreeMap<String, Vec<u8>>) -> Self {
        Self {
            nodes: Vec::new(),
            dims: Vec::new(),
            entries: Vec::new(),
            params: BTreeMap::new(),
            names: Names::default(),
            untold: BTreeSet::new(),
            constants: BTreeMap::new(),
            uses: BTreeMap::new(),
            readers: BTreeMap::new(),
            opset,
            fixed_batch: None,
            rounding: Rounding::default(),
            implicit: BTreeSet::new(),
            notes: Vec::new(),
            budget: MOST_MADE.min((1 << 18) + bytes / 2),
            most_nodes: (1 << 13) + bytes / 128,
            // A name takes two bytes at least.
            reads: (1 << 16) + bytes / 2,
            files,
        }
    }

    /// An input of the network.
    pub(super) fn entry(&mut self, entry: Entry) -> Data {
        let (dims, integers) = (entry.dims, entry.integers);
        self.nodes.push(Node { name: entry.name.clone(), op: Op::Input, inputs: vec![] });
        self.dims.push(dims);
        self.entries.push(entry);
        Data { node: self.nodes.len() - 1, dims, integers }
    }

    /// Pays for values that are computed.
    pub(super) fn afford(&mut self, values: usize) -> Result<(), Refusal> {
        match self.budget.checked_sub(values) {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => Err(Refusal::Cannot("of constants that outgrow the file".into())),
        }
    }

    /// The value of a node.
    pub(super) fn at(&self, node: usize) -> Data {
        Data { node, dims: self.dims[node], integers: false }
    }

    /// What goes into a node that is a softmax over all values of an example, rounded or not.
    pub(super) fn before_softmax(&self, node: usize) -> Option<usize> {
        let rounded = self.rounding.grids.contains_key(&node);
        let node = if rounded { self.nodes[node].inputs[0] } else { node };
        let Node { op: Op::Softmax { axis: 1, log: false }, inputs, .. } = &self.nodes[node] else {
            return None;
        };
        inputs.first().copied().filter(|_| are_classes(&self.dims[node]))
    }

    pub(super) fn uses(&self, name: &str) -> usize {
        self.uses.get(name).copied().unwrap_or_default()
    }

    /// What a node of the network makes has a name of the file.
    pub(super) fn is_called(&mut self, node: usize, name: &str) {
        *self.readers.entry(node).or_default() += self.uses(name);
    }

    /// Whether nothing but the node of the file that is being read reads what a node of the network makes.
    pub(super) fn is_alone(&self, node: usize) -> bool {
        self.readers.get(&node) == Some(&1)
    }

    /// Names mean other constants from now on.
    pub(super) fn forget_constants(&mut self) {
        self.constants.clear();
    }

    pub(super) fn note(&mut self, note: Note) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// A constant is computed of this one: if that would learn, it no longer does.
    pub(super) fn computed(&mut self, of: &Value<'_>) {
        if let Value::Stored(stored) = of
            && stored.is_learnt()
        {
            self.note(Note::Computed);
        }
    }

    /// An operation without parameters, called as a builder does.
    pub(super) fn push(&mut self, op: Op, inputs: &[Data]) -> Result<Data, Refusal> {
        self.push_named(op.kind(), op, inputs)
    }

    fn push_named(&mut self, name: &str, op: Op, inputs: &[Data]) -> Result<Data, Refusal> {
        const MOST_VALUES: u128 = 1 << 40;
        let dims: Vec<Dims> = inputs.iter().map(|data| data.dims).collect();
        let dims = op.shape(&dims).map_err(Refusal::misfit)?;
        if MOST_VALUES < dims.values() {
            return Err(Refusal::Damaged(format!("its output of {dims} is too large for any machine")));
        }
        if self.most_nodes <= self.nodes.len() {
            return Err(Refusal::Cannot("in more layers than a file of its size has".into()));
        }
        let reads = self.reads.checked_sub(inputs.len());
        self.reads =
            reads.ok_or_else(|| Refusal::Cannot("of more values than a file of its size names".into()))?;
        let inputs = inputs.iter().map(|data| data.node).collect();
        self.nodes.push(Node { name: name.into(), op, inputs });
        self.dims.push(dims);
        Ok(Data { node: self.nodes.len() - 1, dims, integers: false })
    }

    /// A layer, of which parameters have these names.
    pub(super) fn layer(
        &mut self,
        (node, kind): (&str, &str),
        op: Op,
        input: Data,
        params: Vec<(&'static str, Stored<'a>)>,
    ) -> Result<Data, Refusal> {
        // What does not fit has no name.
        op.shape(&[input.dims]).map_err(Refusal::misfit)?;
        let said: Vec<(&str, &str)> = params.iter().map(|(suffix, stored)| (stored.name, *suffix)).collect();
        let told = self.names.told(&said);
        let is_told = told.is_some();
        let name = self.names.layer(told, node, kind);
        let made = self.push_named(&name, op, &[input])?;
        if !is_told {
            self.untold.insert(made.node);
        }
        self.params.insert(made.node, params);
        Ok(made)
    }

    /// Frees the name of a layer that was a part of another.
    pub(super) fn release(&mut self, layer: usize) {
        self.names.release(&self.nodes[layer].name);
    }

    /// The layer that made a value computes another operation of another value: the old one was a part of it.
    pub(super) fn replace(&mut self, layer: usize, op: Op, input: Data) -> Result<Data, Refusal> {
        let name = self.nodes[layer].name.clone();
        let made = self.push_named(&name, op, &[input])?;
        let params = self.params.get(&layer).cloned();
        self.params.extend(params.map(|params| (made.node, params)));
        Ok(made)
    }

    /// Gives the layer that made a value a bias, if it has none and nothing else reads the value.
    pub(super) fn bias(&mut self, value: Data, bias: &Stored<'a>) -> bool {
        let alone = self.is_alone(value.node);
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
        if let Some(bias) = bias.viewed(vec![bias.len()]).filter(|_| outputs) {
            if self.untold.remove(&value.node)
                && let Some(name) = self.names.by_bias(&self.nodes[value.node].name, bias.name)
            {
                self.nodes[value.node].name = name;
            }
            self.params.entry(value.node).or_default().push(("bias", bias));
        }
        outputs
    }

    /// Sets a node of the network aside for a constant where the file has one, in case it is read as a value.
    pub(super) fn place(&mut self, stored: Stored<'a>, name: &str) -> Stored<'a> {
        match Dims::fixed(&stored.shape) {
            Some(dims) if stored.place.is_none() && !stored.shape.contains(&0) => {
                self.nodes.push(Node {
                    name: name.into(),
                    op: Op::Constant { dims, learnt: stored.is_learnt() },
                    inputs: vec![],
                });
                self.dims.push(dims);
                stored.placed(self.nodes.len() - 1)
            }
            _ => stored,
        }
    }

    /// A constant as a value of the network.
    pub(super) fn constant(&mut self, stored: &Stored<'a>) -> Result<Data, Refusal> {
        let key = (stored.name, stored.shape.clone(), stored.is_transposed());
        let same = |node: &usize| self.params.get(node).is_some_and(|params| params[0].1.is_said_as(stored));
        let known = stored.place.or_else(|| self.constants.get(&key)?.iter().copied().find(same));
        if let Some(node) = known.filter(same) {
            return Ok(self.at(node));
        }
        let learnt = stored.is_learnt();
        let node = match stored.place {
            Some(node) => node,
            None => {
                let dims = Dims::fixed(&stored.shape).filter(|_| !stored.shape.contains(&0));
                let dims =
                    dims.ok_or_else(|| Refusal::Cannot(format!("of a constant {:?}", stored.shape)))?;
                if !stored.name.is_empty() {
                    self.constants.entry(key).or_default().push(self.nodes.len());
                }
                let name = if learnt { stored.name } else { "" };
                self.push_named(name, Op::Constant { dims, learnt }, &[])?.node
            }
        };
        let asked = std::mem::take(&mut self.nodes[node].name);
        self.nodes[node].name = self.names.constant(if learnt { stored.name } else { &asked });
        self.params.insert(node, vec![("", stored.clone())]);
        Ok(self.at(node))
    }

    /// A number as a value of the network.
    pub(super) fn scalar(&mut self, value: f32) -> Result<Data, Refusal> {
        self.constant(&Stored::made("", vec![], vec![value]))
    }

    /// The number that a node is, if it is a constant with one value.
    pub(super) fn number(&self, node: usize) -> Option<f32> {
        let (Op::Constant { dims, .. }, Some(params)) = (self.nodes[node].op, self.params.get(&node)) else {
            return None;
        };
        (dims.values() == 1).then(|| params.first()?.1.scalar().ok()?).flatten()
    }

    /// An input as a value of the network, also if it is a constant.
    pub(super) fn any(&mut self, call: &Call<'a, '_>, at: usize) -> Result<Data, Refusal> {
        match call.input(at) {
            Value::Stored(stored) => self.constant(&stored.clone()),
            _ => call.data(at),
        }
    }

    /// All values of an example in one row. A flattening without a name was written because ONNX's linear
    /// layers want their inputs flat, which those here do not.
    pub(super) fn flatten(&mut self, name: &str, data: Data) -> Result<Data, Refusal> {
        let flat = self.push(Op::Flatten, &[data])?;
        if name.is_empty() {
            self.implicit.insert(flat.node);
        }
        Ok(flat)
    }

    /// What an implicit node was made of, rounded as that was, where that fits too.
    pub(super) fn without_implicit(
        &mut self,
        data: Data,
        fits: impl Fn(&Dims) -> bool,
    ) -> Result<Data, Refusal> {
        let grid = self.rounding.grids.get(&data.node).copied();
        let flat = if grid.is_some() { self.nodes[data.node].inputs[0] } else { data.node };
        if !self.implicit.contains(&flat) {
            return Ok(data);
        }
        let before = self.at(self.nodes[flat].inputs[0]);
        match (fits(&before.dims), grid) {
            (true, Some(grid)) => rounding::rounded(self, before, grid),
            (true, None) => Ok(before),
            (false, _) => Ok(data),
        }
    }
}

impl<'a> From<Data> for Value<'a> {
    fn from(data: Data) -> Self {
        Self::Data(data)
    }
}
