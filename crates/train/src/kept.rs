//! Networks that a run keeps beside the one that learns: an average, and that of the best epoch.
//!
//! They lie beside what the optimiser remembers, so that a checkpoint holds them, and a run that was killed goes on
//! with the same bytes.

use burn::tensor::Tensor;
use sapwood_core::{Layout, Network, map, tensors};

use crate::{Error, Hook, HookError, Live, Memory, Plan, Resumed, Row, StepReport};

const AVERAGE: &str = "average";
const BEST: &str = "best";

/// Averages the weights and running statistics of a run, and leaves the average (Polyak and Juditsky 1992; as an
/// exponential moving average, `a <- d a + (1 - d) w` after each step). The network is evaluated with it too.
///
/// With `n` steps done the decay is `min(decay, (1 + n) / (10 + n))`, as TensorFlow's `ExponentialMovingAverage` has it,
/// so that a short run does not end with the weights that it began with.
///
/// ```no_run
/// # fn example<N: sapwood_core::Network>(
/// #     network: N,
/// #     recipe: sapwood_train::Recipe,
/// #     train: &dyn sapwood_core::Source,
/// #     device: &burn::prelude::Device,
/// # ) -> Result<(), sapwood_train::Error> {
/// use sapwood_train::{Average, Trainer};
///
/// let average = Average::new(0.999, &recipe.clone().plan(train.batches())?)?;
/// let trained = Trainer::new(recipe, device).hook(average).run_blocking(network, train)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Average {
    decay: f64,
    start: usize,
}

impl Average {
    /// An average with this decay, from 0 to below 1, of a run with this plan.
    ///
    /// # Errors
    /// [`Error::Recipe`] for another decay.
    pub fn new(decay: f64, plan: &Plan) -> Result<Self, Error> {
        match (0.0..1.0).contains(&decay) {
            true => Ok(Self { decay, start: plan.start }),
            false => {
                let (expected, found) = ("from 0 to below 1".into(), decay.to_string());
                Err(Error::Recipe { field: "average", expected, found })
            }
        }
    }
}

impl<N: Network> Hook<N> for Average {
    fn on_step_end(&mut self, step: &StepReport, live: &mut Live<N>) -> Result<(), HookError> {
        let done = (step.iteration - self.start) as f64;
        let decay = self.decay.min((1.0 + done) / (10.0 + done));
        live.memory.keep(AVERAGE, &live.network, |before, value| match before {
            Some(before) => before * decay + value * (1.0 - decay),
            None => value,
        });
        Ok(())
    }
}

/// Leaves the network of the epoch that did best on the data that the trainer tests with: those with the most right
/// answers, of equals the one with the least loss, of equals the first.
///
/// The data should be neither those that are learnt from nor those by which the outcome is judged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Best {
    score: Option<[f64; 2]>,
}

impl Best {
    /// The best of a run's rows.
    pub fn of(curve: &[Row]) -> Option<&Row> {
        let scored = curve.iter().filter_map(|row| Some((score(row)?, row)));
        scored.reduce(|best, next| if best.0 < next.0 { next } else { best }).map(|(_, row)| row)
    }
}

/// What is larger the better an epoch did.
fn score(row: &Row) -> Option<[f64; 2]> {
    row.test.map(|test| [test.top1, -test.loss])
}

impl<N: Network> Hook<N> for Best {
    fn on_start(&mut self, resumed: &Resumed, _: &mut Live<N>) -> Result<(), HookError> {
        self.score = Self::of(&resumed.curve).and_then(score);
        Ok(())
    }

    fn on_epoch_end(&mut self, row: &Row, live: &mut Live<N>) -> Result<(), HookError> {
        let score = score(row);
        if self.score < score {
            self.score = score;
            let network = averaged(live);
            live.memory.keep(BEST, &network, |_, value| value);
        }
        Ok(())
    }
}

/// The network as it is to be judged: its average, where there is one.
pub(crate) fn averaged<N: Network>(live: &Live<N>) -> N {
    live.memory.kept(AVERAGE, &live.network).unwrap_or_else(|| live.network.clone())
}

/// The network that a run leaves: that of the best epoch where one is kept.
pub(crate) fn left<N: Network>(live: &Live<N>) -> N {
    live.memory.kept(BEST, &live.network).unwrap_or_else(|| averaged(live))
}

impl Memory {
    /// Puts values of this name beside each tensor of a network, made of those that are there and the tensor's own.
    fn keep<N: Network>(
        &mut self,
        name: &str,
        network: &N,
        value: impl Fn(Option<Tensor<1>>, Tensor<1>) -> Tensor<1>,
    ) {
        for (info, own) in tensors(&network.valid(), Layout::Stored) {
            let slots = self.0.entry(info.path).or_default();
            let before = slots.take(name);
            slots.put(name, value(before, own));
        }
    }

    /// A network of the values of this name, where there are some.
    fn kept<N: Network>(&self, name: &str, network: &N) -> Option<N> {
        let is_kept = self.0.values().any(|slots| slots.tensors.contains_key(name));
        is_kept.then(|| {
            map(network.clone(), Layout::Stored, |info, own| {
                let kept = self.0.get(&info.path).and_then(|slots| slots.tensors.get(name));
                kept.cloned().unwrap_or(own)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Evaluation;

    #[test]
    fn the_best_row_has_the_most_right_answers_then_the_least_loss_then_comes_first() {
        let row = |epoch, top1, loss| {
            let test = Evaluation { examples: 1, loss, top1, top5: None, exact: None };
            Row { epoch, iteration: epoch, learning_rate: 0.1, train_loss: 1.0, test: Some(test) }
        };
        let best = |curve: &[Row]| Best::of(curve).map(|row| row.epoch);
        assert_eq!(best(&[row(1, 0.5, 1.0), row(2, 0.7, 9.0), row(3, 0.6, 0.1)]), Some(2));
        assert_eq!(best(&[row(1, 0.5, 1.0), row(2, 0.5, 0.9), row(3, 0.5, 0.9)]), Some(2));
        assert_eq!(best(&[Row { test: None, ..row(1, 0.0, 0.0) }]), None);
    }
}
