//! What comes behind a sum: a value added, and an activation.

use super::{Place, lanes::Lanes};
use crate::{Activation, number::Number};

/// What comes behind a sum.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Epilogue {
    /// A value of the output's size and kind of form that is added first.
    pub residual: Option<Place>,
    /// What the sum goes through then.
    pub activation: Option<Activation>,
}

/// The most lanes that a register has.
const MOST: usize = 16;

/// An activation of each lane.
///
/// # Safety
/// The machine must have the instructions for this register.
#[inline(always)]
pub(crate) unsafe fn bend<V: Lanes>(x: V, activation: Option<Activation>) -> V {
    // SAFETY (all): the caller's.
    unsafe {
        let splat = |number: f32| V::splat(number);
        match activation {
            None => x,
            Some(Activation::Relu) => x.at_least(splat(0.0)),
            Some(Activation::Relu6) => x.at_least(splat(0.0)).at_most(splat(6.0)),
            Some(Activation::HSwish) => x.times(gate(x)),
            Some(Activation::HSigmoid) => gate(x),
            Some(Activation::Gelu) => {
                let mut numbers = [0.0f32; MOST];
                x.store(numbers.as_mut_ptr());
                for number in &mut numbers[..V::LANES] {
                    *number = gelu(*number);
                }
                V::load(numbers.as_ptr())
            }
        }
    }
}

/// `min(max(x + 3, 0), 6) / 6`
///
/// # Safety
/// As [`bend`].
#[inline(always)]
unsafe fn gate<V: Lanes>(x: V) -> V {
    // SAFETY: the caller's.
    unsafe {
        let x = x.plus(V::splat(3.0)).at_least(V::splat(0.0)).at_most(V::splat(6.0));
        x.times(V::splat(1.0 / 6.0))
    }
}

/// An activation of one number, as [`bend`] has it.
pub(crate) fn bent(x: f32, activation: Option<Activation>) -> f32 {
    let gate = |x: f32| {
        let x = x + 3.0;
        let x = if x < 0.0 { 0.0 } else { x };
        (if x > 6.0 { 6.0 } else { x }) * (1.0 / 6.0)
    };
    match activation {
        None => x,
        Some(Activation::Relu) => {
            if x < 0.0 {
                0.0
            } else {
                x
            }
        }
        Some(Activation::Relu6) => {
            let x = if x < 0.0 { 0.0 } else { x };
            if x > 6.0 { 6.0 } else { x }
        }
        Some(Activation::HSwish) => x * gate(x),
        Some(Activation::HSigmoid) => gate(x),
        Some(Activation::Gelu) => gelu(x),
    }
}

fn gelu(x: f32) -> f32 {
    x * 0.5 * (1.0 + Number::erf(x * std::f32::consts::FRAC_1_SQRT_2))
}
