//! Running statistics of normalisation, of the data that are to be learnt.

use std::{num::NonZero, sync::Arc};

use burn::prelude::Device;
use sapwood_backend::Seed;
use sapwood_core::{Graph, Observed as _, Op, reestimate};
use sapwood_data::Dataset;
use sapwood_models::Net;

use crate::{Beginning, Datasets, Error, Examples, Start, TrainConfig, digest, fits::fits};

/// The most batches that statistics are taken of.
const BATCHES: NonZero<usize> = NonZero::new(16).unwrap();
/// The examples of each.
const EXAMPLES: NonZero<usize> = NonZero::new(64).unwrap();
/// The most images that statistics are taken of.
pub(crate) const IMAGES: usize = BATCHES.get() * EXAMPLES.get();

/// Whether a network has running statistics.
pub(crate) fn has_statistics(graph: &Graph) -> bool {
    graph.nodes().iter().any(|node| matches!(node.op, Op::BatchNorm { .. }))
}

/// The network with the running statistics of images, without augmentation.
pub(crate) fn of_images(net: Net, images: Arc<Dataset>, seed: u64, device: &Device) -> Result<Net, Error> {
    let batches = Examples::Batches { number: BATCHES, size: EXAMPLES }.choose(images, Seed(seed))?;
    Ok(reestimate(net, &batches, device)?)
}

impl TrainConfig {
    /// The same, beginning with batch normalisations whose running statistics are those of the training images, without
    /// augmentation, and no longer those of the data that the weights were trained on (Li et al. 2017, "Revisiting
    /// Batch Normalization for Practical Domain Adaptation"). Nothing else of the network changes.
    ///
    /// # Errors
    /// [`Error::Setting`] for new weights, and for a network without batch normalisation; data that do not fit the
    /// network.
    pub fn with_new_statistics(self, datasets: &Datasets, device: &Device) -> Result<Self, Error> {
        let refuse = |problem: &str| Err(Error::setting("statistics", problem));
        let Beginning::From(start) = &self.beginning else {
            return refuse("new weights have no statistics that could be taken again");
        };
        if !has_statistics(start.net.graph()) {
            return refuse(
                "expected a network with batch normalisation, found none: there are no statistics",
            );
        }
        let dataset = Arc::clone(self.train_source(datasets, 0)?.dataset());
        fits(&self.model, self.known(), &dataset)?;
        let net = of_images(start.net.clone(), dataset, self.seed, device)?;
        let name = format!("{}\nstatistics of {IMAGES} images, seed {}", start.digest, self.seed);
        let Start { masks, trained_on, .. } = (**start).clone();
        let start = Start { digest: digest(name.as_bytes()), net, masks, trained_on };
        Ok(Self { beginning: Beginning::Renewed(Box::new(start)), ..self })
    }
}
