//! The numbers that integers stand for.

use crate::{Error, Scheme, Symmetry};

/// Evenly spaced numbers, 0 among them: `scale * (q - zero_point)` for integers `q` between two bounds
/// (Jacob et al. 2018, equation 1).
///
/// ```
/// use sapwood_graph::{DType, Scheme, Symmetry};
///
/// // ONNX Runtime's scale and zero point for values from -1 to 3.
/// let grid = Scheme::new(DType::U8, Symmetry::Affine)?.grid(-1.0, 3.0)?;
/// assert_eq!((grid.scale(), grid.zero_point()), (0.015_686_275, 64));
/// assert_eq!((grid.nearest(0.0), grid.nearest(9.0), grid.number(255)), (64, 255, 2.996_078_5));
/// # Ok::<(), sapwood_graph::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    scale: f32,
    zero_point: i32,
    low: i32,
    high: i32,
}

impl Grid {
    /// The numbers of these integers.
    ///
    /// # Errors
    /// A scale that is not positive and finite; bounds that the zero point does not lie between.
    pub fn new(scale: f32, zero_point: i32, integers: [i32; 2]) -> Result<Self, Error> {
        let [low, high] = integers;
        if !(scale.is_finite() && scale > 0.0) || low >= high || !(low..=high).contains(&zero_point) {
            return Err(Error::Quantization(format!(
                "expected a positive scale, and 0 among the integers {low} to {high}, found {scale} and {zero_point}"
            )));
        }
        Ok(Self { scale, zero_point, low, high })
    }

    /// The distance of two neighbours.
    pub fn scale(&self) -> f32 {
        self.scale
    }

    /// The integer that stands for 0.
    pub fn zero_point(&self) -> i32 {
        self.zero_point
    }

    /// The least and the largest integer.
    pub fn integers(&self) -> [i32; 2] {
        [self.low, self.high]
    }

    /// The integer whose number is nearest, in f32 as ONNX's `QuantizeLinear`: a quotient in the middle goes
    /// to the even integer, what lies beyond the bounds to them, and what is not a number to the lowest.
    pub fn nearest(&self, x: f32) -> i32 {
        let q = (x / self.scale).round_ties_even() + self.zero_point as f32;
        // The cast saturates.
        if q.is_nan() { self.low } else { (q as i32).clamp(self.low, self.high) }
    }

    /// The number of an integer: the difference in f32 times the scale.
    pub fn number(&self, q: i32) -> f32 {
        (q - self.zero_point) as f32 * self.scale
    }
}

impl Scheme {
    /// The grid between two bounds, computed in f64 as ONNX Runtime's calibration does. Bounds that do not
    /// hold 0 are widened, symmetric ones to the larger of both sides; between bounds that are nearly
    /// equal the scale is 1.
    ///
    /// # Errors
    /// Bounds that are not finite, or integers that an i32 does not hold.
    pub fn grid(&self, min: f32, max: f32) -> Result<Grid, Error> {
        if !(min.is_finite() && max.is_finite()) {
            return Err(Error::Quantization(format!("expected finite bounds, found {min} to {max}")));
        }
        let (low, high) = self.integers().into_inner();
        let wrong = |_| Error::Quantization(format!("there are no scales for integers of {}", self.dtype()));
        let integers = [i32::try_from(low).map_err(wrong)?, i32::try_from(high).map_err(wrong)?];
        let (min, max) = (f64::from(min.min(0.0)), f64::from(max.max(0.0)));
        let [min, max] = match self.symmetry() {
            Symmetry::Affine => [min, max],
            Symmetry::Symmetric => [-max.max(-min), max.max(-min)],
        };
        let scale = (max - min) / (high - low) as f64;
        if scale < f64::from(f32::MIN_POSITIVE) {
            return Grid::new(1.0, 0.clamp(integers[0], integers[1]), integers);
        }
        let zero_point = match self.symmetry() {
            Symmetry::Affine => low as f64 - min / scale,
            Symmetry::Symmetric => (low + high) as f64 / 2.0,
        };
        Grid::new(scale as f32, zero_point.round_ties_even() as i32, integers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DType;

    /// `compute_scale_zp` of ONNX Runtime 1.32.
    #[test]
    fn scales_and_zero_points_are_those_of_onnx_runtime() {
        for (dtype, symmetry, [min, max], zero_point, scale) in [
            (DType::U8, Symmetry::Affine, [-1.0, 3.0], 64, 0.015_686_275),
            (DType::U8, Symmetry::Affine, [0.5, 2.0], 0, 0.007_843_138),
            (DType::I8, Symmetry::Symmetric, [-0.2, 0.7], 0, 0.005_511_811),
            (DType::I8, Symmetry::Affine, [-1.0, 3.0], -64, 0.015_686_275),
            (DType::U8, Symmetry::Affine, [-2.0, -1.0], 255, 0.007_843_138),
            (DType::U8, Symmetry::Affine, [0.0, 0.0], 0, 1.0),
            (DType::U8, Symmetry::Symmetric, [-1.0, 0.5], 128, 0.007_843_138),
        ] {
            let grid = Scheme::new(dtype, symmetry).unwrap().grid(min, max).unwrap();
            assert_eq!((grid.zero_point(), grid.scale()), (zero_point, scale), "{dtype} {min} {max}");
            assert_eq!(grid.number(grid.nearest(0.0)), 0.0);
        }
    }

    #[test]
    fn a_symmetric_grid_of_a_whole_type_has_its_zero_at_0_and_its_lowest_integer() {
        let all = Scheme::new(DType::I8, Symmetry::Symmetric).unwrap().within(-128..=127).unwrap();
        let grid = all.grid(-0.2, 0.7).unwrap();
        assert_eq!(grid.zero_point(), 0);
        assert_eq!((grid.nearest(-9.0), grid.nearest(9.0), grid.nearest(0.7)), (-128, 127, 127));
        assert!((grid.number(grid.nearest(0.7)) - 0.7).abs() <= grid.scale());
    }

    #[test]
    fn halves_go_to_the_even_integer_and_what_is_beyond_to_the_bounds() {
        let grid = Grid::new(0.5, 3, [-128, 127]).unwrap();
        let found = [0.25, 0.75, -0.25, -0.75, 1e30, -1e30, f32::NAN, f32::INFINITY].map(|x| grid.nearest(x));
        assert_eq!(found, [3, 5, 3, 1, 127, -128, -128, 127]);
    }

    #[test]
    fn what_is_no_grid_is_refused() {
        assert!(Grid::new(0.0, 0, [0, 255]).is_err() && Grid::new(f32::NAN, 0, [0, 255]).is_err());
        assert!(Grid::new(1.0, 256, [0, 255]).is_err() && Grid::new(1.0, 0, [0, 0]).is_err());
        let scheme = Scheme::new(DType::U8, Symmetry::Affine).unwrap();
        assert!(scheme.grid(f32::NAN, 1.0).is_err() && scheme.grid(0.0, f32::INFINITY).is_err());
        let widest = scheme.grid(f32::MIN, f32::MAX).unwrap();
        assert!(widest.scale().is_finite() && widest.number(255).is_finite());
    }
}
