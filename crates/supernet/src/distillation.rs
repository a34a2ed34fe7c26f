//! Learning from a larger network's outputs.

use burn::tensor::Tensor;
use sapwood_backend::ordered;
use serde::{Deserialize, Serialize};

/// What a sub-network learns from the outputs of a larger one, beside the labels
/// (Hinton et al. 2015, at temperature 1): `loss + weight * distance`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distillation {
    /// How far outputs are from each other.
    #[serde(default)]
    pub distance: Distance,
    /// The weight of that in the loss.
    #[serde(default = "one")]
    pub weight: f64,
}

/// How far the outputs of two networks are from each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distance {
    /// The cross-entropy `-sum softmax(teacher) log softmax(student)`, its mean over examples.
    #[default]
    CrossEntropy,
    /// The mean square of the differences of logits.
    Mse,
}

impl Default for Distillation {
    fn default() -> Self {
        Self { distance: Distance::default(), weight: 1.0 }
    }
}

impl Distillation {
    /// Says what is wrong with it.
    pub(crate) fn check(self) -> Result<(), String> {
        match self.weight.is_finite() && 0.0 < self.weight {
            true => Ok(()),
            false => Err(format!("expected a weight of its distillation above 0, found {}", self.weight)),
        }
    }
}

impl Distance {
    /// # Shapes
    /// `[N, K]`, `[N, K]` to `[1]`
    pub(crate) fn between(self, student: Tensor<2>, teacher: Tensor<2>) -> Tensor<1> {
        match self {
            Self::CrossEntropy => {
                let products = ordered::softmax(teacher) * ordered::log_softmax(student);
                ordered::mean(ordered::sum_last(products)).neg()
            }
            Self::Mse => {
                let difference = student - teacher;
                ordered::mean(difference.clone() * difference)
            }
        }
    }
}

fn one() -> f64 {
    1.0
}
