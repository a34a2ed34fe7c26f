//! `search EXPERIMENT`

use std::{
    io::Write,
    num::NonZero,
    path::{Path, PathBuf},
};

use clap::Args;
use sapwood_core::write_atomic;
use sapwood_lab::{
    Error as Lab,
    deployment::{Place, SearchExperiment, carry_out},
    latency::today,
};
use sapwood_ledger::{Carbon, Watts};

use super::super::{
    bar::note, conditions::Surroundings, data_root::DataRoot, on_device::OnDevice, studies::stop_signal,
    worker::watts,
};
use crate::Error;

/// How a study is carried out.
#[derive(Args)]
#[command(mut_arg("device", |device| device.conflicts_with("space")))]
pub(super) struct Study {
    /// A study, as experiments/devices-digits.toml: a supernet is trained, networks for limits on
    /// the latency are found, cut out, fine-tuned and measured; the same command goes on
    pub(super) experiment: Option<PathBuf>,
    /// Of a study: the folder of all runs
    #[arg(long, default_value = "runs", value_name = "FOLDER", conflicts_with = "space")]
    out: PathBuf,
    /// Of a study: iterations between checkpoints [default: every three seconds]
    #[arg(long, value_name = "N", conflicts_with = "space")]
    checkpoint_every: Option<NonZero<usize>>,
    /// Of a study: what the machine draws while it works, for the ledger [default: measured where
    /// there is a counter]
    #[arg(long, value_name = "WATTS", value_parser = watts, conflicts_with = "space")]
    watts: Option<(Watts, String)>,
    #[command(flatten)]
    device: OnDevice,
}

impl Study {
    pub(super) fn run(&self, file: &Path, root: &DataRoot, out: &mut dyn Write) -> Result<(), Error> {
        let experiment = SearchExperiment::read(file)?;
        let surroundings = Surroundings::new(root.datasets(), self.device.resolve()?)
            .every(self.checkpoint_every)
            .until(stop_signal()?);
        let folder = self.out.join(&experiment.name);
        let watts = self.watts.as_ref().map(|(watts, _)| *watts);
        let place = Place { device: &self.device.device, watts };
        let outcome = match carry_out(&experiment, &folder, place, &surroundings.conditions()) {
            Err(Lab::Train(sapwood_train::Error::Stopped { .. })) => {
                writeln!(out, "stopped: the same command goes on")?;
                return Ok(());
            }
            outcome => outcome?,
        };
        let carbon = Carbon::default();
        let economics = outcome.economics(&carbon)?;
        let tables =
            [outcome.found(), outcome.predicting(), outcome.costs(&carbon), economics.table(&[1, 3, 10, 40])];
        for table in tables {
            writeln!(out, "{}", table.to_text())?;
        }
        for verdict in economics.verdicts() {
            writeln!(out, "{verdict}")?;
        }
        for why in sapwood_lab::unmeasured(place.device, place.watts) {
            note(&format!("note: {why}"));
        }
        let facts = [
            ("data".to_string(), experiment.data.name.clone()),
            ("device".into(), self.device.device.clone()),
            ("seed".into(), experiment.seed.to_string()),
            ("date".into(), today()),
        ];
        let page = folder.join("report.html");
        write_atomic(&page, outcome.page(&experiment, file, &facts)?.as_bytes())?;
        writeln!(out, "{}", page.display())?;
        Ok(())
    }
}
