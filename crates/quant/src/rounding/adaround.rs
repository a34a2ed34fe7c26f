//! AdaRound: each weight up or down, learnt.

use sapwood_graph::Grid;

use crate::columns::Columns;

/// Nagel et al. 2020: `w = s clip(floor(w / s) + h(v))` with `h = clip(1.2 sigmoid(v) - 0.1, 0, 1)`, where `v` is learnt by
/// Adam so that what the layer gives on quantised inputs is near what it gave in floating point, and a term
/// `lambda sum (1 - |2 h - 1|^beta)` moves `h` to 0 or 1; in the end it is 1 from a half on. A weight that is 0 stays so,
/// and learns nothing.
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

/// Rows that are learnt side by side, and lines of products that each takes at once.
const BLOCK: usize = 8;
const LINES: usize = 4;

/// The weights of an output while they are learnt.
struct Row<'a> {
    weights: &'a [f64],
    grids: &'a [Grid],
    below: &'a [f64],
    /// What the products should be: `w0 sum x z^T`.
    wanted: Vec<f64>,
    v: Vec<f64>,
    /// `h(v)` and its derivative.
    gates: Vec<(f64, f64)>,
    /// The weight that this is, and whether it lies between the bounds.
    numbers: Vec<(f32, bool)>,
    /// The products less what they should be. Adam forgives the digits of f32.
    lost: Vec<f32>,
    mean: Vec<f64>,
    square: Vec<f64>,
}

/// The least and the largest integer of a grid, counted from that of 0.
fn bounds(grid: &Grid) -> [f64; 2] {
    grid.integers().map(|q| f64::from(q - grid.zero_point()))
}

impl<'a> Row<'a> {
    fn new(w: &'a [f64], grids: &'a [Grid], below: &'a [f64], cross: &[f64]) -> Self {
        let n = w.len();
        let fraction = |j: usize| w[j] / f64::from(grids[j].scale()) - below[j];
        Self {
            weights: w,
            grids,
            below,
            wanted: (0..n).map(|k| (0..n).map(|j| w[j] * cross[j * n + k]).sum()).collect(),
            v: (0..n).map(|j| beginning(fraction(j))).collect(),
            gates: vec![(0.0, 0.0); n],
            numbers: vec![(0.0, false); n],
            lost: vec![0.0; n],
            mean: vec![0.0; n],
            square: vec![0.0; n],
        }
    }

    /// The weights of a step, before any product.
    fn begin(&mut self) {
        for (j, v) in self.v.iter().enumerate().filter(|(j, _)| self.weights[*j] != 0.0) {
            self.gates[j] = gate(*v);
            let [low, high] = bounds(&self.grids[j]);
            let q = self.below[j] + self.gates[j].0;
            let number = q.clamp(low, high) * f64::from(self.grids[j].scale());
            self.numbers[j] = (number as f32, (low..=high).contains(&q));
        }
        self.lost.iter_mut().zip(&self.wanted).for_each(|(lost, wanted)| *lost = -wanted as f32);
    }

    /// Adds the products of these lines, of which the first is that of weight `at`; one after the other.
    fn add(&mut self, at: usize, lines: &[f32]) {
        let n = self.lost.len();
        let number = |line: usize| self.numbers[at + line].0;
        if lines.len() == LINES * n {
            let [a, b, c, d] = [0, 1, 2, 3].map(|line| (number(line), &lines[line * n..][..n]));
            for (k, lost) in self.lost.iter_mut().enumerate() {
                *lost = *lost + a.0 * a.1[k] + b.0 * b.1[k] + c.0 * c.1[k] + d.0 * d.1[k];
            }
            return;
        }
        for (line, products) in lines.chunks(n.max(1)).enumerate() {
            let number = number(line);
            self.lost.iter_mut().zip(products).for_each(|(lost, product)| *lost += number * product);
        }
    }

    /// A step of Adam.
    fn step(&mut self, of: AdaRound, step: usize, count: usize) {
        let done = (step as f64 / of.steps as f64 - of.warm_up) / (1.0 - of.warm_up);
        let beta = BETA[1] + (BETA[0] - BETA[1]) * (1.0 - done).clamp(0.0, 1.0);
        let at = step as i32 + 1;
        let (first, second) = (1.0 - 0.9f64.powi(at), 1.0 - 0.999f64.powi(at));
        for j in (0..self.v.len()).filter(|j| self.weights[*j] != 0.0) {
            let inside = f64::from(u8::from(self.numbers[j].1));
            let of_output = 2.0 * f64::from(self.lost[j]) / count.max(1) as f64
                * f64::from(self.grids[j].scale())
                * inside;
            let of_gate = if done > 0.0 { of.lambda * penalty(self.gates[j].0, beta).1 } else { 0.0 };
            let slope = (of_output + of_gate) * self.gates[j].1;
            self.mean[j] = 0.9 * self.mean[j] + 0.1 * slope;
            self.square[j] = 0.999 * self.square[j] + 0.001 * slope * slope;
            self.v[j] -= of.rate * (self.mean[j] / first) / ((self.square[j] / second).sqrt() + 1e-8);
        }
    }

    fn integers(&self) -> Vec<i32> {
        let each = self.v.iter().zip(self.below).zip(self.grids).map(|((v, below), grid)| {
            let up = f64::from(u8::from(gate(*v).0 >= 0.5));
            let [low, high] = bounds(grid);
            (below + up).clamp(low, high) as i32 + grid.zero_point()
        });
        each.collect()
    }
}

impl AdaRound {
    /// The integers of rows of weights, of which the one at a position lies on `grid`.
    pub(crate) fn round(self, weights: &[f64], seen: Columns<'_>, grid: &dyn Fn(usize) -> Grid) -> Vec<i32> {
        let n = seen.width;
        let grids: Vec<Grid> = (0..weights.len()).map(grid).collect();
        let below: Vec<f64> =
            weights.iter().zip(&grids).map(|(w, grid)| (w / f64::from(grid.scale())).floor()).collect();
        let rows = weights.len() / n.max(1);
        let products: Vec<f32> = seen.gram.iter().map(|x| *x as f32).collect();
        let mut rounded = vec![0; weights.len()];
        for first in (0..rows).step_by(BLOCK) {
            let block: Vec<usize> = (first..rows.min(first + BLOCK)).collect();
            let mut learnt: Vec<Row> = block
                .iter()
                .map(|row| {
                    let part = row * n..(row + 1) * n;
                    Row::new(&weights[part.clone()], &grids[part.clone()], &below[part], seen.cross)
                })
                .collect();
            for step in 0..self.steps {
                learnt.iter_mut().for_each(Row::begin);
                // Nearly all of the time is spent here: a line of products is read once for all rows of a block.
                for (at, lines) in products.chunks(LINES * n.max(1)).enumerate() {
                    learnt.iter_mut().for_each(|row| row.add(at * LINES, lines));
                }
                learnt.iter_mut().for_each(|row| row.step(self, step, seen.count));
            }
            for (row, learnt) in block.iter().zip(&learnt) {
                rounded[row * n..(row + 1) * n].copy_from_slice(&learnt.integers());
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
        let found = AdaRound::default().round(&[0.4, 0.41], Columns::alike(2, 4, &gram), &|_| grid);
        assert_eq!(found, [0, 1]);
        // What the input has lost is made up for: it is half of what it was.
        let half = Columns { cross: &[2.0; 4], ..Columns::alike(2, 4, &[1.0; 4]) };
        let found = AdaRound::default().round(&[0.9, 0.8], half, &|_| grid);
        assert_eq!(found, [1, 1]);
    }

    #[test]
    fn weights_learn_as_if_masked_ones_were_not_there() {
        let number = |at: usize| ((at * 37 % 101) as f64 - 50.0) / 50.0;
        let products = |columns: &[usize]| -> Vec<f64> {
            let of =
                |a: usize, b: usize| (0..20).map(|k| number(a * 20 + k) * number(b * 20 + k)).sum::<f64>();
            columns.iter().flat_map(|a| columns.iter().map(move |b| of(*a, *b))).collect()
        };
        let fast = AdaRound { steps: 50, rate: 0.1, lambda: 0.0, ..AdaRound::default() };
        for (columns, row) in [8, 12].into_iter().flat_map(|columns| (0..6).map(move |row| (columns, row))) {
            let all: Vec<usize> = (0..columns).collect();
            let kept: Vec<usize> = (0..columns).step_by(2).collect();
            let weight = |j: &usize| if j.is_multiple_of(2) { number(row * columns + j) } else { 0.0 };
            let scheme = Scheme::new(DType::I4, Symmetry::Symmetric).unwrap();
            let most = (1 + row) as f32 / 4.0;
            let grid = scheme.grid(-most, most).unwrap();
            let learnt = |places: &[usize]| {
                let (weights, gram): (Vec<f64>, _) = (places.iter().map(weight).collect(), products(places));
                fast.round(&weights, Columns::alike(places.len(), 20, &gram), &|_| grid)
            };
            let alone = learnt(&kept).into_iter();
            let expected: Vec<i32> = alone.flat_map(|q| [q, 0]).collect();
            assert_eq!(learnt(&all), expected, "{columns} {row}");
        }
    }

    /// The formulas, an output at a time and a product at a time.
    #[test]
    fn rows_learn_side_by_side_what_each_learns_alone() {
        let scheme = Scheme::new(DType::I4, Symmetry::Symmetric).unwrap();
        let number = |at: usize| ((at * 37 % 101) as f64 - 50.0) / 50.0;
        let adaround = AdaRound { steps: 50, ..AdaRound::default() };
        for (columns, rows) in [(1, 1), (4, 9), (7, 3), (11, 17)] {
            let weights: Vec<f64> = (0..rows * columns).map(number).collect();
            let gram: Vec<f64> = (0..columns * columns)
                .map(|at| {
                    (0..20).map(|k| number(at / columns * 20 + k) * number(at % columns * 20 + k)).sum()
                })
                .collect();
            let grid = |at: usize| scheme.grid(-1.0 - (at / columns) as f32, 1.0).unwrap();
            let seen = Columns::alike(columns, 20, &gram);
            let together = adaround.round(&weights, seen, &grid);
            for (row, found) in together.chunks(columns).enumerate() {
                let own = &weights[row * columns..][..columns];
                let alone = adaround.round(own, seen, &|at| grid(row * columns + at));
                assert_eq!(found, alone, "{columns} {row}");
            }
        }
    }
}
