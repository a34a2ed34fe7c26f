//! The crate from outside.

mod files;
mod judged;
mod ofa;
mod progressive;
mod published;
mod same;
mod training;

use burn::{prelude::Device, tensor::Tensor};
use sapwood_conformance::fill;
use sapwood_core::{Array, ModuleState as _, Network, Pass, infos};
use sapwood_supernet::{Family, Supernet};

/// A supernet with weights that Python makes alike. Matrices between kernels are near the
/// identity.
fn filled(family: &Family, device: &Device) -> Supernet {
    let supernet = Supernet::new(family, device);
    let mut state = fill(&infos(&supernet));
    for (path, value) in &mut state.0 {
        if path.as_str().ends_with("_matrix") {
            let n = value.shape()[0];
            let identity = |at: usize| f32::from(u8::from(at / n == at % n));
            let near = |(at, u): (usize, f32)| identity(at) + u / n as f32;
            let values: Vec<f32> = value.iter::<f32>().enumerate().map(near).collect();
            *value = Array::new([n, n], values).unwrap();
        }
    }
    state.write(supernet).unwrap()
}

fn run(network: &impl Network<Input = Tensor<4>, Output = Tensor<2>>, input: Tensor<4>) -> Vec<f64> {
    network.forward(input, &mut Pass::evaluate()).into_data().iter().collect()
}

/// The largest difference, relative to the largest value.
fn distance(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let size = expected.iter().fold(0.0f64, |size, x| size.max(x.abs()));
    found.iter().zip(expected).fold(0.0f64, |far, (a, b)| far.max((a - b).abs())) / size
}
