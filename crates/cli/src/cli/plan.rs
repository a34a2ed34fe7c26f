//! `plan`

use std::io::Write;

use clap::Args;
use sapwood_lab::study::{Results, State, time_a_step};
use sapwood_prune::Criteria;
use sapwood_report::{Cell, Table};

use super::{on_device::OnDevice, studies::StudyFile};
use crate::Error;

/// Show the runs of a study, and where they are, without starting them
#[derive(Args)]
pub(super) struct Plan {
    #[command(flatten)]
    study: StudyFile,
    /// Time a training step on this machine, to tell how long the study takes
    #[arg(long)]
    time: bool,
    #[command(flatten)]
    device: OnDevice,
}

impl Plan {
    pub(super) fn run(self, criteria: &Criteria, out: &mut dyn Write) -> Result<(), Error> {
        if !self.time && self.device.device != "cpu" {
            let problem = "`--device` says where `--time` times a step: add that, or leave it out";
            return Err(Error::Usage(problem.into()));
        }
        // Better now than behind the table.
        let device = self.device.resolve()?;
        let (plan, folder) = self.study.plan(criteria, &self.study.datasets())?;
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
        if open == 0 {
            return Ok(());
        }
        let (rate, how) = match (Results::read(&plan, &folder)?.seconds_per_mac(), self.time) {
            (Some(rate), false) => (Some(rate), "by what the runs that are done took"),
            (_, true) => {
                let dense = plan.runs.first().ok_or_else(|| Error::Usage("the study has no run".into()))?;
                (Some(time_a_step(dense, dense.task, &device)?), "by what a step takes now")
            }
            (None, false) => (None, ""),
        };
        match rate {
            Some(rate) => {
                writeln!(
                    out,
                    "about {} on one worker, {how}",
                    super::duration::duration(plan.forecast(&states, rate)?)
                )?;
            }
            None => {
                writeln!(out, "no run is done by which to tell how long it takes: `--time` times a step")?
            }
        }
        Ok(())
    }
}
