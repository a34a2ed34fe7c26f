//! Inference: steps over one piece of memory, by threads that wait in a spin barrier.
//!
//! A [`Program`] is a list of steps, each of which reads and writes values at [`Place`]s of an
//! [`Arena`]. Whether they lie within it, and which of them overlap, is compared once, when a program
//! is made; then it runs without a check and without taking memory. Every step is cut into units, of
//! which each thread of a [`Team`] has a fixed share: no value depends on how they are shared out.
//!
//! Values lie in one of two forms. *Blocked*: as many channels as a register has lanes beside each
//! other, pixel by pixel, with a rim of zeros, so that a convolution is a broadcast input times a
//! vector of weights, and no plane is too small. *Planar*: channel by channel with zeros between the
//! rows, so that a single weight times a vector of pixels is all that a non-zero costs.

mod arena;
mod attention;
mod cores;
mod curve;
mod dense;
mod depthwise;
mod elementwise;
mod epilogue;
mod gathered;
pub mod integers;
mod lanes;
mod line;
mod machine;
mod moves;
mod pages;
pub mod peak;
mod place;
mod plain;
mod pooling;
mod product;
mod program;
mod scalar;
mod scale;
mod shape;
mod shifted;
mod sparse;
mod team;
#[cfg(test)]
mod tests;
mod tile;
mod weights;
mod window;

pub use arena::Arena;
pub use attention::{Attention, Heads};
pub use curve::Curve;
pub use dense::Dense;
pub use depthwise::Depthwise;
pub use elementwise::{Add, Curved};
pub use epilogue::Epilogue;
pub use gathered::Gathered;
pub use line::{Line, Lines, OfLine};
pub use moves::{Move, Part, Source};
pub use place::{Form, Place};
pub use plain::{Function, Plain};
pub use pooling::{Mean, Pool, Pooling};
pub use product::{Matrices, Product};
pub use program::{Load, Program, Step};
pub use scale::Scale;
pub use shape::TileShape;
pub use shifted::{Shifted, Tap};
pub use sparse::{Entry, Sparse, SparseShape};
pub use team::Team;
pub use weights::Weights;
pub use window::Window;
