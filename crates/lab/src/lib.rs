//! The lab: what joins networks, data, training and pruning into things that a
//! person does.
//!
//! It knows every crate below and joins several of them into a method where one needs that: compression, shared weights, a probe's rate. [`study`] carries out whole studies, and [`train`],
//! its principal function, one training in a folder.
//!
//! The one design decision: a run's folder is the truth. Nothing is kept in
//! memory across runs, every file is written whole or not at all, and starting a
//! run again continues it where it was left, to the same bytes.
//!
//! ```
//! use std::{collections::BTreeSet, path::Path, sync::atomic::AtomicBool};
//!
//! use sapwood_backend::{DeviceSpec, Ops};
//! use sapwood_lab::{
//!     Beginning, CheckpointEvery, Conditions, DataConfig, Datasets, Evaluate, Outputs, RunFolder, Silent,
//!     SmallData, TrainConfig, Transfer, Work, train,
//! };
//! use sapwood_models::{Init, Spec};
//! use sapwood_train::{Recipe, Sgd};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = TrainConfig {
//!     model: Spec { width: 0.1, ..Spec::named("lenet-300-100")? }.fit([1, 8, 8], 10),
//!     beginning: Beginning::Drawn(Init::default()),
//!     data: DataConfig::named("digits"),
//!     outputs: Outputs::default(),
//!     batch_size: 64,
//!     seed: 0,
//!     recipe: Recipe::new(20, Sgd { momentum: 0.9, nesterov: false }, 0.1),
//!     sparse: None,
//!     quantize: None,
//!     regulariser: None,
//!     shared: BTreeSet::new(),
//!     transfer: Transfer::default(),
//!     small: SmallData::default(),
//!     evaluate: Evaluate::AtEnd,
//!     order: 0,
//!     ops: Ops::default(),
//! };
//! let place = tempfile::tempdir()?;
//! let folder = RunFolder::new(place.path().join(config.hash()?));
//! let conditions = Conditions {
//!     datasets: &Datasets::below(Path::new("data")),
//!     device: &DeviceSpec::CPU.resolve()?,
//!     every: CheckpointEvery::default(),
//!     keep: &[],
//!     reporter: &Silent,
//!     work: &Work::default(),
//!     stop: &AtomicBool::new(false),
//! };
//! let test = train(&config, &folder, &conditions)?;
//! assert!(folder.is_done() && 0.5 < test.top1);
//! # Ok(())
//! # }
//! ```

mod accounts;
mod array_file;
mod augmenting;
mod batch_file;
mod chosen;
mod classes;
mod clustering;
mod compression;
mod config;
mod data_config;
mod data_pruning;
mod datasets;
mod demo;
pub mod deployment;
mod doubt;
mod error;
mod examples;
mod experiment_file;
mod fits;
mod integers_file;
pub mod latency;
mod levels;
mod lines;
mod new_statistics;
mod portion;
mod probe;
mod probe_rate;
mod rates;
mod rounding;
mod run;
mod run_folder;
mod run_kind;
mod seen_by;
mod small_data;
pub mod speed;
pub mod study;
pub mod supernet;
mod takes;
mod tensor_file;
mod transfer;
mod watched;
mod weights_digest;
mod work;

pub use accounts::unmeasured;
pub(crate) use array_file::ArrayFile;
pub use augmenting::Augmenting;
pub use batch_file::{ReadBatches, read_batches, read_unlabelled};
pub use chosen::{Chosen, List};
pub use classes::{ByName, Classes, Outputs};
pub use clustering::{Beginnings, Clustering, SharedLayer, SharedNet, shared_paths};
pub use compression::{Compressed, Compression, Measured, Planned};
pub use config::{Beginning, Evaluate, Start, TrainConfig};
pub use data_config::DataConfig;
pub use data_pruning::{Choice, Choosing};
pub use datasets::Datasets;
pub use demo::{Demo, DemoOutcome};
pub use error::Error;
pub use examples::Examples;
pub use fits::{Known, fits};
pub use integers_file::integers_file;
pub use levels::MixedLevels;
pub use portion::Portion;
pub use probe_rate::probe_rate;
pub use rates::try_rates;
pub use rounding::{Integers, Quantize, rounded};
pub use run::{CheckpointEvery, Conditions, Outcome, Record, train};
pub use run_folder::{RunFolder, digest};
pub use sapwood_core::{Reporter, Silent, graph::few};
pub use sapwood_ledger as ledger;
pub use sapwood_report as report;
pub use sapwood_report::{statistics, tensorboard};
pub use sapwood_sparse::{GradualScore, SparseTraining};
pub use seen_by::{SeenBy, other_formula, other_inputs};
pub use small_data::SmallData;
pub use takes::Takes;
pub use tensor_file::{read_input, read_inputs, write_tensors};
pub use transfer::{Pull, Teacher, Transfer};
pub use watched::{Watched, evaluate};
pub use weights_digest::weights_digest;
pub use work::Work;
