//! The criteria of this crate, in one table.

mod magnitude;
mod random;
mod snip;

use sapwood_backend::Seed;
use sapwood_core::UnknownName;

use crate::{Criterion, Error, Needs};

pub use magnitude::Magnitude;
pub use random::Random;
pub use snip::Snip;

/// A row of [`CRITERIA`].
#[derive(Clone, Copy, Debug)]
pub struct CriterionEntry {
    /// The name by which it is asked for.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// Where it was published, or empty.
    pub paper: &'static str,
    /// What the probe must be able to give.
    pub needs: Needs,
    /// Makes it. The seed is for what it draws.
    pub build: fn(Seed) -> Box<dyn Criterion>,
}

/// All criteria, in the order in which they are shown. A new one is a file and a
/// row here; lists, help, documentation and the conformance tests follow.
pub const CRITERIA: &[CriterionEntry] = &[
    CriterionEntry {
        name: "magnitude",
        about: "the absolute value of the weight",
        paper: "Han et al. 2015, arXiv 1506.02626",
        needs: Needs::Weights,
        build: |_| Box::new(Magnitude),
    },
    CriterionEntry {
        name: "random",
        about: "a random number: the baseline that every criterion must beat",
        paper: "",
        needs: Needs::Weights,
        build: |seed| Box::new(Random(seed)),
    },
    CriterionEntry {
        name: "snip",
        about: "how much the loss would change without the weight, to first order",
        paper: "Lee et al. 2019, arXiv 1810.02340",
        needs: Needs::Gradient,
        build: |_| Box::new(Snip),
    },
];

/// The criterion of this name, or an error that lists the nearest names.
pub fn criterion(name: &str, seed: Seed) -> Result<Box<dyn Criterion>, Error> {
    let unknown = || UnknownName::new("criterion", name, CRITERIA.iter().map(|row| row.name));
    let row = CRITERIA.iter().find(|row| row.name == name).ok_or_else(unknown)?;
    Ok((row.build)(seed))
}
