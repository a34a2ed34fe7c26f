//! Plans of networks of integers: bytes from what comes in to the last layer's sums, and floating point only where a
//! layer has no integers.
//!
//! A layer's activation, and the value that is added to it, are taken along while its sums are in registers
//! (`schedule`). What is computed so equals [`Exact`](crate::Exact) in every bit.

mod build;
mod forms;
#[cfg(test)]
#[path = "../examples/integers/pruned.rs"]
mod pruned;
#[cfg(test)]
#[path = "../examples/integers/random.rs"]
mod random;
mod schedule;
#[cfg(test)]
mod tests;
mod value;
mod weights;
mod zeros;

pub(crate) use build::plan;
pub(crate) use forms::integers;
pub(crate) use weights::biases;
