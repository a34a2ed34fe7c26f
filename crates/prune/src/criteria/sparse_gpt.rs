//! Pruning that lets the kept weights make up for the removed ones.

use std::ops::Range;

use sapwood_backend::upper_factor_of_inverse;
use sapwood_core::{Bits, ParamInfo};
use serde::Deserialize;

use crate::{
    Criterion, Error, LayerColumns, LayerProblem, Needs, Probe, Prunable, Reconstruction, ScoreTensors,
    Swept, ranking, share_out,
};

/// `w^2 / U_jj^2`: what the squared error of the layer's output would grow by, if the
/// weight went and those after it made up for it (Frantar & Alistarh 2023, equation
/// 3). `H = 2/n * sum of x x^T` over the inputs that the layer sees, dampened, and
/// `H^-1 = U^T U`. A convolution is taken as the matrix `[out, in/groups * kh * kw]`.
///
/// Scores are those of the network as it stands. Pruning with it is the paper's
/// algorithm 1: layer by layer, columns in blocks; from each block the weights with
/// the lowest scores *as the columns before have changed them*, and what goes is made
/// up for by the columns that are left. The published code removes one weight more
/// from each block than it should; here the count is exact.
///
/// Unlike other criteria it scores on the host, since a Cholesky factorisation is the
/// host's work; until then the Gram matrices of all layers are on the device.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SparseGpt {
    /// What is added to the diagonal of H, as a fraction of its mean.
    pub dampening: f64,
    /// Columns of a block.
    pub block: usize,
}

impl Default for SparseGpt {
    fn default() -> Self {
        Self { dampening: 0.01, block: 128 }
    }
}

/// U with `H^-1 = U^T U`.
struct Factor {
    u: Vec<f64>,
    columns: usize,
    /// Columns that never see anything but zero.
    unseen: Vec<bool>,
}

impl Factor {
    fn row(&self, j: usize) -> &[f64] {
        &self.u[j * self.columns..(j + 1) * self.columns]
    }

    fn score(&self, w: f64, j: usize) -> f64 {
        if self.unseen[j] { 0.0 } else { (w / self.row(j)[j]).powi(2) }
    }
}

impl SparseGpt {
    fn factor(&self, layer: &LayerProblem<'_>) -> Result<Factor, Error> {
        let n = layer.columns;
        let mut h: Vec<f64> = layer.gram.iter().map(|x| 2.0 * x / layer.inputs as f64).collect();
        let unseen: Vec<bool> = (0..n).map(|j| h[j * n + j] == 0.0).collect();
        (0..n).filter(|j| unseen[*j]).for_each(|j| h[j * n + j] = 1.0);
        let mean = (0..n).map(|j| h[j * n + j]).sum::<f64>() / n as f64;
        (0..n).for_each(|j| h[j * n + j] += self.dampening * mean);
        let singular = || Error::CriterionOption {
            criterion: "sparsegpt",
            problem: format!(
                "the Gram matrix of `{}` is singular at dampening {}: give more examples, or dampen more",
                layer.path, self.dampening
            ),
        };
        Ok(Factor { u: upper_factor_of_inverse(&h, n).ok_or_else(singular)?, columns: n, unseen })
    }
}

impl SparseGpt {
    /// The scores of a parameter by its weights and Gram matrices.
    fn scores(&self, info: &ParamInfo, values: &[Vec<f64>], inputs: usize) -> Result<Vec<f64>, Error> {
        let [weights, sums] = values else { return Ok(Vec::new()) };
        let mut scores = Vec::with_capacity(info.len());
        for layer in LayerProblem::of_values(info, weights, sums, inputs) {
            let factor = self.factor(&layer)?;
            let each = layer.weights.iter().enumerate();
            scores.extend(each.map(|(at, w)| factor.score(*w, at % layer.columns)));
        }
        Ok(scores)
    }
}

impl Criterion for SparseGpt {
    fn name(&self) -> &str {
        "sparsegpt"
    }

    fn needs(&self) -> Needs {
        Needs::LayerInputs
    }

    fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
        let (layers, weights) = (LayerColumns::of(probe, prunable)?, probe.weights()?);
        ScoreTensors::on_host(prunable, |info| {
            let gram = layers.gram(probe, None, &info.path)?;
            let tensors = vec![weights.get(&info.path)?, gram.sum.reshape([-1])];
            let (this, info) = (*self, info.clone());
            Ok((tensors, move |values: &[Vec<f64>]| this.scores(&info, values, gram.columns)))
        })
    }

    fn reconstruction(&self) -> Option<&dyn Reconstruction> {
        Some(self)
    }
}

impl Reconstruction for SparseGpt {
    fn sweep(&self, layer: LayerProblem<'_>) -> Result<Swept, Error> {
        let factor = self.factor(&layer)?;
        let (rows, n) = (layer.rows, layer.columns);
        let (mut w, mut kept) = (layer.weights, layer.alive);
        (0..rows * n).filter(|at| factor.unseen[at % n]).for_each(|at| w[at] = 0.0);

        let multiple = layer.pattern.map_or(1, |[_, of]| of);
        // A block is never wider than the layer, which the pattern divides.
        let width = self.block.min(n).max(1).next_multiple_of(multiple);
        let blocks: Vec<Range<usize>> =
            (0..n).step_by(width).map(|first| first..n.min(first + width)).collect();
        let sizes: Vec<usize> = blocks.iter().map(Range::len).collect();
        // Rows that are compared, and how many of each block they keep.
        let together: Vec<(Range<usize>, usize)> = match layer.keep_of_rows {
            Some(keep) => keep.into_iter().enumerate().map(|(row, keep)| (row..row + 1, keep)).collect(),
            None => vec![(0..rows, layer.keep)],
        };
        let quotas: Vec<Vec<usize>> = together
            .iter()
            .map(|(rows, keep)| {
                let room = |block| alive(&kept, rows.clone(), block, n).len();
                share_out(&sizes, &blocks.iter().map(room).collect::<Vec<_>>(), *keep)
            })
            .collect();
        for (number, block) in blocks.iter().enumerate() {
            for ((rows, _), quotas) in together.iter().zip(&quotas).filter(|_| layer.pattern.is_none()) {
                let places = alive(&kept, rows.clone(), block, n);
                keep_best(&factor, &w, &mut kept, places, quotas[number]);
            }
            for j in block.clone() {
                if let Some([keep, of]) = layer.pattern
                    && j % of == 0
                {
                    for row in 0..rows {
                        let group = alive(&kept, row..row + 1, &(j..j + of), n);
                        let quota = keep.min(group.len());
                        keep_best(&factor, &w, &mut kept, group, quota);
                    }
                }
                // What goes is made up for by the rest of the row.
                for row in (0..rows).filter(|row| !kept.get(row * n + j)) {
                    let rest = &mut w[row * n + j..(row + 1) * n];
                    let error = rest[0] / factor.row(j)[j];
                    rest.iter_mut().zip(&factor.row(j)[j..]).for_each(|(w, u)| *w -= error * u);
                    rest[0] = 0.0;
                }
            }
        }
        Ok(Swept { mask: kept, weights: w })
    }
}

/// The weights of these rows and columns that may be kept.
fn alive(kept: &Bits, rows: Range<usize>, columns: &Range<usize>, n: usize) -> Vec<usize> {
    let places = rows.flat_map(|row| columns.clone().map(move |j| row * n + j));
    places.filter(|at| kept.get(*at)).collect()
}

/// Keeps the best of some places and removes the others.
fn keep_best(factor: &Factor, w: &[f64], kept: &mut Bits, places: Vec<usize>, quota: usize) {
    let scores: Vec<f64> = places.iter().map(|&at| factor.score(w[at], at % factor.columns)).collect();
    let (best, _) = ranking::keep_first(&[(&scores, None)], quota);
    places.iter().zip(best[0].iter()).for_each(|(&at, keep)| kept.set(at, keep));
}
