//! Connection sensitivity.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use sapwood_core::{Norm, ParamPath};

use crate::{Criterion, Error, Needs, ParamTensors, Probe, Prunable, ScoreTensors};

/// `|w * dL/dw|`: how much the loss would change without the weight, to first
/// order (Lee et al. 2019).
///
/// With several batches the sensitivities are averaged, weighted by the number of
/// examples, each taken absolute within its batch. Normalisation uses the running
/// statistics, as in the authors' code.
#[derive(Clone, Copy, Debug, Default)]
pub struct Snip;

impl Criterion for Snip {
    fn name(&self) -> &str {
        "snip"
    }

    fn needs(&self) -> Needs {
        Needs::Gradient
    }

    fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
        let weights = probe.weights()?;
        let batches = probe.examples()?;
        let examples: usize = batches.iter().map(|batch| batch.len()).sum();
        let mut sums: BTreeMap<&ParamPath, Tensor<1>> = BTreeMap::new();
        for batch in batches {
            let share = batch.len() as f64 / examples as f64;
            let gradient = probe.gradient(batch, Norm::Running)?;
            for info in prunable.params() {
                let more = (weights.get(&info.path)? * gradient.get(&info.path)?).abs() * share;
                let sum = match sums.remove(&info.path) {
                    Some(sum) => sum + more,
                    None => more,
                };
                sums.insert(&info.path, sum);
            }
        }
        let sums: ParamTensors = sums.into_iter().map(|(path, sum)| (path.clone(), sum)).collect();
        ScoreTensors::try_from_fn(prunable, |info| sums.get(&info.path))
    }
}
