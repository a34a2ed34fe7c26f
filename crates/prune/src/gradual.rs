//! A sparsity that rises while a network is trained.

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
    /// From `initial` at iteration `begin` to `target` at iteration `end` of a run of
    /// `total` iterations, with a change every so many.
    ///
    /// A schedule that would not be over when the run is, is refused.
    pub fn new(
        [initial, target]: [Sparsity; 2],
        [begin, end]: [usize; 2],
        every: usize,
        total: usize,
    ) -> Result<Self, Error> {
        let wrong = |field, expected: String, found: String| Err(Error::Schedule { field, expected, found });
        if target < initial {
            return wrong("initial sparsity", format!("at most the target, {target}"), initial.to_string());
        }
        if end <= begin {
            return wrong(
                "end of the gradual pruning",
                format!("after its begin, {begin}it"),
                format!("{end}it"),
            );
        }
        if total < end {
            return wrong(
                "end of the gradual pruning",
                format!("within the run of {total}it"),
                format!("{end}it"),
            );
        }
        if every == 0 {
            return wrong("interval of the gradual pruning", "at least 1it".into(), "0it".into());
        }
        Ok(Self { initial, target, begin, end, every })
    }

    /// The sparsity to prune to before this iteration, if it is one at which the
    /// schedule moves. At the end it is the target, to the digit.
    pub fn at(&self, iteration: usize) -> Option<Sparsity> {
        if iteration == self.end {
            return Some(self.target);
        }
        let since = iteration.checked_sub(self.begin)?;
        if self.end < iteration || !since.is_multiple_of(self.every) {
            return None;
        }
        let left = 1.0 - since as f64 / (self.end - self.begin) as f64;
        let [s_i, s_f] = [self.initial, self.target].map(Sparsity::to_f64);
        Sparsity::try_from((s_f + (s_i - s_f) * left.powi(3)).clamp(0.0, 1.0)).ok()
    }

    /// The sparsity in the end.
    pub fn target(&self) -> Sparsity {
        self.target
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sparsity(text: &str) -> Sparsity {
        text.parse().unwrap()
    }

    #[test]
    fn it_rises_by_a_cube_and_ends_at_its_target() {
        let gradual = Gradual::new([sparsity("0"), sparsity("0.8")], [100, 300], 50, 400).unwrap();
        let at = |iteration| gradual.at(iteration).map(|s| (s.to_f64() * 1e6).round() / 1e6);
        // 0.8 (1 - (1 - t)^3) at t = 0, 1/4, 1/2, 3/4, 1.
        let expected = [(100, 0.0), (150, 0.4625), (200, 0.7), (250, 0.7875), (300, 0.8)];
        assert!(expected.iter().all(|(iteration, s)| at(*iteration) == Some(*s)), "{:?}", at(150));
        assert!([99, 101, 301, 350, 400].iter().all(|iteration| at(*iteration).is_none()));
        let uneven = Gradual::new([sparsity("0"), sparsity("0.8")], [0, 7], 3, 7).unwrap();
        assert_eq!((0..=7).filter(|at| uneven.at(*at).is_some()).collect::<Vec<_>>(), [0, 3, 6, 7]);
    }

    #[test]
    fn what_would_not_reach_its_target_is_refused() {
        let new = |[i, f]: [&str; 2], ends, every| {
            Gradual::new([sparsity(i), sparsity(f)], ends, every, 100).unwrap_err().to_string()
        };
        assert!(new(["0", "0.9"], [10, 101], 5).contains("within the run of 100it"));
        assert!(new(["0", "0.9"], [10, 10], 5).contains("after its begin"));
        assert!(new(["0.95", "0.9"], [0, 10], 5).contains("at most the target"));
        assert!(new(["0", "0.9"], [0, 10], 0).contains("at least 1it"));
    }
}
