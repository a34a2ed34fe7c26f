//! How the learning rate moves.

use std::f64::consts::PI;

use sapwood_core::Step;
use serde::{Deserialize, Serialize};

use crate::Error;

/// The course of the learning rate, as a factor of the recipe's.
///
/// It is evaluated at every iteration. Milestones are positions in the whole
/// run; the cosine begins where the warm-up ends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Schedule {
    /// Always 1.
    #[default]
    Constant,
    /// Multiplied by `gamma` at each milestone: PyTorch's `MultiStepLR`.
    MultiStep {
        /// Increasing positions before the end of the run.
        milestones: Vec<Step>,
        /// The factor at each of them.
        gamma: f64,
    },
    /// `end + (1 - end) (1 + cos(pi t / T)) / 2`, with `t` of `T` iterations
    /// after the warm-up: Loshchilov and Hutter 2017, equation 5, without
    /// restarts; PyTorch's `CosineAnnealingLR` with `eta_min = end * rate`.
    Cosine {
        /// The factor that is approached, 0 to 1.
        #[serde(default, skip_serializing_if = "crate::recipe::is_default")]
        end: f64,
    },
    /// `start^(1 - t / (T - 1))`: from `start` to 1, by one factor from step to step, as a range test needs it (Smith
    /// 2017, "Cyclical Learning Rates").
    Exponential {
        /// The first factor, above 0 and at most 1.
        start: f64,
    },
}

/// The lengths of a run, in iterations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    /// Of one epoch.
    pub per_epoch: usize,
    /// Of the whole run.
    pub total: usize,
    /// Of the warm-up.
    pub warm_up: usize,
}

impl Schedule {
    /// Refuses values that no schedule can have, and milestones that the run
    /// never reaches.
    ///
    /// # Errors
    /// [`Error::Recipe`] with the field: a factor out of range, or milestones at or beyond the end of the run, or not
    /// increasing.
    pub fn check(&self, length: Length) -> Result<(), Error> {
        let wrong = |field, expected: &str, found: String| {
            Err(Error::Recipe { field, expected: expected.into(), found })
        };
        match self {
            Self::Constant => Ok(()),
            Self::MultiStep { milestones, gamma } => {
                if !(gamma.is_finite() && *gamma > 0.0) {
                    return wrong("schedule.gamma", "a finite number above 0", gamma.to_string());
                }
                let at = |step: &Step| step.iterations(length.per_epoch, length.total);
                if let Some(late) = milestones.iter().find(|step| length.total <= at(step)) {
                    let expected = format!("before the end of the run, at {} iterations", length.total);
                    return wrong("schedule.milestones", &expected, late.to_string());
                }
                match milestones.windows(2).find(|pair| at(&pair[1]) <= at(&pair[0])) {
                    Some(pair) => {
                        wrong("schedule.milestones", "increasing", format!("{} before {}", pair[0], pair[1]))
                    }
                    None => Ok(()),
                }
            }
            Self::Exponential { start } if 0.0 < *start && *start <= 1.0 => Ok(()),
            Self::Exponential { start } => {
                wrong("schedule.start", "above 0 and at most 1", start.to_string())
            }
            Self::Cosine { end } if (0.0..=1.0).contains(end) => Ok(()),
            Self::Cosine { end } => wrong("schedule.end", "from 0 to 1", end.to_string()),
        }
    }

    /// The factor at an iteration, counted from 0.
    ///
    /// The warm-up is linear and multiplies the schedule: the first of its `n`
    /// iterations has 1/n (not 0, so no step is wasted), the last one 1.
    pub fn at(&self, iteration: usize, length: Length) -> f64 {
        let warm_up = match length.warm_up {
            n if iteration < n => (iteration + 1) as f64 / n as f64,
            _ => 1.0,
        };
        warm_up
            * match self {
                Self::Constant => 1.0,
                Self::MultiStep { milestones, gamma } => {
                    let reached = |step: &&Step| step.iterations(length.per_epoch, length.total) <= iteration;
                    gamma.powi(milestones.iter().filter(reached).count() as i32)
                }
                Self::Exponential { start } => {
                    let (t, last) = (iteration as f64, length.total.saturating_sub(1).max(1) as f64);
                    start.powf(1.0 - t / last)
                }
                Self::Cosine { end } => {
                    let t = iteration.saturating_sub(length.warm_up) as f64;
                    let total = length.total.saturating_sub(length.warm_up).max(1) as f64;
                    end + (1.0 - end) * (1.0 + (PI * t / total).cos()) / 2.0
                }
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: Length = Length { per_epoch: 2, total: 8, warm_up: 0 };

    fn check(schedule: Schedule, warm_up: usize, expected: [f64; 8]) {
        let length = Length { warm_up, ..LENGTH };
        schedule.check(length).unwrap();
        for (iteration, expected) in expected.into_iter().enumerate() {
            let found = schedule.at(iteration, length);
            assert!((found - expected).abs() < 1e-12, "{iteration}: {found} for {expected}");
        }
    }

    fn steps(texts: &[&str]) -> Vec<Step> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    /// PyTorch 2.15: `MultiStepLR([3, 5], 0.1)`, `CosineAnnealingLR(8, 0.1)` and
    /// `SequentialLR([LinearLR(0.25, 1, 3), CosineAnnealingLR(4)], [4])` at rate 1.
    #[test]
    fn the_factors_are_those_of_pytorchs_schedulers() {
        let multi_step = Schedule::MultiStep { milestones: steps(&["3it", "2ep1it"]), gamma: 0.1 };
        check(multi_step, 0, [1.0, 1.0, 1.0, 0.1, 0.1, 0.01, 0.01, 0.01]);
        let cosine = [
            1.0,
            0.9657457896300791,
            0.8681980515339464,
            0.7222075445642905,
            0.55,
            0.3777924554357097,
            0.2318019484660537,
            0.134254210369921,
        ];
        check(Schedule::Cosine { end: 0.1 }, 0, cosine);
        let warm = [0.25, 0.5, 0.75, 1.0, 1.0, 0.8535533905932737, 0.5, 0.14644660940672627];
        check(Schedule::Cosine { end: 0.0 }, 4, warm);
        let tenfold = [1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0];
        check(Schedule::Exponential { start: 1e-7 }, 0, tenfold);
        check(Schedule::Constant, 2, [0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn a_milestone_that_is_never_reached_or_out_of_order_is_refused() {
        for milestones in [&["4ep"][..], &["end"], &["2ep", "3it"], &["1ep", "2it"]] {
            let schedule = Schedule::MultiStep { milestones: steps(milestones), gamma: 0.1 };
            let error = schedule.check(LENGTH).unwrap_err().to_string();
            assert!(error.starts_with("`schedule.milestones` must be"), "{error}");
        }
    }
}
