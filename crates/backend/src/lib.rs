//! Which device a network runs on, where its random numbers come from, and how
//! its tensors are read back.
//!
//! This is the lowest crate of Sapwood: it knows tensors, not networks. Its
//! principal type is [`DeviceSpec`], the text a user writes (`"cpu"`,
//! `"vulkan:1"`) resolved to a Burn device, or to an error that names the Cargo
//! feature to enable.
//!
//! The one design decision: nothing is ambient. Burn offers a default device and
//! a process-global seed; Sapwood uses neither. A device is resolved from its
//! name and handed in, and random numbers come from a [`Seed`] split into named
//! [`Stream`]s, so that two runs with the same seed draw the same numbers
//! whatever else the process does. What is the process's are its threads and, by [`pin_level`], its
//! instructions, which decide in which order sums are taken: see [`ordered`].
//!
//! ```
//! use rand::Rng;
//! use sapwood_backend::{Seed, Stream};
//!
//! let mut order = Seed(7).stream(Stream::Order, 0);
//! let mut again = Seed(7).stream(Stream::Order, 0);
//! let mut other = Seed(7).stream(Stream::Augmentation, 0);
//! let (a, b, c) = (order.next_u64(), again.next_u64(), other.next_u64());
//! assert!(a == b && a != c);
//! ```

mod adapters;
mod device;
mod error;
mod level;
mod ops;
mod read;
mod seed;
mod threads;
#[cfg(not(target_family = "wasm"))]
mod timer;
mod triangular;

pub use device::{Api, DeviceSpec};
pub use error::Error;
pub use level::{level, level_of, levels, pin_level, pinned_level};
pub use ops::{
    Activation, AdamWStep, BatchNormalized, Epilogue, Ops, SgdStep, adamw_step, ordered, sgd_step,
};
#[cfg(not(target_family = "wasm"))]
pub use read::block_on;
pub use read::{read, read_all};
pub use seed::{Rng, Seed, Stream};
pub use threads::{compute_alone, compute_on_this_thread};
#[cfg(not(target_family = "wasm"))]
pub use timer::Timer;
pub use triangular::upper_factor_of_inverse;
