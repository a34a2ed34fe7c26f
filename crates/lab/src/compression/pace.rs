//! How long a step learns.

use std::{cell::RefCell, time::Instant};

use burn::prelude::Device;
use sapwood_core::{Network, Step};
use sapwood_train::{Hook, HookError, Live, Recipe, StepReport, Trainer};

use crate::{Error, run::Prepared};

/// Iterations that are timed, behind one that warms up.
const TIMED: usize = 4;

/// The seconds that a training takes as it begins: those of some iterations, on its own examples, times the number of all.
/// Nothing is written.
pub(super) fn seconds(prepared: Prepared, device: &Device) -> Result<f64, Error> {
    let Prepared { source, plan, net, masks, lessons, hooks, .. } = prepared;
    let iterations = plan.until - plan.start;
    let until = plan.start + iterations.min(1 + TIMED);
    let recipe = Recipe { until: Step::At { epochs: 0, iterations: until }, ..plan.recipe };
    let ends = RefCell::new(vec![Instant::now()]);
    let trainer = Trainer::new(recipe, device).masks(masks).hooks(hooks).hook(Ends(&ends));
    match lessons {
        Some(lessons) => trainer.objective(lessons).run_blocking(net, &source)?,
        None => trainer.run_blocking(net, &source)?,
    };
    Ok(of_one(&ends.into_inner()) * iterations as f64)
}

/// The seconds of an iteration, given when the first began and when each ended: without the first, where there are others.
fn of_one(ends: &[Instant]) -> f64 {
    let ends = if ends.len() < 3 { ends } else { &ends[1..] };
    match ends {
        [first, .., last] => (*last - *first).as_secs_f64() / (ends.len() - 1) as f64,
        _ => 0.0,
    }
}

/// Writes down when each iteration ends.
struct Ends<'a>(&'a RefCell<Vec<Instant>>);

impl<N: Network> Hook<N> for Ends<'_> {
    fn on_step_end(&mut self, _: &StepReport, _: &mut Live<N>) -> Result<(), HookError> {
        self.0.borrow_mut().push(Instant::now());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_first_iteration_counts_only_where_it_is_the_only_one() {
        let begin = Instant::now();
        let at = |milliseconds: &[u64]| -> Vec<Instant> {
            milliseconds.iter().map(|ms| begin + Duration::from_millis(*ms)).collect()
        };
        let cases: [(&[u64], f64); 3] =
            [(&[0, 900], 0.9), (&[0, 900, 1000], 0.1), (&[0, 900, 1000, 1400], 0.25)];
        for (ends, expected) in cases {
            assert!((of_one(&at(ends)) - expected).abs() < 1e-9, "{ends:?}");
        }
    }
}
