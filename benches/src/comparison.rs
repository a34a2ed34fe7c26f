//! One row of a comparison, and the end of a program that makes them.

use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::{Case, Effort, Load, Report, Row, Side, Threads, interleave};

/// Lets sides take turns and makes a row of their times, with how busy others kept the
/// machine meanwhile. `own` are the processes of the sides beside this one.
///
/// # Errors
/// The first error of a side.
pub fn compare(
    case: &Case,
    threads: Threads,
    effort: &Effort,
    sides: &mut [&mut dyn Side],
    own: &[u32],
) -> Result<Row> {
    let before = Load::now(own);
    let times = interleave(sides, effort).with_context(|| case.name())?;
    let foreign_load = before.zip(Load::now(own)).map(|(then, now)| now.foreign_since(&then));
    Ok(Row { foreign_load, ..Row::new(case, threads, &times).context("nothing was measured")? })
}

impl Report {
    /// Prints it, for people or for programs.
    ///
    /// # Errors
    /// None that a report can cause.
    pub fn print(&self, json: bool) -> Result<()> {
        match json {
            true => println!("{}", serde_json::to_string_pretty(self)?),
            false => print!("{}", self.to_text()),
        }
        Ok(())
    }
}

/// What a program ends with: 0, or one line and 2.
pub fn exit_code(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
