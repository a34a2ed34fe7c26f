//! The statistics of a sub-network's normalisation.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use sapwood_core::{Batch, Layout, Network, ParamPath, Pass, map};
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
        let mut sums: BTreeMap<ParamPath, Tensor<1>> = BTreeMap::new();
        for batch in batches {
            // Says which layer does not take them.
            let images: Tensor<4> = batch.input(&device)?;
            let [_, c, h, w] = images.dims();
            self.graph().shapes([c, h, w])?;
            let mut pass = Pass::train();
            let _ = self.net.forward(images, &mut pass);
            let share = batch.len() as f64 / examples as f64;
            for moments in pass.into_moments() {
                for (name, value) in [("running_mean", moments.mean), ("running_var", moments.variance)] {
                    let path: ParamPath = format!("{}.{name}", moments.layer).into();
                    let value = value * share;
                    let sum = match sums.remove(&path) {
                        Some(sum) => sum + value,
                        None => value,
                    };
                    sums.insert(path, sum);
                }
            }
        }
        Ok(map(self.net, Layout::Stored, |info, old| sums.remove(&info.path).unwrap_or(old)))
    }
}
