//! What is still connected.

use sapwood_core::{Bits, Dims, Graph, Mismatch, Node, Op};

use crate::{Error, MaskSet, mask_set::refuse};

/// The masks without the weights that lie on no path of kept weights from the
/// input to an output (Vysogorets & Kempe 2021): what really is left. Direct and
/// effective sparsity are equal for a dense network.
///
/// Whether a channel is reached is a boolean, from the input forwards and from the
/// outputs backwards: addition joins paths, flattening keeps a channel's values
/// apart, joining and cutting of channels move them, and batch normalisation, activations and pooling pass channels
/// on. Other normalisations join the channels that they normalise together, and attention the queries and keys of a
/// head. Whatever else a network computes, such as a reshaping, joins each channel that comes in with each that
/// goes out: too much may then count as connected, and nothing too little. So nothing
/// can overflow, as sums over paths would. Biases make no path. A parameter without a
/// mask is dense.
///
/// # Errors
/// Those of [`Graph::dims`]; [`Error::Foreign`] for masks of what is no layer of the graph, or of another number of
/// weights than a convolution or linear layer has.
pub fn effective(graph: &Graph, masks: &MaskSet) -> Result<MaskSet, Error> {
    let flow = Flow::of(graph, masks)?;
    let mut found = masks.as_masks().clone();
    for (id, node) in graph.nodes().iter().enumerate() {
        let path = format!("{}.weight", node.name);
        let (Some(mask), Some(input)) = (found.get_mut(path.as_str()), node.inputs.first()) else { continue };
        let (from, to) = (&flow.reached[*input], &flow.needed[id]);
        let Some(matrix) = Matrix::of(node.op) else { continue };
        // A layer on the last dimension has each of its weights at each place.
        if let Op::Linear { places: true, .. } = node.op {
            if !from.contains(&true) || !to.contains(&true) {
                *mask = mask.iter().map(|_| false).collect();
            }
            continue;
        }
        let each = matrix.inputs_of_each(node.op, from.len());
        *mask = mask
            .iter()
            .enumerate()
            .map(|(at, keep)| {
                let (output, input) = matrix.ends(at);
                keep && from[input / each] && to[output]
            })
            .collect();
    }
    Ok(found.into())
}

/// Which weight leads from where to where.
struct Matrix {
    outputs: usize,
    /// Input channels of a group.
    inputs: usize,
    groups: usize,
    /// Places of the kernel.
    places: usize,
    /// Whether the weight has its inputs first.
    transposed: bool,
}

impl Matrix {
    fn of(op: Op) -> Option<Self> {
        match op {
            Op::Conv(conv) => Some(Self {
                outputs: conv.outputs,
                inputs: conv.inputs / conv.groups,
                groups: conv.groups,
                places: conv.kernel.product(),
                transposed: conv.transposed.is_some(),
            }),
            Op::Linear { inputs, outputs, .. } => {
                Some(Self { outputs, inputs, groups: 1, places: 1, transposed: false })
            }
            _ => None,
        }
    }

    /// The output and the input channel that a weight joins, by its flat index.
    fn ends(&self, at: usize) -> (usize, usize) {
        if self.transposed {
            let outputs = self.outputs / self.groups;
            let (input, output) = (at / (outputs * self.places), at / self.places % outputs);
            return (input / self.inputs * outputs + output, input);
        }
        let (output, input) = (at / (self.inputs * self.places), at / self.places % self.inputs);
        (output, output / (self.outputs / self.groups) * self.inputs + input)
    }

    /// How many inputs of a linear layer belong to each channel that comes in: a channel's values lie together.
    fn inputs_of_each(&self, op: Op, channels: usize) -> usize {
        match op {
            Op::Linear { .. } => (self.inputs / channels.max(1)).max(1),
            _ => 1,
        }
    }

    fn len(&self) -> usize {
        self.outputs * self.inputs * self.places
    }
}

/// For each node, which of its channels the input reaches, and which reach an
/// output.
pub(crate) struct Flow {
    pub(crate) reached: Vec<Vec<bool>>,
    pub(crate) needed: Vec<Vec<bool>>,
}

impl Flow {
    pub(crate) fn of(graph: &Graph, masks: &MaskSet) -> Result<Self, Error> {
        let nodes = graph.nodes();
        let dims = graph.dims()?;
        check(graph, masks)?;
        let channels: Vec<usize> = dims.iter().map(channels).collect();
        let mask = |id: usize| masks.get(&format!("{}.weight", nodes[id].name).into());
        let mut reached: Vec<Vec<bool>> = Vec::with_capacity(nodes.len());
        for (id, node) in nodes.iter().enumerate() {
            // What no input changes reaches nothing.
            let mut here = vec![node.op == Op::Input; channels[id]];
            for (number, input) in node.inputs.iter().enumerate() {
                let (from, edges) = (&reached[*input], Edges::of(&dims, node, number, channels[id]));
                edges.each(mask(id), |a, b| here[b] |= from[a]);
            }
            reached.push(here);
        }
        let mut needed: Vec<Vec<bool>> = channels.iter().map(|count| vec![false; *count]).collect();
        graph.ends().iter().for_each(|end| needed[*end].fill(true));
        for (id, node) in nodes.iter().enumerate().rev() {
            let here = needed[id].clone();
            for (number, input) in node.inputs.iter().enumerate() {
                let (from, edges) = (&mut needed[*input], Edges::of(&dims, node, number, here.len()));
                edges.each(mask(id), |a, b| from[a] |= here[b]);
            }
        }
        Ok(Self { reached, needed })
    }
}

/// Refuses masks of what is no layer of the graph, and of another number of weights than their layer has.
fn check(graph: &Graph, masks: &MaskSet) -> Result<(), Error> {
    let mut mismatch = Mismatch::default();
    for (path, mask) in masks.as_masks() {
        // A learnt constant is a layer that is its own parameter.
        let node = graph.node(path.layer()).or_else(|| graph.node(path.as_str()));
        let Some(node) = node.filter(|node| node.op.has_parameters()) else {
            mismatch.unexpected.push(path.clone());
            continue;
        };
        // Of biases and of other layers no bit is looked at.
        let matrix = Matrix::of(node.op).filter(|_| path.as_str().ends_with(".weight"));
        if let Some(expected) = matrix.map(|matrix| matrix.len()).filter(|len| *len != mask.len()) {
            mismatch.misshapen.push((path.clone(), vec![expected], vec![mask.len()]));
        }
    }
    refuse(mismatch, "this network")
}

/// In how many parts a value is looked at: dimension 1 parts it, which is its channels or, where these come last, the
/// first of its places; where the batch is not in front, dimension 0 does.
fn channels(dims: &Dims) -> usize {
    dims.image()[0]
}

/// Between which channels of one of a node's inputs and of the node something passes.
struct Edges {
    op: Op,
    /// Which of the node's inputs it is.
    number: usize,
    inputs: usize,
    outputs: usize,
    /// Values of each channel that come in.
    places: usize,
    /// Where the channels of this input begin in what goes out.
    offset: usize,
    /// Whether the channels of all inputs and of the output are the same dimension.
    alike: bool,
    /// Whether they are that dimension alone: of several pieces of an example each has its own.
    alone: bool,
    /// Whether they are the last dimension.
    last: bool,
}

impl Edges {
    fn of(dims: &[Dims], node: &Node, number: usize, outputs: usize) -> Self {
        let x = &dims[node.inputs[number]];
        let [inputs, h, w] = x.image();
        let offset = node.inputs[..number].iter().map(|input| channels(&dims[*input])).sum();
        let alike = x.batch() == Some(0) && x.rank() > 1;
        Self {
            op: node.op,
            number,
            inputs,
            outputs,
            places: (h * w).max(1),
            offset,
            alike,
            alone: alike && x.example().is_some(),
            last: x.rank() <= 2,
        }
    }

    /// How many channels that lie together an operation joins with each other: 1 where it passes each on.
    fn together(&self) -> usize {
        match self.op {
            Op::LayerNorm { last, .. } if !last || self.last => self.inputs,
            Op::GroupNorm { groups, .. } => self.inputs / groups.max(1),
            // Of the values each channel is added up alone.
            Op::Attention { heads } if self.number < 2 => self.inputs / heads.max(1),
            _ => 1,
        }
    }

    /// Calls `join` with each pair.
    fn each(&self, mask: Option<&Bits>, mut join: impl FnMut(usize, usize)) {
        let Self { inputs, outputs, places, offset, .. } = *self;
        let same = |join: &mut dyn FnMut(usize, usize)| {
            let (all, width) = (inputs.min(outputs), self.together().max(1));
            for channel in 0..all {
                let first = channel / width * width;
                (first..all.min(first + width)).for_each(|output| join(channel, output));
            }
        };
        match (self.op, Matrix::of(self.op)) {
            (Op::Linear { places: true, .. }, _) => {
                if mask.is_none_or(|mask| mask.count_ones() > 0) {
                    (0..inputs).for_each(|input| (0..outputs).for_each(|output| join(input, output)));
                }
            }
            (op, Some(matrix)) => {
                let each = matrix.inputs_of_each(op, inputs);
                let kept = |at: &usize| mask.is_none_or(|mask| mask.get(*at));
                (0..matrix.len()).filter(kept).for_each(|at| {
                    let (output, input) = matrix.ends(at);
                    join(input / each, output);
                });
            }
            (Op::Flatten, _) => (0..outputs).for_each(|output| join(output / places, output)),
            // New channels, half of them in front, hold zeros.
            (Op::Subsample { .. }, _) => {
                let front = (outputs - inputs) / 2;
                (0..inputs).for_each(|input| join(input, front + input));
            }
            (Op::Concat { axis: 1 }, _) if self.alone => {
                (0..inputs).for_each(|input| join(input, offset + input))
            }
            (Op::Slice(slice), _) if self.alone && slice.axis == 1 => {
                (0..outputs).for_each(|output| join(slice.start + output * slice.step, output));
            }
            (
                Op::BatchNorm { .. }
                | Op::LayerNorm { .. }
                | Op::GroupNorm { .. }
                | Op::Position(_)
                | Op::Attention { .. }
                | Op::Activation(_)
                | Op::Unary(_)
                | Op::Prelu { .. }
                | Op::MaxPool(_)
                | Op::AvgPool(_)
                | Op::Resize(_)
                | Op::Wrap { .. }
                | Op::GlobalAvgPool
                | Op::Scale,
                _,
            ) => same(&mut join),
            (Op::Add | Op::Binary(_) | Op::Slice(_) | Op::Concat { .. }, _)
                if self.alike && inputs == outputs =>
            {
                same(&mut join);
            }
            _ => (0..inputs).for_each(|input| (0..outputs).for_each(|output| join(input, output))),
        }
    }
}
