//! `supernet report`

use std::{io::Write, path::PathBuf};

use clap::Args;
use sapwood_lab::supernet::{SupernetExperiment, SupernetResults};

use crate::Error;

/// Show what has come of an experiment so far
#[derive(Args)]
pub(super) struct Report {
    /// The experiment
    experiment: PathBuf,
    /// The folder of all runs
    #[arg(long, default_value = "runs", value_name = "FOLDER")]
    out: PathBuf,
    /// Print `results.csv`
    #[arg(long)]
    csv: bool,
}

impl Report {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let experiment = SupernetExperiment::read(&self.experiment)?;
        let results = SupernetResults::read(&experiment, &self.out.join(&experiment.name))?;
        if self.csv {
            write!(out, "{}", results.csv())?;
            return Ok(());
        }
        for (title, table) in results.tables() {
            writeln!(out, "{title}\n{}", table.to_text())?;
        }
        Ok(())
    }
}
