//! The network in which the others are nested.

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    prelude::Device,
    tensor::Tensor,
};
use sapwood_core::{Graph, Layout, Network, Observed, Pass, tensors};
use sapwood_models::Net;
use sapwood_search::Genome;

use crate::{Error, Family, Subnet, matrices, subnet::Values};

const CONTAINER: &str = "Struct:Supernet";

/// The largest network of a family, with the matrices that make its kernels smaller. Running it
/// runs the largest network; the others are cut from it.
#[derive(Clone, Debug)]
pub struct Supernet {
    family: Family,
    pub(crate) whole: Net,
    /// By layer, in the order in which they are applied.
    matrices: BTreeMap<String, Vec<(String, Param<Tensor<2>>)>>,
}

impl Supernet {
    /// The largest network with zero weights, untouched normalisation, and matrices that
    /// change nothing. What draws or loads the weights is
    /// [`Init`](sapwood_models::Init) or a file.
    pub fn new(family: &Family, device: &Device) -> Self {
        let whole = Net::new(family.whole().clone(), device);
        let between = |layer: &str| {
            let sizes = family.kernel_chain(layer);
            let identity = |pair: &[usize]| {
                let matrix = Param::from_tensor(Tensor::eye(pair[1] * pair[1], device));
                (matrices::name([pair[0], pair[1]]), matrix)
            };
            sizes.windows(2).map(identity).collect::<Vec<_>>()
        };
        let layers = family.elastic().keys().map(|layer| (layer.clone(), between(layer)));
        let matrices = layers.filter(|(_, matrices)| !matrices.is_empty()).collect();
        Self { family: family.clone(), whole, matrices }
    }

    /// Its family.
    pub fn family(&self) -> &Family {
        &self.family
    }

    /// A sub-network, with a copy of its weights off autodiff.
    ///
    /// # Errors
    /// A genome that is not of the family's space.
    pub fn subnet(&self, genome: &Genome) -> Result<Subnet, Error> {
        Subnet::cut(&self.family, genome, &self.values())
    }

    pub(crate) fn values(&self) -> Values {
        let named = |(info, value): (sapwood_core::ParamInfo, Tensor<1>)| (info.path.clone(), (info, value));
        tensors(self, Layout::Stored).into_iter().map(named).collect()
    }

    /// The same with `f` done to all that it consists of.
    fn each(self, net: impl Fn(Net) -> Net, matrix: impl Fn(Param<Tensor<2>>) -> Param<Tensor<2>>) -> Self {
        let every = |list: Vec<(String, Param<Tensor<2>>)>| {
            list.into_iter().map(|(name, param)| (name, matrix(param))).collect()
        };
        let matrices = self.matrices.into_iter().map(|(layer, list)| (layer, every(list))).collect();
        Self { family: self.family, whole: net(self.whole), matrices }
    }
}

impl Network for Supernet {
    type Input = Tensor<4>;
    type Output = Tensor<2>;

    fn forward(&self, input: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<2> {
        self.whole.forward(input, pass)
    }
}

impl Observed for Supernet {
    fn graph(&self) -> &Graph {
        self.whole.graph()
    }
}

/// By hand, since the paths of the matrices are those of the layers that they belong to.
impl Module for Supernet {
    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.whole.visit(visitor);
        for (layer, matrices) in &self.matrices {
            visitor.enter_module(layer, CONTAINER);
            for (name, matrix) in matrices {
                visitor.enter_module(name, CONTAINER);
                Module::visit(matrix, visitor);
                visitor.exit_module(name, CONTAINER);
            }
            visitor.exit_module(layer, CONTAINER);
        }
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        let whole = self.whole.map(mapper);
        let mut matrices = BTreeMap::new();
        for (layer, list) in self.matrices {
            mapper.enter_module(&layer, CONTAINER);
            let mut mapped = Vec::with_capacity(list.len());
            for (name, matrix) in list {
                mapper.enter_module(&name, CONTAINER);
                let matrix = Module::map(matrix, mapper);
                mapper.exit_module(&name, CONTAINER);
                mapped.push((name, matrix));
            }
            mapper.exit_module(&layer, CONTAINER);
            matrices.insert(layer, mapped);
        }
        Self { family: self.family, whole, matrices }
    }

    fn collect_devices(&self, devices: Vec<Device>) -> Vec<Device> {
        self.whole.collect_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        self.each(|net| net.fork(device), |matrix| matrix.fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        self.each(|net| net.to_device(device), |matrix| matrix.to_device(device))
    }

    fn train(self) -> Self {
        self.each(Module::train, Module::train)
    }

    fn valid(&self) -> Self {
        self.clone().each(|net| net.valid(), |matrix| Module::valid(&matrix))
    }

    fn materialize(self) -> Self {
        self.each(Module::materialize, Module::materialize)
    }
}
