//! Whole studies: a file that says what is compared, the plan of its runs, workers that
//! carry them out, and what comes of it.
//!
//! The one design decision: nothing but the folder of a study is the truth. A run lies in
//! a folder that is named by the hash of all that decides it; it is claimed by making a
//! file there, and done once its record is there. So workers, on one machine or on many,
//! need to know nothing of each other, and may be killed at any moment.

mod claim;
mod combination;
mod distill;
mod experiment;
mod figure;
mod folder;
mod forecast;
mod images;
pub mod launcher;
mod life;
mod limit;
mod log;
mod method;
mod outputs;
mod page;
mod perform;
mod plan;
mod planner;
mod pretrained;
mod progress;
mod reinit;
mod results;
mod settings;
mod several;
mod share;
mod spec;
mod worker;

pub use crate::accounts::account;
pub use distill::Distill;
pub use experiment::{Experiment, Kind, ModelSettings, Training};
pub use folder::{State, StudyFolder, study_name};
pub use forecast::time_a_step;
pub use images::Images;
pub use life::Rule;
pub use method::{Control, Method};
pub use page::page;
pub use plan::{Label, Parents, Plan, Run};
pub use pretrained::{Head, Pretrained, Transferred};
pub use progress::{Progress, progress};
pub use results::{Group, Line, Results, Row};
pub use sapwood_sparse::During;
pub use settings::{Variant, read, with_settings};
pub use several::Several;
pub use share::Share;
pub use spec::{CutSettings, Pruning, RunSpec};
pub use worker::{Tally, Worker, forgive};

use combination::Combination;
