//! One trained network, many sub-networks nested inside: once for all.
//!
//! The principal type is [`Supernet`], the largest network of a [`Family`]; every genome of the
//! family's search space is a smaller network that uses a part of its weights. All of them are
//! trained together ([`Nested`], an objective for
//! [`Trainer`](sapwood_train::Trainer)), phase after phase ([`Phase`]), so that the one that
//! suits a device only has to be cut out ([`Supernet::subnet`]) and told the statistics of its
//! own normalisation ([`Subnet::calibrate`]).
//!
//! The one design decision is how little has to be said about what is elastic. A family writes
//! down the layers of each genome, as any network of the zoo is written down; layers of one name
//! belong together, and a sub-network's parameters are a corner of the largest one's. So width,
//! depth, kernels, heads and resolutions are elastic without a layer that knows it, a
//! sub-network is an ordinary network, and training it costs what its own size is.
//!
//! ```
//! use sapwood_backend::{DeviceSpec, Seed};
//! use sapwood_core::Graph;
//! use sapwood_models::Init;
//! use sapwood_search::{Choice, Space};
//! use sapwood_supernet::{Family, Supernet};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let space = Space::new("one-layer", vec![Choice::new("hidden", ["8", "16", "32"])])?;
//! let family = Family::new(space, |chosen| {
//!     let mut g = Graph::builder([1, 8, 8]);
//!     let x = g.linear("fc1", g.input(), chosen.get("hidden")?);
//!     let x = g.relu(x);
//!     g.linear("fc2", x, 10);
//!     Ok(g.finish()?)
//! })?;
//!
//! let device = DeviceSpec::CPU.resolve()?;
//! let supernet = Init::default().apply(Supernet::new(&family, &device), Seed(1));
//! let small = supernet.subnet(&family.smallest())?;
//! assert_eq!(small.graph().anatomy([1, 8, 8])?.params(), 64 * 8 + 8 + 8 * 10 + 10);
//! # Ok(())
//! # }
//! ```

/// What this crate builds on, so that a crate of your own need not name it.
pub use {
    sapwood_backend as backend, sapwood_core as core, sapwood_models as models, sapwood_search as search,
    sapwood_train as train,
};

mod calibration;
mod chosen;
mod corners;
mod distillation;
mod error;
mod families;
mod family;
mod judge;
mod matrices;
mod nested;
mod opened;
mod pack_cut;
mod part;
mod phase;
mod progressive;
mod reference;
mod rule;
mod run_context;
pub mod single;
mod sorting;
mod subnet;
mod supernet;
mod tenths;
mod training_macs;
mod weights;

pub use chosen::Chosen;
pub use distillation::{Distance, Distillation};
pub use error::Error;
pub use families::{FAMILIES, FamilyEntry, family};
pub use family::Family;
pub use judge::{CALIBRATION, Judge, Judged};
pub use nested::Nested;
pub use opened::Opened;
pub use pack_cut::pack_cut;
#[cfg(not(target_family = "wasm"))]
pub use pack_cut::pack_cut_blocking;
pub use phase::{All, Open, OptionText, Phase};
pub use progressive::Progressive;
pub use rule::Rule;
pub use run_context::RunContext;
pub use subnet::Subnet;
pub use supernet::Supernet;
pub use tenths::Tenths;
pub use training_macs::training_macs;
pub use weights::SupernetSpec;
