//! How often an example was forgotten.

use burn::prelude::Device;
use sapwood_backend::{block_on, read};
use sapwood_core::{Network as _, Pass, Source as _, Target};
use sapwood_data::Dataset;
use sapwood_models::Net;

use super::k_centre::in_order;
use crate::{Error, Reporter};

/// The number of times that an example was answered rightly by one network and wrongly by the next one; infinite where
/// none answers it rightly. The networks are those of one training, in their order.
///
/// What differs: the paper looks at the batches of training as they come, here all networks look at all examples.
pub(super) fn scores(
    nets: &[Net],
    dataset: &Dataset,
    device: &Device,
    reporter: &dyn Reporter,
) -> Result<Vec<f64>, Error> {
    let loader = in_order(dataset, 256)?;
    reporter.begin("answers", (nets.len() * loader.batches()) as u64);
    let mut seen = vec![Seen::default(); dataset.len()];
    for net in nets {
        let mut at = 0;
        for batch in loader.epoch(0, 0) {
            let batch = batch.map_err(sapwood_train::Error::Source)?;
            let outputs =
                net.forward(batch.input(device).map_err(sapwood_train::Error::from)?, &mut Pass::evaluate());
            let width = outputs.dims()[1];
            let outputs = block_on(read(outputs)).map_err(sapwood_train::Error::from)?;
            let outputs: Vec<f64> = outputs.iter::<f64>().collect();
            let Target::Class(classes) = batch.target() else { continue };
            for (row, class) in outputs.chunks_exact(width).zip(classes) {
                // Of equal outputs the first is the answer.
                let answer = (1..width).fold(0, |best, at| if row[best] < row[at] { at } else { best });
                seen[at].next(answer == *class as usize);
                at += 1;
            }
            reporter.advance(1);
        }
    }
    reporter.end();
    Ok(seen.into_iter().map(Seen::score).collect())
}

/// What was seen of an example so far.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    is_right: bool,
    was_ever_right: bool,
    forgotten: u32,
}

impl Seen {
    fn next(&mut self, is_right: bool) {
        self.forgotten += u32::from(self.is_right && !is_right);
        self.was_ever_right |= is_right;
        self.is_right = is_right;
    }

    fn score(self) -> f64 {
        if self.was_ever_right { f64::from(self.forgotten) } else { f64::INFINITY }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_learnt_is_above_all_that_was_forgotten() {
        let score = |answers: &str| {
            let mut seen = Seen::default();
            answers.chars().for_each(|answer| seen.next(answer == 'r'));
            seen.score()
        };
        assert_eq!(["rrrr", "wrrr", "rwrr", "rwrw", "wrwrw"].map(score), [0.0, 0.0, 1.0, 2.0, 2.0]);
        assert_eq!(score("wwww"), f64::INFINITY);
    }
}
