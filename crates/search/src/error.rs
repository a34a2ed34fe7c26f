//! What can go wrong in searching.

use crate::{Constraint, nearest::in_few_digits};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The choices make no space.
    #[error("`{space}` is no search space: {problem}")]
    Space {
        /// Its name.
        space: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Something that is no genome of the space.
    #[error("not a genome of space `{space}`: {problem}")]
    Genome {
        /// The name of the space.
        space: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A name that is not known.
    #[error("there is no {what} `{found}`: expected one of {known}")]
    UnknownName {
        /// What was asked for.
        what: &'static str,
        /// The name.
        found: String,
        /// The names that there are.
        known: String,
    },
    /// A value outside its range.
    #[error("{field} must be {expected}, but it is {found}")]
    Option {
        /// Which value.
        field: String,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// Objectives and constraints that do not go together.
    #[error("what is wanted makes no sense: {problem}")]
    Goal {
        /// Why.
        problem: String,
    },
    /// A text that is no objective or constraint.
    #[error("`{found}` is no {what}: expected {expected}")]
    Text {
        /// What it should be.
        what: &'static str,
        /// What was written.
        found: String,
        /// How it is written.
        expected: &'static str,
    },
    /// The evaluation failed.
    #[error("evaluating {genome} failed: {problem}")]
    Evaluation {
        /// The genome, in the space's text form.
        genome: String,
        /// What the evaluation said.
        problem: String,
    },
    /// A metric that is no number.
    #[error("metric `{metric}` is {found}: measure again, or leave the genome out of the space: {genome}")]
    NotANumber {
        /// Its name.
        metric: String,
        /// Its value.
        found: f64,
        /// The genome, in the space's text form.
        genome: String,
    },
    /// Nothing that was looked at is allowed.
    #[error(
        "found nothing that satisfies `{constraint}` in {looked}: the nearest is {}; loosen the constraint or search \
         another space",
        in_few_digits(*nearest, constraint)
    )]
    Infeasible {
        /// At how much was looked, as in `12 evaluations`: something else may satisfy it.
        looked: String,
        /// The constraint that is missed by most.
        constraint: Box<Constraint>,
        /// The value of its metric in the genome that misses the constraints least.
        nearest: f64,
        /// That genome, in the space's text form.
        genome: String,
    },
    /// A table that cannot be read.
    #[error("table, line {line}, {column}: {problem}")]
    Table {
        /// The line, counted from 1, the header included.
        line: u64,
        /// The column, as `column NAME`, or what else is meant.
        column: String,
        /// What was expected and what was found.
        problem: String,
    },
    /// A predictor cannot be fitted or asked.
    #[error("predictor `{predictor}`: {problem}")]
    Predictor {
        /// Its name.
        predictor: String,
        /// What is wrong.
        problem: String,
    },
    /// A latency table lacks blocks.
    #[error(
        "the latency table of {device} lacks the {what} of {} of the blocks that are asked for: measure them on that device and add them, or use the table of this space: {}",
        blocks.len(),
        few(blocks)
    )]
    MissingBlocks {
        /// What is lacking: times or energies.
        what: &'static str,
        /// The device that was measured.
        device: String,
        /// The keys of all blocks that there are none of, sorted.
        blocks: Vec<String>,
    },
    /// A latency table that cannot be read.
    #[error("not a latency table: {problem}")]
    Latency {
        /// What is wrong with it.
        problem: String,
    },
    /// A saved search that cannot go on.
    #[error("the saved search cannot go on: {problem}")]
    State {
        /// What is wrong with it.
        problem: String,
    },
}

impl Error {
    pub(crate) fn option(
        field: impl Into<String>,
        expected: impl Into<String>,
        found: impl std::fmt::Display,
    ) -> Self {
        Self::Option { field: field.into(), expected: expected.into(), found: found.to_string() }
    }

    pub(crate) fn unknown<'a>(
        what: &'static str,
        found: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        Self::UnknownName { what, found: found.into(), known }
    }
}

/// The names that an error repeats of many.
const SHOWN: usize = 3;

/// The first few of many names, and how many more there are.
pub fn few(names: &[String]) -> String {
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(SHOWN + 1) {
        None => shown,
        Some(_) => format!("{shown} and {} more", names.len() - SHOWN),
    }
}
