//! [`Net`] as a Burn module.
//!
//! Written by hand because the paths of a network's parameters come from its
//! graph: the derive macro would name them after the fields of [`Net`].

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor},
    prelude::Device,
};

use crate::{Net, net::Layer};

/// The container that burn reports for what lies in a network.
const CONTAINER: &str = "Struct:Net";

/// The same method on whatever layer it is, and the layer again around its result.
macro_rules! each {
    ($layer:expr, $module:ident => $call:expr) => {
        match $layer {
            Layer::Conv2d($module) => Layer::Conv2d($call),
            Layer::ConvTranspose1d($module) => Layer::ConvTranspose1d($call),
            Layer::ConvTranspose2d($module) => Layer::ConvTranspose2d($call),
            Layer::Conv1d($module) => Layer::Conv1d($call),
            Layer::Linear($module) => Layer::Linear($call),
            Layer::BatchNorm($module) => Layer::BatchNorm($call),
            Layer::LayerNorm($module) => Layer::LayerNorm($call),
            Layer::GroupNorm($module) => Layer::GroupNorm($call),
            Layer::Position($module) => Layer::Position($call),
            Layer::Embedding($module) => Layer::Embedding($call),
            Layer::Prelu($module) => Layer::Prelu($call),
            Layer::Constant($module) => Layer::Constant($call),
            Layer::Stateless => Layer::Stateless,
        }
    };
}

impl Layer {
    /// What burn is told about where the layer's parameters lie. A constant has no fields: it is the parameter.
    fn container(&self) -> &'static str {
        match self {
            Self::Constant(constant) => constant.container(),
            _ => CONTAINER,
        }
    }
}

impl Net {
    fn each(self, f: impl Fn(Layer) -> Layer) -> Self {
        Self { layers: self.layers.into_iter().map(f).collect(), ..self }
    }
}

impl Module for Net {
    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        for (node, layer) in self.graph.nodes().iter().zip(&self.layers) {
            let container = layer.container();
            visitor.enter_module(&node.name, container);
            match layer {
                Layer::Conv2d(module) => module.visit(visitor),
                Layer::ConvTranspose1d(module) => module.visit(visitor),
                Layer::ConvTranspose2d(module) => module.visit(visitor),
                Layer::Conv1d(module) => module.visit(visitor),
                Layer::Linear(module) => module.visit(visitor),
                Layer::BatchNorm(module) => module.visit(visitor),
                Layer::LayerNorm(module) => module.visit(visitor),
                Layer::GroupNorm(module) => module.visit(visitor),
                Layer::Position(module) => module.visit(visitor),
                Layer::Embedding(module) => module.visit(visitor),
                Layer::Prelu(module) => module.visit(visitor),
                Layer::Constant(module) => module.visit(visitor),
                Layer::Stateless => {}
            }
            visitor.exit_module(&node.name, container);
        }
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        let mut layers = Vec::with_capacity(self.layers.len());
        for (node, layer) in self.graph.nodes().iter().zip(self.layers) {
            let container = layer.container();
            mapper.enter_module(&node.name, container);
            layers.push(each!(layer, module => module.map(mapper)));
            mapper.exit_module(&node.name, container);
        }
        Self { layers, ..self }
    }

    fn collect_devices(&self, devices: Vec<Device>) -> Vec<Device> {
        self.layers.iter().fold(devices, |devices, layer| match layer {
            Layer::Conv2d(module) => module.collect_devices(devices),
            Layer::ConvTranspose1d(module) => module.collect_devices(devices),
            Layer::ConvTranspose2d(module) => module.collect_devices(devices),
            Layer::Conv1d(module) => module.collect_devices(devices),
            Layer::Linear(module) => module.collect_devices(devices),
            Layer::BatchNorm(module) => module.collect_devices(devices),
            Layer::LayerNorm(module) => module.collect_devices(devices),
            Layer::GroupNorm(module) => module.collect_devices(devices),
            Layer::Position(module) => module.collect_devices(devices),
            Layer::Embedding(module) => module.collect_devices(devices),
            Layer::Prelu(module) => module.collect_devices(devices),
            Layer::Constant(module) => module.collect_devices(devices),
            Layer::Stateless => devices,
        })
    }

    fn fork(self, device: &Device) -> Self {
        self.each(|layer| each!(layer, module => module.fork(device)))
    }

    fn to_device(self, device: &Device) -> Self {
        self.each(|layer| each!(layer, module => module.to_device(device)))
    }

    fn train(self) -> Self {
        self.each(|layer| each!(layer, module => module.train()))
    }

    fn valid(&self) -> Self {
        let layers = self.layers.iter().map(|layer| each!(layer, module => module.valid()));
        Self { layers: layers.collect(), ..self.clone() }
    }

    fn materialize(self) -> Self {
        self.each(|layer| each!(layer, module => module.materialize()))
    }
}
