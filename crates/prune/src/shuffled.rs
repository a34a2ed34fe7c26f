//! The control `shuffle`: each layer keeps as many weights, but others.

use rand::RngExt as _;
use sapwood_backend::{Seed, Stream};
use sapwood_core::{Bits, Masks};

use crate::MaskSet;

impl MaskSet {
    /// Each layer's mask permuted, from a random stream of its own: the layer's
    /// position in the order of the paths.
    pub fn shuffled(&self, seed: Seed) -> Self {
        let shuffle = |(index, (path, mask)): (usize, (_, &Bits))| {
            let mut rng = seed.stream(Stream::Shuffle, index as u64);
            let mut bits: Vec<bool> = mask.iter().collect();
            // Fisher and Yates.
            for last in (1..bits.len()).rev() {
                bits.swap(last, rng.random_range(0..=last as u64) as usize);
            }
            (Clone::clone(path), bits.into_iter().collect())
        };
        Self::from(self.as_masks().iter().enumerate().map(shuffle).collect::<Masks>())
    }
}
