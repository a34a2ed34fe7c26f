//! What was timed.

/// The times of a network, run by run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Times {
    /// The round and the milliseconds.
    runs: Vec<(usize, f64)>,
}

/// A network's time, as runs have it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timed {
    /// The median in milliseconds.
    pub ms: f64,
    /// The standard deviation.
    pub spread_ms: f64,
    /// Runs that counted.
    pub runs: usize,
    /// Runs that took more than twice the median.
    pub outliers: usize,
}

impl Times {
    pub(super) fn add(&mut self, round: usize, ms: f64) {
        self.runs.push((round, ms));
    }

    /// Of all runs.
    pub fn all(&self) -> Timed {
        let times: Vec<f64> = self.runs.iter().map(|(_, ms)| *ms).collect();
        let ms = median(&times);
        let mean = times.iter().sum::<f64>() / times.len() as f64;
        let squares: f64 = times.iter().map(|time| (time - mean).powi(2)).sum();
        let outliers = times.iter().filter(|time| 2.0 * ms < **time).count();
        Timed { ms, spread_ms: (squares / times.len() as f64).sqrt(), runs: times.len(), outliers }
    }

    /// The medians of two measurements that have no run in common: the even rounds and the odd
    /// ones. What the machine does in the course of minutes, both see.
    pub fn halves(&self) -> [f64; 2] {
        [0, 1].map(|half| {
            let rounds = self.runs.iter().filter(|(round, _)| round % 2 == half);
            median(&rounds.map(|(_, ms)| *ms).collect::<Vec<_>>())
        })
    }
}

/// The middle value, or the mean of the two in the middle; not a number of no values.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n => f64::midpoint(sorted[(n - 1) / 2], sorted[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_median_and_its_halves_are_of_other_rounds() {
        let mut times = Times::default();
        for (round, ms) in [(0, 1.0), (0, 2.0), (1, 4.0), (2, 3.0), (3, 13.0), (3, 5.0)] {
            times.add(round, ms);
        }
        let found = times.all();
        assert_eq!((found.ms, found.runs, found.outliers), (3.5, 6, 1));
        // (1 + 4 + 16 + 9 + 169 + 25) / 6 - (28 / 6)^2
        assert!((found.spread_ms - (224.0_f64 / 6.0 - (28.0_f64 / 6.0).powi(2)).sqrt()).abs() < 1e-12);
        assert_eq!(times.halves(), [2.0, 5.0]);
    }
}
