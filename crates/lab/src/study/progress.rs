//! How far a study is.

use super::{
    Plan, State, StudyFolder,
    claim::{Held, held},
};
use crate::Error;

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is done.
    Done,
    /// Somebody works at it: on which machine, and which process.
    Running(String),
    /// It ended with an error.
    Failed,
    /// It begins with a run that has failed.
    Blocked,
    /// Whoever worked at it is gone; the next worker goes on.
    Interrupted,
    /// Nobody has begun it.
    Waiting,
}

impl Progress {
    /// All names, in the order in which they are shown.
    pub const NAMES: [&'static str; 6] = ["done", "running", "failed", "blocked", "interrupted", "waiting"];

    /// Its name in tables.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Running(_) => "running",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::Interrupted => "interrupted",
            Self::Waiting => "waiting",
        }
    }
}

/// How far each run of a plan is.
///
/// # Errors
/// Those of [`StudyFolder::state`]; a folder of a run that cannot be listed, and a claim that cannot be read.
pub fn progress(plan: &Plan, folder: &StudyFolder) -> Result<Vec<Progress>, Error> {
    let mut all: Vec<Progress> = Vec::new();
    for run in &plan.runs {
        let place = folder.run(run);
        let stuck = run.needs().any(|parent| matches!(all[parent], Progress::Failed | Progress::Blocked));
        all.push(match (folder.state(run)?, held(place.path())?) {
            (State::Done, _) => Progress::Done,
            (State::Failed, _) => Progress::Failed,
            (State::Open, _) if stuck => Progress::Blocked,
            (State::Open, Held::By(holder)) => {
                Progress::Running(format!("{} on {}", holder.process, holder.host))
            }
            (State::Open, Held::Abandoned) => Progress::Interrupted,
            (State::Open, Held::Free) if place.path().exists() => Progress::Interrupted,
            (State::Open, Held::Free) => Progress::Waiting,
        });
    }
    Ok(all)
}
