//! Entropy coding of tensors: values in, few bytes out, and the same values back to the bit.
//!
//! The principal type is [`Coded`], one tensor as bytes with a header and a checksum. A [`Coder`]
//! makes it of `f32`, `f16`, `bf16`, `i32` or `i8` and takes the shortest of several ways: which
//! [`Code`] makes bits of symbols, and in which way [`Positions`] are said of values that are not
//! zero. Values that repeat become places in a codebook, others are taken apart into their bytes, of
//! which those with the exponents can be foreseen and those with the mantissas are left as they are.
//! [`Rounding`] chooses levels that cost few bits, as DeepCABAC does, [`Sharing`] a codebook by k-means.
//!
//! Three decisions are behind it.
//!
//! *The crate knows no network.* A tensor is a row of values, of which one may say how long its rows
//! are. All else the adaptive code finds out while it codes: how dense rows and columns are, which
//! sign and size their values have; and a distance at which values resemble each other, as in the
//! weights of a layer that looks at pictures, is found by counting.
//!
//! *One model, both ways.* What makes decisions of values is written once, against a trait that
//! either takes a decision or gives one, in integers throughout. So whoever reads cannot disagree
//! with whoever wrote, on any machine.
//!
//! *The codes are written here.* The crate `constriction` 0.5.0 has asymmetric numeral systems that
//! come as near to the entropy, and on one core of an AMD EPYC at 2.6 GHz decoded 170 to 220 million
//! symbols of 31 a second (2026-11-28, `--release`, tables of 12 bits), four numbers that take turns
//! 380 to 430 (`cargo run -p sapwood-codec --example speed`). But it has no canonical Huffman codes of
//! limited length and no adaptive decisions, which are the larger part of this crate, and a file that
//! is to be read in ten years should not change with the version of another crate. The checksum is
//! from outside (`crc32fast`).
//!
//! Damaged bytes are an error, never a panic, and never an allocation beyond what the caller allows:
//! [`Coded::open`] compares the checksum and the number of values before anything else is read, and
//! bytes that carry a right checksum and are nonsense all the same are errors where they contradict
//! themselves.
//!
//! The bits come back exactly, also those of a negative zero. A mask that was multiplied with
//! weights leaves many of these, and each costs a bit: replace them by zeros before.
//!
//! ```
//! use sapwood_codec::{Code, Coded, Coder};
//!
//! // A codebook's places, most of them pruned: rows of eight.
//! let codes = [0, 0, 3, 0, 0, 0, 0, 1, 0, 0, 3, 0, 0, 2, 0, 0].repeat(100);
//!
//! let coded = Coder::rows(8).encode(&codes)?;
//! let again = Coded::open(coded.bytes(), 1_000_000)?.decode::<i32>()?;
//! assert_eq!(again, codes);
//!
//! // What repeats is learnt.
//! let huffman = Coder::rows(8).code(Code::Huffman).encode(&codes)?;
//! assert!(2 * coded.bytes().len() < huffman.bytes().len());
//! # Ok::<(), sapwood_codec::Error>(())
//! ```

mod adaptive;
mod alphabet;
mod bits;
mod body;
mod centre;
mod code;
mod coded;
mod coder;
mod element;
mod entropy;
mod error;
mod gaps;
mod huffman;
mod lines;
mod numbers;
mod rans;
mod rounding;
mod section;
mod sharing;
mod stream;

pub use body::Parts;
pub use code::{Code, Positions};
pub use coded::{Coded, Stream};
pub use coder::Coder;
pub use element::{Bf16, Element, F16, Kind};
pub use entropy::entropy;
pub use error::{Error, Result};
pub use rounding::Rounding;
pub use sharing::{Sharing, Start};
