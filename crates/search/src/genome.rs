//! One way to choose.

use serde::{Deserialize, Serialize};

/// One choice made for each of a space's choices, as positions in their lists of
/// options, in the order of the space. Always in canonical form: where a choice has
/// no meaning (the kernel of a block that is not there) its position is 0, so that
/// equal networks have equal genomes.
///
/// A [`Space`](crate::Space) makes them and reads them; one that comes from a file
/// is checked by [`Space::check`](crate::Space::check).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Genome(Box<[u8]>);

impl Genome {
    pub(crate) fn new(positions: Vec<u8>) -> Self {
        Self(positions.into())
    }

    /// The position of each choice's option.
    pub fn positions(&self) -> &[u8] {
        &self.0
    }
}
