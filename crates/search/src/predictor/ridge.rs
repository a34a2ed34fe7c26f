//! Ridge regression with pairwise features.

use serde::{Deserialize, Serialize};

use super::{cholesky, observed};
use crate::{Error, Predictor, Rows};

/// Linear regression on the columns of an encoding and the products of every two of them,
/// with a penalty on the square of the weights; the intercept has none. With few examples
/// it is as good as the perceptron, and it is fitted in a moment.
///
/// It is fitted in the space of the examples: the inner product of two rows' features is
/// `s + p (s^2 - q) / 2` with `s` the rows' inner product, `q` that of their squares and
/// `p` the weight of pairs, so that the thousands of products are never written down. The
/// time is cubic in the number of examples: about a second for 2,000.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ridge {
    /// The penalty, usually called alpha or lambda.
    pub penalty: f64,
    /// How much a pair counts beside a column; 0 leaves the products out.
    pub pairs: f64,
    fitted: Option<Fitted>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Fitted {
    intercept: f64,
    linear: Vec<f64>,
    /// The weight of columns `i < j` is at `i * width + j`.
    pairs: Vec<f64>,
}

impl Default for Ridge {
    fn default() -> Self {
        Self { penalty: 1.0, pairs: 0.25, fitted: None }
    }
}

/// The columns of a row that are not 0.
fn present(row: &[f32]) -> Vec<(usize, f64)> {
    row.iter()
        .enumerate()
        .filter(|(_, number)| **number != 0.0)
        .map(|(at, number)| (at, f64::from(*number)))
        .collect()
}

impl Ridge {
    /// With this penalty and this weight of pairs: 0 is the published baseline, without any.
    pub fn new(penalty: f64, pairs: f64) -> Self {
        Self { penalty, pairs, fitted: None }
    }

    fn kernel(&self, one: &[f32], other: &[(usize, f64)]) -> f64 {
        let (mut s, mut q) = (0.0, 0.0);
        for (column, number) in other {
            let term = f64::from(one[*column]) * number;
            s += term;
            q += term * term;
        }
        s + self.pairs * (s * s - q) / 2.0
    }

    fn wrong(problem: String) -> Error {
        Error::Predictor { predictor: "ridge".into(), problem }
    }
}

impl Predictor for Ridge {
    fn name(&self) -> &'static str {
        if self.pairs == 0.0 { "plain ridge" } else { "ridge" }
    }

    fn fit(&mut self, rows: &Rows, targets: &[f64], _seed: u64) -> Result<(), Error> {
        let (mean, _) = observed(self.name(), rows, targets)?;
        if !(self.penalty.is_finite() && 0.0 < self.penalty && self.pairs.is_finite() && 0.0 <= self.pairs) {
            return Err(Self::wrong(
                "the penalty must be above 0 and the weight of pairs not below 0".into(),
            ));
        }
        let (n, width) = (rows.len(), rows.width());
        let present: Vec<Vec<(usize, f64)>> = rows.iter().map(present).collect();
        let mut matrix = vec![0.0; n * n];
        for row in 0..n {
            for column in 0..=row {
                let value = self.kernel(rows.row(row), &present[column]);
                matrix[row * n + column] = value;
                matrix[column * n + row] = value;
            }
        }
        // Centring the features frees the intercept of the penalty.
        let means: Vec<f64> = matrix.chunks_exact(n).map(|row| row.iter().sum::<f64>() / n as f64).collect();
        let all = means.iter().sum::<f64>() / n as f64;
        for (row, numbers) in matrix.chunks_exact_mut(n).enumerate() {
            for (column, number) in numbers.iter_mut().enumerate() {
                *number += all - means[row] - means[column];
            }
            numbers[row] += self.penalty;
        }
        let mut alpha: Vec<f64> = targets.iter().map(|target| target - mean).collect();
        cholesky::solve(&mut matrix, &mut alpha)
            .ok_or_else(|| Self::wrong("the examples determine no weights: raise the penalty".into()))?;
        // The weights of the centred features are those of the plain ones with
        // coefficients that sum to zero.
        let excess = alpha.iter().sum::<f64>() / n as f64;
        let (mut linear, mut pairs) = (vec![0.0; width], vec![0.0; width * width]);
        for (present, alpha) in present.iter().zip(alpha.iter().map(|alpha| alpha - excess)) {
            for (at, (column, number)) in present.iter().enumerate() {
                linear[*column] += alpha * number;
                for (other, factor) in &present[at + 1..] {
                    pairs[column * width + other] += self.pairs * alpha * number * factor;
                }
            }
        }
        let mut fitted = Fitted { intercept: 0.0, linear, pairs };
        fitted.intercept = mean - present.iter().map(|row| fitted.of(row)).sum::<f64>() / n as f64;
        self.fitted = Some(fitted);
        Ok(())
    }

    fn predict(&self, rows: &Rows) -> Result<Vec<f64>, Error> {
        let fitted = self.fitted.as_ref().ok_or_else(|| Self::wrong("fit it before it is asked".into()))?;
        let (expected, found) = (fitted.linear.len(), rows.width());
        if found != expected {
            return Err(Self::wrong(format!(
                "expected rows of {expected} numbers, as in fitting, found {found}"
            )));
        }
        Ok(rows.iter().map(|row| fitted.of(&present(row))).collect())
    }
}

impl Fitted {
    fn of(&self, present: &[(usize, f64)]) -> f64 {
        let mut sum = self.intercept;
        for (at, (column, number)) in present.iter().enumerate() {
            let pairs = &self.pairs[column * self.linear.len()..];
            let with: f64 = present[at + 1..].iter().map(|(other, factor)| pairs[*other] * factor).sum();
            sum += number * (self.linear[*column] + with);
        }
        sum
    }
}
