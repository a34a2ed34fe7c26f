//! How near each device has to come to the right answer: the one place where that is said.

use sapwood_backend::Api;

/// Of vectors, the norm of the difference over the norm of what is right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerances {
    /// One operation, beside its definition.
    pub operation: f64,
    /// One operation of a graph and its gradients, beside PyTorch's.
    pub graph_operation: f64,
    /// The outputs of a network and its running statistics, beside PyTorch's: what the project
    /// promises.
    pub outputs: f64,
    /// Gradients, beside PyTorch's.
    pub gradients: f64,
    /// Gradients behind many activations. One that is zero but for rounding passes its gradient in one
    /// implementation and not in the other: a single such switch in ResNet-20 moves the
    /// gradients before it by some 1e-4.
    pub deep_gradients: f64,
    /// Each loss of a series of steps.
    pub losses: f64,
    /// Weights after a series of steps; those of ResNet-20 are given more by [`Tolerances::weights_of`].
    pub weights: f64,
    /// Scores in f64, beside PyTorch's.
    pub scores: f64,
    /// Scores in f32, beside those of the CPU in f32.
    pub scores_in_f32: f64,
    /// The least part of the weights that PyTorch keeps that is kept too.
    pub overlap: f64,
    /// The same, of scores in f32 and the CPU.
    pub overlap_in_f32: f64,
    /// A sub-network cut out, beside the same one inside its supernet, on the same device.
    pub cut_out: f64,
}

/// What holds for all: their arithmetic is IEEE 754's, in another order.
const ALL: Tolerances = Tolerances {
    operation: 1e-5,
    graph_operation: 1e-6,
    outputs: 1e-4,
    gradients: 1e-5,
    deep_gradients: 1e-3,
    losses: 1e-3,
    weights: 1e-5,
    scores: 1e-4,
    scores_in_f32: 1e-3,
    overlap: 0.997,
    overlap_in_f32: 0.99,
    cut_out: 1e-5,
};

/// Those of an interface.
pub fn tolerances(api: Api) -> Tolerances {
    match api {
        Api::Cpu | Api::NdArray => ALL,
        // Their exponentials, divisions and roots are off by a few units in the last place.
        Api::Vulkan | Api::Metal | Api::WebGpu | Api::Cuda => ALL,
    }
}

impl Tolerances {
    /// Weights after ten steps of a model and an optimiser: how far PyTorch's own f32 and f64 are
    /// apart, rounded up.
    pub fn weights_of(&self, model: &str, optimizer: &str) -> f64 {
        let factor = match (model, optimizer) {
            ("resnet-20", "sgd") => 20.0,
            ("resnet-20", _) => 5.0,
            _ => 1.0,
        };
        factor * self.weights
    }
}
