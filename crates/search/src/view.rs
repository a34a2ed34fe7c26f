//! What a searcher sees, and proposals that keep to what is allowed.

use std::{cell::RefCell, collections::BTreeSet};

use crate::{
    Error, Evaluator, Genome, Goal, History, Rng, Space,
    streams::{Stream, stream},
};

/// Draws before a genome is taken that is forbidden.
const TRIES: usize = 64;
/// How many of them may be known before one that is known is taken.
const KNOWN: usize = 8;
/// Steps towards what is allowed, after these draws.
const REPAIRS: usize = 1000;

/// What a searcher sees of the search.
pub struct View<'a> {
    space: &'a Space,
    goal: &'a Goal,
    history: &'a History,
    evaluator: &'a dyn Evaluator,
    seed: u64,
    asks: u64,
    problem: RefCell<Option<Error>>,
}

impl<'a> View<'a> {
    pub(crate) fn new(
        space: &'a Space,
        goal: &'a Goal,
        history: &'a History,
        evaluator: &'a dyn Evaluator,
        seed: u64,
        asks: u64,
    ) -> Self {
        Self { space, goal, history, evaluator, seed, asks, problem: RefCell::new(None) }
    }

    /// What can be chosen.
    pub fn space(&self) -> &'a Space {
        self.space
    }

    /// What is wanted.
    pub fn goal(&self) -> &'a Goal {
        self.goal
    }

    /// What was evaluated.
    pub fn history(&self) -> &'a History {
        self.history
    }

    pub(crate) fn evaluator(&self) -> &'a dyn Evaluator {
        self.evaluator
    }

    /// A seed for a search within this one, another one each time that the searcher is
    /// asked.
    pub(crate) fn inner_seed(&self) -> u64 {
        use rand::Rng as _;
        stream(self.seed, Stream::Inner, self.asks).next_u64()
    }

    /// An empty batch of proposals, with random numbers of its own each time that the
    /// searcher is asked.
    pub fn batch(&self) -> Batch<'_> {
        let rng = stream(self.seed, Stream::Proposals, self.asks);
        Batch { view: self, rng, genomes: Vec::new(), taken: BTreeSet::new() }
    }

    /// How forbidden a genome is, as far as that can be known without evaluating it.
    pub(crate) fn violation(&self, genome: &Genome) -> f64 {
        self.screened(genome).map_or(0.0, |values| {
            self.goal.constraints().iter().zip(&values).map(|(limit, value)| limit.violation(*value)).sum()
        })
    }

    /// The values of the constrained metrics, as far as they can be known without
    /// evaluating.
    pub(crate) fn screened(&self, genome: &Genome) -> Option<Vec<f64>> {
        let failed = |problem: String| {
            let genome = self.space.text(genome);
            self.problem.borrow_mut().get_or_insert(Error::Evaluation { genome, problem });
        };
        if self.goal.constraints().is_empty() {
            return None;
        }
        match self.evaluator.screen(genome) {
            Err(problem) => failed(problem.to_string()),
            Ok(Some(values)) if values.len() != self.goal.constraints().len() => {
                let (expected, found) = (self.goal.constraints().len(), values.len());
                failed(format!(
                    "expected {expected} screened values, one for each constraint, found {found}"
                ));
            }
            Ok(Some(values)) if values.iter().any(|value| value.is_nan()) => {
                failed("a screened value is not a number".into());
            }
            Ok(values) => return values,
        }
        None
    }

    /// The first thing that went wrong in screening.
    pub(crate) fn into_problem(self) -> Result<(), Error> {
        self.problem.into_inner().map_or(Ok(()), Err)
    }
}

/// Proposals that are made together.
pub struct Batch<'a> {
    view: &'a View<'a>,
    rng: Rng,
    genomes: Vec<Genome>,
    taken: BTreeSet<Genome>,
}

impl Batch<'_> {
    /// Adds a genome that `draw` makes. It is drawn again, a bounded number of times, until
    /// it is allowed, was never evaluated and is not in the batch. If none of the draws is
    /// allowed, the least forbidden one is changed step by step towards what is; if none
    /// is new, the first allowed one is taken, and costs no evaluation.
    pub fn add(&mut self, mut draw: impl FnMut(&mut Rng) -> Genome) {
        let mut least: Option<(f64, Genome)> = None;
        let mut known = 0;
        for _ in 0..TRIES {
            let genome = draw(&mut self.rng);
            // Looking up is cheaper than screening.
            let evaluated = self.view.history.find(&genome);
            let violation = match evaluated {
                Some(at) => self.view.goal.violation(self.view.history.values(at)),
                None => self.view.violation(&genome),
            };
            let is_new = evaluated.is_none() && !self.taken.contains(&genome);
            if violation == 0.0 && is_new {
                return self.push(genome);
            }
            if least.as_ref().is_none_or(|(other, _)| violation < *other) {
                least = Some((violation, genome));
            }
            known += usize::from(!is_new);
            if known == KNOWN {
                break;
            }
        }
        if let Some((violation, genome)) = least {
            let repaired = self.repair(genome, violation);
            self.push(repaired);
        }
    }

    /// Adds a genome as it is, unless it is in the batch.
    pub fn push(&mut self, genome: Genome) {
        if self.taken.insert(genome.clone()) {
            self.genomes.push(genome);
        }
    }

    /// The random numbers of the batch.
    pub fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// How many are in it.
    pub fn len(&self) -> usize {
        self.genomes.len()
    }

    /// Whether none is in it.
    pub fn is_empty(&self) -> bool {
        self.genomes.is_empty()
    }

    /// The genomes, in the order in which they were added.
    pub fn into_genomes(self) -> Vec<Genome> {
        self.genomes
    }

    fn repair(&mut self, mut genome: Genome, mut violation: f64) -> Genome {
        for _ in 0..REPAIRS {
            if violation == 0.0 {
                break;
            }
            let step = self.view.space.step(&genome, &mut self.rng);
            let after = self.view.violation(&step);
            if after < violation {
                (genome, violation) = (step, after);
            }
        }
        genome
    }
}
