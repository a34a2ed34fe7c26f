//! Masks in a training loop that is not Sapwood's, by Burn's own means.

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleVisitor, Param, ParamId, Reparameterization, Reparameterizer},
    tensor::{Bool, Tensor, TensorData},
};
use sapwood_core::{Bits, Layout, ParamInfo, infos};

use crate::{Error, MaskSet};

/// What [`MaskSet::attach`] leaves at a parameter: its value is zero where it is masked, for
/// every layer that reads it.
#[derive(Module, Debug)]
pub struct PruneMask {
    /// Where the parameter is zero, flat, in the order in which Burn stores it.
    removed: Param<Tensor<1, Bool>>,
}

impl Reparameterization for PruneMask {
    const NAME: &'static str = "prune_mask";

    fn apply<const D: usize>(&self, base: Tensor<D>) -> Tensor<D> {
        let removed: Tensor<D, Bool> = self.removed.val().reshape(base.shape());
        base.mask_fill(removed, 0.0)
    }
}

impl MaskSet {
    /// The network with its masked weights at zero, where they stay in any training loop and under any of Burn's
    /// optimisers. [`Module::materialize`] takes the masks away again and leaves ordinary weights.
    ///
    /// The masks become Burn's [`Reparameterization`] of the parameters ([`PruneMask`]): layers compute with masked
    /// weights, and gradients of masked weights are exactly zero. Masks go with the network through clones, `valid`,
    /// devices and records. Burn keeps one reparameterization per parameter, so a network with others (LoRA, or masks
    /// that were attached before) is refused for the parameters that these masks name.
    ///
    /// In the forward and in the backward pass it costs one elementwise operation per masked parameter.
    ///
    /// ```
    /// use burn::{
    ///     module::Module,
    ///     nn::{Linear, LinearConfig},
    ///     optim::{GradientsParams, SgdConfig, momentum::MomentumConfig},
    ///     tensor::Tensor,
    /// };
    /// use sapwood_backend::DeviceSpec;
    /// use sapwood_core::{Network, Pass};
    /// use sapwood_prune::{Cut, Magnitude, NetworkProbe};
    ///
    /// #[derive(Module, Debug)]
    /// struct OneLayer {
    ///     fc: Linear,
    /// }
    ///
    /// impl Network for OneLayer {
    ///     type Input = Tensor<4>;
    ///     type Output = Tensor<2>;
    ///
    ///     fn forward(&self, input: Tensor<4>, _pass: &mut Pass<'_>) -> Tensor<2> {
    ///         self.fc.forward(input.flatten(1, 3))
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let device = DeviceSpec::CPU.resolve()?.autodiff();
    /// let net = OneLayer { fc: LinearConfig::new(64, 10).init(&device) };
    /// let masks = Cut::to("0.9".parse()?).masks_blocking(&Magnitude, &NetworkProbe::new(&net), None)?;
    ///
    /// let mut net = masks.attach(net)?;
    /// let mut optimizer = SgdConfig::new().with_momentum(Some(MomentumConfig::new())).init();
    /// for _ in 0..10 {
    ///     let input = Tensor::<2>::ones([8, 64], &device);
    ///     let loss = net.fc.forward(input).powi_scalar(2).mean();
    ///     let gradients = GradientsParams::from_grads(loss.backward(), &net);
    ///     net = optimizer.step(0.1, net, gradients);
    /// }
    /// let net = net.valid().materialize();
    ///
    /// let weights: Vec<f32> = net.fc.weight.val().into_data().try_to_vec()?;
    /// assert_eq!(weights.iter().filter(|weight| **weight != 0.0).count(), masks.kept());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`MaskSet::fits`]; [`Error::Reparameterized`] for a masked parameter that is computed from others
    /// already.
    pub fn attach<M: Module>(&self, network: M) -> Result<M, Error> {
        self.fits(&network)?;
        let mut stored = Stored::default();
        network.visit(&mut stored);
        // Both walks visit the same parameters in the same order.
        let named = stored.paths.iter().zip(infos(&network));
        let mut masks = BTreeMap::new();
        for (path, info) in named {
            let Some(mask) = self.get(&info.path) else { continue };
            if let Some(other) = stored.others.get(path) {
                return Err(Error::Reparameterized { path: info.path, by: other.clone() });
            }
            masks.insert(path.clone(), (mask, info));
        }
        Ok(self.apply(network)?.apply_reparameterization(Attach { masks }))
    }
}

/// The float parameters of a network by Burn's paths, in the order of a visit.
#[derive(Default)]
struct Stored {
    walk: Vec<String>,
    paths: Vec<String>,
    /// The reparameterizations that there are, by the paths of their parameters.
    others: BTreeMap<String, String>,
}

impl ModuleVisitor for Stored {
    fn enter_module(&mut self, name: &str, container: &str) {
        if container == "Reparameterization" {
            self.others.insert(self.walk.join("."), name.into());
        }
        self.walk.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.walk.pop();
    }

    fn visit_float<const D: usize>(&mut self, _param: &Param<Tensor<D>>) {
        self.paths.push(self.walk.join("."));
    }
}

/// Attaches masks by Burn's paths.
struct Attach<'a> {
    masks: BTreeMap<String, (&'a Bits, ParamInfo)>,
}

impl Reparameterizer for Attach<'_> {
    type Reparam = PruneMask;

    fn reparameterize<const D: usize>(
        &mut self,
        path: &str,
        param: Param<Tensor<D>>,
    ) -> (Param<Tensor<D>>, Option<PruneMask>) {
        let mask = self.masks.get(path).map(|(mask, info)| {
            let kept: Vec<f32> = mask.iter().map(|keep| f32::from(u8::from(keep))).collect();
            let kept = Tensor::from_data(TensorData::new(kept, [mask.len()]), &param.lazy_device());
            let removed = info.reorder(kept, Layout::Torch, Layout::Stored).equal_elem(0.0);
            PruneMask { removed: Param::initialized(ParamId::new(), removed) }
        });
        (param, mask)
    }
}
