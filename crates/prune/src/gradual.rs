//! A sparsity that rises while a network is trained.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{Error, Sparsity};

/// The cubic schedule of gradual magnitude pruning (Zhu & Gupta 2017, equation 1):
///
/// ```text
/// s_t = s_f + (s_i - s_f) (1 - (t - begin) / (end - begin))^3
/// ```
///
/// at `t = begin, begin + every, ..` and in any case at `end`. Positions are
/// iterations of training. Weights that were removed stay removed (the paper keeps
/// them underneath), unless the criterion lets them return.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gradual {
    initial: Sparsity,
    target: Sparsity,
    begin: usize,
    end: usize,
    every: usize,
}

impl Gradual {
    /// From `initial`, which the network has already, before iteration `begin` to `target` before iteration `end`, with
    /// a change every `every` iterations, in a run that trains the iterations `run`.
    ///
    /// # Errors
    /// A schedule that such a run would not go through from its first change to its last: `begin` lies
    /// in the run, and `end` before its last step ends, so that what is left is trained once at least.
    pub fn new(
        [initial, target]: [Sparsity; 2],
        [begin, end]: [usize; 2],
        every: usize,
        run: Range<usize>,
    ) -> Result<Self, Error> {
        let wrong = |field, expected: String, found: String| Err(Error::Schedule { field, expected, found });
        let Range { start, end: over } = run;
        if target < initial {
            let expected = format!("at least {initial}, what the network has lost already");
            return wrong("target of the gradual pruning", expected, target.to_string());
        }
        if over < start + 2 {
            let found = format!("{}it", over.saturating_sub(start));
            return wrong("run with gradual pruning", "at least 2it long".into(), found);
        }
        if !(start..over - 1).contains(&begin) {
            let expected = format!("within the run, from {start}it to {}it", over - 2);
            return wrong("begin of the gradual pruning", expected, format!("{begin}it"));
        }
        if end <= begin {
            return wrong(
                "end of the gradual pruning",
                format!("after its begin, {begin}it"),
                format!("{end}it"),
            );
        }
        if over <= end {
            let expected =
                format!("within the run of {over}it and before its last step, at most {}it", over - 1);
            return wrong("end of the gradual pruning", expected, format!("{end}it"));
        }
        if every == 0 {
            return wrong("interval of the gradual pruning", "at least 1it".into(), "0it".into());
        }
        Ok(Self { initial, target, begin, end, every })
    }

    /// The sparsity to prune to before this iteration, if it is one at which the
    /// schedule moves. At the begin it is the initial one and at the end the target, to the digit.
    pub fn at(&self, iteration: usize) -> Option<Sparsity> {
        if iteration == self.begin {
            return Some(self.initial);
        }
        if iteration == self.end {
            return Some(self.target);
        }
        let since = iteration.checked_sub(self.begin)?;
        if self.end < iteration || !since.is_multiple_of(self.every) {
            return None;
        }
        let left = 1.0 - since as f64 / (self.end - self.begin) as f64;
        let [s_i, s_f] = [self.initial, self.target].map(Sparsity::to_f64);
        Sparsity::try_from((s_f + (s_i - s_f) * left.powi(3)).clamp(s_i, 1.0)).ok()
    }

    /// The sparsities of the first change and of the last.
    pub fn ends(&self) -> [Sparsity; 2] {
        [self.initial, self.target]
    }

    /// The sparsity in the end.
    pub fn target(&self) -> Sparsity {
        self.target
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sparsity(text: &str) -> Sparsity {
        text.parse().unwrap()
    }

    #[test]
    fn it_rises_by_a_cube_and_ends_at_its_target() {
        let gradual = Gradual::new([sparsity("0"), sparsity("0.8")], [100, 300], 50, 0..400).unwrap();
        let at = |iteration| gradual.at(iteration).map(|s| (s.to_f64() * 1e6).round() / 1e6);
        // 0.8 (1 - (1 - t)^3) at t = 0, 1/4, 1/2, 3/4, 1.
        let expected = [(100, 0.0), (150, 0.4625), (200, 0.7), (250, 0.7875), (300, 0.8)];
        assert!(expected.iter().all(|(iteration, s)| at(*iteration) == Some(*s)), "{:?}", at(150));
        assert!([99, 101, 301, 350, 400].iter().all(|iteration| at(*iteration).is_none()));
        let uneven = Gradual::new([sparsity("0"), sparsity("0.8")], [0, 7], 3, 0..8).unwrap();
        assert_eq!((0..=7).filter(|at| uneven.at(*at).is_some()).collect::<Vec<_>>(), [0, 3, 6, 7]);
    }

    #[test]
    fn what_would_not_reach_its_target_is_refused() {
        let new = |[i, f]: [&str; 2], ends, every| {
            Gradual::new([sparsity(i), sparsity(f)], ends, every, 5..100).unwrap_err().to_string()
        };
        // Hooks see the iterations 5 to 99: at 100 nobody would prune any more.
        for end in [100, 101] {
            let said = new(["0", "0.9"], [10, end], 5);
            assert!(said.contains("within the run of 100it") && said.contains("at most 99it"), "{said}");
        }
        assert!(new(["0", "0.9"], [10, 10], 5).contains("after its begin"));
        assert!(new(["0", "0.9"], [4, 10], 5).contains("from 5it to 98it, but it is 4it"));
        assert!(new(["0", "0.9"], [99, 120], 5).contains("from 5it to 98it, but it is 99it"));
        let said = new(["0.95", "0.9"], [5, 10], 5);
        assert!(said.contains("at least 0.95") && said.contains("it is 0.9"), "{said}");
        assert!(new(["0", "0.9"], [5, 10], 0).contains("at least 1it"));
        let short = Gradual::new([sparsity("0"), sparsity("0.9")], [0, 1], 1, 0..1).unwrap_err();
        assert!(short.to_string().contains("at least 2it long, but it is 1it"), "{short}");
    }

    proptest! {
        /// Whoever asks before each iteration of the run and prunes as he is told begins where the
        /// network is, keeps ever fewer and ends at the target; or the schedule is refused.
        #[test]
        fn every_schedule_that_is_made_begins_where_it_is_and_ends_at_its_target(
            (start, length) in (0usize..20, 0usize..40),
            (begin, end) in (0usize..70, 0usize..70),
            every in 0usize..90,
            (weights, gone, target) in (1usize..3000, 0.0..=1.0f64, 0u32..=1000),
        ) {
            let run = start..start + length;
            let gone = (weights as f64 * gone) as usize;
            let initial = Sparsity::try_from(gone as f64 / weights as f64).unwrap();
            let target = Sparsity::try_from(f64::from(target) / 1000.0).unwrap();
            let possible = run.contains(&begin) && run.contains(&end) && begin < end && 0 < every && initial <= target;
            let schedule = Gradual::new([initial, target], [begin, end], every, run.clone());
            prop_assert_eq!(schedule.is_ok(), possible);
            let Ok(schedule) = schedule else { return Ok(()) };
            let kept: Vec<usize> =
                run.filter_map(|iteration| schedule.at(iteration)).map(|s| s.kept(weights)).collect();
            prop_assert_eq!(kept.first(), Some(&(weights - gone)));
            prop_assert_eq!(kept.last(), Some(&target.kept(weights)));
            prop_assert!(kept.is_sorted_by(|a, b| a >= b));
        }
    }
}
