//! Carrying out whatever nobody else does.

use std::{
    fs,
    io::{self, ErrorKind},
    sync::{
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use burn::prelude::Device;
use sapwood_core::write_atomic;
use sapwood_data::Split;
use sapwood_prune::Criteria;

use super::{
    Plan, Run, State, StudyFolder,
    claim::{Claim, SILENCE},
    log::logged,
    perform::Task,
};
use crate::{
    CheckpointEvery, Conditions, Datasets, Error, MixedLevels, Reporter, Work,
    accounts::{ACCOUNTED, Accounts},
    ledger::{Watts, host},
    levels,
    lines::{self, Unnoted},
};

/// How often a worker that waits for others looks again.
const PATIENCE: Duration = Duration::from_millis(300);
/// How soon a run notices that it should stop.
const ATTENTION: Duration = Duration::from_millis(50);

/// A worker: it takes runs of a study that nobody holds, in the order of the plan, until
/// none is left.
pub struct Worker<'a> {
    /// What criteria there are.
    pub criteria: &'a Criteria,
    /// What is to be done.
    pub plan: &'a Plan,
    /// Where.
    pub folder: &'a StudyFolder,
    /// Data sets.
    pub datasets: &'a Datasets,
    /// What computes.
    pub device: &'a Device,
    /// Its name, for the ledger.
    pub device_name: &'a str,
    /// What the machine draws, where the user knows it.
    pub watts: Option<Watts>,
    /// How often runs write a checkpoint.
    pub every: CheckpointEvery,
    /// Who is told how it goes.
    pub reporter: &'a dyn Reporter,
    /// Once this is true it writes a checkpoint, gives its run back and ends.
    pub stop: &'a AtomicBool,
}

/// How a worker ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Runs that it finished.
    pub done: usize,
    /// Runs that ended with an error, its own and those of others.
    pub failed: usize,
    /// Whether it was asked to stop.
    pub stopped: bool,
}

impl Worker<'_> {
    /// Works until nothing is left that it could do. Runs that fail are noted in their
    /// folders and left behind.
    ///
    /// # Errors
    /// Data or weights that cannot be read, or are others than when the study was started ([`Error::StudyImages`] for
    /// images); what the file system refuses; [`Error::WatchEnded`]. A run that fails is none.
    pub fn work(&self) -> Result<Tally, Error> {
        // What is wrong for all of them is no failure of each.
        for variant in &self.plan.variants {
            let data = &variant.experiment.data;
            self.datasets.identified(data.clone()).map_err(|error| match error {
                Error::OtherImages { data, .. } => Error::StudyImages { data },
                error => error,
            })?;
            self.datasets.open(data, Split::Train)?;
            self.datasets.open(data, Split::Test)?;
        }
        for transferred in &self.plan.transferred {
            transferred.weights.identified()?;
        }
        self.datasets.tell(self.reporter);
        let mut states = self.folder.states(self.plan)?;
        let mut tally = Tally::default();
        levels::of_worker(self.folder.path(), self.device)?;
        let mut are_alike = true;
        loop {
            let mut open = false;
            let mut worked = false;
            for place in 0..states.len() {
                if self.stop.load(Relaxed) {
                    return Ok(Tally { stopped: true, ..tally });
                }
                let run = &self.plan.runs[place];
                if states[place] != State::Open {
                    continue;
                }
                let parents: Vec<State> = run.needs().map(|parent| states[parent]).collect();
                if parents.contains(&State::Failed) {
                    states[place] = State::Failed;
                    continue;
                }
                open = true;
                if parents.contains(&State::Open) {
                    continue;
                }
                let Some(claim) = Claim::take(self.folder.run(run).path())? else { continue };
                if let Some(mixed) = MixedLevels::of_study(self.folder.path()).filter(|_| are_alike) {
                    are_alike = false;
                    lines::note(self.reporter, mixed);
                }
                // Somebody may have done it between the look and the claim.
                states[place] = self.folder.state(run)?;
                if states[place] == State::Open {
                    let ended = self.logged(run, &claim);
                    claim.release()?;
                    states[place] = ended?;
                    tally.done += usize::from(states[place] == State::Done);
                    worked = true;
                } else {
                    claim.release()?;
                }
                if worked {
                    // From the top again: others may wait for what somebody gave up there.
                    break;
                }
            }
            if !open {
                // Runs that begin with one that has failed are taken for failed here, and have not.
                let states = self.folder.states(self.plan)?;
                tally.failed = states.iter().filter(|state| **state == State::Failed).count();
                return Ok(tally);
            }
            if !worked {
                thread::sleep(PATIENCE);
                for (state, run) in states.iter_mut().zip(&self.plan.runs) {
                    if *state == State::Open {
                        *state = self.folder.state(run)?;
                    }
                }
            }
        }
    }

    /// Carries out a run, with what happens in a file beside it.
    fn logged(&self, run: &Run, claim: &Claim) -> Result<State, Error> {
        let folder = self.folder.run(run);
        let span = tracing::info_span!("run", folder = %folder.path().display());
        span.in_scope(|| logged(&folder.path().join("log.txt"), || self.carry_out(run, claim)))?
    }

    /// Carries out a run while its claim is in force.
    fn carry_out(&self, run: &Run, claim: &Claim) -> Result<State, Error> {
        let (work, stop) = (Work::default(), AtomicBool::new(false));
        let folder = self.folder.run(run);
        let level =
            sapwood_backend::level_of(self.device).map_or(String::new(), |level| format!(" ({level})"));
        tracing::info!(
            name: "run_begun",
            version = env!("CARGO_PKG_VERSION"),
            process = std::process::id(),
            host = host(),
            device = format!("{}{level}", self.device_name),
            // A seed may be more than a number of JSON holds.
            seed = run.seed().0.to_string(),
            "run begun"
        );
        let reporter = Unnoted(self.reporter);
        let mut accounts = Accounts::open(folder.path(), self.device_name, self.watts);
        let conditions = Conditions {
            datasets: self.datasets,
            device: self.device,
            every: self.every,
            keep: &[],
            reporter: &reporter,
            work: &work,
            stop: &stop,
        };
        let task = Task {
            criteria: self.criteria,
            plan: self.plan,
            folder: self.folder,
            run,
            conditions: &conditions,
        };
        let (ended, end) = mpsc::channel::<()>();
        let outcome = thread::scope(|scope| {
            let (work, stop) = (&work, &stop);
            let watch = scope.spawn(move || {
                let (mut touched, mut counted) = (Instant::now(), Instant::now());
                while end.recv_timeout(ATTENTION) == Err(mpsc::RecvTimeoutError::Timeout) {
                    if self.stop.load(Relaxed) {
                        stop.store(true, Relaxed);
                    }
                    if touched.elapsed() > SILENCE / 10 {
                        touched = Instant::now();
                        // Who was thought dead and is not leaves the run to the other.
                        if !claim.touch() {
                            stop.store(true, Relaxed);
                        }
                    }
                    if counted.elapsed() > ACCOUNTED {
                        counted = Instant::now();
                        accounts.write(work);
                    }
                }
                accounts
            });
            let outcome = task.perform();
            drop(ended);
            watch.join().map(|accounts| (outcome, accounts))
        });
        let Ok((outcome, mut accounts)) = outcome else {
            return Err(Error::WatchEnded);
        };
        accounts.write(&work);
        let outcome = outcome.and_then(|()| match self.folder.state(run)? {
            State::Done => Ok(()),
            _ => Err(Error::Content {
                problem: "files of the run disappeared while it went on: let it be tried again".into(),
                path: folder.path().to_path_buf(),
            }),
        });
        match outcome {
            Ok(()) => {
                tracing::info!("run done");
                Ok(State::Done)
            }
            Err(Error::Train(sapwood_train::Error::Stopped { iteration })) => {
                tracing::info!(name: "run_stopped", iteration, "run stopped");
                Ok(State::Open)
            }
            // Another process of this machine trains there without a claim: it is its run.
            Err(Error::Busy { .. }) => {
                thread::sleep(PATIENCE);
                Ok(State::Open)
            }
            // What the disk refuses it refuses all runs: none of them has failed.
            Err(error) if is_of_the_disk(&error) => Err(error),
            Err(error) => {
                tracing::error!(name: "run_failed", %error, "run failed");
                let path = self.folder.failure(run);
                write_atomic(&path, format!("{error}\n").as_bytes())?;
                Ok(State::Failed)
            }
        }
    }
}

fn is_of_the_disk(error: &Error) -> bool {
    use sapwood_core::{Error::Graph, graph::Error::File};
    // Whoever wrote, a hook of a training too.
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(this) = cause {
        let kind = this.downcast_ref::<io::Error>().map(io::Error::kind);
        if matches!(
            kind,
            Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem)
        ) {
            return true;
        }
        cause = this.source();
    }
    match error {
        Error::File(_) | Error::Core(Graph(File(_))) => true,
        Error::Train(error) => {
            matches!(error, sapwood_train::Error::File(_) | sapwood_train::Error::Core(Graph(File(_))))
        }
        _ => false,
    }
}

/// Forgets the failures of a study, and tells how many there were.
///
/// # Errors
/// A file that cannot be removed.
pub fn forgive(plan: &Plan, folder: &StudyFolder) -> Result<usize, Error> {
    let mut forgiven = 0;
    for run in &plan.runs {
        let path = folder.failure(run);
        match fs::remove_file(&path) {
            Ok(()) => forgiven += 1,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::file("remove", path)(error)),
        }
    }
    Ok(forgiven)
}

#[cfg(test)]
mod tests {
    use sapwood_backend::DeviceSpec;

    use super::*;
    use crate::{Silent, study::plan::tests::STUDY};

    #[test]
    fn runs_that_begin_with_one_that_has_failed_have_not_failed() {
        let place = tempfile::tempdir().unwrap();
        let folder = StudyFolder::at(place.path());
        fs::write(folder.study(), STUDY).unwrap();
        let (criteria, datasets) = (Criteria::default(), Datasets::below("data"));
        let plan = Plan::read(&criteria, &folder.study(), &[], &datasets).unwrap();
        let [dense, _, _] = plan.runs.as_slice() else { panic!("three runs") };
        fs::create_dir_all(folder.run(dense).path()).unwrap();
        fs::write(folder.failure(dense), "the loss is not finite").unwrap();
        let worker = Worker {
            criteria: &criteria,
            plan: &plan,
            folder: &folder,
            datasets: &datasets,
            device: &DeviceSpec::CPU.resolve().unwrap(),
            device_name: "cpu",
            watts: None,
            every: CheckpointEvery::default(),
            reporter: &Silent,
            stop: &AtomicBool::new(false),
        };
        assert_eq!(worker.work().unwrap(), Tally { done: 0, failed: 1, stopped: false });
    }

    /// Found by kills on a full disk: a run whose weights of a position could not be written counted as failed.
    #[test]
    fn a_full_disk_is_no_failure_of_a_run_whoever_wrote() {
        let full = |kind: ErrorKind| {
            let path = "weights-1ep.safetensors".into();
            let error: sapwood_core::graph::Error = sapwood_core::FileError::of("write", path)(kind.into());
            let error = Error::Core(sapwood_core::Error::Graph(error));
            Error::Train(sapwood_train::Error::Hook { iteration: 6, error: error.into() })
        };
        assert!(is_of_the_disk(&full(ErrorKind::StorageFull)));
        assert!(!is_of_the_disk(&full(ErrorKind::NotFound)));
        assert!(!is_of_the_disk(&Error::WatchEnded));
    }
}
