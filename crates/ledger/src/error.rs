//! What can go wrong with accounts.

use crate::GRIDS;

/// Grids that an error proposes at most, where some have a name like the one that was given.
const PROPOSED: usize = 3;
/// From which Jaro-Winkler similarity on two names are alike.
const ALIKE: f64 = 0.75;

/// An error of this crate.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No such electricity grid.
    #[error("unknown grid `{found}`: did you mean {}?", nearest.join(", "))]
    UnknownGrid {
        /// The name that was given.
        found: String,
        /// The nearest names, or all where none is near.
        nearest: Vec<&'static str>,
    },
    /// Hours that are negative or not finite.
    #[error("{field} must be 0 or more, but it is {found}")]
    Hours {
        /// Which hours.
        field: &'static str,
        /// The hours that were given.
        found: f64,
    },
}

impl Error {
    pub(crate) fn unknown_grid(found: &str) -> Self {
        let likeness = |name: &str| strsim::jaro_winkler(&found.to_lowercase(), name);
        let all = || GRIDS.iter().map(|grid| grid.name);
        let mut near: Vec<&'static str> = all().filter(|name| ALIKE < likeness(name)).collect();
        near.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)).then(a.cmp(b)));
        near.truncate(PROPOSED);
        let nearest = if near.is_empty() { all().collect() } else { near };
        Self::UnknownGrid { found: found.into(), nearest }
    }
}
