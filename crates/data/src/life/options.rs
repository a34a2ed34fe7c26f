//! Which boards are made.

use serde::{Deserialize, Serialize};

use crate::Error;

/// What lies beyond the edge of a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Boundary {
    /// The opposite edge.
    Torus,
    /// Dead cells.
    Zero,
}

/// Which boards are made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LifeOptions {
    /// Width and height of a board, at least 3.
    pub side: usize,
    /// How many steps later the label is.
    pub steps: usize,
    /// The probability that a cell lives at first.
    pub density: f64,
    /// What lies beyond the edge.
    pub boundary: Boundary,
    /// The number of training boards.
    pub examples: usize,
    /// The number of test boards.
    pub test_examples: usize,
    /// The seed of all boards. Training and test boards come from different
    /// streams of it.
    pub seed: u64,
}

impl Default for LifeOptions {
    /// 10,000 and 2,000 boards of 32x32 on a torus, 38 % alive, one step.
    fn default() -> Self {
        Self {
            side: 32,
            steps: 1,
            density: 0.38,
            boundary: Boundary::Torus,
            examples: 10_000,
            test_examples: 2_000,
            seed: 0,
        }
    }
}

impl LifeOptions {
    /// Refuses boards that cannot be made.
    ///
    /// # Errors
    /// [`Error::Option`] with the field that is out of range.
    pub fn check(&self) -> Result<(), Error> {
        if !(0.0..=1.0).contains(&self.density) {
            return Err(wrong("density", self.density, "a number from 0 to 1"));
        }
        if !(3..=4096).contains(&self.side) {
            return Err(wrong("side", self.side, "3 to 4096"));
        }
        Ok(())
    }
}

/// A field that is out of range.
pub(super) fn wrong(option: &'static str, found: impl std::fmt::Display, expected: &'static str) -> Error {
    Error::Option { option, found: found.to_string(), expected }
}
