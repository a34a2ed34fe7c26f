//! Which channels are one number at every place, whatever comes into the network.
//!
//! A filter that is masked away leaves a constant behind: its bias, or what a normalisation makes of zero. The constant
//! goes through what follows, and where zeros are added around planes it is no constant any more.

use std::collections::BTreeMap;

use sapwood_graph::{Binary, Graph, Groups, Op, PadMode, ParamPath, Reduction, Slot, State};

use crate::{curve, sums, sums::Sums};

/// For each node the constant of each place of the one dimension that runs over channels.
#[derive(Clone, Debug, PartialEq)]
pub struct Constants(Vec<Vec<Option<f64>>>);

impl Constants {
    /// Sends constants through a network.
    pub fn of(graph: &Graph, groups: &Groups, state: &State) -> Self {
        let mut found = Self(Vec::with_capacity(graph.nodes().len()));
        for node in 0..graph.nodes().len() {
            let slots = found.slots(groups, node);
            let mut constants = Walk { graph, groups, state, before: &found }.node(node, slots);
            constants.resize(slots.len(), None);
            found.0.push(constants);
        }
        found
    }

    /// The constants of a node's channels.
    pub fn at(&self, node: usize) -> &[Option<f64>] {
        &self.0[node]
    }

    /// What the channels of a node belong to; nothing where no dimension runs over any, or several do.
    fn slots<'a>(&self, groups: &'a Groups, node: usize) -> &'a [Slot] {
        dimension(groups, node).and_then(|dim| groups.at(node, dim)).unwrap_or_default()
    }
}

/// The one dimension of a node's output that runs over channels.
fn dimension(groups: &Groups, node: usize) -> Option<usize> {
    let mut dims = (0..sapwood_graph::MOST_DIMENSIONS).filter(|dim| groups.at(node, *dim).is_some());
    dims.next().filter(|_| dims.next().is_none())
}

struct Walk<'a> {
    graph: &'a Graph,
    groups: &'a Groups,
    state: &'a State,
    before: &'a Constants,
}

impl Walk<'_> {
    fn input(&self, node: usize, number: usize) -> &[Option<f64>] {
        self.graph.nodes()[node].inputs.get(number).map_or(&[], |input| self.before.at(*input))
    }

    /// Whether it is this dimension that runs over a node's channels.
    fn runs_over(&self, node: usize, dim: usize) -> bool {
        dimension(self.groups, node) == Some(dim)
    }

    fn runs_over_the_last(&self, node: usize) -> bool {
        let dims = self.graph.dims().unwrap_or_default();
        dims.get(node).is_some_and(|dims| self.runs_over(node, dims.rank() - 1))
    }

    fn node(&self, id: usize, slots: &[Slot]) -> Vec<Option<f64>> {
        let x = self.input(id, 0);
        let each = |function: &dyn Fn(f64) -> f64| x.iter().map(|x| x.map(function)).collect::<Vec<_>>();
        let zeros_stay = || x.iter().map(|x| x.filter(|x| *x == 0.0)).collect::<Vec<_>>();
        match self.graph.nodes()[id].op {
            Op::Conv(_) => {
                let x = if self.graph.nodes()[id].inputs.first().is_some_and(|x| self.runs_over(*x, 1)) {
                    x
                } else {
                    &[]
                };
                let sums = Sums::of(self.graph, id, self.state);
                sums.map(|sums| sums.constants(x)).unwrap_or_default()
            }
            Op::Linear { .. } => {
                let weight = ParamPath::of(&self.graph.nodes()[id].name, "weight");
                let mut axes = self.groups.axes().iter();
                let read = axes.find(|axis| axis.path == weight && axis.axis == 1);
                let known = self.known(id);
                let row: Vec<Option<f64>> = read.map_or(Vec::new(), |axis| {
                    axis.slots.iter().map(|slot| known.get(slot).copied().flatten()).collect()
                });
                let sums = Sums::of(self.graph, id, self.state);
                sums.map(|sums| sums.constants(&row)).unwrap_or_default()
            }
            Op::LayerNorm { last: true, .. } if self.runs_over_the_last(id) => {
                self.scaled(id, &vec![None; slots.len()])
            }
            Op::LayerNorm { last: true, .. } => Vec::new(),
            // These have their numbers for dimension 1, which is not always the one that runs over channels.
            Op::BatchNorm { .. } | Op::LayerNorm { .. } | Op::GroupNorm { .. } | Op::Prelu { .. }
                if !self.runs_over(id, 1) =>
            {
                Vec::new()
            }
            Op::BatchNorm { epsilon, .. } => self.batch_norm(id, epsilon),
            Op::LayerNorm { .. } | Op::GroupNorm { .. } => self.scaled(id, &vec![None; slots.len()]),
            Op::Prelu { .. } => match sums::values(self.graph, id, "weight", self.state) {
                Some(a) => x
                    .iter()
                    .enumerate()
                    .map(|(at, x)| x.map(|x| x.max(0.0) + a[at % a.len()] * x.min(0.0)))
                    .collect(),
                None => Vec::new(),
            },
            Op::Activation(function) => each(&|x| curve::activation(function, x)),
            Op::Unary(function) => each(&|x| curve::unary(function, x)),
            // What is added around planes is never chosen.
            Op::MaxPool(_) | Op::Resize(_) | Op::Wrap { .. } | Op::GlobalAvgPool => x.to_vec(),
            Op::AvgPool(pool) => match pool.count_padding && pool.window.padding.sides() != [0; 4] {
                true => zeros_stay(),
                false => x.to_vec(),
            },
            Op::Reduce { to: Reduction::Sum | Reduction::L2, .. } => zeros_stay(),
            Op::Reduce { .. } | Op::Flatten | Op::Reshape(_) | Op::Transpose { .. } | Op::Expand(_) => {
                let known = self.known(id);
                slots.iter().map(|slot| known.get(slot).copied().flatten()).collect()
            }
            Op::Slice(slice) => match dimension(self.groups, id) == Some(slice.axis) {
                true => x.iter().copied().skip(slice.start).step_by(slice.step).take(slice.length).collect(),
                false => x.to_vec(),
            },
            Op::Pad(pad) => {
                let Some(dim) = dimension(self.groups, id) else { return Vec::new() };
                let with = if let PadMode::Constant(with) = pad.with { Some(with) } else { None };
                let others = pad.before.iter().zip(pad.after.iter()).enumerate();
                let planes = others.filter(|(at, _)| *at != dim).any(|(_, around)| around != (&0, &0));
                let stays = |x: &Option<f64>| x.filter(|x| !planes || with.is_none_or(|with| with == *x));
                let new = |count: usize| std::iter::repeat_n(with, count);
                new(pad.before[dim]).chain(x.iter().map(stays)).chain(new(pad.after[dim])).collect()
            }
            Op::Concat { axis } if dimension(self.groups, id) == Some(axis) => {
                let inputs = &self.graph.nodes()[id].inputs;
                let dims = self.graph.dims().unwrap_or_default();
                let part = |input: &usize| {
                    let mut part = self.before.at(*input).to_vec();
                    part.resize(dims.get(*input).map_or(0, |dims| dims.sizes()[axis]), None);
                    part
                };
                inputs.iter().flat_map(part).collect()
            }
            Op::Add => self.both(id, |a, b| Some(a? + b?)),
            Op::Scale | Op::Binary(Binary::Mul) => self.both(id, |a, b| match (a, b) {
                (Some(0.0), _) | (_, Some(0.0)) => Some(0.0),
                (a, b) => Some(a? * b?),
            }),
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
            // A mean of equal values, whatever the weights.
            Op::Attention { .. } => self.input(id, 2).to_vec(),
            // Of an input with several dimensions of channels, of which only these are left, nothing is known.
            Op::Subsample { .. } if !self.runs_over(self.graph.nodes()[id].inputs[0], 1) => Vec::new(),
            Op::Subsample { channels, .. } => {
                let front = channels.saturating_sub(x.len()) / 2;
                let new = |count: usize| std::iter::repeat_n(Some(0.0), count);
                new(front).chain(x.iter().copied()).chain(new(channels - x.len() - front)).collect()
            }
            Op::Input
            | Op::Position(_)
            | Op::Constant { .. }
            | Op::Embedding { .. }
            | Op::Softmax { .. }
            | Op::Concat { .. }
            | Op::MatMul => Vec::new(),
        }
    }

    /// By what a channel belongs to, where all channels of the input that do are one number.
    fn known(&self, id: usize) -> BTreeMap<Slot, Option<f64>> {
        let mut found = BTreeMap::new();
        let Some(input) = self.graph.nodes()[id].inputs.first() else { return found };
        let slots = self.before.slots(self.groups, *input);
        for (slot, constant) in slots.iter().zip(self.before.at(*input)) {
            let known = found.entry(*slot).or_insert(*constant);
            if known != constant {
                *known = None;
            }
        }
        found
    }

    fn both(&self, id: usize, f: impl Fn(Option<f64>, Option<f64>) -> Option<f64>) -> Vec<Option<f64>> {
        let (a, b) = (self.input(id, 0), self.input(id, 1));
        let length = a.len().max(b.len());
        (0..length).map(|at| f(a.get(at).copied().flatten(), b.get(at).copied().flatten())).collect()
    }

    fn batch_norm(&self, id: usize, epsilon: f64) -> Vec<Option<f64>> {
        let of = |param: &str| sums::values(self.graph, id, param, self.state);
        let (Some(mean), Some(variance)) = (of("running_mean"), of("running_var")) else { return Vec::new() };
        let x = self.input(id, 0).iter().enumerate();
        let normal: Vec<Option<f64>> =
            x.map(|(at, x)| x.map(|x| (x - mean[at]) / (variance[at] + epsilon).sqrt())).collect();
        self.scaled(id, &normal)
    }

    /// Scale and shift of a normalisation; with a scale of zero the shift is all there is.
    fn scaled(&self, id: usize, normal: &[Option<f64>]) -> Vec<Option<f64>> {
        let of = |param: &str| sums::values(self.graph, id, param, self.state);
        let (Some(scale), Some(shift)) = (of("weight"), of("bias")) else { return Vec::new() };
        let places = scale.iter().zip(&shift).zip(normal);
        places
            .map(|((scale, shift), x)| match (*scale == 0.0, x) {
                (true, _) => Some(*shift),
                (false, Some(x)) => Some(scale * x + shift),
                (false, None) => None,
            })
            .collect()
    }
}
