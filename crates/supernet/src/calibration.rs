//! The statistics of a sub-network's normalisation.

use burn::tensor::Tensor;
use sapwood_core::{Batch, reestimate};
use sapwood_models::Net;

use crate::{Error, Subnet};

impl Subnet {
    /// The network with statistics of its own (Cai et al. 2020, their code's
    /// `set_running_statistics`; Yu & Huang 2019, section 3.3). Each layer normalises with the
    /// mean and the *biased* variance of a batch; their averages, weighted by the sizes of the
    /// batches, become the running ones. So the variance is the mean of those within batches,
    /// and what lies between them is not part of it.
    ///
    /// The published batches are 2,000 training images, 200 at a time, as they are augmented
    /// in training.
    ///
    /// # Errors
    /// No batches, or images that the network does not take.
    pub fn calibrate(self, batches: &[Batch]) -> Result<Net, Error> {
        let examples: usize = batches.iter().map(Batch::len).sum();
        if examples == 0 {
            return Err(Error::Calibration(format!("{} batches without an image", batches.len())));
        }
        let device = self.device.clone();
        for batch in batches {
            // Says which layer does not take them.
            let images: Tensor<4> = batch.input(&device)?;
            let [_, c, h, w] = images.dims();
            self.graph().shapes([c, h, w])?;
        }
        Ok(reestimate(self.net, batches, &device)?)
    }
}
