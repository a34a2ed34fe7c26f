//! How a network is trained, as a user writes it.

use std::collections::BTreeMap;

use sapwood_core::{ParamPath, Role, Step};
use serde::{Deserialize, Serialize};

use crate::{Error, Length, Optimizer, Schedule};

/// Everything that decides what training does, but for the network and the data
/// (whose batch size and seed belong to the [`Source`](sapwood_core::Source)).
///
/// Fields that have their default value are not written, so that a new field
/// changes no old recipe's text.
///
/// ```
/// use sapwood_train::Recipe;
///
/// let recipe: Recipe = serde_json::from_str(r#"{
///     "epochs": 160, "learning_rate": 0.1, "weight_decay": 1e-4,
///     "optimizer": {"name": "sgd", "momentum": 0.9},
///     "schedule": {"kind": "multi-step", "milestones": ["80ep", "120ep"], "gamma": 0.1}
/// }"#).unwrap();
/// let plan = recipe.plan(391).unwrap();
/// assert_eq!(plan.until, 160 * 391);
/// assert!((plan.learning_rate(80 * 391) - 0.01).abs() < 1e-12);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The length of the whole run, at least 1. With `start_at` and `until` only a
    /// part of it is trained.
    pub epochs: usize,
    /// The rule by which weights move.
    pub optimizer: Optimizer,
    /// The learning rate that the schedule scales, above 0.
    pub learning_rate: f64,
    /// The course of the learning rate.
    #[serde(default, skip_serializing_if = "is_default")]
    pub schedule: Schedule,
    /// How long the learning rate rises linearly, from 1/n of its value in the
    /// first of n iterations.
    #[serde(default = "start", skip_serializing_if = "is_start")]
    pub warm_up: Step,
    /// Weight decay, 0 or more. SGD adds it to the gradient, AdamW shrinks the
    /// weights by it times the learning rate, as in PyTorch.
    #[serde(default, skip_serializing_if = "is_default")]
    pub weight_decay: f64,
    /// Which parameters decay.
    #[serde(default, skip_serializing_if = "is_default")]
    pub decay: Decay,
    /// The largest norm of the gradient of all parameters together, above 0.
    #[serde(default, skip_serializing_if = "is_default")]
    pub clip: Option<f64>,
    /// What the learning rate of a parameter is multiplied by, finite and 0 or more, where that is not 1.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rates: BTreeMap<ParamPath, f64>,
    /// How much of each target is spread over all classes, 0 or more and below 1.
    #[serde(default, skip_serializing_if = "is_default")]
    pub label_smoothing: f64,
    /// The position at which training starts: the schedule and the order of the
    /// data are those of a run that has come so far. For rewinding.
    #[serde(default = "start", skip_serializing_if = "is_start")]
    pub start_at: Step,
    /// The position at which training stops.
    #[serde(default = "end", skip_serializing_if = "is_end")]
    pub until: Step,
}

/// Which parameters weight decay acts on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decay {
    /// All that are trained, as PyTorch does.
    #[default]
    All,
    /// All but biases and the scale and shift of normalisation.
    WeightsOnly,
}

impl Decay {
    /// Whether a parameter of this role decays.
    pub fn reaches(self, role: Role) -> bool {
        match self {
            Self::All => !matches!(role, Role::Buffer | Role::Step),
            Self::WeightsOnly => role.is_weight() || role == Role::Other,
        }
    }
}

/// A recipe that was checked against the length of an epoch. Positions are
/// iterations.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What was checked.
    pub recipe: Recipe,
    /// The lengths of the run.
    pub length: Length,
    /// The first iteration that is trained.
    pub start: usize,
    /// The iteration before which training stops.
    pub until: usize,
}

impl Recipe {
    /// The bare essentials; everything else has its default.
    pub fn new(epochs: usize, optimizer: impl Into<Optimizer>, learning_rate: f64) -> Self {
        Self {
            epochs,
            optimizer: optimizer.into(),
            learning_rate,
            schedule: Schedule::Constant,
            warm_up: Step::START,
            weight_decay: 0.0,
            decay: Decay::All,
            clip: None,
            rates: BTreeMap::new(),
            label_smoothing: 0.0,
            start_at: Step::START,
            until: Step::End,
        }
    }

    /// Checks every value, for a data set with this number of batches in an epoch.
    ///
    /// # Errors
    /// [`Error::Recipe`] with the first field that is out of range, or at odds with others or the length of the run.
    pub fn plan(self, batches: usize) -> Result<Plan, Error> {
        let finite = |field, value: f64, expected: &str, holds: bool| match value.is_finite() && holds {
            true => Ok(()),
            false => Err(Error::Recipe { field, expected: expected.into(), found: value.to_string() }),
        };
        finite("epochs", self.epochs as f64, "at least 1", 0 < self.epochs)?;
        finite("batches per epoch", batches as f64, "at least 1", 0 < batches)?;
        finite("learning_rate", self.learning_rate, "a finite number above 0", 0.0 < self.learning_rate)?;
        finite("weight_decay", self.weight_decay, "a finite number, 0 or above", 0.0 <= self.weight_decay)?;
        if let Some(clip) = self.clip {
            finite("clip", clip, "a finite number above 0", 0.0 < clip)?;
        }
        for rate in self.rates.values() {
            finite("rates", *rate, "finite numbers, 0 or above", 0.0 <= *rate)?;
        }
        let smoothing = self.label_smoothing;
        finite("label_smoothing", smoothing, "from 0 to below 1", (0.0..1.0).contains(&smoothing))?;
        self.optimizer.check()?;

        let total = self.epochs.checked_mul(batches).ok_or_else(|| Error::Recipe {
            field: "epochs",
            expected: "a number of epochs that can be counted".into(),
            found: self.epochs.to_string(),
        })?;
        let within = |field, step: Step, from: usize| {
            let at = step.iterations(batches, total);
            match (from..=total).contains(&at) {
                true => Ok(at),
                false => Err(Error::Recipe {
                    field,
                    expected: format!("from {from}it to the end of the run, at {total}it"),
                    found: step.to_string(),
                }),
            }
        };
        let warm_up = within("warm_up", self.warm_up, 0)?;
        let start = within("start_at", self.start_at, 0)?;
        let until = within("until", self.until, start)?;
        // Only a run that has not begun may end where it starts: it writes the initial weights.
        if 0 < start && until == start {
            return Err(Error::Recipe {
                field: "start_at",
                expected: format!("before `until`, at {until}it, so that something is trained"),
                found: self.start_at.to_string(),
            });
        }
        let length = Length { per_epoch: batches, total, warm_up };
        self.schedule.check(length)?;
        Ok(Plan { recipe: self, length, start, until })
    }
}

impl Plan {
    /// The learning rate at an iteration, counted from 0.
    pub fn learning_rate(&self, iteration: usize) -> f64 {
        self.recipe.learning_rate * self.recipe.schedule.at(iteration, self.length)
    }
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn start() -> Step {
    Step::START
}

fn is_start(step: &Step) -> bool {
    *step == Step::START
}

fn end() -> Step {
    Step::End
}

fn is_end(step: &Step) -> bool {
    *step == Step::End
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AdamW, Sgd};

    fn refused(change: impl FnOnce(&mut Recipe)) -> String {
        let mut recipe = Recipe::new(10, Sgd::default(), 0.1);
        change(&mut recipe);
        recipe.plan(100).unwrap_err().to_string()
    }

    #[test]
    fn every_value_that_makes_no_sense_is_refused_by_name() {
        assert_eq!(refused(|r| r.epochs = 0), "`epochs` must be at least 1, but it is 0");
        assert!(refused(|r| r.learning_rate = f64::NAN).starts_with("`learning_rate`"));
        assert!(refused(|r| r.weight_decay = -1.0).starts_with("`weight_decay`"));
        assert!(refused(|r| r.clip = Some(0.0)).starts_with("`clip`"));
        assert!(refused(|r| r.label_smoothing = 1.0).starts_with("`label_smoothing`"));
        assert!(
            refused(|r| r.optimizer = Sgd { momentum: 1.0, nesterov: false }.into()).contains("momentum")
        );
        assert!(refused(|r| r.optimizer = Sgd { momentum: 0.0, nesterov: true }.into()).contains("nesterov"));
        let betas = AdamW { betas: [0.9, 1.0], ..AdamW::default() };
        assert!(refused(|r| r.optimizer = betas.into()).contains("betas"));
        assert!(refused(|r| r.warm_up = "11ep".parse().unwrap()).starts_with("`warm_up`"));
        let late = refused(|r| {
            r.start_at = "5ep".parse().unwrap();
            r.until = "4ep".parse().unwrap();
        });
        let nothing = refused(|r| r.start_at = "10ep".parse().unwrap());
        assert!(nothing.starts_with("`start_at` must be before `until`, at 1000it"), "{nothing}");
        assert_eq!(late, "`until` must be from 500it to the end of the run, at 1000it, but it is 4ep");
    }

    #[test]
    fn defaults_are_left_out_of_the_text_and_unknown_fields_are_refused() {
        let recipe = Recipe::new(2, Sgd { momentum: 0.9, nesterov: true }, 0.5);
        let text = serde_json::to_string(&recipe).unwrap();
        let expected =
            r#"{"epochs":2,"optimizer":{"name":"sgd","momentum":0.9,"nesterov":true},"learning_rate":0.5}"#;
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<Recipe>(&text).unwrap(), recipe);
        for unknown in [r#""batch":1,"#, r#""schedule":{"kind":"cosine","eta":1},"#] {
            let text = text.replacen('{', &format!("{{{unknown}"), 1);
            assert!(serde_json::from_str::<Recipe>(&text).is_err(), "{text}");
        }
        assert!(serde_json::from_str::<Recipe>(&text.replace("nesterov", "nestrov")).is_err());
    }
}
