//! The running statistics of normalisation, estimated anew.

use std::collections::BTreeMap;

use burn::{prelude::Device, tensor::Tensor};

use crate::{Batch, Error, Layout, Network, ParamPath, Pass, map};

/// The network with statistics of these batches: each layer normalises with the mean and the *biased* variance of a
/// batch, and their averages, weighted by the sizes of the batches, become the running ones (Cai et al. 2020, their
/// code's `set_running_statistics`). What it has learnt stays; without a batch, so do its statistics.
///
/// # Errors
/// Batches that the network does not take.
pub fn reestimate<N: Network>(network: N, batches: &[Batch], device: &Device) -> Result<N, Error> {
    let examples: usize = batches.iter().map(Batch::len).sum();
    let mut sums: BTreeMap<ParamPath, Tensor<1>> = BTreeMap::new();
    for batch in batches {
        let mut pass = Pass::train();
        let _ = network.forward(batch.input(device)?, &mut pass);
        let share = batch.len() as f64 / examples as f64;
        for moments in pass.into_moments() {
            for (name, value) in [("running_mean", moments.mean), ("running_var", moments.variance)] {
                let path = ParamPath::of(&moments.layer, name);
                let value = value * share;
                let sum = match sums.remove(&path) {
                    Some(sum) => sum + value,
                    None => value,
                };
                sums.insert(path, sum);
            }
        }
    }
    Ok(map(network, Layout::Stored, |info, old| sums.remove(&info.path).unwrap_or(old)))
}
