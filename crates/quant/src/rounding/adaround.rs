//! AdaRound: each weight up or down, learnt.

use sapwood_graph::Grid;

/// Nagel et al. 2020: `w = s clip(floor(w / s) + h(v))` with `h = clip(1.2 sigmoid(v) - 0.1, 0, 1)`, where `v` is learnt by
/// Adam so that what the layer gives on quantised inputs is near what it gave in floating point, and a term
/// `lambda sum (1 - |2 h - 1|^beta)` moves `h` to 0 or 1; in the end it is 1 from a half on.
///
/// The paper draws images for each step. Here a step looks at all of them: as both the layer and its loss are sums of
/// products, `sum |w z - w0 x|^2` is a function of the two matrices of [`LayerInputs`](crate::LayerInputs), and so are its
/// derivatives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdaRound {
    /// Steps of Adam.
    pub steps: usize,
    /// The learning rate.
    pub rate: f64,
    /// The weight of the second term.
    pub lambda: f64,
    /// The share of the steps in the beginning without it.
    pub warm_up: f64,
}

impl Default for AdaRound {
    /// 1000 steps at 0.01: a tenth of the paper's, ten times as large.
    fn default() -> Self {
        Self { steps: 1000, rate: 0.01, lambda: 0.01, warm_up: 0.2 }
    }
}

/// `beta` falls from the first to the second.
const BETA: [f64; 2] = [20.0, 2.0];

/// `h(v)` and its derivative.
fn gate(v: f64) -> (f64, f64) {
    let sigmoid = 1.0 / (1.0 + (-v).exp());
    let h = 1.2 * sigmoid - 0.1;
    match (0.0..=1.0).contains(&h) {
        true => (h, 1.2 * sigmoid * (1.0 - sigmoid)),
        false => (h.clamp(0.0, 1.0), 0.0),
    }
}

/// The `v` for which `h(v)` is this fraction.
fn beginning(fraction: f64) -> f64 {
    -(1.2 / (fraction + 0.1) - 1.0).ln()
}

/// `1 - |2 h - 1|^beta` and its derivative by `h`.
fn penalty(h: f64, beta: f64) -> (f64, f64) {
    let x = 2.0 * h - 1.0;
    (1.0 - x.abs().powf(beta), -2.0 * beta * x.abs().powf(beta - 1.0) * x.signum())
}

impl AdaRound {
    /// The integers of `[rows, columns]` weights, of which the one at a position lies on `grid`.
    pub(crate) fn round(
        self,
        weights: &[f64],
        columns: usize,
        [gram, cross]: [&[f64]; 2],
        count: usize,
        grid: &dyn Fn(usize) -> Grid,
    ) -> Vec<i32> {
        let n = columns;
        let grids: Vec<Grid> = (0..weights.len()).map(grid).collect();
        let below: Vec<f64> =
            weights.iter().zip(&grids).map(|(w, grid)| (w / f64::from(grid.scale())).floor()).collect();
        let bounds = |grid: &Grid| grid.integers().map(|q| f64::from(q - grid.zero_point()));
        let rows = weights.len() / n.max(1);
        let products: Vec<f32> = gram[..n * n].iter().map(|x| *x as f32).collect();
        let mut rounded = vec![0; weights.len()];
        for row in 0..rows {
            let part = row * n..(row + 1) * n;
            let (w, grids, below) = (&weights[part.clone()], &grids[part.clone()], &below[part.clone()]);
            // What the products should be: w0 sum x z^T.
            let wanted: Vec<f64> = (0..n).map(|k| (0..n).map(|j| w[j] * cross[j * n + k]).sum()).collect();
            let fraction = |j: usize| w[j] / f64::from(grids[j].scale()) - below[j];
            let mut v: Vec<f64> = (0..n).map(|j| beginning(fraction(j))).collect();
            let (mut first, mut second) = (vec![0.0; n], vec![0.0; n]);
            // Nearly all of the time is spent here, and Adam forgives the digits.
            let mut lost = vec![0.0f32; n];
            for step in 0..self.steps {
                let gates: Vec<(f64, f64)> = v.iter().map(|v| gate(*v)).collect();
                let number = |j: usize| {
                    let [low, high] = bounds(&grids[j]);
                    let q = below[j] + gates[j].0;
                    (q.clamp(low, high) * f64::from(grids[j].scale()), (low..=high).contains(&q))
                };
                lost.iter_mut().zip(&wanted).for_each(|(lost, wanted)| *lost = -wanted as f32);
                for j in 0..n {
                    let (number, line) = (number(j).0 as f32, &products[j * n..(j + 1) * n]);
                    lost.iter_mut().zip(line).for_each(|(lost, g)| *lost += number * g);
                }
                let done = (step as f64 / self.steps as f64 - self.warm_up) / (1.0 - self.warm_up);
                let beta = BETA[1] + (BETA[0] - BETA[1]) * (1.0 - done).clamp(0.0, 1.0);
                for j in 0..n {
                    let inside = f64::from(u8::from(number(j).1));
                    let of_output =
                        2.0 * f64::from(lost[j]) / count.max(1) as f64 * f64::from(grids[j].scale()) * inside;
                    let of_gate = if done > 0.0 { self.lambda * penalty(gates[j].0, beta).1 } else { 0.0 };
                    let slope = (of_output + of_gate) * gates[j].1;
                    first[j] = 0.9 * first[j] + 0.1 * slope;
                    second[j] = 0.999 * second[j] + 0.001 * slope * slope;
                    let at = step as i32 + 1;
                    let (mean, square) =
                        (first[j] / (1.0 - 0.9f64.powi(at)), second[j] / (1.0 - 0.999f64.powi(at)));
                    v[j] -= self.rate * mean / (square.sqrt() + 1e-8);
                }
            }
            for j in 0..n {
                let up = f64::from(u8::from(gate(v[j]).0 >= 0.5));
                let [low, high] = bounds(&grids[j]);
                rounded[row * n + j] = (below[j] + up).clamp(low, high) as i32 + grids[j].zero_point();
            }
        }
        rounded
    }
}

#[cfg(test)]
mod tests {
    use sapwood_graph::{DType, Scheme, Symmetry};

    use super::*;

    /// BRECQ's code: the beginning of a fraction of 0.3, and the regulariser at h = 0.3.
    #[test]
    fn gates_begin_at_the_fraction_and_the_penalty_is_the_paper_s() {
        assert!((beginning(0.3) + 2f64.ln()).abs() < 1e-15);
        assert!((gate(beginning(0.3)).0 - 0.3).abs() < 1e-15);
        assert!(
            (penalty(0.3, 2.0).0 - 0.84).abs() < 1e-12 && (penalty(0.3, 20.0).0 - 0.99999999).abs() < 1e-8
        );
        assert_eq!((gate(9.0), gate(-9.0)), ((1.0, 0.0), (0.0, 0.0)));
        let slope = (penalty(0.3001, 5.0).0 - penalty(0.2999, 5.0).0) / 0.0002;
        assert!((penalty(0.3, 5.0).1 - slope).abs() < 1e-4);
    }

    #[test]
    fn weights_that_see_the_same_are_rounded_apart() {
        // Two equal inputs: 0.4 + 0.4 steps are nearer to 1 than to 0.
        let scheme = Scheme::new(DType::I4, Symmetry::Symmetric).unwrap();
        let grid = scheme.grid(-7.0, 7.0).unwrap();
        let gram = [4.0; 4];
        let found = AdaRound::default().round(&[0.4, 0.41], 2, [&gram, &gram], 4, &|_| grid);
        assert_eq!(found, [0, 1]);
        // What the input has lost is made up for: it is half of what it was.
        let half = [2.0; 4];
        let found = AdaRound::default().round(&[0.9, 0.8], 2, [&[1.0; 4], &half], 4, &|_| grid);
        assert_eq!(found, [1, 1]);
    }
}
