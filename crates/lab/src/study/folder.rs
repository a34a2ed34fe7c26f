//! Where a study lies on the disk.

use std::path::{Path, PathBuf};

use super::{Plan, Run};
use crate::{Error, RunFolder};

/// The name of a study, by its file or by itself: without `.toml`, and with every other dot in it.
pub fn study_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.strip_suffix(".toml").filter(|name| !name.is_empty()).unwrap_or(&name).to_string()
}

/// A study's folder.
#[derive(Clone, Debug)]
pub struct StudyFolder(PathBuf);

impl StudyFolder {
    /// The folder of a study below that of all studies.
    pub fn new(root: &Path, study: &str) -> Self {
        Self(root.join(study))
    }

    /// This folder itself.
    pub fn at(path: &Path) -> Self {
        Self(path.to_path_buf())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The study as it was when it was last started: what workers read.
    pub fn study(&self) -> PathBuf {
        self.0.join("study.toml")
    }

    /// A run's folder.
    pub fn run(&self, run: &Run) -> RunFolder {
        RunFolder::new(self.0.join(run.folder()))
    }

    /// Why a run failed, if it did.
    pub fn failure(&self, run: &Run) -> PathBuf {
        self.run(run).path().join("failed.txt")
    }

    /// Where a run is.
    ///
    /// # Errors
    /// A file of which the system does not say whether it is there.
    pub fn state(&self, run: &Run) -> Result<State, Error> {
        let folder = self.run(run);
        let there = |path: PathBuf| path.try_exists().map_err(Error::file("look for", path));
        // What others begin with belongs to what a run has to leave.
        let kept = run.keep.iter().map(|step| folder.weights_at(*step));
        let rule = run.is_life().then(|| folder.rule());
        let walk = run.parents.twin.map(|_| folder.connectivity());
        let packed = run.spec.share.as_ref().map(|_| folder.packed());
        let left = [folder.record(), folder.weights()].into_iter().chain(kept);
        for path in left.chain(rule).chain(walk).chain(packed) {
            if !there(path)? {
                return Ok(if there(self.failure(run))? { State::Failed } else { State::Open });
            }
        }
        Ok(State::Done)
    }

    /// Where each run of a plan is.
    ///
    /// # Errors
    /// Those of [`StudyFolder::state`].
    pub fn states(&self, plan: &Plan) -> Result<Vec<State>, Error> {
        plan.runs.iter().map(|run| self.state(run)).collect()
    }
}

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its record is there.
    Done,
    /// It ended with an error, which is there.
    Failed,
    /// Neither: not begun, going on, or interrupted.
    Open,
}
