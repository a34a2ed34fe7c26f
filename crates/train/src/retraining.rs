//! How a pruned network is trained again.

use sapwood_core::Step;
use serde::{Deserialize, Serialize};

use crate::{Error, Recipe, Schedule};

/// Which weights the retraining begins with, and with which learning rates, after
/// Renda et al. 2020, section 2. Positions are those of the dense run; masks stay
/// throughout.
///
/// ```
/// use sapwood_core::Step;
/// use sapwood_train::{Recipe, Retraining, Sgd};
///
/// let dense = Recipe::new(160, Sgd { momentum: 0.9, nesterov: false }, 0.1);
/// let rewind = Retraining::Rewind(Step::At { epochs: 0, iterations: 500 });
/// assert_eq!(rewind.weights(), "500it".parse()?);
/// assert_eq!(rewind.recipe(&dense, 391)?.start_at, "500it".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retraining {
    /// The initial weights, trained from the start: the lottery ticket of Frankle &
    /// Carbin 2019. With weights that are newly drawn it is their control.
    Init,
    /// The weights of this position, trained from there: weight rewinding.
    Rewind(Step),
    /// The final weights, trained with the learning rates from this position on:
    /// learning-rate rewinding.
    LearningRate(Step),
    /// The final weights, trained for this number of epochs with the last learning rate.
    FineTune {
        /// How many.
        epochs: usize,
    },
}

impl Retraining {
    /// The position of the dense run whose weights are masked and trained.
    pub fn weights(self) -> Step {
        match self {
            Self::Init => Step::START,
            Self::Rewind(step) => step,
            Self::LearningRate(_) | Self::FineTune { .. } => Step::End,
        }
    }

    /// The recipe of the retraining, for the recipe of the dense run and the number of
    /// batches in its epochs. A position beyond the end of the run is refused.
    ///
    /// # Errors
    /// [`Error::Recipe`] for a position at or beyond the end of the run, no epochs, or what [`Recipe::plan`] refuses of
    /// the dense recipe.
    pub fn recipe(self, dense: &Recipe, batches: usize) -> Result<Recipe, Error> {
        let recipe = match self {
            Self::Init => Recipe { start_at: Step::START, ..dense.clone() },
            Self::Rewind(step) | Self::LearningRate(step) => Recipe { start_at: step, ..dense.clone() },
            Self::FineTune { epochs } => {
                let plan = dense.clone().plan(batches)?;
                Recipe {
                    epochs,
                    learning_rate: plan.learning_rate(plan.until.saturating_sub(1)),
                    schedule: Schedule::Constant,
                    warm_up: Step::START,
                    start_at: Step::START,
                    until: Step::End,
                    ..dense.clone()
                }
            }
        };
        recipe.clone().plan(batches)?;
        Ok(recipe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sgd;

    #[test]
    fn each_way_begins_where_it_says_with_the_learning_rate_of_there() {
        let milestones = vec!["80ep".parse().unwrap(), "120ep".parse().unwrap()];
        let schedule = Schedule::MultiStep { milestones, gamma: 0.1 };
        let dense = Recipe { schedule, ..Recipe::new(160, Sgd::default(), 0.1) };
        let k: Step = "100ep".parse().unwrap();
        for (way, weights, length, first, last) in [
            (Retraining::Init, Step::START, 160, 0.1, 0.001),
            (Retraining::Rewind(k), k, 60, 0.01, 0.001),
            (Retraining::LearningRate(k), Step::End, 60, 0.01, 0.001),
            (Retraining::FineTune { epochs: 40 }, Step::End, 40, 0.001, 0.001),
        ] {
            let plan = way.recipe(&dense, 10).unwrap().plan(10).unwrap();
            assert_eq!((way.weights(), plan.until - plan.start), (weights, 10 * length), "{way:?}");
            let rates = [plan.start, plan.until - 1].map(|at| plan.learning_rate(at));
            assert!((rates[0] - first).abs() < 1e-12 && (rates[1] - last).abs() < 1e-12, "{way:?} {rates:?}");
        }
        let late = Retraining::Rewind("161ep".parse().unwrap()).recipe(&dense, 10).unwrap_err();
        assert!(late.to_string().starts_with("`start_at`"), "{late}");
    }
}
