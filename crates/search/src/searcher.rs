//! What every searcher does.

use crate::{Error, Genome, View};

/// Proposes genomes and learns how good they are. It holds what it needs between two
/// questions; space, goal, evaluations and random numbers are shown to it.
pub trait Searcher {
    /// The genomes to evaluate next, at least one; none when the searcher has finished.
    /// What was evaluated before may be among them and costs nothing.
    ///
    /// # Errors
    /// Whatever makes going on senseless, such as a predictor that cannot be fitted.
    fn ask(&mut self, view: &View<'_>) -> Result<Vec<Genome>, Error>;

    /// All that was asked for is evaluated: `asked` says where each stands in the history,
    /// in the order of the proposals.
    fn tell(&mut self, view: &View<'_>, asked: &[usize]);

    /// Refuses options that make no sense, and a state that does not belong to a history of
    /// this many evaluations. Called before every round.
    ///
    /// # Errors
    /// Says which option, or what does not fit.
    fn check(&self, evaluations: usize) -> Result<(), Error>;
}

impl<S: Searcher + ?Sized> Searcher for Box<S> {
    fn ask(&mut self, view: &View<'_>) -> Result<Vec<Genome>, Error> {
        (**self).ask(view)
    }

    fn tell(&mut self, view: &View<'_>, asked: &[usize]) {
        (**self).tell(view, asked);
    }

    fn check(&self, evaluations: usize) -> Result<(), Error> {
        (**self).check(evaluations)
    }
}
