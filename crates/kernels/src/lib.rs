//! The arithmetic that dominates training, on a CPU, in f32 and f64: slices in, slices out.
//!
//! A convolution is computed without ever writing its patches down. Each input plane is laid out
//! with zeros between its rows (`planes`), so that shifting the whole plane by a tap of the kernel
//! is adding to an address: a convolution becomes sums of rows with scalar weights (`rows`), and
//! its weight gradient dot products of such rows (`dots`). Sums are written where the output wants
//! them, vector by vector (`cover`). Where pixels have no neighbours a plane is a single row, and
//! where planes are tiny the images lie beside each other instead (`stacked`). A normalisation
//! takes along what comes behind it, so that its values pass the cache once (`line`).
//!
//! All of it is compiled here, once for f32 and once for f64 (`entries`), and the innermost loops
//! are written in registers (`vector`): how fast they are is no matter of who compiles the crate
//! that calls them.
//!
//! The one design decision: nothing depends on the number of threads. Each value is summed in one
//! order, and what is cut into slices is cut by its size. `unsafe` are calls of functions that are
//! compiled for instructions which [`Level::detect`] found on this machine, accesses within bounds
//! that were compared once for many of them, and memory that is written before it is read
//! (`memory`).
//!
//! ```
//! use sapwood_kernels::{Convolution, Level};
//!
//! // One image of 3x3 pixels, and the sum of each pixel with its neighbours.
//! let convolution = Convolution {
//!     images: 1,
//!     groups: 1,
//!     inputs: 1,
//!     outputs: 1,
//!     input: [3, 3],
//!     kernel: [3, 3],
//!     stride: [1, 1],
//!     padding: [1, 1],
//!     dilation: [1, 1],
//! };
//! let sums = convolution.forward(Level::detect(), &[1.0f32; 9], &[1.0; 9], None);
//! assert_eq!(sums, [4.0, 6.0, 4.0, 6.0, 9.0, 6.0, 4.0, 6.0, 4.0]);
//! ```

#![allow(unsafe_code)]

mod activation;
mod affine;
mod convolution;
mod correlation;
mod cover;
mod dots;
mod elementwise;
mod entries;
pub mod exact;
mod gradient;
pub mod infer;
mod level;
mod line;
mod map;
mod memory;
mod moves;
mod normalization;
mod number;
mod optimizer;
mod order;
mod planes;
mod rows;
mod size;
mod stacked;
mod sums;
mod transform;
mod vector;

pub use activation::Activation;
pub use affine::{Affine, AffineGradients};
pub use convolution::Convolution;
pub use entries::{Float, activate, activate_backward, channel_sums};
pub use level::Level;
pub use normalization::{Normalization, Normalized, NormalizedGradients};
pub use optimizer::{AdamWStep, SgdStep};
pub use order::row_sums;
pub use size::Size;
