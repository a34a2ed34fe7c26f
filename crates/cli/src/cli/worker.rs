//! `worker`

use std::{io::Write, num::NonZero, path::PathBuf, sync::atomic::AtomicBool};

use clap::Args;
use sapwood_lab::{
    CheckpointEvery, Datasets,
    study::{Plan, StudyFolder, Tally},
};
use sapwood_ledger::Watts;
use sapwood_prune::Criteria;

use super::{
    bar::Bar,
    data_root::DataRoot,
    on_device::OnDevice,
    run,
    studies::{open, stop_signal},
};
use crate::Error;

/// Work at a study that `run` has started: what launchers start
#[derive(Args)]
pub(super) struct Worker {
    /// The study's folder
    study: PathBuf,
    #[command(flatten)]
    pace: Pace,
    #[command(flatten)]
    root: DataRoot,
    #[command(flatten)]
    device: OnDevice,
}

/// How a worker works. Results do not depend on it.
#[derive(Args)]
pub(super) struct Pace {
    /// Write a checkpoint after every N iterations [default: every 3 seconds]
    #[arg(long, value_name = "N")]
    checkpoint_every: Option<NonZero<usize>>,
    /// What the machine draws while it works, for the ledger [default: measured where
    /// there is a counter]
    #[arg(long, value_name = "WATTS", value_parser = watts)]
    watts: Option<(Watts, String)>,
}

/// A power, and how it was written.
pub(super) fn watts(text: &str) -> Result<(Watts, String), sapwood_ledger::WrongWatts> {
    Ok((text.parse()?, text.into()))
}

impl Pace {
    /// The arguments that say the same.
    pub(super) fn arguments(&self) -> Vec<String> {
        let every = self.checkpoint_every.map(|n| ["--checkpoint-every".into(), n.to_string()]);
        let watts = self.watts.as_ref().map(|(_, text)| ["--watts".into(), text.clone()]);
        every.into_iter().chain(watts).flatten().collect()
    }

    /// Why the ledger's energies are not measured, where they are not: a line each.
    pub(super) fn unmeasured(&self, device: &OnDevice) -> Vec<String> {
        sapwood_lab::unmeasured(&device.device, self.watts())
    }

    fn watts(&self) -> Option<Watts> {
        self.watts.as_ref().map(|(watts, _)| *watts)
    }

    /// Works at a study in this process.
    pub(super) fn work(
        &self,
        criteria: &Criteria,
        plan: &Plan,
        folder: &StudyFolder,
        datasets: &Datasets,
        device: &OnDevice,
        stop: &AtomicBool,
    ) -> Result<Tally, Error> {
        let worker = sapwood_lab::study::Worker {
            criteria,
            plan,
            folder,
            datasets,
            device: &device.resolve()?,
            device_name: &device.device,
            watts: self.watts(),
            every: self.checkpoint_every.map_or_else(CheckpointEvery::default, CheckpointEvery::Iterations),
            reporter: &Bar::default(),
            stop,
        };
        Ok(worker.work()?)
    }
}

impl Worker {
    pub(super) fn run(self, criteria: &Criteria, out: &mut dyn Write) -> Result<(), Error> {
        let folder = StudyFolder::at(&self.study);
        let datasets = self.root.datasets();
        let plan = open(criteria, &folder, &datasets)?;
        let stop = stop_signal()?;
        let tally = self.pace.work(criteria, &plan, &folder, &datasets, &self.device, &stop)?;
        run::finish(tally, &plan, &folder, &self.pace.unmeasured(&self.device), out)
    }
}
