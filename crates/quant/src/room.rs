//! Scales that leave room for sums in 32 bits.

use sapwood_graph::{Array, Grid, Op};

use crate::Error;

/// The most that a sum of products and a bias may be: a little less than what 32 bits hold, for a scale and a bias that
/// are rounded.
const MOST: f64 = i32::MAX as f64 / 1.0001;

/// What a layer adds up: integers of its weights times those of its input, and its bias as a multiple of both scales.
#[derive(Clone, Copy)]
pub(crate) struct Room<'a> {
    /// The grid of the values that it reads.
    pub(crate) input: &'a Grid,
    pub(crate) weight: &'a Array,
    pub(crate) op: &'a Op,
}

impl Room<'_> {
    /// These grids of the weight, of which those grow (as in ONNX Runtime) that are too small: with a scale `s` an output adds up at most
    /// `|b| / (s x) + (sum of |w| / s + n) q` for its `n` weights, where `x` is the scale of the input, `q` its integer that is
    /// furthest from zero, and a weight that is rounded is less than 1 larger. As many grids as outputs are those of
    /// the outputs; others have room for all.
    ///
    /// # Errors
    /// A scale that is too large for its type.
    pub(crate) fn grown(self, bias: Option<&Array>, grids: Vec<Grid>) -> Result<Vec<Grid>, Error> {
        let least = self.least(bias);
        let largest = least.iter().copied().fold(0.0, f64::max);
        let of_outputs = grids.len() == least.len();
        let grown = grids.iter().enumerate().map(|(at, grid)| {
            let least = if of_outputs { least[at] } else { largest };
            match f64::from(grid.scale()) < least {
                true => Ok(Grid::new(least as f32, grid.zero_point(), grid.integers())?),
                false => Ok(*grid),
            }
        });
        grown.collect()
    }

    /// The least scale of each output.
    fn least(self, bias: Option<&Array>) -> Vec<f64> {
        let shape = self.weight.shape();
        // A transposed convolution has its outputs, or those of each of its groups, in dimension 1.
        let dim = usize::from(matches!(self.op, Op::Conv(spec) if spec.transposed.is_some()));
        let (outputs, behind) = (shape[dim], shape[dim + 1..].iter().product::<usize>());
        let mut sums = vec![0.0f64; outputs];
        for (at, weight) in self.weight.iter::<f64>().enumerate() {
            sums[at / behind.max(1) % outputs] += weight.abs();
        }
        let bias: Vec<f64> = bias.map(|bias| bias.iter::<f64>().map(f64::abs).collect()).unwrap_or_default();
        let largest = bias.iter().copied().fold(0.0, f64::max);
        let each = (self.weight.len() / outputs.max(1)) as f64;
        let furthest =
            self.input.integers().map(|q| (f64::from(q) - f64::from(self.input.zero_point())).abs());
        let furthest = furthest[0].max(furthest[1]);
        let room = (MOST - each * furthest).max(1.0);
        let least = sums.iter().enumerate().map(|(output, sum)| {
            let bias = if bias.len() == outputs { bias[output] } else { largest };
            (bias / f64::from(self.input.scale()) + sum * furthest) / room
        });
        least.collect()
    }
}

#[cfg(test)]
mod tests {
    use sapwood_graph::{ConvSpec, Per};

    use super::*;
    use crate::{grids_of, nearest, weight_scheme};

    /// The largest sum that each output can have, with inputs from 0 to 255.
    fn largest_sums(weight: &Array, bias: &[f32], grids: &[Grid]) -> Vec<i64> {
        let scheme = weight_scheme(8, Per::Axis(0)).unwrap();
        let integers: Vec<i64> = nearest(weight, scheme, grids).unwrap().values().iter().collect();
        let each = integers.len() / bias.len();
        let of = |(row, (bias, grid)): (&[i64], (&f32, &Grid))| {
            let products: i64 = row.iter().map(|q| 255 * q.max(&0)).sum();
            products + (f64::from(*bias) / (f64::from(grid.scale()) / 255.0)).round() as i64
        };
        integers.chunks(each).zip(bias.iter().zip(grids)).map(of).collect()
    }

    #[test]
    fn a_sum_of_products_and_a_large_bias_fits_32_bits() {
        let weight = Array::from_fn([2, 16], |at| if at < 16 { 1e-5f32 } else { 0.5 });
        let (bias, op) = ([1.0f32, 1.0], Op::Linear { inputs: 16, outputs: 2, bias: true, places: false });
        let input = Grid::new(1.0 / 255.0, 0, [0, 255]).unwrap();
        let scheme = weight_scheme(8, Per::Axis(0)).unwrap();
        let grids = grids_of(&weight, scheme).unwrap();
        let room = Room { input: &input, weight: &weight, op: &op };
        let grown = room.grown(Some(&Array::new([2], bias.to_vec()).unwrap()), grids.clone()).unwrap();
        assert!(grids[0].scale() < grown[0].scale() && grids[1] == grown[1]);
        let sums = largest_sums(&weight, &bias, &grown);
        assert!(sums.iter().all(|sum| *sum <= i64::from(i32::MAX)), "{sums:?}");
        // It is not larger than it has to be.
        assert!(sums[0] > i64::from(i32::MAX) / 10 * 9, "{sums:?}");
        assert_eq!(room.grown(None, grids.clone()).unwrap(), grids);
    }

    #[test]
    fn outputs_of_a_transposed_convolution_lie_in_its_second_dimension() {
        let spec = ConvSpec { transposed: Some([0, 0].into()), ..ConvSpec::new(4, 2, 1) };
        let weight = Array::from_fn([4, 2, 1, 1], |at| if at % 2 == 0 { 1e-5f32 } else { 0.5 });
        let input = Grid::new(1.0 / 255.0, 0, [0, 255]).unwrap();
        let least = Room { input: &input, weight: &weight, op: &Op::Conv(spec) }.least(None);
        assert_eq!(least.len(), 2);
        assert!((least[1] / least[0] / 5e4 - 1.0).abs() < 1e-6, "{least:?}");
    }
}
