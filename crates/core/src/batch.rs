//! A batch of examples, on the host.

use burn::{
    prelude::Device,
    tensor::{Tensor, TensorData},
};

use crate::Error;

/// What the examples of a batch should give.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// One class per example.
    Class(Vec<u32>),
    /// One value in [0, 1] per output of each example, row-major.
    Dense(Vec<f32>),
}

/// Some examples and their targets, as plain numbers on the host, so that a
/// loader can make them on any thread and on any platform.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// `[N, C, H, W]`.
    pub shape: [usize; 4],
    /// The inputs, row-major.
    pub input: Vec<f32>,
    /// What they should give.
    pub target: Target,
}

impl Batch {
    /// A batch, if its parts have the sizes that the shape asks for.
    pub fn new(shape: [usize; 4], input: Vec<f32>, target: Target) -> Result<Self, Error> {
        let expected: usize = shape.iter().product();
        let wrong = |what, expected, found| Error::BatchSize { what, expected, found };
        if input.len() != expected {
            return Err(wrong("input values", expected, input.len()));
        }
        match &target {
            Target::Class(classes) if classes.len() != shape[0] => {
                Err(wrong("labels", shape[0], classes.len()))
            }
            Target::Dense(values) if values.len() != values.len() / shape[0].max(1) * shape[0] => {
                Err(wrong("times the same number of target values", shape[0], values.len()))
            }
            _ => Ok(Self { shape, input, target }),
        }
    }

    /// The number of examples.
    pub fn len(&self) -> usize {
        self.shape[0]
    }

    /// Whether there are no examples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The inputs as a tensor.
    ///
    /// # Shapes
    /// `[N, C, H, W]`
    pub fn tensor(&self, device: &Device) -> Tensor<4> {
        Tensor::from_data(TensorData::new(self.input.clone(), self.shape), device)
    }
}
