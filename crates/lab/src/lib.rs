//! The lab: what joins networks, data, training and pruning into things that a
//! person does, and the command line that does them.
//!
//! It knows every other crate and holds no algorithm. Its principal function is
//! [`cli::main`], the whole command line as a call, so that a binary of one's own
//! is three lines; below it, [`study`] carries out whole studies and [`train`] one training
//! in a folder.
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

mod accounts;
mod batch_file;
mod classes;
pub mod cli;
mod config;
mod datasets;
mod demo;
pub mod deployment;
mod error;
mod examples;
mod experiment_file;
mod fits;
mod lab;
pub mod latency;
mod levels;
mod reporter;
mod run;
mod run_folder;
mod sparse_training;
mod speed;
pub mod study;
pub mod supernet;
mod tensor_file;
mod watched;
mod work;

pub use batch_file::read_batches;
pub use classes::{ByName, Classes, Outputs};
pub use config::{Beginning, DataConfig, Evaluate, Start, TrainConfig};
pub use datasets::Datasets;
pub use demo::{Demo, DemoOutcome};
pub use error::Error;
pub use examples::Examples;
pub use fits::Known;
pub use lab::Lab;
pub use levels::MixedLevels;
pub use reporter::{Reporter, Silent};
pub use run::{CheckpointEvery, Conditions, Outcome, Record, train};
pub use run_folder::RunFolder;
pub use sapwood_ledger as ledger;
pub use sapwood_report as report;
pub use sapwood_report::{statistics, tensorboard};
pub use sparse_training::{GradualScore, SparseTraining};
pub use tensor_file::{read_input, write_tensors};
pub use work::Work;
