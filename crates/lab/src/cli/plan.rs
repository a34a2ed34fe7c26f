//! `plan`

use std::io::Write;

use clap::Args;

use super::studies::StudyFile;
use crate::{
    Error, Lab,
    report::{Cell, Table},
    study::{Results, State},
};

/// Show the runs of a study, and where they are, without starting them
#[derive(Args)]
pub(super) struct Plan {
    #[command(flatten)]
    study: StudyFile,
}

impl Plan {
    pub(super) fn run(self, lab: &Lab, out: &mut dyn Write) -> Result<(), Error> {
        let (plan, folder) = self.study.plan(lab)?;
        let states = folder.states(&plan)?;
        let mut table = Table::new(["run", "method", "control", "removed", "state"]);
        for (run, state) in plan.runs.iter().zip(&states) {
            let pruning = run.spec.pruning.as_ref();
            let name = [run.label.variant.as_str(), run.label.method.as_str()];
            let name = name.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ");
            table.row([
                Cell::from(run.folder()),
                Cell::from(name),
                pruning.map_or(Cell::none(), |pruning| pruning.control.name().into()),
                pruning.map_or(Cell::none(), |pruning| pruning.sparsity.to_string().into()),
                Cell::from(match state {
                    State::Done => "done",
                    State::Failed => "failed",
                    State::Open => "to do",
                }),
            ]);
        }
        write!(out, "{}", table.to_text())?;
        let open = states.iter().filter(|state| **state != State::Done).count();
        writeln!(out, "{} runs, {open} to do, in {}", plan.runs.len(), folder.path().display())?;
        let results = Results::read(&plan, &folder)?;
        match results.forecast(&plan, &states) {
            Some(seconds) if open > 0 => writeln!(
                out,
                "about {} on one worker, by what the runs that are done took",
                super::duration(seconds)
            )?,
            _ if open > 0 => writeln!(out, "no run is done yet by which to tell how long it takes")?,
            _ => {}
        }
        Ok(())
    }
}
