//! Where metrics come from.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::Genome;

/// What went wrong in an evaluation, in the evaluator's own words.
pub type Problem = Box<dyn std::error::Error + Send + Sync>;

/// Measures or predicts the metrics of genomes. Any closure from genomes to rows of
/// numbers is one.
pub trait Evaluator {
    /// For each genome, the values of [`Goal::metrics`](crate::Goal::metrics), in that
    /// order.
    ///
    /// # Errors
    /// Whatever makes going on senseless; the search stops there and can be resumed.
    fn evaluate(&mut self, genomes: &[Genome]) -> Result<Vec<Vec<f64>>, Problem>;

    /// The values of the metrics of [`Goal::constraints`](crate::Goal::constraints), in
    /// that order, if they can be had for next to nothing (a latency table, a count of
    /// MACs). Then forbidden genomes are not evaluated, unless they lie on a searcher's way
    /// towards allowed ones, and constraints that nothing near satisfies are refused before
    /// the search begins.
    ///
    /// # Errors
    /// As in [`Evaluator::evaluate`].
    fn screen(&self, genome: &Genome) -> Result<Option<Vec<f64>>, Problem> {
        let _ = genome;
        Ok(None)
    }
}

impl<F: FnMut(&[Genome]) -> Result<Vec<Vec<f64>>, Problem>> Evaluator for F {
    fn evaluate(&mut self, genomes: &[Genome]) -> Result<Vec<Vec<f64>>, Problem> {
        self(genomes)
    }
}

/// An evaluator whose constraints cost next to nothing.
pub struct Screened<S, E> {
    screen: S,
    evaluate: E,
}

impl<S, E> Screened<S, E>
where
    S: Fn(&Genome) -> Result<Vec<f64>, Problem>,
    E: FnMut(&[Genome]) -> Result<Vec<Vec<f64>>, Problem>,
{
    /// `screen` gives the values of the constrained metrics, `evaluate` those of all.
    pub fn new(screen: S, evaluate: E) -> Self {
        Self { screen, evaluate }
    }
}

impl<S, E> Evaluator for Screened<S, E>
where
    S: Fn(&Genome) -> Result<Vec<f64>, Problem>,
    E: FnMut(&[Genome]) -> Result<Vec<Vec<f64>>, Problem>,
{
    fn evaluate(&mut self, genomes: &[Genome]) -> Result<Vec<Vec<f64>>, Problem> {
        (self.evaluate)(genomes)
    }

    fn screen(&self, genome: &Genome) -> Result<Option<Vec<f64>>, Problem> {
        (self.screen)(genome).map(Some)
    }
}

/// The metrics of one genome.
type Answer = Result<Vec<f64>, Problem>;

/// Evaluates one genome at a time on several threads. Answers come back in the order of
/// the genomes, so the number of workers changes no result.
pub struct Parallel<F> {
    workers: usize,
    evaluate: F,
}

impl<F: Fn(&Genome) -> Result<Vec<f64>, Problem> + Sync> Parallel<F> {
    /// This many threads; at least one.
    pub fn new(workers: usize, evaluate: F) -> Self {
        Self { workers: workers.max(1), evaluate }
    }
}

impl<F: Fn(&Genome) -> Result<Vec<f64>, Problem> + Sync> Evaluator for Parallel<F> {
    fn evaluate(&mut self, genomes: &[Genome]) -> Result<Vec<Vec<f64>>, Problem> {
        let next = AtomicUsize::new(0);
        let answers: Vec<Mutex<Option<Answer>>> = genomes.iter().map(|_| Mutex::new(None)).collect();
        let work = || {
            while let Some((genome, answer)) = {
                let at = next.fetch_add(1, Ordering::Relaxed);
                genomes.get(at).zip(answers.get(at))
            } {
                let value = (self.evaluate)(genome);
                *answer.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(value);
            }
        };
        thread::scope(|scope| {
            for _ in 1..self.workers.min(genomes.len()) {
                // Where there are no threads, as in a browser, this one does all of it.
                let _ = thread::Builder::new().spawn_scoped(scope, work);
            }
            work();
        });
        let answer = |answer: Mutex<Option<Answer>>| {
            let answer = answer.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
            answer.unwrap_or_else(|| Err("a thread ended before its network was evaluated".into()))
        };
        answers.into_iter().map(answer).collect()
    }
}
