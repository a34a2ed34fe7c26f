//! Timings of this project beside its peers, for `cargo xtask bench`.
//!
//! The principal type is the [`Case`]: a network, a batch and whether it is
//! trained, only run or scored. It can be timed on two [`Side`]s: here, by the trainer
//! that users call ([`Training`], [`Inference`], [`Scoring`]), and in a child process by
//! PyTorch ([`Peer`]), which knows the networks of the zoo by name and builds others from
//! their layers.
//!
//! The one design decision: both sides are measured in one run, turn by turn (A B
//! A B ...), and what is reported is the median over the pairs of their ratio. A
//! machine's speed moves with its temperature and its other guests; what slows
//! both turns of a pair cancels in its ratio, which two runs one after the other
//! could not promise.
//!
//! ```
//! use sapwood_benches::{Case, Effort, Training, Work, interleave};
//!
//! let case = Case::new("lenet-300-100", Some(2), Work::Train).unwrap();
//! let mut ours = Training::start(&case).unwrap();
//! let effort = Effort { steps: 3, ..Effort::default() };
//! let times = interleave(&mut [&mut ours], &effort).unwrap();
//! assert_eq!(times[0].len(), 3);
//! ```

mod case;
mod comparison;
pub mod kernels;
mod load;
mod machine;
mod measure;
mod onnx_runtime;
mod ours;
mod peer;
mod report;
mod scoring;

pub use case::{Case, Score, Work};
pub use comparison::{compare, exit_code};
pub use load::Load;
pub use machine::{Threads, machine, peak_memory, versions};
pub use measure::{Effort, Side, Spread, geometric_mean, interleave, ratios};
pub use onnx_runtime::{Burst, OnnxRuntime};
pub use ours::{Inference, Training};
pub use peer::Peer;
pub use report::{PeerTimes, Report, Row};
pub use scoring::Scoring;
