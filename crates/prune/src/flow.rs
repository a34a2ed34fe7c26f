//! What is still connected.

use sapwood_core::{Bits, Graph, Op};

use crate::{Error, MaskSet};

/// The masks without the weights that lie on no path of kept weights from the
/// input to an output (Vysogorets & Kempe 2021): what really is left. Direct and
/// effective sparsity are equal for a dense network.
///
/// Whether a channel is reached is a boolean, from the input forwards and from the
/// outputs backwards: addition joins paths, flattening keeps a channel's values
/// apart, and normalisation, activations and pooling pass channels on. So nothing
/// can overflow, as sums over paths would. Biases make no path. A parameter without a
/// mask is dense.
pub fn effective(graph: &Graph, masks: &MaskSet) -> Result<MaskSet, Error> {
    let flow = Flow::of(graph, masks)?;
    let mut found = masks.as_masks().clone();
    for (id, node) in graph.nodes().iter().enumerate() {
        let path = format!("{}.weight", node.name);
        let (Some(mask), Some(input)) = (found.get_mut(path.as_str()), node.inputs.first()) else { continue };
        let (from, to) = (&flow.reached[*input], &flow.needed[id]);
        let Some(matrix) = Matrix::of(node.op) else { continue };
        *mask = mask
            .iter()
            .enumerate()
            .map(|(at, keep)| {
                let (output, input) = matrix.ends(at);
                keep && from[input] && to[output]
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
}

impl Matrix {
    fn of(op: Op) -> Option<Self> {
        match op {
            Op::Conv(conv) => Some(Self {
                outputs: conv.outputs,
                inputs: conv.inputs / conv.groups,
                groups: conv.groups,
                places: conv.kernel * conv.kernel,
            }),
            Op::Linear { inputs, outputs, .. } => Some(Self { outputs, inputs, groups: 1, places: 1 }),
            _ => None,
        }
    }

    /// The output and the input channel that a weight joins, by its flat index.
    fn ends(&self, at: usize) -> (usize, usize) {
        let (output, input) = (at / (self.inputs * self.places), at / self.places % self.inputs);
        (output, output / (self.outputs / self.groups) * self.inputs + input)
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
        let shapes = graph.shapes(graph.input())?;
        let mask = |id: usize| masks.get(&format!("{}.weight", nodes[id].name).into());
        let mut reached: Vec<Vec<bool>> = Vec::with_capacity(nodes.len());
        for (id, node) in nodes.iter().enumerate() {
            let mut here = vec![node.inputs.is_empty(); shapes[id][0]];
            for input in &node.inputs {
                let from = &reached[*input];
                each_edge(node.op, shapes[*input], from.len(), shapes[id][0], mask(id), |a, b| {
                    here[b] |= from[a]
                });
            }
            reached.push(here);
        }
        let mut needed: Vec<Vec<bool>> = shapes.iter().map(|shape| vec![false; shape[0]]).collect();
        if let Some(last) = needed.last_mut() {
            last.fill(true);
        }
        for (id, node) in nodes.iter().enumerate().rev() {
            let here = needed[id].clone();
            for input in &node.inputs {
                let (from, to) = (&mut needed[*input], here.len());
                let channels = from.len();
                each_edge(node.op, shapes[*input], channels, to, mask(id), |a, b| from[a] |= here[b]);
            }
        }
        Ok(Self { reached, needed })
    }
}

/// Calls `join` with each pair of an input and an output channel of a node between
/// which something passes.
fn each_edge(
    op: Op,
    [_, h, w]: [usize; 3],
    inputs: usize,
    outputs: usize,
    mask: Option<&Bits>,
    mut join: impl FnMut(usize, usize),
) {
    match (op, Matrix::of(op)) {
        (_, Some(matrix)) => {
            let kept = |at: &usize| mask.is_none_or(|mask| mask.get(*at));
            (0..matrix.len()).filter(kept).for_each(|at| {
                let (output, input) = matrix.ends(at);
                join(input, output);
            });
        }
        (Op::Flatten, _) => (0..outputs).for_each(|output| join(output / (h * w).max(1), output)),
        // New channels, half of them in front, hold zeros.
        (Op::Subsample { .. }, _) => {
            let front = (outputs - inputs) / 2;
            (0..inputs).for_each(|input| join(input, front + input));
        }
        _ => (0..inputs.min(outputs)).for_each(|channel| join(channel, channel)),
    }
}
