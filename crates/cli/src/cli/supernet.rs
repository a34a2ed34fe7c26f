//! `supernet`

mod chosen;
mod eval;
mod export;
mod extract;
mod pairs;
mod report;
mod train;

use std::{io::Write, path::PathBuf};

use burn::prelude::Device;
use clap::{Args, Subcommand};
use sapwood_backend::Seed;
use sapwood_core::TrainedOn;
use sapwood_lab::{
    Augmenting, DataConfig, Known, Outputs,
    supernet::{CALIBRATION, JudgingImages},
};
use sapwood_supernet::{Supernet as Nested, SupernetSpec};

use crate::Error;

pub(super) use chosen::{genome_of, read_list};

use super::{
    data_root::DataRoot,
    on_device::OnDevice,
    outputs::{MoreOutputs, hinted, tell},
    weight_file::Naming,
};

/// Train nested networks, judge them and cut them out
#[derive(Args)]
pub(super) struct Supernet {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Train(train::Train),
    Report(report::Report),
    Eval(eval::Eval),
    Extract(extract::Extract),
    Export(export::Export),
    Pairs(pairs::Collect),
}

impl Supernet {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        match self.command {
            Command::Train(command) => command.run(out),
            Command::Report(command) => command.run(out),
            Command::Eval(command) => command.run(out),
            Command::Extract(command) => command.run(out),
            Command::Export(command) => command.run(out),
            Command::Pairs(command) => command.run(out),
        }
    }
}

/// By which data sub-networks are judged.
#[derive(Args)]
pub(super) struct JudgedBy {
    /// The data set: see `data list`
    #[arg(long)]
    data: String,
    /// Only the first N training images, as in training
    #[arg(long, value_name = "N")]
    examples: Option<usize>,
    /// N training images that the training left out, as in its `held_out`
    #[arg(long, value_name = "N")]
    held_out: Option<usize>,
    /// Judge by those and not by the test split
    #[arg(long, requires = "held_out")]
    by_held_out: bool,
    /// Augment the images that statistics are taken of, as in training
    #[arg(long)]
    augment: bool,
    /// Training images that statistics are taken of; all where there are fewer
    #[arg(long, default_value_t = CALIBRATION, value_name = "N")]
    calibration: usize,
    /// The seed of these images and of what is drawn
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    outputs: MoreOutputs,
    #[command(flatten)]
    root: DataRoot,
    #[command(flatten)]
    device: OnDevice,
}

impl JudgedBy {
    /// All that decides what a sub-network is found to be worth, but its weights.
    fn text(&self, images: &DataConfig) -> String {
        let Self { data, examples, augment, calibration, seed, .. } = self;
        let held_out = match (self.held_out, self.by_held_out) {
            (None, _) => String::new(),
            (Some(n), false) => format!(", without {n}"),
            (Some(n), true) => format!(", by {n} held out"),
        };
        let content = images.content.as_ref().map_or(String::new(), |content| format!(" {content}"));
        format!(
            "data {data}{content} {examples:?} {augment}{held_out}, calibration {calibration}, seed {seed}"
        )
    }

    /// The supernet of a file, and who judges its sub-networks.
    fn open(&self, weights: &Weights) -> Result<Judging, Error> {
        let device = self.device.resolve()?;
        let (spec, supernet) = weights.open(&device)?;
        let Self { examples, held_out, augment, .. } = *self;
        let augment = Augmenting::Customary(augment);
        let mut data = DataConfig { examples, held_out, augment, ..DataConfig::named(&self.data) };
        if data.is_own() {
            data.options.image = Some(spec.input);
        }
        let datasets = self.root.datasets();
        let data = datasets.identified(data)?;
        let outputs = Outputs { more: self.outputs.allowed, ..Outputs::default() };
        let known = Known { trained_on: spec.trained_on.as_ref(), outputs };
        let family = (supernet.family(), known);
        let images = JudgingImages::new(family, &data, self.calibration, Seed(self.seed), &datasets, &device)
            .map_err(|error| hinted(error, false))?;
        datasets.tell(&super::bar::Bar::default());
        tell(images.classes());
        let images = if self.by_held_out { images.by_held_out(&data, &datasets)? } else { images };
        // Outputs that had no names get none by being looked at.
        let trained_on = spec.trained_on.map(|_| images.trained_on());
        Ok(Judging { supernet, images, data, trained_on })
    }
}

/// The supernet of a file among the data on which its sub-networks are evaluated.
struct Judging {
    supernet: Nested,
    images: JudgingImages,
    data: DataConfig,
    /// What a network that is cut out says of itself.
    trained_on: Option<TrainedOn>,
}

/// A file of nested networks.
#[derive(Args)]
struct Weights {
    /// The supernet: what `supernet train` wrote, or one with the names of the PyPI package ofa
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// Its family, where the file does not say: see `list spaces`
    #[arg(long, value_name = "SPACE")]
    space: Option<String>,
    #[command(flatten)]
    naming: Naming,
}

impl Weights {
    fn open(&self, device: &Device) -> Result<(SupernetSpec, Nested), Error> {
        self.naming.open_nested(&self.weights, self.space.as_deref(), device)
    }
}
