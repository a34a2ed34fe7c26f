//! Workers on this machine, each a process of its own.

use std::{
    fs::{self, File},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread::available_parallelism,
};

use super::WorkerCommand;
use crate::Error;

/// Workers that were started on this machine. They are asked to stop when this is dropped.
#[derive(Debug)]
pub struct Local(Vec<Child>);

impl Local {
    /// Starts a number of workers, each with a number of threads; without a number they share the
    /// processors. Each writes what it says to a file in `logs`.
    ///
    /// # Errors
    /// A folder or file of `logs` that cannot be made; a program that cannot be started: the workers before it are
    /// ended.
    pub fn start(
        worker: &WorkerCommand,
        workers: usize,
        threads: Option<usize>,
        logs: &Path,
    ) -> Result<Self, Error> {
        fs::create_dir_all(logs).map_err(Error::file("make the folder", logs))?;
        let share = || available_parallelism().map_or(1, usize::from).div_ceil(workers.max(1));
        let mut started = Self(Vec::new());
        for number in 0..workers {
            let path = logs.join(format!("worker-{number}.log"));
            let log = File::options().create(true).append(true).open(&path);
            let log = log.map_err(Error::file("write", &path))?;
            let mut command = Command::new(&worker.program);
            command.args(&worker.arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
            // Unless the user has decided otherwise.
            if threads.is_some() || std::env::var_os("RAYON_NUM_THREADS").is_none() {
                command.env("RAYON_NUM_THREADS", threads.unwrap_or_else(share).to_string());
            }
            started.0.push(command.spawn().map_err(Error::file("start", &worker.program))?);
        }
        Ok(started)
    }

    /// The workers that have ended since the last question, and how.
    ///
    /// # Errors
    /// [`Error::Worker`], where the system does not say it of one: the others are kept.
    pub fn ended(&mut self) -> Result<Vec<ExitStatus>, Error> {
        let mut ended = Vec::new();
        self.0.retain_mut(|child| match child.try_wait().transpose() {
            None => true,
            // One of which the system knows nothing is not to be stopped: its number may be another process's by now.
            Some(answer) => {
                ended.push(answer);
                false
            }
        });
        ended.into_iter().collect::<Result<_, _>>().map_err(Error::Worker)
    }

    /// How many still run.
    pub fn running(&self) -> usize {
        self.0.len()
    }

    /// Asks all to write a checkpoint and end.
    pub fn stop(&self) {
        for child in &self.0 {
            #[cfg(unix)]
            if let Some(process) = rustix::process::Pid::from_raw(child.id().cast_signed()) {
                // One that has just ended needs no asking.
                let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
            }
            #[cfg(not(unix))]
            let _ = child;
        }
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.stop();
        for child in &mut self.0 {
            let _ = child.wait();
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use rustix::process::{Pid, WaitOptions, waitpid};

    use super::*;

    /// As where the system keeps nothing of processes that have ended.
    #[test]
    fn a_worker_of_which_the_system_knows_nothing_takes_no_other_with_it() {
        let start = |seconds: &str| Command::new("sleep").arg(seconds).spawn().unwrap();
        let mut workers = Local(vec![start("0"), start("600")]);
        let first = Pid::from_raw(workers.0[0].id().cast_signed());
        waitpid(first, WaitOptions::empty()).unwrap();
        assert!(matches!(workers.ended(), Err(Error::Worker(_))));
        assert_eq!((workers.running(), workers.ended().unwrap()), (1, vec![]));
        // Not after ten minutes.
        drop(workers);
    }
}
