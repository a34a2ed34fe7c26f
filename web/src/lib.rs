//! Sapwood in a browser: train a small network, prune it, train it again, and ask both.
//!
//! The principal type is [`Session`], a dense network and the sparse one that pruning makes of
//! it; beside it stands [`Elastic`], a once-for-all network with a slider for its size. There
//! is no algorithm here: data, networks, training, criteria and masks are those of the crates
//! below, on whatever device they are given.
//!
//! The one design decision: a session is never busy for long. Training is cut into slices of a
//! few steps ([`Course`]), between which it can be asked anything and written down whole
//! ([`Session::keep`]); so a page can stop it at any time, and if the GPU or its memory is lost
//! it goes on from the last slice on the CPU.
//!
//! In a browser all of it runs in a worker, behind the few functions of `skin.rs`; natively it
//! is an ordinary crate, and is tested as one.
//!
//! ```
//! use sapwood_backend::{DeviceSpec, block_on};
//! use sapwood_web::{Begin, DataName, PruneRequest, Session, Settings, Which};
//!
//! # fn main() -> Result<(), sapwood_web::Error> {
//! let settings = Settings { data: DataName::Digits, network: "lenet".into(), epochs: 1, seed: 1 };
//! let mut session = Session::new(settings, &DeviceSpec::CPU.resolve()?)?;
//! while !block_on(session.train(Which::Dense, 5))?.done {}
//! let (criterion, sparsity, allocation) = ("magnitude".into(), "0.9".into(), "global".into());
//! let request = PruneRequest { criterion, sparsity, allocation, begin: Begin::Trained };
//! let report = block_on(session.prune(&request))?;
//! assert_eq!((report.kept, report.total), (5_020, 50_200));
//! # Ok(())
//! # }
//! ```

mod answers;
#[cfg(all(target_arch = "wasm32", feature = "conformance"))]
mod conformance;
mod course;
mod data;
mod elastic;
mod engine;
mod error;
pub mod ink;
mod kept;
mod menu;
mod networks;
mod packed;
mod pictures;
mod report;
mod session;
mod session_kept;
#[cfg(target_arch = "wasm32")]
mod skin;

pub use answers::{Answer, answers};
pub use course::Course;
pub use data::{Data, DataName};
pub use elastic::{Elastic, FAMILIES, Size};
pub use engine::{Engine, File, Kept, Request};
pub use error::Error;
pub use menu::{Menu, menu};
pub use networks::{NETWORKS, NetworkRow, draw, network};
pub use packed::Packed;
pub use pictures::{Picture, pictures};
pub use report::{Progress, PruneReport};
pub use session::{Begin, CriterionChoice, PruneRequest, Session, Settings, Which};
