//! A network that rounds its weights and values while it is trained.

use std::{collections::BTreeMap, sync::Arc};

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    prelude::Device,
    tensor::Tensor,
};
use sapwood_core::{Layout, Network, Observed, ParamPath, Pass, Tap, compose, tensors};
use sapwood_graph::{Folding, Graph, Per, Scheme};

use crate::{learnt, lsq::LEAST};

/// A network that is trained with rounding: the weights of its layers and the values that these read are put on
/// grids in every forward pass, with gradients that go straight through (Jacob et al. 2018, section 3; Bengio et al. 2013).
/// The steps of the grids are parameters of its own, `conv1.weight.step` and `relu.step`, which
/// [learn](crate::learnt) with the rest and so lie in every checkpoint.
///
/// A batch normalisation that will be folded stays as it is and sees the statistics of batches, as in the
/// network that is not rounded; the weights before it are rounded as they will be when they are folded, with the
/// running statistics and its own epsilon: multiplied by `f = gamma / sqrt(variance + epsilon)`, rounded, and divided by `f`.
/// With a scale for each output, `f` makes no difference and is left out.
#[derive(Clone, Debug)]
pub struct FakeQuantized<N> {
    pub(crate) network: N,
    /// Those of `grids`, in that order.
    pub(crate) steps: Vec<Param<Tensor<1>>>,
    pub(crate) on: Arc<Grids>,
}

/// What is rounded, and to which integers.
#[derive(Clone, Debug)]
pub(crate) struct Grids {
    pub(crate) folding: Folding,
    /// Names of steps, and how much of its gradient each follows.
    pub(crate) steps: Vec<(String, f64)>,
    pub(crate) weights: BTreeMap<ParamPath, WeightGrid>,
    pub(crate) values: BTreeMap<usize, ValueGrid>,
    pub(crate) activations: Scheme,
    pub(crate) calibrated: sapwood_graph::Calibrated,
}

/// How the weights of a layer are rounded: with a step for each output or one for all.
#[derive(Clone, Debug)]
pub(crate) struct WeightGrid {
    pub(crate) layer: String,
    pub(crate) scheme: Scheme,
    /// The place of its steps.
    pub(crate) step: usize,
    /// How often the outputs lie one behind the other: for each input of a transposed convolution, or once.
    pub(crate) outer: usize,
    /// The node whose grid the layer's input lies on.
    pub(crate) input: Option<usize>,
}

/// How a value is rounded.
#[derive(Clone, Debug)]
pub(crate) struct ValueGrid {
    pub(crate) name: String,
    pub(crate) zero_point: i32,
    pub(crate) integers: [i32; 2],
    /// The place of its step.
    pub(crate) step: usize,
}

impl ValueGrid {
    /// Integers less the one that stands for 0.
    pub(crate) fn bounds(&self) -> [f64; 2] {
        self.integers.map(|q| f64::from(q - self.zero_point))
    }
}

impl<N> FakeQuantized<N> {
    /// The network itself.
    pub fn network(&self) -> &N {
        &self.network
    }

    /// The paths of its steps, each with how much of its gradient it follows.
    pub fn steps(&self) -> impl Iterator<Item = (&str, f64)> {
        self.on.steps.iter().map(|(name, scale)| (&name[..], *scale))
    }

    fn with(&self, network: N, steps: Vec<Param<Tensor<1>>>) -> Self {
        Self { network, steps, on: Arc::clone(&self.on) }
    }
}

impl<N: Observed> FakeQuantized<N> {
    /// The factors of the normalisations behind layers with one step for all outputs.
    fn factors(&self) -> BTreeMap<ParamPath, Tensor<1>> {
        let asked = |layer: &str| {
            let grid = self.on.weights.get(format!("{layer}.weight").as_str());
            grid.is_some_and(|grid| grid.scheme.per() == Per::Tensor)
        };
        let pairs: Vec<_> = self.on.folding.pairs().iter().filter(|pair| asked(&pair.layer)).collect();
        if pairs.is_empty() {
            return BTreeMap::new();
        }
        let all: BTreeMap<ParamPath, Tensor<1>> = tensors(&self.network, Layout::Torch)
            .into_iter()
            .map(|(info, value)| (info.path, value))
            .collect();
        let of = |pair: &&sapwood_graph::Folded| {
            let part = |name: &str| all.get(format!("{}.{name}", pair.norm).as_str()).cloned();
            let factor = part("weight")? / (part("running_var")? + pair.epsilon).sqrt();
            // By what is nothing nothing is divided.
            let nothing = factor.clone().abs().lower_elem(LEAST);
            Some((format!("{}.weight", pair.layer).into(), factor.mask_fill(nothing, 1.0)))
        };
        pairs.iter().filter_map(of).collect()
    }

    /// The weights of a layer on their grid, flat.
    fn rounded(&self, grid: &WeightGrid, weight: Tensor<1>, factor: Option<Tensor<1>>) -> Tensor<1> {
        let size = weight.dims()[0];
        let step = self.steps[grid.step].val();
        let bounds = grid.scheme.integers().into_inner();
        let bounds = [bounds.0 as f64, bounds.1 as f64];
        match factor {
            None => {
                let (outer, outputs) = (grid.outer, step.dims()[0]);
                let weight = weight.reshape([outer, outputs, size / (outer * outputs).max(1)]);
                learnt(weight, step.reshape([1, outputs, 1]), bounds).reshape([size])
            }
            Some(factor) => {
                let rows = factor.dims()[0];
                let factor = match weight.is_autodiff() {
                    true => factor.autodiff(),
                    false => factor,
                };
                let factor = factor.reshape([rows, 1]);
                let weight = weight.reshape([rows, size / rows.max(1)]) * factor.clone();
                (learnt(weight, step.reshape([1, 1]), bounds) / factor).reshape([size])
            }
        }
    }
}

/// Rounds values, and shows them to whoever watches the pass without.
struct LearntRounding<'a, 'p> {
    grids: &'a BTreeMap<usize, ValueGrid>,
    steps: &'a [Param<Tensor<1>>],
    pass: &'a mut Pass<'p>,
}

impl Tap for LearntRounding<'_, '_> {
    fn input(&mut self, layer: &str, input: Tensor<4>) -> Tensor<4> {
        self.pass.show(layer, input)
    }

    fn value(&mut self, node: usize, value: Tensor<4>) -> Tensor<4> {
        let value = match self.grids.get(&node) {
            Some(grid) => learnt(value, self.steps[grid.step].val().reshape([1, 1, 1, 1]), grid.bounds()),
            None => value,
        };
        self.pass.pass_on(node, value)
    }
}

impl<N: Observed> Network for FakeQuantized<N> {
    type Input = N::Input;
    type Output = N::Output;

    fn forward(&self, input: N::Input, pass: &mut Pass<'_>) -> N::Output {
        let mut factors = self.factors();
        let network = compose(self.network.clone(), |info, weight| {
            let grid = self.on.weights.get(&info.path)?;
            Some(self.rounded(grid, weight, factors.remove(&info.path)))
        });
        let norm = pass.norm();
        let mut rounding = LearntRounding { grids: &self.on.values, steps: &self.steps, pass };
        let mut inner = Pass::new(norm).with_tap(&mut rounding);
        let output = network.forward(input, &mut inner);
        inner.into_moments().into_iter().for_each(|moments| pass.leave(moments));
        output
    }
}

impl<N: Observed> Observed for FakeQuantized<N> {
    fn graph(&self) -> &Graph {
        self.network.graph()
    }
}

/// What a path's parameter is to whoever visits it.
const CONTAINER: &str = "Struct:Step";

/// As the network's own, with the steps behind it: so parameters keep their paths.
impl<N: Module> Module for FakeQuantized<N> {
    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.network.visit(visitor);
        for ((name, _), step) in self.on.steps.iter().zip(&self.steps) {
            visitor.enter_module(name, CONTAINER);
            visitor.visit_float(step);
            visitor.exit_module(name, CONTAINER);
        }
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        let Self { network, steps, on } = self;
        let network = network.map(mapper);
        let names = on.steps.iter().map(|(name, _)| name);
        let steps = names.zip(steps).map(|(name, step)| {
            mapper.enter_module(name, CONTAINER);
            let step = mapper.map_float(step);
            mapper.exit_module(name, CONTAINER);
            step
        });
        Self { network, steps: steps.collect(), on: Arc::clone(&on) }
    }

    fn collect_devices(&self, devices: Vec<Device>) -> Vec<Device> {
        self.steps.collect_devices(self.network.collect_devices(devices))
    }

    fn fork(self, device: &Device) -> Self {
        let Self { network, steps, on } = self;
        Self { network: network.fork(device), steps: steps.fork(device), on }
    }

    fn to_device(self, device: &Device) -> Self {
        let Self { network, steps, on } = self;
        Self { network: network.to_device(device), steps: steps.to_device(device), on }
    }

    fn train(self) -> Self {
        let Self { network, steps, on } = self;
        Self { network: network.train(), steps: steps.train(), on }
    }

    fn valid(&self) -> Self {
        self.with(self.network.valid(), self.steps.valid())
    }

    fn materialize(self) -> Self {
        let Self { network, steps, on } = self;
        Self { network: network.materialize(), steps: steps.materialize(), on }
    }
}
