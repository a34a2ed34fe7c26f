//! The control `shuffle`: each layer keeps as many weights, but others.

use rand::RngExt as _;
use sapwood_backend::{Seed, Stream};
use sapwood_core::{Bits, Masks, ParamPath};

use crate::MaskSet;

impl MaskSet {
    /// Each layer's mask permuted among the weights that `alive` keeps of it (all of a layer without a mask there), from
    /// a random stream of its own: the layer's position in the order of the paths.
    pub fn shuffled(&self, alive: &Self, seed: Seed) -> Self {
        let shuffle = |(index, (path, mask)): (usize, (&ParamPath, &Bits))| {
            let mut rng = seed.stream(Stream::Shuffle, index as u64);
            let is_alive = |at: &usize| alive.get(path).is_none_or(|alive| alive.get(*at));
            let places: Vec<usize> = (0..mask.len()).filter(is_alive).collect();
            let mut bits: Vec<bool> = places.iter().map(|at| mask.get(*at)).collect();
            // Fisher and Yates.
            for last in (1..bits.len()).rev() {
                bits.swap(last, rng.random_range(0..=last as u64) as usize);
            }
            let mut shuffled = Bits::zeros(mask.len());
            places.into_iter().zip(bits).for_each(|(at, kept)| shuffled.set(at, kept));
            (path.clone(), shuffled)
        };
        Self::from(self.as_masks().iter().enumerate().map(shuffle).collect::<Masks>())
    }
}
