//! Indices on their way through a network.

use std::collections::BTreeMap;

use super::{Side, classes::Classes};
use crate::{Dims, Error, Graph, Op, ParamPath};

/// The indices of a dimension, or none where nothing of it can leave.
pub(super) type Axis = Option<Vec<u32>>;
/// The dimensions of a node's output.
pub(super) type Value = Vec<Axis>;

/// Indices that arise together, in one dimension of what one node makes.
pub(super) struct Origin {
    pub(super) node: usize,
    pub(super) first: u32,
    pub(super) count: usize,
}

/// A dimension of a parameter.
pub(super) struct Touched {
    pub(super) path: ParamPath,
    pub(super) node: usize,
    pub(super) axis: usize,
    pub(super) side: Side,
    pub(super) indices: Vec<u32>,
}

/// All that is known of a network's indices once they have gone through it.
pub(super) struct Trace<'a> {
    pub(super) graph: &'a Graph,
    pub(super) dims: Vec<Dims>,
    pub(super) classes: Classes,
    pub(super) origins: Vec<Origin>,
    known: BTreeMap<(usize, usize), usize>,
    pub(super) values: Vec<Value>,
    /// For each node and dimension whether there are zeros where what makes an index has zeros: see `zeros`.
    pub(super) zeros: Vec<Vec<bool>>,
    pub(super) touched: Vec<Touched>,
    /// Which of several dimensions that a reshaping makes of one has the indices: see `factors`.
    pub(super) carriers: BTreeMap<String, usize>,
    /// Those that could be chosen, for each reshaping where there were several.
    pub(super) open: BTreeMap<String, Vec<usize>>,
}

impl<'a> Trace<'a> {
    /// Sends indices through a network, again and again until nothing more is joined.
    pub(super) fn of(graph: &'a Graph, carriers: BTreeMap<String, usize>) -> Result<Self, Error> {
        let mut trace = Self {
            graph,
            dims: graph.dims()?,
            classes: Classes::default(),
            origins: Vec::new(),
            known: BTreeMap::new(),
            values: Vec::new(),
            zeros: Vec::new(),
            touched: Vec::new(),
            carriers,
            open: BTreeMap::new(),
        };
        loop {
            trace.classes.changed = false;
            trace.values.clear();
            trace.zeros.clear();
            trace.touched.clear();
            for node in 0..graph.nodes().len() {
                let value = trace.node(node);
                trace.values.push(value);
                let zeros = trace.zeros_of(node);
                trace.zeros.push(zeros);
            }
            for end in graph.ends() {
                let value = trace.values[*end].clone();
                trace.keep_all(&value, 0, "they go out of the network");
            }
            if !trace.classes.changed {
                return Ok(trace);
            }
        }
    }

    fn node(&mut self, node: usize) -> Value {
        let rank = self.dims[node].rank();
        match self.graph.nodes()[node].op {
            Op::Input => vec![None; rank],
            Op::Conv(spec) => self.conv(node, &spec),
            Op::Linear { places, bias, .. } => self.linear(node, places, bias),
            Op::BatchNorm { .. } => {
                self.channelwise(node, 1, &["weight", "bias", "running_mean", "running_var"])
            }
            Op::LayerNorm { last, .. } => self.layer_norm(node, if last { rank - 1 } else { 1 }),
            Op::GroupNorm { groups, channels, .. } => self.group_norm(node, groups == channels && 1 < groups),
            Op::Prelu { channels: 1 } => self.input(node, 0),
            Op::Prelu { .. } => self.channelwise(node, 1, &["weight"]),
            Op::Position(_) => self.position(node),
            Op::Constant { dims, .. } => self.constant(node, &dims),
            Op::Embedding { width, .. } => self.embedding(node, width),
            Op::Attention { heads } => self.attention(node, heads),
            Op::Activation(_) | Op::Unary(_) => self.input(node, 0),
            Op::Softmax { axis, .. } => self.mixed(node, &[axis]),
            Op::MaxPool(_) | Op::AvgPool(_) | Op::Resize(_) | Op::Wrap { .. } | Op::GlobalAvgPool => {
                self.mixed(node, &(2..rank).collect::<Vec<_>>())
            }
            Op::Pad(pad) => self.pad(node, &pad),
            Op::Reduce { axes, keep, .. } => self.reduce(node, &axes, keep),
            Op::Flatten => self.flatten(node),
            Op::Reshape(_) => self.reshape(node),
            Op::Transpose { order } => {
                let x = self.input(node, 0);
                order.iter().map(|dim| x[*dim].clone()).collect()
            }
            Op::Concat { axis } => self.concat(node, axis),
            Op::Slice(slice) => self.slice(node, &slice),
            Op::Expand(_) => self.expand(node),
            Op::Add | Op::Binary(_) => self.broadcast(node),
            Op::Scale => self.scale(node),
            Op::MatMul => self.matmul(node),
            Op::Subsample { channels, .. } => self.subsample(node, channels),
        }
    }

    // What the rules are written with.

    /// What an input of a node has.
    pub(super) fn input(&self, node: usize, number: usize) -> Value {
        self.values[self.graph.nodes()[node].inputs[number]].clone()
    }

    /// The dimensions of an input of a node.
    pub(super) fn dims_in(&self, node: usize, number: usize) -> Dims {
        self.dims[self.graph.nodes()[node].inputs[number]]
    }

    /// Indices that a node makes; the same ones each time.
    pub(super) fn fresh(&mut self, node: usize, slot: usize, count: usize) -> Vec<u32> {
        let at = match self.known.get(&(node, slot)) {
            Some(at) => *at,
            None => {
                let first = self.classes.extend(count);
                self.origins.push(Origin { node, first, count });
                self.known.insert((node, slot), self.origins.len() - 1);
                self.origins.len() - 1
            }
        };
        let Origin { first, count, .. } = self.origins[at];
        (first..first + count as u32).collect()
    }

    /// What a reason says of a node.
    pub(super) fn said(&self, node: usize, clause: &str) -> String {
        format!("`{}` {clause}", self.graph.nodes()[node].name)
    }

    /// Keeps the indices of a dimension.
    pub(super) fn keep(&mut self, node: usize, axis: &Axis, clause: &str) {
        if let Some(indices) = axis {
            let reason = self.said(node, clause);
            self.classes.keep(indices, &reason);
        }
    }

    /// Keeps the indices of all dimensions from one on.
    pub(super) fn keep_all(&mut self, value: &[Axis], from: usize, reason: &str) {
        value.iter().skip(from).flatten().for_each(|indices| self.classes.keep(indices, reason));
    }

    /// Joins two dimensions index by index; what cannot leave one of them stays in the other.
    pub(super) fn join(&mut self, node: usize, one: &Axis, other: &Axis) -> Axis {
        match (one, other) {
            (Some(a), Some(b)) => {
                a.iter().zip(b).for_each(|(a, b)| self.classes.join(*a, *b));
                Some(a.clone())
            }
            (None, None) => None,
            (axis @ Some(_), None) | (None, axis @ Some(_)) => {
                self.keep(node, axis, "joins them with what no removal changes");
                axis.clone()
            }
        }
    }

    /// Notes that a dimension of a parameter runs over indices.
    pub(super) fn touch(&mut self, node: usize, param: &str, axis: usize, side: Side, indices: &Axis) {
        if let Some(indices) = indices {
            let path = ParamPath::of(&self.graph.nodes()[node].name, param);
            self.touched.push(Touched { path, node, axis, side, indices: indices.clone() });
        }
    }
}
