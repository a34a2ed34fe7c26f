//! Batches made ahead of time, on threads.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, sync_channel},
    },
    thread::{Builder, JoinHandle},
};

use sapwood_core::{Batch, SourceError};

use crate::{Error, loader::Plan};

/// How many finished batches a thread may hold back.
const AHEAD: usize = 2;

/// The batches of an epoch, in order. Of `n` threads, the k-th makes each n-th
/// batch from the k-th on and hands it over in a bounded queue of its own; taking
/// from the queues in turn restores the order. Dropping this closes the queues,
/// which ends the threads, and waits for them.
#[derive(Debug)]
pub(crate) struct Prefetch {
    queues: Vec<Receiver<Result<Batch, Error>>>,
    threads: Vec<JoinHandle<()>>,
    next: usize,
    left: usize,
    problem: Option<Error>,
}

impl Prefetch {
    pub(crate) fn start(plan: Plan, from: usize, workers: usize) -> Self {
        let plan = Arc::new(plan);
        let left = plan.batches().saturating_sub(from);
        let mut this = Self { queues: vec![], threads: vec![], next: 0, left, problem: None };
        for worker in 0..workers {
            let (sender, queue) = sync_channel(AHEAD);
            let plan = Arc::clone(&plan);
            let work = move || {
                for number in (from + worker..plan.batches()).step_by(workers) {
                    if sender.send(plan.batch(number)).is_err() {
                        return;
                    }
                }
            };
            match Builder::new().name("sapwood-data".into()).spawn(work) {
                Ok(thread) => this.threads.push(thread),
                Err(error) => this.problem = Some(failed(format!("could not be started ({error})"))),
            }
            this.queues.push(queue);
        }
        this
    }
}

impl Iterator for Prefetch {
    type Item = Result<Batch, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        if let Some(problem) = self.problem.take() {
            self.left = 0;
            return Some(Err(problem.into()));
        }
        let queue = self.queues.get(self.next)?;
        self.next = (self.next + 1) % self.queues.len();
        self.left -= 1;
        Some(match queue.recv() {
            Ok(batch) => batch.map_err(Into::into),
            Err(_) => {
                self.left = 0;
                Err(failed("ended early".into()).into())
            }
        })
    }
}

impl Drop for Prefetch {
    fn drop(&mut self) {
        self.queues.clear();
        for thread in self.threads.drain(..) {
            // A thread that panicked has been reported by its empty queue.
            let _ = thread.join();
        }
    }
}

fn failed(problem: String) -> Error {
    Error::Worker { problem }
}
