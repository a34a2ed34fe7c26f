//! One row of a comparison, and the end of a program that makes them.

use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::{Case, Effort, Load, Report, Row, Side, Threads, interleave};

/// How often a row is measured at most, until others leave the machine alone.
const TRIES: usize = 3;

/// Lets sides take turns and makes a row of their times, with how busy others kept the
/// machine meanwhile: again where that was too much, and of all tries it is the quietest. `own` are
/// the processes of the sides beside this one.
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
    quietest(TRIES, || {
        let before = Load::now(own);
        let times = interleave(sides, effort).with_context(|| case.name())?;
        let foreign_load = before.zip(Load::now(own)).map(|(then, now)| now.foreign_since(&then));
        Ok(Row { foreign_load, ..Row::new(case, threads, &times).context("nothing was measured")? })
    })
}

/// The first row that others left alone, or else the one that they disturbed least.
fn quietest(tries: usize, mut measure: impl FnMut() -> Result<Row>) -> Result<Row> {
    let mut best = measure()?;
    for tries_made in 2..=tries {
        if !best.is_busy() {
            break;
        }
        let again = measure()?;
        best.tries = tries_made;
        if again.foreign_load < best.foreign_load {
            best = Row { tries: tries_made, ..again };
        }
    }
    Ok(best)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Work;

    fn measured(loads: &[f64]) -> (Row, usize) {
        let case = Case::new("lenet-5", None, Work::Train).unwrap();
        let mut asked = 0;
        let row = quietest(TRIES, || {
            let row = Row::new(&case, Threads(1), &[vec![0.1]]).unwrap();
            asked += 1;
            Ok(Row { foreign_load: Some(loads[asked - 1]), ..row })
        });
        (row.unwrap(), asked)
    }

    #[test]
    fn a_row_that_others_disturbed_is_measured_again_and_the_quietest_counts() {
        let outcome = |loads: &[f64]| {
            let (row, asked) = measured(loads);
            (row.foreign_load, row.tries, asked)
        };
        assert_eq!(outcome(&[0.02, 0.9]), (Some(0.02), 1, 1));
        assert_eq!(outcome(&[0.5, 0.01]), (Some(0.01), 2, 2));
        assert_eq!(outcome(&[0.5, 0.2, 0.3]), (Some(0.2), 3, 3));
    }
}
