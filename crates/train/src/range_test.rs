//! Which learning rate a network bears.

use std::{cell::RefCell, rc::Rc};

use burn::prelude::Device;
use sapwood_core::{Batch, ExampleShape, Masks, Network, Source, SourceError};

use crate::{Error, Hook, HookError, Live, Recipe, Schedule, StepReport, Trainer};

/// A loss that is this many times the least one ends the test.
const DIVERGED: f64 = 4.0;
/// How much of a mean is kept from step to step.
const SMOOTHING: f64 = 0.9;

/// The learning-rate range test (Smith 2017, "Cyclical Learning Rates for Training Neural Networks", section 3.3): the
/// rate grows by one factor from step to step, and what becomes of the loss tells which rates are too low to learn
/// with and which too high.
///
/// ```no_run
/// # fn example<N: sapwood_core::Network>(
/// #     network: N,
/// #     train: &dyn sapwood_core::Source,
/// #     device: &burn::prelude::Device,
/// # ) -> Result<(), sapwood_train::Error> {
/// use sapwood_train::{RangeTest, Recipe, Sgd};
///
/// let recipe = Recipe::new(1, Sgd { momentum: 0.9, nesterov: false }, 0.1);
/// let found = RangeTest::default().run_blocking(&recipe, network, Default::default(), train, device)?;
/// println!("{:?}", RangeTest::suggestion(&found));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RangeTest {
    /// The first rate.
    pub from: f64,
    /// The last one, if the loss does not grow to four times the least one before.
    pub to: f64,
    /// The number of steps.
    pub steps: usize,
}

impl Default for RangeTest {
    /// From 1e-6 to 1 in 100 steps.
    fn default() -> Self {
        Self { from: 1e-6, to: 1.0, steps: 100 }
    }
}

/// A rate that was tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tried {
    /// The learning rate of a step.
    pub learning_rate: f64,
    /// The loss before it, smoothed over the steps before without a lean towards the first.
    pub loss: f64,
}

impl RangeTest {
    /// Trains a copy of a network with all that a recipe says but its rates, length and schedule.
    ///
    /// # Errors
    /// Those of training; [`Error::Recipe`] for rates that are not above 0 and growing.
    #[cfg(not(target_family = "wasm"))]
    pub fn run_blocking<N: Network>(
        self,
        recipe: &Recipe,
        network: N,
        masks: Masks,
        train: &dyn Source,
        device: &Device,
    ) -> Result<Vec<Tried>, Error> {
        sapwood_backend::block_on(self.run(recipe, network, masks, train, device))
    }

    /// [`RangeTest::run_blocking`], awaited.
    ///
    /// # Errors
    /// The same.
    pub async fn run<N: Network>(
        self,
        recipe: &Recipe,
        network: N,
        masks: Masks,
        train: &dyn Source,
        device: &Device,
    ) -> Result<Vec<Tried>, Error> {
        let Self { from, to, steps } = self;
        if !(0.0 < from && from < to && to.is_finite() && 2 <= steps) {
            let expected = "rates above 0 that grow, in 2 steps or more".into();
            let found = format!("from {from} to {to} in {steps} steps");
            return Err(Error::Recipe { field: "range test", expected, found });
        }
        let train = &First { source: train, batches: steps };
        let epochs = steps.div_ceil(train.batches().max(1));
        // The schedule reaches the highest rate with the last step of the run, which may be later than the last one
        // here: so much higher is its end.
        let total = (epochs * train.batches()).max(2);
        let factor = (to / from).powf((total - 1) as f64 / (steps - 1) as f64);
        let recipe = Recipe {
            epochs,
            learning_rate: from * factor,
            schedule: Schedule::Exponential { start: 1.0 / factor },
            warm_up: sapwood_core::Step::START,
            start_at: sapwood_core::Step::START,
            until: sapwood_core::Step::At { epochs: 0, iterations: steps },
            ..recipe.clone()
        };
        let losses = Losses::default();
        let (seen, ends) = (losses.clone(), losses.clone());
        let trainer = Trainer::new(recipe, device).masks(masks).hook(seen).stop_when(move || ends.diverged());
        match trainer.run(network, train).await {
            Ok(_) | Err(Error::Stopped { .. }) => Ok(()),
            // A rate at which nothing is finite any more is an answer, once there were others.
            Err(Error::NotFinite { .. }) if !losses.0.borrow().is_empty() => Ok(()),
            Err(error) => Err(error),
        }?;
        Ok(losses.0.take())
    }

    /// The rate of the steepest fall of the loss over the logarithm of the rate (Howard's rule in fastai), among those
    /// before the least loss; none where the loss never falls. The first tenth are passed over, of whose batches the mean
    /// still moves.
    pub fn suggestion(tried: &[Tried]) -> Option<f64> {
        let least = (0..tried.len()).min_by(|a, b| tried[*a].loss.total_cmp(&tried[*b].loss))?;
        let falls = tried.get(tried.len() / 10..=least).unwrap_or_default().windows(2).map(|pair| {
            let rise = (pair[1].loss - pair[0].loss) / (pair[1].learning_rate / pair[0].learning_rate).ln();
            (rise, pair[0].learning_rate)
        });
        falls.filter(|(rise, _)| *rise < 0.0).min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, rate)| rate)
    }
}

/// What was tried so far, shared by the hook that sees it and the trainer that asks whether to stop.
#[derive(Clone, Debug, Default)]
struct Losses(Rc<RefCell<Vec<Tried>>>);

impl Losses {
    fn diverged(&self) -> bool {
        let tried = self.0.borrow();
        let least = tried.iter().map(|tried| tried.loss).fold(f64::INFINITY, f64::min);
        tried.last().is_some_and(|last| DIVERGED * least < last.loss)
    }
}

impl<N: Network> Hook<N> for Losses {
    fn on_step_end(&mut self, step: &StepReport, _: &mut Live<N>) -> Result<(), HookError> {
        let mut tried = self.0.borrow_mut();
        let n = tried.len() as i32;
        // Adam's correction: a mean over n steps is short of 1 by SMOOTHING^n.
        let sum = tried.last().map_or(0.0, |last| last.loss * (1.0 - SMOOTHING.powi(n)));
        let loss = (SMOOTHING * sum + (1.0 - SMOOTHING) * step.loss) / (1.0 - SMOOTHING.powi(n + 1));
        tried.push(Tried { learning_rate: step.learning_rate, loss });
        Ok(())
    }
}

/// The first batches of each epoch: rates that rise from batch to batch would leave the numbers there are, if they rose
/// for all batches of a long epoch.
struct First<'a> {
    source: &'a dyn Source,
    batches: usize,
}

impl Source for First<'_> {
    fn examples(&self) -> usize {
        self.source.examples()
    }

    fn batches(&self) -> usize {
        self.source.batches().min(self.batches)
    }

    fn shape(&self) -> ExampleShape {
        self.source.shape()
    }

    fn epoch(&self, epoch: usize, from: usize) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_> {
        Box::new(self.source.epoch(epoch, from).take(self.batches.saturating_sub(from)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steepest_fall_before_the_least_loss_is_suggested() {
        let of = |losses: &[f64]| {
            let at = |(step, loss): (usize, &f64)| Tried {
                learning_rate: 1e-4 * 10_f64.powi(step as i32),
                loss: *loss,
            };
            RangeTest::suggestion(&losses.iter().enumerate().map(at).collect::<Vec<_>>())
        };
        let found = of(&[2.3, 2.2, 1.5, 1.2, 4.0, 0.9e9]).unwrap();
        assert!((found - 1e-3).abs() < 1e-12);
        assert_eq!((of(&[1.0, 2.0, 3.0]), of(&[])), (None, None));
    }
}
