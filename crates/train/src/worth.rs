//! What each training example is worth, as networks see it.
//!
//! Every function looks at all examples of one epoch of a source, in the order in which it gives them, with networks in
//! evaluation mode.

mod el2n;
mod forgetting;
mod grand;
mod k_centre;

use burn::prelude::Device;
use sapwood_backend::read;
use sapwood_core::{Network, Output as _, Pass, Reporter, Source, Target};

pub use el2n::el2n;
pub use forgetting::forgetting;
pub use grand::grand;
pub use k_centre::k_centre;

use crate::Error;

/// Calls a function with the outputs of each network to each example: the example's number, its logits and its class.
///
/// # Errors
/// Batches that cannot be read, or whose targets are no classes; a device that fails.
async fn each_answer<N: Network>(
    networks: &[N],
    source: &dyn Source,
    device: &Device,
    reporter: &dyn Reporter,
    mut each: impl FnMut(usize, &[f64], usize),
) -> Result<(), Error> {
    reporter.begin("answers", (networks.len() * source.batches()) as u64);
    for network in networks {
        let mut at = 0;
        for batch in source.epoch(0, 0) {
            let batch = batch.map_err(Error::Source)?;
            let outputs = network.forward(batch.input(device)?, &mut Pass::evaluate()).rows();
            let width = outputs.dims()[1];
            let outputs: Vec<f64> = read(outputs).await?.iter::<f64>().collect();
            for (row, class) in outputs.chunks_exact(width).zip(classes(batch.target())?) {
                each(at, row, *class as usize);
                at += 1;
            }
            reporter.advance(1);
        }
    }
    reporter.end();
    Ok(())
}

fn classes(target: &Target) -> Result<&[u32], Error> {
    match target {
        Target::Class(classes) => Ok(classes),
        _ => Err(sapwood_core::Error::Target("expected a class for each example".into()).into()),
    }
}
