//! The lab: what joins networks, data, training and pruning into things that a
//! person does, and the command line that does them.
//!
//! It knows every other crate and holds no algorithm. Its principal function is
//! [`cli::main`], the whole command line as a call, so that a binary of one's own
//! is three lines; below it, [`train`] runs one training in a folder.
//!
//! The one design decision: a run's folder is the truth. Nothing is kept in
//! memory across runs, every file is written whole or not at all, and starting a
//! run again continues it where it was left, to the same bytes.
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     sapwood_lab::cli::main(std::env::args_os())
//! }
//! ```

mod batch_file;
pub mod cli;
mod config;
mod demo;
mod error;
mod fits;
mod lab;
pub mod report;
mod reporter;
mod run;
mod sparse_training;
mod tensor_file;
mod watched;

pub use batch_file::read_batches;
pub use config::{Beginning, DataConfig, Start, TrainConfig};
pub use demo::{Demo, DemoOutcome};
pub use error::Error;
pub use lab::Lab;
pub use reporter::{Reporter, Silent};
pub use run::{CheckpointEvery, Record, RunFolder, train};
pub use sparse_training::{GradualScore, SparseTraining};
pub use tensor_file::{read_input, write_tensors};
