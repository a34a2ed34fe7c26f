//! What becomes of a sum: an integer of the result, and then perhaps that of a sum with another value.

use super::Quads;
use crate::{exact::Integers, infer::Place};

/// What becomes of a layer's sums.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct After {
    /// The numbers of the layer's own result. An activation makes its bounds tighter.
    pub result: Integers,
    /// What is added then.
    pub added: Option<Added>,
}

/// A value that is added to a layer's integers (QLinearAdd).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Added {
    /// The other value, of the layer's size.
    pub other: Quads,
    /// Whether the layer's is the second summand: each is rounded in its turn.
    pub is_second: bool,
    /// The numbers of the sum. An activation makes its bounds tighter.
    pub result: Integers,
}

impl After {
    /// Whether a layer that writes this value can have it.
    ///
    /// # Panics
    /// If what is added has other channels, another size or no room for whole registers.
    pub(crate) fn check(&self, to: &Quads) {
        let fits = |Added { other, .. }: &Added| {
            other.is_wide() && other.channels() == to.channels() && other.place().size == to.place().size
        };
        assert!(self.added.as_ref().is_none_or(fits), "a summand of the output's size");
    }
}

/// Between whole bounds, and then the nearest whole number, of two the even one; what is not a number becomes the lower
/// bound. Rounded by the sum with a number whose last digit is the ones: any compiler knows that in registers.
#[inline(always)]
pub(crate) fn nearest(number: f32, low: f32, high: f32) -> i32 {
    const ONES: f32 = 12_582_912.0;
    let number = if number > low { number } else { low };
    let number = if number < high { number } else { high };
    ((number + ONES).to_bits() as i32).wrapping_sub(ONES.to_bits() as i32)
}

/// The numbers with which two integers are added: see [`exact::add`](crate::exact::add).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    /// By what the first and the second are multiplied, and what is added.
    pub(crate) factors: [f32; 2],
    pub(crate) fixed: f32,
    /// Of the sum, zero point and all.
    pub(crate) bounds: [f32; 2],
    /// By how much bytes are larger than the integers of both, and of the sum.
    pub(crate) shifts: [i32; 3],
}

impl Line {
    /// Of the sum of two values.
    ///
    /// # Panics
    /// If their scales are so far apart that a factor is not finite.
    pub(crate) fn new([a, c]: [&Integers; 2], y: &Integers, shifts: [i32; 3]) -> Self {
        let [ra, rc] = [a.scale / y.scale, c.scale / y.scale];
        let zeros = ra.mul_add(a.zero_point as f32, rc * c.zero_point as f32);
        let fixed = y.zero_point as f32 - zeros;
        assert!(ra.is_finite() && rc.is_finite() && fixed.is_finite(), "scales that can be compared");
        Self { factors: [ra, rc], fixed, bounds: y.bounds.map(|bound| bound as f32), shifts }
    }
}

/// [`After`] in numbers.
#[derive(Clone, Debug)]
pub(crate) struct Rounding {
    /// Of each output.
    pub(crate) factors: Vec<f32>,
    /// Of the result without its zero point.
    pub(crate) bounds: [f32; 2],
    pub(crate) zero_point: i32,
    /// By how much bytes are larger than the integers.
    pub(crate) shift: i32,
    pub(crate) added: Option<(Quads, Line, bool)>,
}

impl Rounding {
    /// Of sums of products of a value with weights of these scales, one or one for each output; `outputs` are all
    /// lanes, also those without an output.
    ///
    /// # Panics
    /// If a factor is not finite.
    pub(crate) fn new(x: &Integers, scales: &[f32], outputs: usize, after: &After, to: &Quads) -> Self {
        let Integers { scale, zero_point, bounds } = after.result;
        let factor = |output: usize| x.scale * scales.get(output).unwrap_or(&scales[0]) / scale;
        let factors: Vec<f32> = (0..outputs).map(factor).collect();
        assert!(factors.iter().all(|factor| factor.is_finite()), "scales that can be compared");
        let added = after.added.map(|Added { other, is_second, result }| {
            let shifts = [0, other.shift(), to.shift()];
            let line = match is_second {
                false => Line::new([&after.result, other.of()], &result, shifts),
                true => Line::new([other.of(), &after.result], &result, shifts),
            };
            (other, line, is_second)
        });
        let bounds = bounds.map(|bound| (bound - zero_point) as f32);
        Self { factors, bounds, zero_point, shift: to.shift(), added }
    }

    /// What a layer reads that has it: its input, and what is added.
    pub(crate) fn reads(&self, from: &Quads) -> Vec<Place> {
        let other = self.added.as_ref().map(|(other, ..)| *other.place());
        [Some(*from.place()), other].into_iter().flatten().collect()
    }
}
