//! GPTQ: column by column, with the second derivatives of what the layer gives.

use sapwood_backend::upper_factor_of_inverse;
use sapwood_graph::Grid;

use crate::{Error, columns::Columns};

/// Frantar et al. 2022: the columns of a layer's weights are rounded one after the other, and what is lost by each is
/// made up for by those behind it, as the inverse of `H = 2/n sum x x^T` says. Columns that never see anything but 0
/// become 0. A weight that is 0 makes up for nothing: what it should is left to those behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gptq {
    /// What is added to the diagonal of `H`, as a share of its mean.
    pub dampening: f64,
}

impl Default for Gptq {
    /// A hundredth.
    fn default() -> Self {
        Self { dampening: 0.01 }
    }
}

impl Gptq {
    /// The integers of rows of weights, of which the one at a position lies on `grid`.
    pub(crate) fn round(
        self,
        weights: &[f64],
        seen: Columns<'_>,
        grid: &dyn Fn(usize) -> Grid,
    ) -> Result<Vec<i32>, Error> {
        let n = seen.width;
        let mut h: Vec<f64> = seen.gram.iter().map(|x| 2.0 * x / seen.count.max(1) as f64).collect();
        let unseen: Vec<bool> = (0..n).map(|j| h[j * n + j] == 0.0).collect();
        (0..n).filter(|j| unseen[*j]).for_each(|j| h[j * n + j] = 1.0);
        let mean = (0..n).map(|j| h[j * n + j]).sum::<f64>() / n as f64;
        (0..n).for_each(|j| h[j * n + j] += self.dampening * mean);
        let singular = || Error::Singular { dampening: self.dampening };
        let u = upper_factor_of_inverse(&h, n).ok_or_else(singular)?;
        let mut integers = vec![0; weights.len()];
        for (row, weights) in weights.chunks(n).enumerate() {
            let mut w = weights.to_vec();
            for j in 0..n {
                let grid = grid(row * n + j);
                let is_zero = unseen[j] || weights[j] == 0.0;
                let q = if is_zero { grid.zero_point() } else { grid.nearest(w[j] as f32) };
                integers[row * n + j] = q;
                if !unseen[j] {
                    let error = (w[j] - f64::from(grid.number(q))) / u[j * n + j];
                    w[j + 1..].iter_mut().zip(&u[j * n + j + 1..]).for_each(|(w, u)| *w -= error * u);
                }
            }
        }
        Ok(integers)
    }
}

#[cfg(test)]
mod tests {
    use sapwood_graph::{DType, Scheme, Symmetry};

    use super::*;

    /// A numpy transcription of the paper's algorithm.
    #[test]
    fn the_last_weight_makes_up_for_the_others() {
        let samples = [[1.0, 2.0, 0.0], [0.0, 1.0, 1.0], [2.0, 0.0, 1.0], [1.0, 1.0, 1.0]];
        let gram: Vec<f64> =
            (0..9).map(|at| samples.iter().map(|x: &[f64; 3]| x[at / 3] * x[at % 3]).sum()).collect();
        let weights = [0.34, -0.27, 0.61, -0.12, 0.58, -0.44];
        let three_bits = Scheme::new(DType::I4, Symmetry::Symmetric).unwrap().within(-4..=3).unwrap();
        let grids = [0.61, 0.58].map(|most| three_bits.grid(-most, most).unwrap());
        let number = |at: usize, q: i32| f64::from(grids[at / 3].number(q));
        let error = |integers: &[i32]| {
            let of = |row: usize, x: &[f64; 3]| {
                let lost = (0..3)
                    .map(|j| (number(row * 3 + j, integers[row * 3 + j]) - weights[row * 3 + j]) * x[j]);
                lost.sum::<f64>().powi(2)
            };
            (0..2).map(|row| samples.iter().map(|x| of(row, x)).sum::<f64>()).sum::<f64>()
        };
        let found =
            Gptq::default().round(&weights, Columns::alike(3, 4, &gram), &|at| grids[at / 3]).unwrap();
        let nearest: Vec<i32> =
            weights.iter().enumerate().map(|(at, w)| grids[at / 3].nearest(*w as f32)).collect();
        assert_eq!((&found[..], &nearest[..]), (&[2, -2, 3, -1, 3, -2][..], &[2, -2, 3, -1, 3, -3][..]));
        assert!(
            (number(5, found[5]) + 0.331_429).abs() < 1e-6
                && (number(5, nearest[5]) + 0.497_143).abs() < 1e-6
        );
        assert!((error(&nearest) - 0.199_994).abs() < 1e-6 && (error(&found) - 0.125_186).abs() < 1e-6);
    }

    /// A numpy transcription: as 1 in the loop and 0 behind it, the third would leave the last at -2, and an error of 11.5
    /// rather than 4.3.
    #[test]
    fn what_a_masked_weight_should_make_up_for_is_left_to_the_next() {
        let gram = [10.0, 6.0, 1.0, 5.0, 6.0, 10.0, -6.0, 3.0, 1.0, -6.0, 10.0, 4.0, 5.0, 3.0, 4.0, 10.0];
        let grid = Scheme::new(DType::I4, Symmetry::Symmetric).unwrap().grid(-7.0, 7.0).unwrap();
        let found =
            Gptq::default().round(&[1.4, -1.8, 0.0, -1.1], Columns::alike(4, 10, &gram), &|_| grid).unwrap();
        assert_eq!(found, [1, -1, 0, -1]);
    }

    #[test]
    fn columns_that_see_nothing_become_zero_and_what_is_singular_is_refused() {
        let scheme = Scheme::new(DType::I8, Symmetry::Symmetric).unwrap();
        let grid = scheme.grid(-1.0, 1.0).unwrap();
        let seen = Columns::alike(2, 2, &[4.0, 0.0, 0.0, 0.0]);
        let found = Gptq::default().round(&[0.5, 0.7], seen, &|_| grid).unwrap();
        assert_eq!(found, [64, 0]);
        let seen = Columns::alike(2, 2, &[1.0; 4]);
        let error = Gptq { dampening: 0.0 }.round(&[0.5, 0.7], seen, &|_| grid).unwrap_err();
        let expected =
            "second derivatives have no inverse at dampening 0: calibrate with more examples, or dampen more";
        assert_eq!(error.to_string(), expected);
    }
}
