//! A genome as a family reads it.

use std::str::FromStr;

use sapwood_search::{Genome, Space};

use crate::Error;

/// The options of one genome, by the names of their choices.
#[derive(Clone, Copy, Debug)]
pub struct Chosen<'a> {
    space: &'a Space,
    genome: &'a Genome,
}

impl<'a> Chosen<'a> {
    pub(crate) fn new(space: &'a Space, genome: &'a Genome) -> Self {
        Self { space, genome }
    }

    /// The option that was chosen, as a number: `chosen.get::<usize>("ks.3")`.
    ///
    /// # Errors
    /// A choice that the space does not have or that has no meaning in this genome, or an
    /// option that is no such number.
    pub fn get<T: FromStr>(&self, choice: &str) -> Result<T, Error> {
        let wrong = |problem: String| Error::Family { family: self.space.name().into(), problem };
        let option = self
            .space
            .option(self.genome, choice)
            .ok_or_else(|| wrong(format!("its layers ask for choice `{choice}`, which is not made here")))?;
        let number = option.parse();
        number.map_err(|_| wrong(format!("its layers cannot use `{choice}` = `{option}`: expected a number")))
    }
}
