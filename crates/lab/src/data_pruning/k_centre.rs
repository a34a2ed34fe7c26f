//! Examples that cover the others.

use std::sync::Arc;

use burn::prelude::Device;
use rand::RngExt;
use sapwood_backend::{Seed, Stream};
use sapwood_data::{Dataset, Loader, LoaderOptions};
use sapwood_models::Net;

use crate::{Error, Reporter, probe::Probe};

/// A data set as it is, in batches.
pub(super) fn in_order(dataset: &Dataset, batch_size: usize) -> Result<Loader, Error> {
    Ok(Loader::new(Arc::new(dataset.clone()), LoaderOptions { batch_size, ..LoaderOptions::default() })?)
}

/// What goes into a network's last layer, of each example.
pub(super) struct Spaced {
    rows: Vec<f32>,
    size: usize,
}

/// The features of a data set's examples.
pub(super) fn features(
    net: &Net,
    dataset: &Dataset,
    device: &Device,
    reporter: &dyn Reporter,
) -> Result<Spaced, Error> {
    let rows = Probe::of(net, device)?.of_examples(&in_order(dataset, 256)?, device, reporter)?.into_rows();
    let size = rows.len() / dataset.len();
    Ok(Spaced { rows, size })
}

impl Spaced {
    /// Greedy k-centre: beginning with one by chance, the next one is always that of the group which is farthest from all
    /// that are chosen (Gonzalez 1985); of equals the first.
    pub(super) fn spread(&self, group: &[usize], k: usize, seed: Seed) -> Vec<usize> {
        let k = k.min(group.len());
        let row = |at: usize| &self.rows[at * self.size..][..self.size];
        let mut nearest = vec![f32::INFINITY; group.len()];
        let mut chosen = Vec::with_capacity(k);
        let Some(&first) = group.first() else { return chosen };
        let stream = &mut seed.stream(Stream::Criterion, first as u64 + 1);
        let mut next = stream.random_range(0..group.len() as u64) as usize;
        while chosen.len() < k {
            chosen.push(group[next]);
            nearest[next] = f32::NEG_INFINITY;
            let centre = row(group[next]);
            for (distance, at) in nearest.iter_mut().zip(group) {
                let own: f32 = row(*at).iter().zip(centre).map(|(a, b)| (a - b) * (a - b)).sum();
                *distance = distance.min(own);
            }
            let farther = |best: usize, at: usize| if nearest[best] < nearest[at] { at } else { best };
            next = (0..group.len()).reduce(farther).unwrap_or(0);
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_farthest_come_next_and_none_comes_twice() {
        let spaced = Spaced { rows: vec![0.0, 1.0, 10.0, 11.0, 5.0, 5.0], size: 1 };
        for seed in 0..20 {
            let all = spaced.spread(&[0, 1, 2, 3, 4, 5], 6, Seed(seed));
            let mut sorted = all.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3, 4, 5], "{all:?}");
            // From an end the other end follows, from between the farther one.
            let (first, second) = (spaced.rows[all[0]], spaced.rows[all[1]]);
            assert_eq!(second, if first < 5.5 { 11.0 } else { 0.0 });
        }
        assert_eq!(spaced.spread(&[2], 3, Seed(0)), [2]);
        assert!(spaced.spread(&[], 3, Seed(0)).is_empty());
    }
}
