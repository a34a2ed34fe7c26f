//! How good sub-networks are.

use burn::prelude::Device;
use sapwood_core::{Batch, Reporter, Silent, Source};
use sapwood_models::Net;
use sapwood_search::Genome;
use sapwood_train::{Evaluation, evaluate_watched};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, Family, Supernet};

/// A network and how good it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Its choices, as `sapwood-search` writes them.
    pub architecture: Value,
    /// Its parameters.
    pub params: u64,
    /// Multiply-accumulates of its forward pass on one example.
    pub macs: u64,
    /// The share of the test split that it gets right, or of what is held out.
    pub top1: f64,
    /// Its mean loss there.
    pub loss: f64,
}

/// Judges the sub-networks of a supernet, each with statistics of its own.
#[derive(Clone, Copy)]
pub struct Judge<'a> {
    calibration: &'a [Batch],
    test: &'a dyn Source,
    device: &'a Device,
}

/// The published number of images for calibration.
pub const CALIBRATION: usize = 2000;

impl<'a> Judge<'a> {
    /// Takes the statistics of these batches, which are training images as they are augmented in training
    /// ([`CALIBRATION`] of them are published, 200 in a batch), and judges by the first epoch of `test`.
    pub fn new(calibration: &'a [Batch], test: &'a dyn Source, device: &'a Device) -> Self {
        Self { calibration, test, device }
    }

    /// How many images networks are judged by.
    pub fn images(&self) -> usize {
        self.test.examples()
    }

    /// A sub-network with its own statistics.
    ///
    /// # Errors
    /// A genome that is not of the family's space, and those of [`Subnet::calibrate`](crate::Subnet::calibrate).
    pub fn cut(&self, supernet: &Supernet, genome: &Genome) -> Result<Net, Error> {
        supernet.subnet(genome)?.calibrate(self.calibration)
    }

    /// How good a sub-network is.
    ///
    /// # Errors
    /// Those of [`Judge::cut`], and images that it does not take.
    pub async fn judge(&self, supernet: &Supernet, genome: &Genome) -> Result<Judged, Error> {
        self.of(&self.cut(supernet, genome)?, supernet.family(), genome, &Silent).await
    }

    /// How good a network is that was cut out, of which a reporter is told.
    ///
    /// # Errors
    /// Images that it does not take.
    pub async fn of(
        &self,
        net: &Net,
        family: &Family,
        genome: &Genome,
        reporter: &dyn Reporter,
    ) -> Result<Judged, Error> {
        let Evaluation { top1, loss, .. } = evaluate_watched(net, self.test, self.device, reporter).await?;
        let anatomy = family.graph(genome)?.anatomy(family.whole().input())?;
        let architecture = family.space().to_json(genome);
        let (params, macs) = (anatomy.params(), anatomy.macs());
        tracing::debug!(%architecture, params, macs, top1, loss, "sub-network evaluated");
        Ok(Judged { architecture, params, macs, top1, loss })
    }

    /// [`Judge::judge`], waiting for the device. It does not exist in a browser.
    ///
    /// # Errors
    /// Those of [`Judge::judge`].
    #[cfg(not(target_family = "wasm"))]
    pub fn judge_blocking(&self, supernet: &Supernet, genome: &Genome) -> Result<Judged, Error> {
        sapwood_backend::block_on(self.judge(supernet, genome))
    }

    /// [`Judge::of`], waiting for the device. It does not exist in a browser.
    ///
    /// # Errors
    /// Those of [`Judge::of`].
    #[cfg(not(target_family = "wasm"))]
    pub fn of_blocking(
        &self,
        net: &Net,
        family: &Family,
        genome: &Genome,
        reporter: &dyn Reporter,
    ) -> Result<Judged, Error> {
        sapwood_backend::block_on(self.of(net, family, genome, reporter))
    }
}
