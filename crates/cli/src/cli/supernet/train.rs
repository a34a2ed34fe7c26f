//! `supernet train`

use std::{io::Write, num::NonZero, path::PathBuf};

use clap::Args;
use sapwood_lab::{
    Error as Lab,
    supernet::{SupernetExperiment, SupernetResults, run_all},
};

use super::super::{
    conditions::Surroundings, data_root::DataRoot, on_device::OnDevice, studies::stop_signal,
};
use crate::Error;

/// Train what an experiment says; the same command goes on with what is not done, and several
/// processes share the runs
#[derive(Args)]
pub(super) struct Train {
    /// The experiment, as in experiments/supernet-digits.toml
    experiment: PathBuf,
    /// The folder of all runs
    #[arg(long, default_value = "runs", value_name = "FOLDER")]
    out: PathBuf,
    /// Iterations between checkpoints [default: every three seconds]
    #[arg(long, value_name = "N")]
    checkpoint_every: Option<NonZero<usize>>,
    #[command(flatten)]
    root: DataRoot,
    #[command(flatten)]
    device: OnDevice,
}

impl Train {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let experiment = SupernetExperiment::read(&self.experiment)?;
        let surroundings = Surroundings::new(self.root.datasets(), self.device.resolve()?)
            .every(self.checkpoint_every)
            .until(stop_signal()?);
        let folder = self.out.join(&experiment.name);
        let left = match run_all(&experiment, &folder, &surroundings.conditions()) {
            Err(Lab::Train(sapwood_train::Error::Stopped { .. })) => {
                writeln!(out, "stopped: the same command goes on")?;
                return Ok(());
            }
            left => left?,
        };
        let results = SupernetResults::read(&experiment, &folder)?;
        results.write(&folder)?;
        for (title, table) in results.tables() {
            writeln!(out, "{title}\n{}", table.to_text())?;
        }
        if left > 0 {
            writeln!(out, "{left} runs are at other processes")?;
        }
        writeln!(out, "{}", folder.display())?;
        Ok(())
    }
}
