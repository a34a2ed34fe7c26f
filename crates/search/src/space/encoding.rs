//! Genomes as numbers, for predictors.

use super::Space;
use crate::{Choice, Genome, Rows};

/// Which columns a genome becomes: one for each option of each encoded choice, 1
/// where it is taken and 0 elsewhere. A choice without a meaning is 0 in all of its
/// columns, so that what it depends on can be left out without loss: the published
/// encodings leave out the depths (Cai et al. 2020, their code's `124 = 4 + 60 + 60`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// For each choice its first column, if it is encoded.
    first: Vec<Option<usize>>,
    width: usize,
}

impl Encoding {
    /// All choices.
    pub fn of(space: &Space) -> Self {
        Self::of_those(space, |_| true)
    }

    /// The choices for which `encoded` says so.
    pub fn of_those(space: &Space, encoded: impl Fn(&Choice) -> bool) -> Self {
        let mut width = 0;
        let mut column = |choice: &Choice| {
            let first = width;
            encoded(choice).then(|| {
                width += choice.options().len();
                first
            })
        };
        let first = space.choices().iter().map(&mut column).collect();
        Self { first, width }
    }

    /// The number of columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// One row for each genome, in their order.
    ///
    /// # Panics
    /// If a genome is not of the space that the encoding was made for.
    pub fn rows<'a>(&self, space: &Space, genomes: impl IntoIterator<Item = &'a Genome>) -> Rows {
        let mut rows = Rows::new(self.width);
        for genome in genomes {
            let row = rows.push_zeros();
            for (at, (first, position)) in self.first.iter().zip(genome.positions()).enumerate() {
                if let Some(first) = first
                    && space.active(genome, at)
                {
                    row[first + usize::from(*position)] = 1.0;
                }
            }
        }
        rows
    }
}
