//! Adam with decoupled weight decay.

use burn::tensor::Tensor;
use sapwood_backend::{AdamWStep, adamw_step};
use serde::{Deserialize, Serialize};

use crate::{Error, Rates, Slots};

const MEAN: &str = "exp_avg";
const SQUARE: &str = "exp_avg_sq";

/// PyTorch's `torch.optim.AdamW`: Loshchilov and Hutter 2019, algorithm 2. With
/// rate `r`, decay `d` and the parameter's own step count `t`:
///
/// ```text
/// w <- w (1 - r d)
/// m <- b1 m + (1 - b1) g
/// v <- b2 v + (1 - b2) g^2
/// w <- w - r / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + epsilon)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamW {
    /// How much of the mean and of the mean square is kept, each 0 or more and
    /// below 1.
    pub betas: [f64; 2],
    /// Added to the denominator, above 0.
    pub epsilon: f64,
}

impl Default for AdamW {
    fn default() -> Self {
        Self { betas: [0.9, 0.999], epsilon: 1e-8 }
    }
}

impl AdamW {
    pub(crate) fn check(&self) -> Result<(), Error> {
        let wrong =
            |field, expected: &str, found| Err(Error::Recipe { field, expected: expected.into(), found });
        if self.betas.iter().any(|beta| !(0.0..1.0).contains(beta)) {
            return wrong("optimizer.betas", "from 0 to below 1", format!("{:?}", self.betas));
        }
        if !(self.epsilon.is_finite() && 0.0 < self.epsilon) {
            return wrong("optimizer.epsilon", "a finite number above 0", self.epsilon.to_string());
        }
        Ok(())
    }

    pub(crate) fn update(&self, rates: Rates, w: Tensor<1>, g: Tensor<1>, slots: &mut Slots) -> Tensor<1> {
        let Self { betas, epsilon } = *self;
        let step = AdamWStep { rate: rates.learning, decay: rates.decay, betas, epsilon, count: slots.steps };
        let means = slots.take(MEAN).zip(slots.take(SQUARE)).map(<[_; 2]>::from);
        let (w, [mean, square]) = adamw_step(step, w, g, means);
        slots.put(MEAN, mean);
        slots.put(SQUARE, square);
        w
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Optimizer;
    use sapwood_backend::DeviceSpec;

    /// Three steps from [1, -2, 0.5] give the expected weights.
    pub(crate) fn check(optimizer: impl Into<Optimizer>, rates: Rates, expected: [f64; 3]) {
        let device = DeviceSpec::CPU.resolve().unwrap();
        let (optimizer, mut slots) = (optimizer.into(), Slots::default());
        let mut w = Tensor::<1>::from_floats([1.0, -2.0, 0.5], &device);
        for g in [[0.1, -0.2, 0.3], [0.4, 0.0, -0.6], [-0.3, 0.5, 0.2]] {
            slots.steps += 1;
            w = optimizer.update(rates, w, Tensor::from_floats(g, &device), &mut slots);
        }
        let found = w.into_data().iter::<f64>().collect::<Vec<_>>();
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 2e-7, "{found} for {expected}, {optimizer:?}");
        }
    }

    /// PyTorch 2.15: `torch.optim.AdamW([w], ..)` after three steps with the
    /// gradients of `check`.
    #[test]
    fn the_steps_are_those_of_torch_optim_adamw() {
        let rates = Rates { learning: 0.01, decay: 0.05 };
        check(AdamW::default(), rates, [0.9779042, -1.98432410, 0.49380526]);
        let other = AdamW { betas: [0.8, 0.95], epsilon: 1e-3 };
        check(other, Rates { learning: 0.1, decay: 0.0 }, [0.79928142, -1.88526344, 0.4510155]);
    }
}
