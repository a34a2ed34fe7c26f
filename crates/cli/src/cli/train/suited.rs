//! How a new head is trained where nothing is said of it.

use sapwood_core::Step;

use super::{Rule, Train};

/// The images that a probe sees in all, where there are many, and those that all layers see behind it.
const PROBE_IMAGES: usize = 60_000;
const THEN_IMAGES: usize = 20_000;
/// The most epochs of either, where there are few.
const MOST_EPOCHS: usize = 30;
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
        let times = |images: usize| (images / examples.max(1)).clamp(3, MOST_EPOCHS);
        let (probe, then) = (times(PROBE_IMAGES), times(THEN_IMAGES));
        let batch = if examples < FEW { 32 } else { 64 };
        self.batch_size = Some(batch);
        self.transfer = self.transfer.probing(probe, then);
        let said = format!(
            "recipe for {examples} images: the last layer for {probe} epochs, then all layers for {then}, {batch} at a time"
        );
        (self, Some(said))
    }
}
