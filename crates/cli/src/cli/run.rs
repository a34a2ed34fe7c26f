//! `run`

use std::{
    io::Write,
    num::NonZero,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::Duration,
};

use clap::{Args, ValueEnum};
use sapwood_core::write_atomic;
use sapwood_lab::{
    Reporter,
    study::{
        Plan, Results, State, StudyFolder, Tally,
        launcher::{Local, Slurm, WorkerCommand, commands, to_shell},
    },
};
use sapwood_ledger::Carbon;
use sapwood_prune::Criteria;

use super::{
    bar::{self, Bar},
    listening,
    on_device::OnDevice,
    report::write_tables,
    studies::{StudyFile, stop_signal},
    worker::Pace,
};
use crate::Error;

/// Run a study, or what is left of it
///
/// Every run lies in a folder of its own, whose name says what decides it. The same
/// command goes on where it was interrupted; several may work at one study.
#[derive(Args)]
pub(super) struct Run {
    #[command(flatten)]
    study: StudyFile,
    /// How many runs go on at the same time
    #[arg(long, default_value = "1", value_name = "N")]
    workers: NonZero<usize>,
    /// Processors of each worker [default: this machine's, shared among the workers; 1
    /// under Slurm]
    #[arg(long, value_name = "N")]
    threads: Option<NonZero<usize>>,
    /// Who starts the workers: this machine, Slurm, or you, by a list of commands
    #[arg(long, value_enum, default_value_t = LauncherName::Local)]
    launcher: LauncherName,
    #[command(flatten)]
    pace: Pace,
    #[command(flatten)]
    device: OnDevice,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum LauncherName {
    Local,
    Slurm,
    Commands,
}

impl Run {
    pub(super) fn run(self, criteria: &Criteria, out: &mut dyn Write) -> Result<(), Error> {
        let datasets = self.study.datasets();
        let (plan, folder) = self.study.plan(criteria, &datasets)?;
        // Better now than in a worker's log.
        self.device.resolve()?;
        let frozen = self.study.frozen()?;
        for what in folder.keep_sources(&plan)? {
            let since = "since this study was last started: its runs start again";
            bar::note(&format!("the {what} have changed {since}"));
        }
        write_atomic(&folder.study(), frozen.as_bytes())?;
        let worker = self.command(&folder)?;
        let threads = self.threads.map(NonZero::get);
        match self.launcher {
            LauncherName::Commands => {
                let threads = threads.map_or(String::new(), |n| format!("env RAYON_NUM_THREADS={n} "));
                for command in commands(&worker, self.workers.get()).lines() {
                    writeln!(out, "{threads}{command}")?;
                }
                return Ok(());
            }
            LauncherName::Slurm => {
                let (workers, threads) = (self.workers.get(), threads.unwrap_or(1));
                let Slurm { job } = Slurm::submit(&worker, &plan.name, workers, threads, folder.path())?;
                writeln!(out, "job {job}: see `squeue`, and `status {}`", word(&folder))?;
                return Ok(());
            }
            LauncherName::Local => {}
        }
        let stop = stop_signal()?;
        let tally = match (self.workers.get(), threads) {
            (1, None) => self.pace.work(criteria, &plan, &folder, &datasets, &self.device, &stop)?,
            // A process is told its threads when it starts.
            (workers, threads) => {
                let logs = folder.path().join("logs");
                wait(&plan, &folder, Local::start(&worker, workers, threads, &logs)?, &stop)?
            }
        };
        finish(tally, &plan, &folder, &self.pace.unmeasured(&self.device), out)
    }

    /// A worker in a process of its own: this very program.
    fn command(&self, folder: &StudyFolder) -> Result<WorkerCommand, Error> {
        let absolute = |path: &std::path::Path| {
            let path = std::path::absolute(path).map_err(Error::file("find", path))?;
            Ok::<_, Error>(path.to_string_lossy().into_owned())
        };
        let program = std::env::current_exe().map_err(Error::file("find", "this program"))?;
        let mut arguments = vec!["worker".into(), absolute(folder.path())?];
        arguments.extend(["--device".into(), self.device.device.clone()]);
        if let Some(level) = sapwood_backend::pinned_level() {
            arguments.extend(["--level".into(), level.into()]);
        }
        arguments.extend(["--data-root".into(), absolute(&self.study.place.data.data_root)?]);
        arguments.extend(self.pace.arguments());
        arguments.extend(listening::arguments());
        Ok(WorkerCommand { program, arguments })
    }
}

/// Waits for workers, and shows how far they are.
fn wait(plan: &Plan, folder: &StudyFolder, mut workers: Local, stop: &AtomicBool) -> Result<Tally, Error> {
    let bar = Bar::default();
    let done = |states: &[State]| states.iter().filter(|state| **state == State::Done).count();
    let before = done(&folder.states(plan)?);
    bar.begin("runs", plan.runs.len() as u64);
    bar.advance(before as u64);
    let (mut shown, mut asked) = (before, false);
    while workers.running() > 0 {
        thread::sleep(Duration::from_millis(500));
        if stop.load(Relaxed) && !asked {
            asked = true;
            workers.stop();
        }
        for status in workers.ended()? {
            if !status.success() && !asked {
                let logs = folder.path().join("logs");
                bar::note(&format!("a worker ended with {status}: see {}", logs.display()));
            }
        }
        let now = done(&folder.states(plan)?);
        bar.advance(now.saturating_sub(shown) as u64);
        shown = shown.max(now);
    }
    bar.end();
    let states = folder.states(plan)?;
    let failed = states.iter().filter(|state| **state == State::Failed).count();
    let open = states.iter().filter(|state| **state == State::Open).count();
    let done = done(&states) - before;
    if open > 0 && failed == 0 && !asked {
        return Err(Error::Usage(format!(
            "the workers have ended, and {open} runs are left: start the study again to go on"
        )));
    }
    Ok(Tally { done, failed, stopped: asked })
}

/// Says how it ended, and what to do next; of a ledger with new energies why these are not measured.
pub(super) fn finish(
    tally: Tally,
    plan: &Plan,
    folder: &StudyFolder,
    unmeasured: &[String],
    out: &mut dyn Write,
) -> Result<(), Error> {
    let Tally { done, failed, stopped } = tally;
    if stopped {
        writeln!(out, "stopped after {done} runs: the same command goes on")?;
        return Ok(());
    }
    writeln!(out, "{done} runs done, {} in all: {}", plan.runs.len(), folder.path().display())?;
    if failed > 0 {
        return Err(Error::Usage(format!(
            "{failed} runs have failed: see `status {0}`, then `retry --failed {0}`",
            word(folder)
        )));
    }
    let written = write_tables(&Results::read(plan, folder)?, folder, &Carbon::default())?;
    writeln!(out, "{written}; next: report {}", word(folder))?;
    unmeasured.iter().filter(|_| done > 0).for_each(|why| bar::note(&format!("note: {why}")));
    Ok(())
}

/// A study's folder as a word of a command.
fn word(folder: &StudyFolder) -> String {
    to_shell([folder.path().to_string_lossy()])
}
