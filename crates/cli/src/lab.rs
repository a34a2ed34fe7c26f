//! The command line as a value: what it knows beyond what the crates bring.

use std::{ffi::OsString, io::Write, process::ExitCode};

use sapwood_prune::{Criteria, CriterionEntry};

use crate::Error;
use crate::cli;

/// The command line with criteria of one's own beside those that are there.
///
/// ```no_run
/// use sapwood_cli::Lab;
/// use sapwood_prune::{Criterion, CriterionEntry, Error, Needs, Probe, Prunable, ScoreTensors, plain};
///
/// /// Keeps the smallest weights.
/// #[derive(Debug, Default)]
/// struct Smallest;
///
/// impl Criterion for Smallest {
///     fn name(&self) -> &str {
///         "smallest"
///     }
///
///     fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
///         ScoreTensors::new(prunable, probe.weights()?.of(prunable)?.map(|w| w.abs().neg()))
///     }
/// }
///
/// const SMALLEST: CriterionEntry = CriterionEntry {
///     name: "smallest",
///     about: "the smallest weights are kept",
///     paper: "",
///     options: "",
///     needs: Needs::Weights,
///     build: plain::<Smallest>,
/// };
///
/// fn main() -> std::process::ExitCode {
///     Lab::new().with_criterion(SMALLEST).main(std::env::args_os())
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Lab {
    criteria: Criteria,
}

impl Lab {
    /// What the crates bring.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more criterion: in lists, in messages, and wherever one is named. It
    /// takes the place of one of the same name.
    pub fn with_criterion(self, entry: CriterionEntry) -> Self {
        Self { criteria: self.criteria.with(entry) }
    }

    /// All criteria, in the order in which they are shown.
    pub fn criteria(&self) -> &[CriterionEntry] {
        self.criteria.entries()
    }

    /// Runs a command line: see [`crate::main`].
    pub fn main(&self, args: impl IntoIterator<Item = OsString>) -> ExitCode {
        cli::main_of(&self.criteria, args)
    }

    /// [`Lab::main`], with its results written to `out` and its error returned.
    ///
    /// # Errors
    /// Those of [`crate::run`].
    pub fn run(&self, args: impl IntoIterator<Item = OsString>, out: &mut dyn Write) -> Result<(), Error> {
        cli::run_of(&self.criteria, args, out)
    }
}
