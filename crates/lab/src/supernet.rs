//! Experiments with nested networks: a file that says which methods train which family, the runs
//! that follow from it, and what came of them.
//!
//! Each run has a folder of its own with a lock, and skips what is done. So several processes
//! that are started with the same file share its runs, and one that is killed is started again by
//! the same command.

mod experiment;
mod in_order;
mod judged;
mod method;
mod pairs;
mod portion;
mod results;
mod run;
mod searching;
mod single;

pub use experiment::{Alone, Judging, MethodConfig, PhaseConfig, SupernetExperiment};
pub use judged::{CALIBRATION, Judge, Judged, pack_cut};
pub use pairs::{Pairs, Sample};
pub use results::SupernetResults;
pub use run::{Job, run_all};
pub use searching::{METRICS, Searching};
