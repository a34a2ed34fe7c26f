//! Experiments with nested networks: a file that says which methods train which family, the runs
//! that follow from it, and what came of them.
//!
//! Each run has a folder of its own with a lock, and skips what is done. So several processes
//! that are started with the same file share its runs, and one that is killed is started again by
//! the same command.

mod experiment;
mod judging_images;
mod results;
mod run;

pub use experiment::{Alone, Judging, Kind as SupernetKind, MethodConfig, PhaseConfig, SupernetExperiment};
pub use judging_images::JudgingImages;
pub use results::SupernetResults;
pub(crate) use results::short;
pub(crate) use run::check_training;
pub use run::{Job, run_all};
pub use sapwood_deploy::{METRICS, Pairs, Sample, Searching, check, coverage};
pub use sapwood_supernet::{CALIBRATION, Judge, Judged, pack_cut_blocking as pack_cut};
