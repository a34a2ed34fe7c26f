//! Multiply-accumulate operations (MACs) of training and evaluation.

use serde::{Deserialize, Serialize};

/// A number of MACs, once for dense layers and once with those at a zero of a mask as
/// free. They are floating-point numbers because a study outgrows 64 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Macs {
    /// As if nothing were pruned.
    pub dense: f64,
    /// Only those at kept weights.
    pub kept: f64,
}

impl Macs {
    /// The forward passes that one example costs in training: its own, and a backward pass that multiplies each
    /// layer's weights twice more, once for the gradient of its input and once for that of its weights.
    pub const TRAINING_PASSES: f64 = 3.0;

    /// Those of one example's forward pass.
    pub fn forward(dense: u64, kept: u64) -> Self {
        Self { dense: dense as f64, kept: kept as f64 }
    }

    /// The MACs of training on a number of examples, where `self` is one example's forward
    /// pass: [`Macs::TRAINING_PASSES`] times those.
    ///
    /// So count Evci et al. 2020 ("Rigging the Lottery", appendix on FLOPs) for sparse
    /// training and Kaplan et al. 2020 ("Scaling Laws", section 2.1) for dense. It is a
    /// little too much, for the first layer needs no gradient of its input, and leaves
    /// out normalisation, loss and optimiser. Counting zeros as free assumes that the
    /// gradient of a removed weight is not computed; a step that needs it, as the
    /// growing of RigL does, is to be added by the caller.
    pub fn training(self, examples: u64) -> Self {
        self.times(Self::TRAINING_PASSES * examples as f64)
    }

    /// The MACs of evaluating a number of examples, where `self` is one example's forward
    /// pass: that many times those.
    pub fn evaluation(self, examples: u64) -> Self {
        self.times(examples as f64)
    }

    fn times(self, factor: f64) -> Self {
        Self { dense: self.dense * factor, kept: self.kept * factor }
    }

    /// Adds those of other work.
    pub fn add(&mut self, other: Self) {
        self.dense += other.dense;
        self.kept += other.kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LeNet-300-100 on one epoch of MNIST, a tenth of it kept.
    #[test]
    fn a_training_step_is_three_forward_passes() {
        let forward = Macs::forward(266_200, 26_620);
        assert_eq!(forward.training(60_000), Macs { dense: 47_916_000_000.0, kept: 4_791_600_000.0 });
        assert_eq!(forward.evaluation(10_000), Macs { dense: 2_662_000_000.0, kept: 266_200_000.0 });
        let mut sum = forward.training(1);
        sum.add(forward.evaluation(1));
        assert_eq!(sum, Macs::forward(4 * 266_200, 4 * 26_620));
    }
}
