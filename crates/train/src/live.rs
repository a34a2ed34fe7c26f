//! A network while it is trained.

use burn::prelude::Device;
use sapwood_core::{Gradients, Layout, Masks, Moments, Network, absorb, map};

use crate::{Error, Plan, mask::Masking, optimizer::Memory};

/// A network while it is trained, with what its optimiser remembers and its
/// masks. Masked weights are zero here, and so is what is remembered of them: a
/// step adds zero to zero, so no masked weight ever moves.
#[derive(Clone, Debug)]
pub struct Live<N: Network> {
    /// The network, on autodiff. Whoever changes masked weights gives up the
    /// promise above.
    pub network: N,
    /// What the optimiser remembers.
    pub memory: Memory,
    pub(crate) masking: Masking,
    pub(crate) device: Device,
}

impl<N: Network> Live<N> {
    pub(crate) fn new(network: N, masks: Masks, device: &Device) -> Result<Self, Error> {
        let device = device.clone().inner();
        let masking = Masking::new(&network, masks, &device)?;
        // `valid` and `train` put parameters on and off autodiff and keep what is
        // frozen frozen, wherever the network came from.
        let network = masking.prune(network.valid().to_device(&device)).train();
        Ok(Self { network, memory: Memory::default(), masking, device })
    }

    /// The masks.
    pub fn masks(&self) -> &Masks {
        self.masking.masks()
    }

    /// The device, without autodiff.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Replaces all masks. Weights that die become zero and are forgotten by the
    /// optimiser; weights that come back start from zero.
    ///
    /// # Errors
    /// [`Error::MaskOfNothing`] and [`Error::MaskLength`]; nothing is changed then.
    pub fn remask(&mut self, masks: Masks) -> Result<(), Error> {
        let masking = Masking::new(&self.network, masks, &self.device)?;
        masking.forget(&mut self.memory);
        self.network = masking.prune(self.network.clone());
        self.masking = masking;
        Ok(())
    }

    /// No step, but the statistics that the forward pass left.
    pub(crate) fn stand_still(self, moments: Vec<Moments>) -> Self {
        Self { network: absorb(self.network, moments), ..self }
    }

    /// One step along masked and clipped gradients, and the statistics that the
    /// forward pass left.
    pub(crate) fn learn(
        mut self,
        plan: &Plan,
        rate: f64,
        mut gradients: Gradients,
        moments: Vec<Moments>,
    ) -> Self {
        let memory = &mut self.memory;
        let network = map(self.network, Layout::Stored, |info, weight| {
            memory.step(plan, rate, info, weight, &mut gradients)
        });
        Self { network: absorb(network, moments), ..self }
    }
}
