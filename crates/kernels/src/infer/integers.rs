//! Steps on integers: what [`exact`](crate::exact) says, fast and to the bit.
//!
//! A value is bytes, four channels of a pixel in one number of the arena ([`Quads`]). A layer multiplies such a quad
//! with the quads of a register's outputs, and adds up the four products in each lane ([`Dots`]); sums of whole numbers
//! are the same in whatever order, so tiles, threads and levels do not matter. What a sum becomes is computed in f32 in
//! the order of the definition ([`After`]), and the bytes go out again as quads of the next layer.

mod add;
mod after;
mod concat;
mod cut;
mod dense;
mod depthwise;
mod dots;
mod floats;
mod mean;
mod pick;
mod pool;
pub(crate) mod portable;
mod quads;
mod quantise;
mod rounded;
mod rows;
mod shape;
mod sparse;
mod steps;
mod sweep;
mod table;
#[cfg(test)]
mod tests;
mod tile;
mod turned;
mod weights;
pub(crate) mod whole;
#[cfg(target_arch = "x86_64")]
pub(crate) mod x86_64;

pub use add::Add;
pub use after::{Added, After};
pub use concat::Concat;
pub use dense::Dense;
pub use depthwise::Depthwise;
pub use dots::Dots;
pub use floats::Floats;
pub use mean::Mean;
pub use pick::Pick;
pub use pool::{Largest, Means};
pub use quads::{QUAD, Quads};
pub use quantise::{Quantise, Requantise};
pub use sparse::Sparse;
pub use table::Table;
pub use weights::Weights;
