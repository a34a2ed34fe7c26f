//! `clean`

use std::{fs, io::Write};

use clap::Args;
use sapwood_lab::study::State;
use sapwood_prune::Criteria;

use super::studies::StartedStudy;
use crate::Error;

/// Remove what finished runs of a study need no longer
#[derive(Args)]
pub(super) struct Clean {
    #[command(flatten)]
    study: StartedStudy,
    /// Their checkpoints; weights and records stay
    #[arg(long, required = true)]
    checkpoints: bool,
}

impl Clean {
    pub(super) fn run(self, criteria: &Criteria, out: &mut dyn Write) -> Result<(), Error> {
        let (plan, folder) = self.study.open(criteria)?;
        let (mut runs, mut bytes) = (0, 0);
        for run in &plan.runs {
            let path = folder.run(run).checkpoints();
            if folder.state(run)? != State::Done || !path.is_dir() {
                continue;
            }
            for entry in fs::read_dir(&path).map_err(Error::file("list", &path))? {
                bytes += entry.and_then(|entry| entry.metadata()).map_or(0, |data| data.len());
            }
            fs::remove_dir_all(&path).map_err(Error::file("remove", &path))?;
            runs += 1;
        }
        writeln!(out, "checkpoints of {runs} runs removed, {:.1} MB", bytes as f64 / 1e6)?;
        Ok(())
    }
}
