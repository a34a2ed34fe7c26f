//! Stochastic gradient descent.

use burn::tensor::Tensor;
use sapwood_backend::{SgdStep, sgd_step};
use serde::{Deserialize, Serialize};

use crate::{Error, Rates, Slots, recipe::is_default};

const BUFFER: &str = "momentum_buffer";

/// PyTorch's `torch.optim.SGD`: coupled weight decay, momentum without
/// dampening, and Nesterov's momentum in the form of Sutskever et al. 2013,
/// rewritten so that the gradient is taken at the stored weights. With rate `r`,
/// decay `d` and momentum `m`:
///
/// ```text
/// g <- g + d w
/// b <- m b + g            (b = g in the first step)
/// w <- w - r b            or, with Nesterov,  w <- w - r (g + m b)
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sgd {
    /// 0 (none) or more, below 1.
    #[serde(skip_serializing_if = "is_default")]
    pub momentum: f64,
    /// Whether the momentum is Nesterov's; asks for a momentum above 0.
    #[serde(skip_serializing_if = "is_default")]
    pub nesterov: bool,
}

impl Sgd {
    pub(crate) fn check(&self) -> Result<(), Error> {
        let wrong =
            |field, expected: &str, found| Err(Error::Recipe { field, expected: expected.into(), found });
        if !(0.0..1.0).contains(&self.momentum) {
            return wrong("optimizer.momentum", "from 0 to below 1", self.momentum.to_string());
        }
        if self.nesterov && self.momentum == 0.0 {
            return wrong("optimizer.nesterov", "false where the momentum is 0", "true".into());
        }
        Ok(())
    }

    pub(crate) fn update(&self, rates: Rates, w: Tensor<1>, g: Tensor<1>, slots: &mut Slots) -> Tensor<1> {
        let Self { momentum, nesterov } = *self;
        let step = SgdStep { rate: rates.learning, decay: rates.decay, momentum, nesterov };
        let (w, b) = sgd_step(step, w, g, slots.take(BUFFER));
        if let Some(b) = b {
            slots.put(BUFFER, b);
        }
        w
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adamw::tests::check;

    /// PyTorch 2.15: `torch.optim.SGD([w], lr=0.1, ..)` after three steps with the
    /// gradients of `check`.
    #[test]
    fn the_steps_are_those_of_torch_optim_sgd() {
        let rates = Rates { learning: 0.1, decay: 0.0 };
        let momentum = Sgd { momentum: 0.9, nesterov: false };
        let nesterov = Sgd { momentum: 0.9, nesterov: true };
        check(Sgd::default(), rates, [0.98000002, -2.02999997, 0.51000005]);
        check(momentum, rates, [0.92689997, -1.99580002, 0.51270002]);
        check(nesterov, rates, [0.91421002, -2.02622008, 0.52143002]);
        check(nesterov, Rates { decay: 0.05, ..rates }, [0.87554699, -1.94745004, 0.50193751]);
    }
}
