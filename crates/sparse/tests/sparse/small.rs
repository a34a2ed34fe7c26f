//! A small network, and examples for it.

use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    prelude::Device,
    tensor::{Tensor, activation::relu},
};
use sapwood_core::{
    Batch, ExampleShape, Layout, ModuleState as _, Network, ParamPath, Pass, Source, SourceError, tensors,
};
use sapwood_train::Live;

/// 64 inputs, 30 hidden units, 10 outputs.
#[derive(Module, Debug)]
pub(crate) struct TwoLayers {
    fc1: Linear,
    fc2: Linear,
}

impl TwoLayers {
    /// With the values that conformance fills it with.
    pub(crate) fn new(device: &Device) -> Self {
        let net =
            Self { fc1: LinearConfig::new(64, 30).init(device), fc2: LinearConfig::new(30, 10).init(device) };
        sapwood_conformance::fill(&sapwood_core::infos(&net)).write(net).unwrap()
    }
}

impl Network for TwoLayers {
    type Input = Tensor<4>;
    type Output = Tensor<2>;

    fn forward(&self, input: Tensor<4>, _pass: &mut Pass<'_>) -> Tensor<2> {
        self.fc2.forward(relu(self.fc1.forward(input.flatten(1, 3))))
    }
}

/// Twelve batches of twenty.
pub(crate) struct Examples;

impl Source for Examples {
    fn examples(&self) -> usize {
        240
    }

    fn batches(&self) -> usize {
        12
    }

    fn shape(&self) -> ExampleShape {
        [1, 8, 8].into()
    }

    fn epoch(&self, _: usize, from: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_> {
        let batch = |at| sapwood_conformance::batch(&format!("x{at}"), &format!("y{at}"), [20, 1, 8, 8], 10);
        Box::new((from..12).map(move |at| Ok(batch(at))))
    }
}

/// Flat values by parameter.
pub(crate) type Values = Vec<(ParamPath, Vec<f32>)>;

pub(crate) fn read(tensors: impl Iterator<Item = (ParamPath, Tensor<1>)>) -> Values {
    tensors.map(|(path, value)| (path, value.into_data().iter::<f32>().collect())).collect()
}

pub(crate) fn weights(live: &Live<TwoLayers>) -> Values {
    let all = tensors(&live.network, Layout::Torch).into_iter().filter(|(info, _)| info.role.is_weight());
    read(all.map(|(info, value)| (info.path, value)))
}
