//! How far two networks agree.

use sapwood_quant::Rows;
use serde::Serialize;

/// Examples with other classes that are shown.
const SHOWN: usize = 5;

/// What was found.
#[derive(Serialize)]
pub(super) struct Found {
    pub(super) examples: usize,
    /// Of networks that give classes.
    pub(super) same_class: Option<f64>,
    pub(super) same_power: f64,
    pub(super) largest_distance: f64,
    pub(super) mean_distance: f64,
    /// The first examples with other classes.
    pub(super) differing: Vec<Differing>,
}

#[derive(Serialize)]
pub(super) struct Differing {
    pub(super) example: usize,
    pub(super) class: usize,
    pub(super) with: usize,
}

impl Found {
    /// Of the outputs of both, of which the largest may be the answer.
    pub(super) fn of(one: &Rows, other: &Rows, is_answer: bool) -> Self {
        let (examples, distances) = (one.count(), one.distances(other));
        let differing = if is_answer { one.differing(other) } else { Vec::new() };
        // Outputs are finite, so each has a largest.
        let shown = |(example, both): (usize, [Option<usize>; 2])| {
            let [class, with] = both.map(Option::unwrap_or_default);
            Differing { example, class, with }
        };
        Self {
            examples,
            same_class: is_answer.then(|| one.agreement(other)),
            same_power: one.agrees(other, false).share(),
            largest_distance: distances.iter().copied().fold(0.0, f64::max),
            mean_distance: distances.iter().sum::<f64>() / examples.max(1) as f64,
            differing: differing.into_iter().take(SHOWN).map(shown).collect(),
        }
    }

    /// The share that agrees, and of what it is one.
    pub(super) fn agreed(&self) -> (f64, &'static str) {
        match self.same_class {
            Some(share) => (share, "of the examples have the same class"),
            None => (self.same_power, "of the outputs' power is the same"),
        }
    }
}

/// A share in percent, rounded down: what is not all does not read as all, nor as a bound that it does not reach.
pub(super) fn percent(share: f64) -> String {
    // Hundredths of a percent are not exact in binary: 0.57 is 5699.999999999999 of them.
    let hundredths = (1e4 * share + 1e-9).floor();
    match share < 1.0 {
        true => format!("{:.2} %", hundredths.min(9999.0) / 100.0),
        false => "100 %".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_down() {
        for (share, expected) in [
            (0.0, "0.00 %"),
            (0.57, "57.00 %"),
            (0.29, "29.00 %"),
            (2.0 / 3.0, "66.66 %"),
            (0.9999, "99.99 %"),
            (0.999_899, "99.98 %"),
            (1.0 - 1e-12, "99.99 %"),
            (1.0, "100 %"),
        ] {
            assert_eq!(percent(share), expected);
        }
    }
}
