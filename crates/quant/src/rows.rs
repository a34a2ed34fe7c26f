//! What two networks give for the same examples, row by row.

use crate::Agreement;

/// What a network gives for some examples: a row of numbers for each.
///
/// ```
/// use sapwood_quant::{Agreement, Rows};
///
/// let [one, other] = [[1.0, 2.0, 4.0, 3.0], [1.0, 2.0, 3.0, 4.0]].map(|values| Rows::new(values.to_vec(), 2));
/// assert_eq!(one.agrees(&other, true), Agreement::Answers(0.5));
/// assert_eq!(one.differing(&other), [(1, [Some(0), Some(1)])]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    values: Vec<f64>,
    each: usize,
}

impl Rows {
    /// Rows of this many numbers, one behind the other.
    pub fn new(values: Vec<f64>, each: usize) -> Self {
        Self { values, each }
    }

    fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks(self.each.max(1))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.rows().count()
    }

    /// Whether all numbers are finite.
    pub fn are_finite(&self) -> bool {
        self.values.iter().all(|x| x.is_finite())
    }

    /// The share of rows with the same largest number, the first of equal ones. What is not a number is never the same.
    pub fn agreement(&self, other: &Self) -> f64 {
        let same = self.rows().zip(other.rows()).filter(|(a, b)| {
            let (a, b) = (largest(a), largest(b));
            a.is_some() && a == b
        });
        same.count() as f64 / self.count().max(1) as f64
    }

    /// The rows that have another largest number in the other, with the places of both: none where one is not a number.
    pub fn differing(&self, other: &Self) -> Vec<(usize, [Option<usize>; 2])> {
        let both = self.rows().zip(other.rows()).map(|(a, b)| [largest(a), largest(b)]);
        both.enumerate().filter(|(_, [a, b])| a.is_none() || a != b).collect()
    }

    /// How far the other's agree, of a network whose largest output is its answer, or of another one.
    pub fn agrees(&self, other: &Self, is_answer: bool) -> Agreement {
        match is_answer {
            true => Agreement::Answers(self.agreement(other)),
            false => Agreement::Power(self.power_shared(other)),
        }
    }

    /// The share of the power of these numbers that is not that of their differences.
    fn power_shared(&self, other: &Self) -> f64 {
        // Zeros have no power, and may be equal all the same.
        if self.values == other.values {
            return 1.0;
        }
        (1.0 - 10f64.powf(-self.signal_to_noise(other) / 10.0)).max(0.0)
    }

    /// The power of these numbers over that of their differences, in decibels.
    pub fn signal_to_noise(&self, other: &Self) -> f64 {
        let signal: f64 = self.values.iter().map(|x| x * x).sum();
        let noise: f64 = self.values.iter().zip(&other.values).map(|(x, y)| (x - y) * (x - y)).sum();
        10.0 * (signal / noise).log10()
    }

    /// Of each row the distance of the other's: the norm of the difference over that of the row. Where that is 0, it is over
    /// the root mean square of the norms of all rows; and where these are 0 too, over that of the other's rows.
    pub fn distances(&self, other: &Self) -> Vec<f64> {
        let usual = [self, other].map(Self::usual_norm).into_iter().find(|norm| 0.0 < *norm);
        let distance = |(a, b): (&[f64], &[f64])| match norm(a.iter().zip(b).map(|(x, y)| x - y)) {
            0.0 => 0.0,
            apart => apart / Some(norm(a.iter().copied())).filter(|own| 0.0 < *own).or(usual).unwrap_or(1.0),
        };
        self.rows().zip(other.rows()).map(distance).collect()
    }

    /// The root mean square of the rows' norms.
    fn usual_norm(&self) -> f64 {
        norm(self.values.iter().copied()) / (self.count().max(1) as f64).sqrt()
    }

    /// The mean Kullback-Leibler divergence of the other's softmax from that of these numbers.
    pub fn divergence(&self, other: &Self) -> f64 {
        let log_softmax = |row: &[f64]| {
            let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum = row.iter().map(|x| (x - most).exp()).sum::<f64>().ln();
            row.iter().map(|x| x - most - sum).collect::<Vec<_>>()
        };
        let each = self.rows().zip(other.rows()).map(|(a, b)| {
            let (p, q) = (log_softmax(a), log_softmax(b));
            p.iter().zip(&q).map(|(p, q)| p.exp() * (p - q)).sum::<f64>()
        });
        each.sum::<f64>() / self.count().max(1) as f64
    }
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|x| x * x).sum::<f64>().sqrt()
}

/// The place of the largest number, the first of equal ones (of zeros of either sign, too); none where one is not a number.
pub fn largest(row: &[f64]) -> Option<usize> {
    let mut largest = None;
    for (at, x) in row.iter().enumerate() {
        if x.is_nan() {
            return None;
        }
        // Zero of either sign is the same number.
        if largest.is_none_or(|most: usize| row[most] < *x) {
            largest = Some(at);
        }
    }
    largest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(values: &[f64]) -> Rows {
        Rows::new(values.to_vec(), 2)
    }

    #[test]
    fn equal_answers_agree_and_have_no_noise() {
        let a = rows(&[1.0, 2.0, 3.0, 3.0]);
        assert_eq!((a.agreement(&a), a.divergence(&a)), (1.0, 0.0));
        assert_eq!((a.signal_to_noise(&a), a.power_shared(&a)), (f64::INFINITY, 1.0));
        // One of 23.
        let shared = a.power_shared(&rows(&[1.0, 2.0, 3.0, 4.0]));
        assert!((shared - 22.0 / 23.0).abs() < 1e-12, "{shared}");
        let b = rows(&[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(a.agreement(&b), 0.5);
        assert!((a.signal_to_noise(&b) - 10.0 * 23f64.log10()).abs() < 1e-12);
        // ln(1/2 / sigmoid(-1)) and ln(1/2 / sigmoid(1)), in the mean and over two rows.
        let sigmoid = 1.0 / (1.0 + 1f64.exp());
        let expected = ((0.5 / sigmoid).ln() + (0.5 / (1.0 - sigmoid)).ln()) / 4.0;
        assert!((a.divergence(&b) - expected).abs() < 1e-12);
        assert_eq!(a.agreement(&rows(&[f64::NAN, 0.0, 3.0, 3.0])), 0.5);
        let zeros = rows(&[0.0; 2]);
        assert_eq!((zeros.power_shared(&zeros), zeros.power_shared(&rows(&[1.0; 2]))), (1.0, 0.0));
    }

    #[test]
    fn each_row_has_a_distance_and_an_answer() {
        let a = rows(&[3.0, 4.0, 0.0, 2.0, 0.0, 0.0]);
        let b = rows(&[3.0, 4.5, 0.0, -2.0, 0.0, 0.0]);
        assert_eq!(a.distances(&b), [0.1, 2.0, 0.0]);
        assert_eq!((a.count(), a.differing(&b)), (3, vec![(1, [Some(1), Some(0)])]));
        let broken = rows(&[f64::NAN, 4.0, 0.0, 2.0, 0.0, 0.0]);
        assert_eq!(broken.differing(&broken), [(0, [None, None])]);
        assert_eq!([largest(&[-0.0, 0.0]), largest(&[0.0, -0.0]), largest(&[])], [Some(0), Some(0), None]);
        assert!(a.are_finite() && !broken.are_finite());
    }

    #[test]
    fn a_row_of_zeros_is_compared_with_the_usual_norm() {
        // The norms are 5, 0 and 5: their root mean square is the root of 50 / 3.
        let a = rows(&[3.0, 4.0, 0.0, 0.0, 0.0, 5.0]);
        let b = rows(&[3.0, 4.0, 0.0, 1.0, 0.0, 5.0]);
        let found = a.distances(&b);
        assert_eq!((found[0], found[2]), (0.0, 0.0));
        assert!((found[1] - (3.0f64 / 50.0).sqrt()).abs() < 1e-12, "{found:?}");
        let zeros = rows(&[0.0; 6]);
        assert_eq!(zeros.distances(&zeros), [0.0; 3]);
        let found = zeros.distances(&rows(&[2.0, 0.0, 0.0, 2.0, 0.0, 2.0]));
        assert!(found.iter().all(|distance| (distance - 1.0).abs() < 1e-12), "{found:?}");
    }
}
