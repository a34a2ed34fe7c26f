//! How a new head is trained where nothing is said of it.

use sapwood_core::Step;

use super::{AFTER_PROBE, Rule, Train};

/// The images that a probe sees in all, where there are many, and those that all layers see behind it.
const PROBE_IMAGES: usize = 60_000;
const THEN_IMAGES: usize = 20_000;
/// The learning rate of a probe.
const PROBE_RATE: f64 = 0.05;
/// Below this number of images batches are small, so that there are steps enough.
const FEW: usize = 2000;

impl Train {
    /// The command with a recipe that suits a new head and this number of examples, and what is to be said of it, where
    /// nothing is said of how it is to be trained. A probe comes first: all layers at once, and at a rate for new
    /// weights, forget what they know.
    pub(super) fn suited(mut self, examples: usize) -> (Self, Option<String>) {
        let is_whole = (self.start_at, self.until) == (Step::START, Step::End) && !self.find_rate;
        let is_silent = self.epochs.is_none() && self.lr.is_none() && self.batch_size.is_none();
        if !(self.transfer.asks_for_a_recipe()
            && is_silent
            && is_whole
            && matches!(self.optimizer, Rule::Sgd))
        {
            return (self, None);
        }
        let times = |images: usize, most: usize| (images / examples.max(1)).clamp(3, most);
        let (probe, then) = (times(PROBE_IMAGES, 30), times(THEN_IMAGES, 10));
        let batch = if examples < FEW { 32 } else { 64 };
        (self.lr, self.batch_size) = (Some(PROBE_RATE), Some(batch));
        self.transfer = self.transfer.probing(probe, then);
        let said = format!(
            "recipe for {examples} images: the last layer for {probe} epochs at a learning rate of {PROBE_RATE}, then all \
             layers for {then} at {}, {batch} at a time",
            PROBE_RATE * AFTER_PROBE
        );
        (self, Some(said))
    }
}
