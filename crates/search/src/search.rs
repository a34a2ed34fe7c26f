//! The search itself: asks, evaluates, tells.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Error, Evaluator, Front, Genome, Goal, History, Searcher, Space, View, feasible, ranking};

/// How often in a row a searcher may propose nothing new before the search ends.
const IDLE_ROUNDS: u32 = 200;

/// Why a search came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As many evaluations as were allowed.
    Budget,
    /// The searcher has nothing more to ask.
    Finished,
    /// Every genome of the space is evaluated.
    Exhausted,
    /// The searcher proposes nothing but what was evaluated before.
    Idle,
}

/// A search in progress. It is a value that can be written down (serde) after any round
/// and read again; going on then gives what going on at once would have given.
///
/// The same seed gives the same answer, whatever the number of workers that evaluate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: Deserialize<'de>"))]
pub struct Search<S> {
    space: Space,
    goal: Goal,
    searcher: S,
    seed: u64,
    /// How often the searcher was asked.
    asks: u64,
    /// What it asked for and was not told yet.
    pending: Vec<Genome>,
    idle: u32,
    history: History,
}

impl<S: Searcher> Search<S> {
    /// A search that has not begun.
    pub fn new(space: Space, goal: Goal, searcher: S, seed: u64) -> Self {
        let history = History::new(space.choices().len(), goal.metrics().len());
        Self { space, goal, searcher, seed, asks: 0, pending: Vec::new(), idle: 0, history }
    }

    /// Searches until this many genomes are evaluated in all, and gives the best that was
    /// ever seen. Evaluations of an earlier call count.
    ///
    /// # Errors
    /// [`Error::Infeasible`] if nothing allowed was found; what the evaluation or the
    /// searcher says; metrics that are not finite. Nothing that was evaluated is lost.
    pub fn run(&mut self, evaluations: usize, evaluator: &mut dyn Evaluator) -> Result<Front, Error> {
        loop {
            if let Some(end) = self.round(evaluations, evaluator)? {
                tracing::debug!(?end, evaluated = self.history.len(), "search ended");
                return self.front();
            }
        }
    }

    /// One round: what is pending, or else what the searcher asks for, is evaluated and
    /// told. Says why the search ended, if it did. Between two rounds is where to save.
    ///
    /// # Errors
    /// As [`Search::run`].
    pub fn round(&mut self, evaluations: usize, evaluator: &mut dyn Evaluator) -> Result<Option<End>, Error> {
        self.searcher.check(self.history.len())?;
        if evaluations <= self.history.len() {
            return Ok(Some(End::Budget));
        }
        if self.pending.is_empty() {
            if self.space.count() == Some(self.history.len() as u128) {
                return Ok(Some(End::Exhausted));
            }
            if IDLE_ROUNDS <= self.idle {
                return Ok(Some(End::Idle));
            }
            let view = View::new(&self.space, &self.goal, &self.history, evaluator, self.seed, self.asks);
            if self.asks == 0 {
                let probed = feasible::probe(&view, self.seed);
                // A screen that failed explains why nothing was found.
                if let Err(infeasible) = probed {
                    view.into_problem()?;
                    return Err(infeasible);
                }
            }
            let asked = self.searcher.ask(&view);
            view.into_problem()?;
            self.pending = asked?;
            self.asks += 1;
            if self.pending.is_empty() {
                return Ok(Some(End::Finished));
            }
        }
        let before = self.history.len();
        let complete = self.evaluate(evaluations, evaluator)?;
        if complete {
            self.idle = if self.history.len() == before { self.idle + 1 } else { 0 };
            let asked = std::mem::take(&mut self.pending);
            let asked: Vec<usize> = asked.iter().filter_map(|genome| self.history.find(genome)).collect();
            let view = View::new(&self.space, &self.goal, &self.history, evaluator, self.seed, self.asks);
            self.searcher.tell(&view, &asked);
            view.into_problem()?;
            let (evaluated, new) = (self.history.len(), self.history.len() - before);
            tracing::debug!(round = self.asks, asked = asked.len(), new, evaluated, "round searched");
        }
        Ok(None)
    }

    /// Evaluates what is pending and new, as far as the budget goes. Says whether that was
    /// everything.
    fn evaluate(&mut self, evaluations: usize, evaluator: &mut dyn Evaluator) -> Result<bool, Error> {
        let (mut ordered, mut seen) = (Vec::new(), BTreeSet::new());
        for genome in &self.pending {
            self.space.check(genome)?;
            if self.history.find(genome).is_none() && seen.insert(genome) {
                ordered.push(genome.clone());
            }
        }
        let room = evaluations - self.history.len();
        let complete = ordered.len() <= room;
        ordered.truncate(room);
        if ordered.is_empty() {
            return Ok(complete);
        }
        let failed = |problem: String| Error::Evaluation { genome: self.space.text(&ordered[0]), problem };
        let rows = evaluator.evaluate(&ordered).map_err(|problem| failed(problem.to_string()))?;
        let (expected, metrics) = (ordered.len(), self.goal.metrics());
        if rows.len() != expected {
            return Err(failed(format!(
                "expected {expected} rows of metrics, one for each genome, found {}",
                rows.len()
            )));
        }
        for (genome, row) in ordered.iter().zip(&rows) {
            if row.len() != metrics.len() {
                let found = row.len();
                return Err(failed(format!(
                    "expected the metrics {}, found {found} values",
                    metrics.join(", ")
                )));
            }
            if let Some(at) = row.iter().position(|value| !value.is_finite()) {
                let genome = self.space.text(genome);
                return Err(Error::NotANumber { metric: metrics[at].clone(), found: row[at], genome });
            }
        }
        for (genome, row) in ordered.iter().zip(&rows) {
            self.history.add(genome, row);
        }
        Ok(complete)
    }

    /// The best of everything that was evaluated.
    ///
    /// # Errors
    /// [`Error::Infeasible`] if nothing that was evaluated is allowed.
    pub fn front(&self) -> Result<Front, Error> {
        let front = Front::of(&self.goal, &self.history);
        if !front.members().is_empty() || self.history.is_empty() {
            return Ok(front);
        }
        let rated = (0..self.history.len()).map(|at| ranking::rate(&self.goal, &self.history, at));
        let least = rated.min_by(|one, other| one.violation.total_cmp(&other.violation));
        let at = least.map_or(0, |least| least.at);
        let nothing = |_: &[Genome]| Ok(Vec::new());
        let view = View::new(&self.space, &self.goal, &self.history, &nothing, self.seed, self.asks);
        let values = self.goal.limited(self.history.values(at));
        let looked = format!("{} evaluations", self.history.len());
        feasible::infeasible(&view, &values, &self.history.genome(at), looked).map_or(Ok(front), Err)
    }

    /// Everything that was evaluated.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// What can be chosen.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// What is wanted.
    pub fn goal(&self) -> &Goal {
        &self.goal
    }

    /// Refuses a search that was read from a file and does not fit together.
    ///
    /// # Errors
    /// [`Error::State`], or [`Error::Genome`] for a genome of another space.
    pub fn check(&self) -> Result<(), Error> {
        let (choices, metrics) = (self.space.choices().len(), self.goal.metrics().len());
        if (self.history.choices(), self.history.metrics()) != (choices, metrics) {
            let (found_choices, found_metrics) = (self.history.choices(), self.history.metrics());
            let problem = format!(
                "expected evaluations of {choices} choices and {metrics} metrics, found {found_choices} and {found_metrics}"
            );
            return Err(Error::State { problem });
        }
        self.searcher.check(self.history.len())?;
        let known = (0..self.history.len()).map(|at| self.history.genome(at));
        known.chain(self.pending.iter().cloned()).try_for_each(|genome| self.space.check(&genome))
    }
}
