//! What operations make of constants.

use std::collections::BTreeMap;

use sapwood_graph::{Binary, Graph, Groups, Op, Pad, PadMode, Reduction, Slot, State};

use super::{Axis, Constants};
use crate::{curve, sums, sums::Sums};

/// A network on the way through which constants are known of all nodes before one.
pub(super) struct Walk<'a> {
    pub(super) graph: &'a Graph,
    pub(super) groups: &'a Groups,
    pub(super) state: &'a State,
    pub(super) before: &'a Constants,
}

impl Walk<'_> {
    /// The constants of each dimension of a node's output, also of those that run over no channels.
    pub(super) fn node(&self, id: usize) -> Vec<Axis> {
        let (x, rank) = (self.input(id, 0), self.before.dims[id].rank());
        let op = &self.graph.nodes()[id].op;
        match *op {
            Op::Conv(_) => only(1, self.layer(id)),
            Op::Linear { places, .. } => {
                // What is zero at a place stays so there where nothing is added.
                let mut found = if places && !op.has_bias() { zeros(x) } else { Vec::new() };
                found.resize(rank, Axis::new());
                found[rank - 1] = self.layer(id);
                found
            }
            Op::LayerNorm { last: true, .. } => only(rank - 1, self.scaled(id, &[])),
            // These have their numbers for dimension 1, which is not always the one that runs over channels.
            Op::LayerNorm { .. } | Op::GroupNorm { .. } => only(1, self.scaled(id, &[])),
            Op::BatchNorm { epsilon, .. } => only(1, self.batch_norm(id, epsilon)),
            Op::Prelu { .. } => self.prelu(id),
            Op::Activation(function) => each(x, |x| curve::activation(function, x)),
            Op::Unary(function) => each(x, |x| curve::unary(function, x)),
            // What is added around planes is never chosen.
            Op::MaxPool(_) | Op::Resize(_) | Op::Wrap { .. } | Op::GlobalAvgPool => x.to_vec(),
            Op::AvgPool(pool) => match pool.count_padding && pool.window.padding.sides() != [0; 4] {
                true => zeros(x),
                false => x.to_vec(),
            },
            Op::Reduce { to, axes, keep } => {
                let x = match to {
                    Reduction::Sum | Reduction::L2 => zeros(x),
                    Reduction::Mean | Reduction::Max | Reduction::Min => x.to_vec(),
                };
                let left = x.into_iter().enumerate().filter(|(dim, _)| keep || !axes.contains(dim));
                left.map(|(_, axis)| axis).collect()
            }
            Op::Flatten => only(1, self.before.in_a_row(self.graph.nodes()[id].inputs[0])),
            Op::Reshape(_) => {
                let known = self.known(id);
                let of = |slot: &Slot| known.get(slot).copied().flatten();
                (0..rank).map(|dim| self.slots(id, dim).iter().map(of).collect()).collect()
            }
            Op::Transpose { order } => order.iter().map(|dim| x[*dim].clone()).collect(),
            Op::Expand(_) => {
                let new = std::iter::repeat_n(Axis::new(), rank - x.len());
                new.chain(x.iter().cloned()).collect()
            }
            Op::Slice(slice) => {
                let mut found = x.to_vec();
                let taken = x[slice.axis].iter().skip(slice.start).step_by(slice.step).take(slice.length);
                found[slice.axis] = taken.copied().collect();
                found
            }
            Op::Pad(pad) => padded(x, &pad),
            Op::Concat { axis } => self.concat(id, axis),
            Op::Add => self.both(id, |a, b| Some(a? + b?)),
            Op::Binary(Binary::Mul) => self.both(id, product),
            Op::Binary(function) => self.both(id, |a, b| {
                let (a, b) = (a?, b?);
                Some(match function {
                    Binary::Sub => a - b,
                    Binary::Mul => a * b,
                    Binary::Div => a / b,
                    Binary::Pow => a.powf(b),
                    Binary::Max => a.max(b),
                    Binary::Min => a.min(b),
                })
            }),
            // A factor for each channel, which are dimension 1 of both.
            Op::Scale => {
                let mut found = zeros(x);
                found[1] = joined(&x[1], &self.input(id, 1)[1], product);
                found
            }
            // Sums of products: zero where all of their first or second factors are.
            Op::MatMul => {
                let (mut a, mut b) = (zeros(x), zeros(self.input(id, 1)));
                let (over, rows) = (a.len() - 1, b.len() - 2);
                (a[over], b[rows]) = (Axis::new(), Axis::new());
                self.aligned(id, &a, &b, product)
            }
            // A mean of equal values, whatever the weights.
            Op::Attention { .. } => self.input(id, 2).to_vec(),
            Op::Subsample { channels, .. } => only(1, widened(&x[1], channels)),
            Op::Constant { .. } => self.constant(id),
            Op::Input | Op::Position(_) | Op::Embedding { .. } | Op::Softmax { .. } => Vec::new(),
        }
    }

    fn input(&self, node: usize, number: usize) -> &[Axis] {
        let input = self.graph.nodes()[node].inputs.get(number);
        input.map_or(&[], |input| self.before.found[*input].as_slice())
    }

    /// What the indices of a dimension of a node's output belong to.
    fn slots(&self, node: usize, dim: usize) -> &[Slot] {
        self.groups.at(node, dim).unwrap_or_default()
    }

    fn values(&self, node: usize, param: &str) -> Option<Vec<f64>> {
        sums::values(self.graph, node, param, self.state)
    }

    /// The outputs of a convolution or linear layer.
    fn layer(&self, id: usize) -> Axis {
        let sums = Sums::of(self.graph, id, self.state);
        sums.map(|sums| sums.constants(&self.before.read(self.graph, id))).unwrap_or_default()
    }

    fn batch_norm(&self, id: usize, epsilon: f64) -> Axis {
        let (Some(mean), Some(variance)) = (self.values(id, "running_mean"), self.values(id, "running_var"))
        else {
            return Axis::new();
        };
        let statistics = mean.iter().zip(&variance);
        let normal = self.input(id, 0)[1].iter().zip(statistics);
        let normal =
            normal.map(|(x, (mean, variance))| Some((x.as_ref()? - mean) / (variance + epsilon).sqrt()));
        self.scaled(id, &normal.collect::<Axis>())
    }

    /// Scale and shift of a normalisation; with a scale of zero the shift is all there is.
    fn scaled(&self, id: usize, normal: &[Option<f64>]) -> Axis {
        let (Some(scale), Some(shift)) = (self.values(id, "weight"), self.values(id, "bias")) else {
            return Axis::new();
        };
        let of = |(at, (scale, shift)): (usize, (&f64, &f64))| match normal.get(at).copied().flatten() {
            _ if *scale == 0.0 => Some(*shift),
            normal => Some(scale * normal? + shift),
        };
        scale.iter().zip(&shift).enumerate().map(of).collect()
    }

    /// A slope below zero for each channel, which are dimension 1, or one for all.
    fn prelu(&self, id: usize) -> Vec<Axis> {
        let slopes = self.values(id, "weight").unwrap_or_default();
        let of = |(dim, axis): (usize, &Axis)| -> Axis {
            let bent = |(at, x): (usize, &Option<f64>)| {
                let (x, slope) = ((*x)?, if slopes.len() == 1 { slopes.first() } else { slopes.get(at) });
                match slope.filter(|_| dim == 1 || slopes.len() == 1) {
                    Some(slope) => Some(x.max(0.0) + slope * x.min(0.0)),
                    None => Some(x).filter(|x| 0.0 <= *x),
                }
            };
            axis.iter().enumerate().map(bent).collect()
        };
        self.input(id, 0).iter().enumerate().map(of).collect()
    }

    /// The indices at which all values of a constant are one number.
    fn constant(&self, id: usize) -> Vec<Axis> {
        let (dims, values) = (self.before.dims[id], self.values(id, ""));
        let Some(values) = values.filter(|values| values.len() as u128 == dims.values()) else {
            return Vec::new();
        };
        let sizes = dims.sizes();
        let of = |(dim, size): (usize, &usize)| -> Axis {
            let behind: usize = sizes[dim + 1..].iter().product();
            let mut found: Axis = (0..*size).map(|index| values.get(index * behind).copied()).collect();
            for (at, value) in values.iter().enumerate() {
                let known = &mut found[at / behind % size];
                *known = known.filter(|known| known == value);
            }
            found
        };
        sizes.iter().enumerate().map(of).collect()
    }

    fn concat(&self, id: usize, axis: usize) -> Vec<Axis> {
        let inputs = &self.graph.nodes()[id].inputs;
        let of = |dim: usize| -> Axis {
            let parts = inputs.iter().map(|input| {
                let mut part = self.before.at(*input, dim).to_vec();
                part.resize(self.before.dims[*input].sizes()[dim], None);
                part
            });
            match dim == axis {
                true => parts.flatten().collect(),
                false => {
                    let same = |(a, b): (Option<f64>, Option<f64>)| a.filter(|_| a == b);
                    let both = |a: Axis, b: Axis| -> Axis { a.into_iter().zip(b).map(same).collect() };
                    parts.reduce(both).unwrap_or_default()
                }
            }
        };
        let runs = |dim: &usize| self.groups.at(id, *dim).is_some();
        (0..self.before.dims[id].rank()).map(|dim| if runs(&dim) { of(dim) } else { Axis::new() }).collect()
    }

    /// By what a channel belongs to, where all channels of the input that do are one number.
    fn known(&self, id: usize) -> BTreeMap<Slot, Option<f64>> {
        let mut found = BTreeMap::new();
        let Some(input) = self.graph.nodes()[id].inputs.first() else { return found };
        for (dim, axis) in self.input(id, 0).iter().enumerate() {
            for (slot, constant) in self.slots(*input, dim).iter().zip(axis) {
                let known = found.entry(*slot).or_insert(*constant);
                if known != constant {
                    *known = None;
                }
            }
        }
        found
    }

    /// A function of each value of two inputs.
    fn both(&self, id: usize, f: impl Fn(Option<f64>, Option<f64>) -> Option<f64>) -> Vec<Axis> {
        self.aligned(id, self.input(id, 0), self.input(id, 1), f)
    }

    /// By the rules of NumPy: dimensions are compared from the last one on. An input that lacks a dimension, or has a
    /// single place there that meets all indices, says nothing of these.
    fn aligned(
        &self,
        id: usize,
        a: &[Axis],
        b: &[Axis],
        f: impl Fn(Option<f64>, Option<f64>) -> Option<f64>,
    ) -> Vec<Axis> {
        let sizes = self.before.dims[id].sizes();
        let of = |(dim, size): (usize, &usize)| -> Axis {
            let [a, b] = [a, b].map(|axes| {
                let axis = (dim + axes.len()).checked_sub(sizes.len()).map(|dim| axes[dim].as_slice());
                axis.filter(|axis| axis.len() == *size).unwrap_or_default()
            });
            joined(a, b, &f)
        };
        sizes.iter().enumerate().map(of).collect()
    }
}

/// Constants of one dimension.
fn only(dim: usize, axis: Axis) -> Vec<Axis> {
    let mut found = vec![Axis::new(); dim];
    found.push(axis);
    found
}

/// A function of each constant.
fn each(x: &[Axis], function: impl Fn(f64) -> f64) -> Vec<Axis> {
    x.iter().map(|axis| axis.iter().map(|x| x.map(&function)).collect()).collect()
}

/// Of constants those that are zero.
fn zeros(x: &[Axis]) -> Vec<Axis> {
    x.iter().map(|axis| axis.iter().map(|x| x.filter(|x| *x == 0.0)).collect()).collect()
}

/// A product is zero where one factor is, whatever the other is.
fn product(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(0.0), _) | (_, Some(0.0)) => Some(0.0),
        (a, b) => Some(a? * b?),
    }
}

/// A function of two constants of each index.
fn joined(a: &[Option<f64>], b: &[Option<f64>], f: impl Fn(Option<f64>, Option<f64>) -> Option<f64>) -> Axis {
    let at = |axis: &[Option<f64>], index: usize| axis.get(index).copied().flatten();
    (0..a.len().max(b.len())).map(|index| f(at(a, index), at(b, index))).collect()
}

/// Channels between zeros, if any are known; of the zeros the first half is in front.
fn widened(x: &[Option<f64>], channels: usize) -> Axis {
    let added = if x.is_empty() { 0 } else { channels - x.len() };
    let new = |count: usize| std::iter::repeat_n(Some(0.0), count);
    new(added / 2).chain(x.iter().copied()).chain(new(added - added / 2)).collect()
}

/// New indices are what is added; the others are constants where what is added beside them is that number too.
fn padded(x: &[Axis], pad: &Pad) -> Vec<Axis> {
    let with = if let PadMode::Constant(with) = pad.with { Some(with) } else { None };
    let around = |dim: usize| pad.before[dim] + pad.after[dim];
    let of = |(dim, axis): (usize, &Axis)| -> Axis {
        if axis.is_empty() {
            return Axis::new();
        }
        let beside = (0..x.len()).any(|other| other != dim && around(other) != 0);
        let stays = |x: &Option<f64>| x.filter(|x| !beside || with.is_none_or(|with| with == *x));
        let new = |count: usize| std::iter::repeat_n(with, count);
        new(pad.before[dim]).chain(axis.iter().map(stays)).chain(new(pad.after[dim])).collect()
    };
    x.iter().enumerate().map(of).collect()
}
