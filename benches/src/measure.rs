//! Two sides in turns, and what their times say.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::Result;
use serde::Serialize;

/// Pairs that are measured whatever the budget says: fewer have no median worth
/// its name.
const FEWEST: usize = 3;

/// A step shorter than this begins its turn with one that is not counted.
const SHORT_S: f64 = 0.1;

/// Somebody who can do one step and say how long it took.
pub trait Side {
    /// The seconds that one step took.
    ///
    /// # Errors
    /// Whatever keeps the side from taking the step.
    fn step(&mut self) -> Result<f64>;
}

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effort {
    /// Steps of each side before the first that counts; at least 1.
    pub warm_up: usize,
    /// Steps of each side that count.
    pub steps: usize,
    /// The time after which no further pair is begun; at least three are measured.
    pub budget: Duration,
    /// The pause at the start of a turn, in which the worker threads of the other
    /// side stop spinning and go to sleep.
    pub pause: Duration,
}

impl Default for Effort {
    fn default() -> Self {
        Self {
            warm_up: 3,
            steps: 20,
            budget: Duration::from_secs(60),
            // OpenMP's threads spin for some milliseconds after their last work.
            pause: Duration::from_millis(20),
        }
    }
}

/// Lets the sides take turns; the result is one list of seconds per side, all of
/// one length. A turn of a fast side begins with a step that does not count, so
/// that caches and worker threads are its own, as they are in a training loop.
///
/// # Errors
/// The first error of a side.
pub fn interleave(sides: &mut [&mut dyn Side], effort: &Effort) -> Result<Vec<Vec<f64>>> {
    let start = Instant::now();
    let mut last = vec![0.0; sides.len()];
    for round in 0..effort.warm_up.max(1) {
        if 0 < round && effort.budget / 4 < start.elapsed() {
            break;
        }
        for (side, last) in sides.iter_mut().zip(&mut last) {
            *last = side.step()?;
        }
    }
    let mut times = vec![Vec::new(); sides.len()];
    for round in 0..effort.steps {
        if FEWEST <= round && effort.budget < start.elapsed() {
            break;
        }
        for ((side, times), last) in sides.iter_mut().zip(&mut times).zip(&mut last) {
            sleep(effort.pause);
            if *last < SHORT_S {
                side.step()?;
            }
            *last = side.step()?;
            times.push(*last);
        }
    }
    Ok(times)
}

/// Where some values lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The middle value, or the mean of the two in the middle.
    pub median: f64,
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
}

impl Spread {
    /// `None` of no values.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let lower = sorted[(sorted.len() - 1) / 2];
        Some(Self { median: (lower + sorted[middle]) / 2.0, min, max })
    }
}

/// The ratio of every pair.
pub fn ratios(ours: &[f64], peer: &[f64]) -> Vec<f64> {
    ours.iter().zip(peer).map(|(ours, peer)| ours / peer).collect()
}

/// The geometric mean of positive values; `None` of no values.
pub fn geometric_mean(values: &[f64]) -> Option<f64> {
    let sum: f64 = values.iter().map(|value| value.ln()).sum();
    (!values.is_empty()).then(|| (sum / values.len() as f64).exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// A side that takes 1 s in its first step, 2 s in its second, times a factor.
    struct Script<'a> {
        name: char,
        factor: f64,
        taken: usize,
        log: &'a RefCell<String>,
    }

    impl Side for Script<'_> {
        fn step(&mut self) -> Result<f64> {
            anyhow::ensure!(self.taken < 50, "{} is tired", self.name);
            self.taken += 1;
            self.log.borrow_mut().push(self.name);
            Ok(self.taken as f64 * self.factor)
        }
    }

    fn run(factor: f64, effort: Effort) -> (String, Result<Vec<Vec<f64>>>) {
        let log = RefCell::new(String::new());
        let mut a = Script { name: 'a', factor, taken: 0, log: &log };
        let mut b = Script { name: 'b', factor: 2.0 * factor, taken: 0, log: &log };
        let times = interleave(&mut [&mut a, &mut b], &effort);
        (log.into_inner(), times)
    }

    fn effort(warm_up: usize, steps: usize, budget: Duration) -> Effort {
        Effort { warm_up, steps, budget, pause: Duration::ZERO }
    }

    #[test]
    fn sides_take_turns_and_warm_up_does_not_count() {
        let (log, times) = run(1.0, effort(2, 3, Duration::MAX));
        assert_eq!(log, "ababababab");
        assert_eq!(times.unwrap(), [[3.0, 4.0, 5.0], [6.0, 8.0, 10.0]]);
    }

    #[test]
    fn a_turn_of_a_fast_side_begins_with_a_step_that_does_not_count() {
        let (log, times) = run(1e-3, effort(1, 2, Duration::MAX));
        assert_eq!(log, "abaabbaabb");
        assert_eq!(times.unwrap(), [[0.003, 0.005], [0.006, 0.01]]);
    }

    #[test]
    fn a_spent_budget_leaves_one_step_of_warm_up_and_three_pairs() {
        let (log, times) = run(1.0, effort(9, 9, Duration::ZERO));
        assert_eq!(log, "abababab");
        assert!(times.unwrap().iter().all(|times| times.len() == 3));
    }

    #[test]
    fn the_error_of_a_side_ends_the_measurement() {
        let (_, times) = run(1.0, effort(1, 60, Duration::MAX));
        assert_eq!(times.unwrap_err().to_string(), "a is tired");
    }

    /// What slows both turns of a pair leaves no trace: the third pair was
    /// measured on a machine ten times slower.
    #[test]
    fn the_ratio_is_the_median_over_pairs_and_not_a_ratio_of_medians() {
        let (ours, peer) = ([2.0, 3.0, 20.0, 2.0], [1.0, 2.0, 10.0, 4.0]);
        assert_eq!(ratios(&ours, &peer), [2.0, 1.5, 2.0, 0.5]);
        let spread = Spread::of(&ratios(&ours, &peer)).unwrap();
        assert_eq!(spread, Spread { median: 1.75, min: 0.5, max: 2.0 });
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]).unwrap().median, 2.0);
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn twice_as_fast_and_half_as_fast_are_equally_fast() {
        assert!((geometric_mean(&[0.5, 2.0]).unwrap() - 1.0).abs() < 1e-15);
        assert_eq!(geometric_mean(&[]), None);
    }
}
