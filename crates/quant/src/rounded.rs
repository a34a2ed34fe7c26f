//! A network whose values lie on grids.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor},
    prelude::Device,
    tensor::Tensor,
};
use sapwood_core::{Network, Observed, Pass, Tap};
use sapwood_graph::{Error, Graph, Grid, Ranges, Scheme, grids};

use crate::{on_grid, on_own_grids};

/// A network that rounds some of its values to the numbers of grids, and otherwise is the network that it holds:
/// what integers mean, in floating point (Jacob et al. 2018, section 3). Its parameters have the same paths.
#[derive(Clone, Debug)]
pub struct Rounded<N> {
    network: N,
    grids: Arc<BTreeMap<usize, Grid>>,
    dynamic: Arc<BTreeSet<String>>,
}

impl<N: Observed> Rounded<N> {
    /// Rounds the values that leave these nodes of its graph. Without any it is the network.
    pub fn new(network: N, grids: BTreeMap<usize, Grid>) -> Self {
        Self { network, grids: Arc::new(grids), dynamic: Arc::default() }
    }

    /// And rounds what these linear layers read, each row between its own bounds.
    #[must_use]
    pub fn with_dynamic(self, layers: BTreeSet<String>) -> Self {
        Self { dynamic: Arc::new(layers), ..self }
    }

    /// Rounds the values that have a range.
    ///
    /// # Errors
    /// A scheme that has no grid between the bounds.
    pub fn between(network: N, ranges: &Ranges, scheme: Scheme) -> Result<Self, Error> {
        let grids = grids(network.graph(), ranges, scheme)?;
        Ok(Self::new(network, grids))
    }

    /// The grids by the nodes whose values they are.
    pub fn grids(&self) -> &BTreeMap<usize, Grid> {
        &self.grids
    }

    /// The network that rounds nothing.
    pub fn network(&self) -> &N {
        &self.network
    }
}

/// Rounds values, and shows them to whoever watches the pass without.
struct GridRounding<'a, 'p> {
    grids: &'a BTreeMap<usize, Grid>,
    dynamic: &'a BTreeSet<String>,
    pass: &'a mut Pass<'p>,
}

impl Tap for GridRounding<'_, '_> {
    fn input(&mut self, layer: &str, input: Tensor<4>) -> Tensor<4> {
        let input = if self.dynamic.contains(layer) { on_own_grids(input) } else { input };
        self.pass.show(layer, input)
    }

    fn value(&mut self, node: usize, value: Tensor<4>) -> Tensor<4> {
        let value = match self.grids.get(&node) {
            Some(grid) => on_grid(value, grid),
            None => value,
        };
        self.pass.pass_on(node, value)
    }
}

impl<N: Network> Network for Rounded<N> {
    type Input = N::Input;
    type Output = N::Output;

    fn forward(&self, input: N::Input, pass: &mut Pass<'_>) -> N::Output {
        self.pass(pass, |network, pass| network.forward(input, pass))
    }
}

impl<N: Observed> Observed for Rounded<N> {
    fn graph(&self) -> &Graph {
        self.network.graph()
    }
}

impl<N> Rounded<N> {
    /// What a pass through the network gives while its values are rounded.
    pub fn pass<T>(&self, pass: &mut Pass<'_>, run: impl FnOnce(&N, &mut Pass<'_>) -> T) -> T {
        if self.grids.is_empty() && self.dynamic.is_empty() {
            return run(&self.network, pass);
        }
        let norm = pass.norm();
        let mut rounding = GridRounding { grids: &self.grids, dynamic: &self.dynamic, pass };
        let mut inner = Pass::new(norm).with_tap(&mut rounding);
        let given = run(&self.network, &mut inner);
        inner.into_moments().into_iter().for_each(|moments| pass.leave(moments));
        given
    }

    fn with(&self, network: N) -> Self {
        Self { network, grids: Arc::clone(&self.grids), dynamic: Arc::clone(&self.dynamic) }
    }
}

/// As the network's own, so that its parameters keep their paths.
impl<N: Module> Module for Rounded<N> {
    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.network.visit(visitor);
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        Self { network: self.network.map(mapper), grids: self.grids, dynamic: self.dynamic }
    }

    fn collect_devices(&self, devices: Vec<Device>) -> Vec<Device> {
        self.network.collect_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        Self { network: self.network.fork(device), grids: self.grids, dynamic: self.dynamic }
    }

    fn to_device(self, device: &Device) -> Self {
        Self { network: self.network.to_device(device), grids: self.grids, dynamic: self.dynamic }
    }

    fn train(self) -> Self {
        Self { network: self.network.train(), grids: self.grids, dynamic: self.dynamic }
    }

    fn valid(&self) -> Self {
        self.with(self.network.valid())
    }

    fn materialize(self) -> Self {
        Self { network: self.network.materialize(), grids: self.grids, dynamic: self.dynamic }
    }
}
