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
    Augmenting, DataConfig, Datasets, Error as Lab, Known, Outputs,
    supernet::{CALIBRATION, JudgingImages},
};
use sapwood_supernet::{Supernet as Nested, SupernetSpec};

use crate::Error;

pub(super) use chosen::genome_of;

use super::{
    bar::Bar,
    data_root::DataRoot,
    image::SkipBad,
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
    #[command(flatten)]
    bad: SkipBad,
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
        let first = examples.map_or(String::new(), |examples| format!(", first {examples}"));
        let augmented = if *augment { ", augmented" } else { "" };
        let options = &images.options;
        let size = options.image.map_or(String::new(), |[c, h, w]| format!(" as {c}x{h}x{w}"));
        let formula = options.preprocess.as_ref().or(options.trained_with.as_ref());
        let formula = formula.map_or(String::new(), |formula| format!(" by {formula}"));
        format!(
            "data {data}{content}{size}{formula}{first}{augmented}{held_out}, calibration {calibration}, seed {seed}"
        )
    }

    /// The supernet of a file, and who judges its sub-networks.
    fn open(&self, weights: &Weights) -> Result<Judging, Error> {
        let device = self.device.resolve()?;
        let opened = weights.open(&device)?;
        let Self { examples, held_out, augment, .. } = *self;
        let augment = Augmenting::Customary(augment);
        let mut data = DataConfig { examples, held_out, augment, ..DataConfig::named(&self.data) };
        self.bad.apply(&mut data)?;
        let outputs = Outputs { more: self.outputs.allowed, ..Outputs::default() };
        let (datasets, statistics) = (self.root.datasets(), (self.calibration, Seed(self.seed)));
        let judging = Judging::of(opened, data, statistics, outputs, (&datasets, &device));
        let judging = judging.map_err(|error| match error {
            // Of the options that help with classes these commands have one.
            Lab::MoreOutputs { .. } => hinted(error, false),
            error => error.into(),
        })?;
        match self.by_held_out {
            true => Ok(Judging { images: judging.images.by_held_out(&judging.data, &datasets)?, ..judging }),
            false => Ok(judging),
        }
    }
}

/// The supernet of a file among the data on which its sub-networks are evaluated.
pub(super) struct Judging {
    pub(super) supernet: Nested,
    pub(super) images: JudgingImages,
    data: DataConfig,
    /// What a network that is cut out says of itself.
    pub(super) trained_on: Option<TrainedOn>,
}

impl Judging {
    /// Makes inputs of the data as those were that the supernet learnt from, and tells what is to be said of them.
    /// Statistics are of a number of images, which a seed draws.
    pub(super) fn of(
        (spec, supernet): (SupernetSpec, Nested),
        data: DataConfig,
        (calibration, seed): (usize, Seed),
        outputs: Outputs,
        (datasets, device): (&Datasets, &Device),
    ) -> Result<Self, Lab> {
        let (family, trained_on) = (supernet.family(), spec.trained_on.as_ref());
        let data = datasets.identified(data.suited_to_family(family, trained_on)?)?;
        let known = Known { trained_on, outputs };
        let images = JudgingImages::new((family, known), &data, calibration, seed, datasets, device)?;
        datasets.tell(&Bar::default());
        tell(images.classes());
        // Outputs that had no names get none by being looked at.
        let trained_on = trained_on.map(|_| images.trained_on());
        Ok(Self { supernet, images, data, trained_on })
    }
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
