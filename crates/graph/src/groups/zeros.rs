//! Where a network has zeros once an index is masked: what a product that adds over the index needs, which no weight
//! reads.

use super::trace::Trace;
use crate::{Activation, Binary, Op, PadMode, Unary};

impl Trace<'_> {
    /// For each dimension of a node's output whether all values at an index are zero where the weights that make it, and
    /// the parameters of its own that follow it, are.
    pub(super) fn zeros_of(&self, node: usize) -> Vec<bool> {
        let rank = self.dims[node].rank();
        let only = |dim: usize| (0..rank).map(|at| at == dim).collect::<Vec<_>>();
        let same =
            |stays: bool| self.zeros_in(node, 0).iter().map(|zeros| *zeros && stays).collect::<Vec<_>>();
        match self.graph.nodes()[node].op {
            Op::Input | Op::Softmax { .. } => vec![false; rank],
            Op::Constant { dims, .. } => dims.sizes().iter().map(|size| 1 < *size).collect(),
            Op::Embedding { .. } => only(rank - 1),
            // What is added at every place is no zero, whatever comes in.
            Op::Conv(_) | Op::BatchNorm { .. } | Op::GroupNorm { .. } | Op::LayerNorm { last: false, .. } => {
                only(1)
            }
            Op::LayerNorm { last: true, .. } => only(rank - 1),
            Op::Linear { bias, places, .. } => {
                let mut zeros = if places { same(!bias) } else { vec![false; rank] };
                zeros[rank - 1] = true;
                zeros
            }
            Op::Position(_) => only(1).into_iter().zip(same(true)).map(|(own, zeros)| own && zeros).collect(),
            Op::Activation(activation) => same(match activation {
                Activation::Sigmoid | Activation::HSigmoid | Activation::Softplus => false,
                Activation::Clip(low, high) => low.0 <= 0.0 && 0.0 <= high.0,
                _ => true,
            }),
            Op::Unary(function) => same(matches!(
                function,
                Unary::Neg | Unary::Abs | Unary::Sqrt | Unary::Erf | Unary::Floor | Unary::Ceil | Unary::Sin
            )),
            Op::Pad(pad) => same(!matches!(pad.with, PadMode::Constant(with) if with != 0.0)),
            Op::Prelu { .. }
            | Op::MaxPool(_)
            | Op::AvgPool(_)
            | Op::Resize(_)
            | Op::Wrap { .. }
            | Op::GlobalAvgPool
            | Op::Slice(_)
            | Op::Subsample { .. } => same(true),
            // Of zeros each figure is zero.
            Op::Reduce { axes, keep, .. } => {
                let left = same(true).into_iter().enumerate().filter(|(dim, _)| keep || !axes.contains(dim));
                left.map(|(_, zeros)| zeros).collect()
            }
            Op::Transpose { order } => order.iter().map(|dim| self.zeros_in(node, 0)[*dim]).collect(),
            Op::Flatten | Op::Reshape(_) => {
                let labelled = self.input(node, 0).into_iter().zip(self.zeros_in(node, 0));
                vec![labelled.into_iter().all(|(axis, zeros)| axis.is_none() || *zeros); rank]
            }
            Op::Expand(_) => self.aligned_zeros(node, 0, rank),
            Op::Scale => {
                let mut zeros = same(true);
                zeros[1] |= self.zeros_in(node, 1)[1];
                zeros
            }
            Op::Attention { .. } => self.zeros_in(node, 2).to_vec(),
            Op::Binary(Binary::Div | Binary::Pow) => vec![false; rank],
            Op::Binary(Binary::Mul) => self.joined_zeros(node, rank, |a, b| a || b),
            Op::Add | Op::Binary(_) => self.joined_zeros(node, rank, |a, b| a && b),
            Op::Concat { .. } => {
                let inputs = 0..self.graph.nodes()[node].inputs.len();
                (0..rank).map(|dim| inputs.clone().all(|number| self.zeros_in(node, number)[dim])).collect()
            }
            Op::MatMul => {
                let mut zeros = self.joined_zeros(node, rank, |a, b| a || b);
                let [a, b] = [0, 1].map(|number| self.zeros_in(node, number));
                (zeros[rank - 2], zeros[rank - 1]) = (a[a.len() - 2], b[b.len() - 1]);
                zeros
            }
        }
    }

    /// The zeros of an input of a node.
    pub(super) fn zeros_in(&self, node: usize, number: usize) -> &[bool] {
        &self.zeros[self.graph.nodes()[node].inputs[number]]
    }

    /// Those of an input that is spread over the dimensions that it lacks: what comes from one place is the same everywhere.
    fn aligned_zeros(&self, node: usize, number: usize, rank: usize) -> Vec<bool> {
        let (zeros, dims) = (self.zeros_in(node, number), self.dims_in(node, number));
        let own = dims.sizes().iter().zip(zeros).zip(&self.dims[node].sizes()[rank - dims.rank()..]);
        let own = own.map(|((size, zeros), to)| *zeros && size == to);
        vec![false; rank - dims.rank()].into_iter().chain(own).collect()
    }

    fn joined_zeros(&self, node: usize, rank: usize, join: fn(bool, bool) -> bool) -> Vec<bool> {
        let [a, b] = [0, 1].map(|number| self.aligned_zeros(node, number, rank));
        a.into_iter().zip(b).map(|(a, b)| join(a, b)).collect()
    }
}
