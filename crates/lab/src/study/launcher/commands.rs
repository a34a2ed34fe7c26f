//! A list of commands, for GNU parallel, ssh, or any other queue.

use super::WorkerCommand;

/// One line per worker. Each may run on any machine that sees the study's folder.
pub fn commands(worker: &WorkerCommand, workers: usize) -> String {
    format!("{}\n", worker.to_shell()).repeat(workers)
}
