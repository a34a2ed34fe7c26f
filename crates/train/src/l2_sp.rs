//! A pull towards the weights that training began with.

use std::collections::BTreeMap;

use burn::{prelude::Device, tensor::Tensor};
use sapwood_core::{Gradients, Layout, Network, ParamPath, Role, tensors};

use crate::{Error, Hook, HookError, Live, StepReport};

/// Adds `alpha / 2 ||w - w0||^2 + beta / 2 ||v||^2` to the loss: `w` are the parameters that began with the values `w0` of
/// a pretrained network, `v` those of layers that are new (Li, Grandvalet and Davoine 2018, "Explicit Inductive Bias
/// for Transfer Learning with Convolutional Networks", equation 2). It stands in the place of weight decay.
///
/// Frozen parameters have no gradient, and get none here.
#[derive(Debug)]
pub struct L2Sp {
    /// Those of pretrained layers, flat and in the stored order.
    start: BTreeMap<ParamPath, Tensor<1>>,
    alpha: f64,
    beta: f64,
}

impl L2Sp {
    /// The pull of a network towards itself as it is now, but for parameters that `is_new` describes.
    ///
    /// # Errors
    /// [`Error::Recipe`] for a strength that is not finite, or below 0.
    pub fn of<N: Network>(
        network: &N,
        (alpha, beta): (f64, f64),
        is_new: impl Fn(&ParamPath) -> bool,
        device: &Device,
    ) -> Result<Self, Error> {
        for (field, value) in [("l2_sp.alpha", alpha), ("l2_sp.beta", beta)] {
            if !(value.is_finite() && 0.0 <= value) {
                let expected = "a finite number, 0 or above".into();
                return Err(Error::Recipe { field, expected, found: value.to_string() });
            }
        }
        let network = network.valid().to_device(&device.clone().inner());
        let pretrained = |(info, value): (sapwood_core::ParamInfo, Tensor<1>)| {
            (info.role != Role::Buffer && !is_new(&info.path)).then_some((info.path, value))
        };
        let start = tensors(&network, Layout::Stored).into_iter().filter_map(pretrained).collect();
        Ok(Self { start, alpha, beta })
    }
}

impl<N: Network> Hook<N> for L2Sp {
    fn on_gradients(
        &mut self,
        _: &StepReport,
        gradients: &mut Gradients,
        live: &Live<N>,
    ) -> Result<(), HookError> {
        for (info, w) in tensors(&live.network.valid(), Layout::Stored) {
            let Some(gradient) = gradients.remove(&info.path) else { continue };
            let pull = match self.start.get(&info.path) {
                Some(start) => (w - start.clone()) * self.alpha,
                None => w * self.beta,
            };
            gradients.insert(info.path, gradient + pull);
        }
        Ok(())
    }
}
