//! Planes in another size.

use burn::{
    prelude::Int,
    tensor::{
        Tensor, TensorData,
        module::interpolate,
        ops::{InterpolateMode, InterpolateOptions},
    },
};
use sapwood_core::{Interpolation, Places, Resize};

/// The planes in another height and width.
///
/// # Shapes
/// `[N, C, H, W]` to `[N, C, H', W']`
pub(crate) fn resize(x: Tensor<4>, resize: Resize) -> Tensor<4> {
    let Resize { size, interpolation, places } = resize;
    if (interpolation, places) == (Interpolation::Bilinear, Places::HalfPixel) {
        let bilinear = InterpolateOptions::new(InterpolateMode::Bilinear).with_align_corners(false);
        return interpolate(x, bilinear.with_output_size(size.hw()));
    }
    [(2, size.h), (3, size.w)].into_iter().fold(x, |x, (dim, size)| {
        let before = x.dims()[dim];
        let axis = Axis { before: before as i128, after: size as i128, places };
        match interpolation {
            _ if before == size => x,
            Interpolation::Bilinear => between(x, dim, &axis),
            Interpolation::Nearest => picked(x, dim, (0..axis.after).map(|at| axis.floor(at))),
            Interpolation::NearestRound => picked(x, dim, (0..axis.after).map(|at| axis.nearest(at))),
        }
    })
}

/// A dimension that gets another size. Places are fractions, so that none is off by a rounding.
struct Axis {
    before: i128,
    after: i128,
    places: Places,
}

impl Axis {
    /// Where in the input a pixel of the output lies: numerator and denominator.
    fn place(&self, at: i128) -> (i128, i128) {
        let Self { before, after, places } = *self;
        match places {
            Places::HalfPixel => ((2 * at + 1) * before - after, 2 * after),
            Places::Asymmetric => (at * before, after),
            Places::AlignCorners if after == 1 => (0, 1),
            Places::AlignCorners => (at * (before - 1), after - 1),
        }
    }

    fn floor(&self, at: i128) -> i64 {
        let (over, under) = self.place(at);
        self.within(over.div_euclid(under))
    }

    /// The nearest one, the lower of two.
    fn nearest(&self, at: i128) -> i64 {
        let (over, under) = self.place(at);
        self.within(-(under - 2 * over).div_euclid(2 * under))
    }

    fn within(&self, place: i128) -> i64 {
        place.clamp(0, self.before - 1) as i64
    }

    /// The pixels before and behind a place, and how near the second is.
    fn between(&self, at: i128) -> (i64, i64, f64) {
        let (over, under) = self.place(at);
        let over = over.max(0);
        let (first, rest) = (over.div_euclid(under), over.rem_euclid(under));
        (self.within(first), self.within(first + 1), rest as f64 / under as f64)
    }
}

fn picked(x: Tensor<4>, dim: usize, places: impl Iterator<Item = i64>) -> Tensor<4> {
    let places: Vec<i64> = places.collect();
    let count = places.len();
    let places = Tensor::<1, Int>::from_data(TensorData::new(places, [count]), &x.device());
    x.select(dim, places)
}

/// Each pixel of the two around its place.
fn between(x: Tensor<4>, dim: usize, axis: &Axis) -> Tensor<4> {
    let pairs: Vec<(i64, i64, f64)> = (0..axis.after).map(|at| axis.between(at)).collect();
    let mut shape = [1; 4];
    shape[dim] = pairs.len();
    let parts = |part: fn(f64) -> f64| {
        let values: Vec<f64> = pairs.iter().map(|pair| part(pair.2)).collect();
        Tensor::<4>::from_data(TensorData::new(values, shape), (&x.device(), x.dtype()))
    };
    let first = picked(x.clone(), dim, pairs.iter().map(|pair| pair.0)) * parts(|near| 1.0 - near);
    first + picked(x.clone(), dim, pairs.iter().map(|pair| pair.1)) * parts(|near| near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_pixels_that_are_equally_near_the_first_is_taken() {
        let axis = |places, before, after| Axis { before, after, places };
        let all = |axis: Axis| (0..axis.after).map(|at| axis.nearest(at)).collect::<Vec<_>>();
        assert_eq!(all(axis(Places::Asymmetric, 4, 8)), [0, 0, 1, 1, 2, 2, 3, 3]);
        assert_eq!(all(axis(Places::HalfPixel, 4, 2)), [0, 2]);
        assert_eq!(all(axis(Places::AlignCorners, 3, 5)), [0, 0, 1, 1, 2]);
        let floors = |axis: Axis| (0..axis.after).map(|at| axis.floor(at)).collect::<Vec<_>>();
        assert_eq!(floors(axis(Places::Asymmetric, 5, 3)), [0, 1, 3]);
        assert_eq!(floors(axis(Places::HalfPixel, 2, 4)), [0, 0, 0, 1]);
    }
}
