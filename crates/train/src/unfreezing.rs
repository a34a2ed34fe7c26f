//! Layers that begin to learn one after the other.

use std::collections::BTreeSet;

use sapwood_core::{Gradients, Network, infos};

use crate::{Hook, HookError, Live, Plan, StepReport};

/// Gradual unfreezing: the last layers learn first, and earlier ones join them as epochs pass (Howard and Ruder 2018,
/// "Universal Language Model Fine-tuning", section 3.3). In epoch `e` of the first `E`, counted from 1, the last
/// `ceil(n e / E)` of `n` layers learn; then all do.
///
/// What differs: the paper adds one layer per epoch, whatever their number. Running statistics move all the time, unless
/// their layers keep them still.
#[derive(Clone, Debug)]
pub struct Unfreezing {
    /// The layers, in the order in which they run.
    layers: Vec<String>,
    epochs: usize,
    per_epoch: usize,
}

impl Unfreezing {
    /// Layers, in the order in which they run, that all learn from this number of epochs on.
    pub fn new(layers: impl IntoIterator<Item = String>, epochs: usize, plan: &Plan) -> Self {
        Self { layers: layers.into_iter().collect(), epochs, per_epoch: plan.length.per_epoch }
    }

    /// The layers that do not learn yet at an iteration, counted from 0.
    fn frozen(&self, iteration: usize) -> BTreeSet<String> {
        let begun = iteration / self.per_epoch.max(1) + 1;
        let (n, epochs) = (self.layers.len(), self.epochs.max(1));
        let free = (n * begun).div_ceil(epochs).min(n);
        self.layers[..n - free].iter().cloned().collect()
    }
}

impl<N: Network> Hook<N> for Unfreezing {
    fn on_gradients(
        &mut self,
        step: &StepReport,
        gradients: &mut Gradients,
        live: &Live<N>,
    ) -> Result<(), HookError> {
        let frozen = self.frozen(step.iteration);
        if frozen.is_empty() {
            return Ok(());
        }
        // Without a gradient a parameter stays as it is, whatever the optimiser remembers or decays.
        for info in infos(&live.network).into_iter().filter(|info| info.path.is_of(&frozen)) {
            gradients.remove(&info.path);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Recipe, Sgd};

    #[test]
    fn the_last_layers_learn_first_and_all_in_the_end() {
        let plan = Recipe::new(6, Sgd::default(), 0.1).plan(10).unwrap();
        let layers = ["a", "b", "c", "d", "e"].map(String::from);
        let unfreezing = Unfreezing::new(layers, 3, &plan);
        let frozen = |iteration| unfreezing.frozen(iteration).into_iter().collect::<Vec<_>>().concat();
        assert_eq!([0, 9, 10, 20, 59].map(frozen), ["abc", "abc", "a", "", ""]);
    }
}
