//! `cluster`

use std::{collections::BTreeSet, fs, io::Write, path::PathBuf};

use clap::{Args, ValueEnum};
use sapwood_backend::{Ops, block_on};
use sapwood_core::{ModuleState, State, write_atomic};
use sapwood_lab::{
    Augmenting, Beginning, Beginnings, Clustering, Conditions, DataConfig, Datasets, Evaluate, Outputs,
    RunFolder, SharedLayer, SharedNet, SmallData, Start, TrainConfig, Transfer, digest, shared_paths, train,
};
use sapwood_models::{Opened, pack};
use sapwood_report::{Cell, Table};
use sapwood_train::{AdamW, Recipe, Schedule};

use super::{
    conditions::Surroundings,
    data_root::DataRoot,
    eval::line,
    image::Images,
    on_device::OnDevice,
    outputs::{MoreOutputs, hinted},
    weight_file::WeightFile,
};
use crate::Error;

/// Leave each layer few different weights, and train these: what is left packs well
///
/// k-means over the weights of each layer that are not zero, as in Deep Compression. With `--data` the shared values are
/// trained, each along the sum of the gradients of its weights; zeros stay zeros. Killed, it goes on when the same command
/// is given again.
#[derive(Args)]
pub(super) struct Cluster {
    #[command(flatten)]
    network: WeightFile,
    /// Among 2^BITS values in each linear layer, zeros apart
    #[arg(long, default_value_t = 5)]
    bits: u32,
    /// Bits for convolutions (2^BITS values each) [default: 8, or --bits if that is more]
    #[arg(long, value_name = "BITS")]
    conv_bits: Option<u32>,
    /// Bits for biases [default: they are not shared]
    #[arg(long, value_name = "BITS")]
    bias_bits: Option<u32>,
    /// Where shared values begin: between the smallest and the largest weight, where most weights are, or at weights
    /// that are drawn
    #[arg(long, value_enum, default_value_t = StartName::Linear)]
    start: StartName,
    /// How much squared error of a weight is accepted to save one bit, in units of the mean squared weight of its layer:
    /// weights take a value that is cheaper to say, or go; 0.01 is little and 0.1 much
    #[arg(long, value_name = "PRICE", default_value_t = 0.0)]
    bit_price: f64,
    /// What the shared values are trained on: see `data list`
    #[arg(long)]
    data: Option<String>,
    #[command(flatten)]
    images: Images,
    #[command(flatten)]
    outputs: MoreOutputs,
    /// Use the augmentation that is customary for the data set
    #[arg(long, requires = "data")]
    augment: bool,
    /// Times all examples are seen [default: 2]
    #[arg(long, requires = "data")]
    epochs: Option<usize>,
    /// Learning rate of adamw, which falls to 0 along a cosine [default: 0.0002]
    #[arg(long, requires = "data")]
    lr: Option<f64>,
    /// Examples of a step [default: 64]
    #[arg(long, requires = "data")]
    batch_size: Option<usize>,
    /// The seed of all that is random
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    root: DataRoot,
    #[command(flatten)]
    device: OnDevice,
}

#[derive(Clone, Copy, ValueEnum)]
enum StartName {
    Linear,
    Density,
    Random,
}

impl Cluster {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let device = self.device.resolve()?;
        let opened = self.network.open_to_change(&device)?;
        let (surroundings, folder) = (Surroundings::new(self.root.datasets(), device), self.folder());
        let conditions = surroundings.conditions();
        let training = match &self.data {
            None => {
                self.images.none()?;
                self.outputs.none()?;
                None
            }
            Some(data) => {
                let config = self.training(data, &opened, conditions.datasets)?;
                folder.check_removable()?;
                // Better now than once weights are shared.
                config.check_ahead(&folder, &conditions).map_err(|error| hinted(error, false))?;
                Some(config)
            }
        };
        let SharedNet { net, masks, layers } = self.clustering().share(opened.net.clone(), &opened.masks)?;
        let shared = Opened { net, masks, ..opened };
        let trained = match training {
            None => {
                let state = block_on(State::read(&shared.net))?;
                let file = pack(&shared.spec, shared.trained_on.as_ref(), state, shared.masks)?;
                write_atomic(&self.out, &file.to_bytes()?)?;
                None
            }
            Some(config) => {
                let beginning = self.beginning(&shared)?;
                let config = TrainConfig { beginning, shared: shared_paths(&layers), ..config };
                Some(self.train(&config, &folder, &conditions)?)
            }
        };
        write!(out, "{}", table(&layers).to_text())?;
        trained.into_iter().try_for_each(|line| writeln!(out, "{line}"))?;
        writeln!(out, "{}", self.out.display())?;
        Ok(())
    }

    fn clustering(&self) -> Clustering {
        Clustering {
            bits: self.bits,
            conv_bits: self.conv_bits.unwrap_or(self.bits.max(8)),
            bias_bits: self.bias_bits,
            start: match self.start {
                StartName::Linear => Beginnings::Linear,
                StartName::Density => Beginnings::Density,
                StartName::Random => Beginnings::Random,
            },
            bit_price: self.bit_price,
            seed: self.seed,
        }
    }

    /// The training, for now of the network as it was opened.
    fn training(&self, data: &str, opened: &Opened, datasets: &Datasets) -> Result<TrainConfig, Error> {
        let mut data = DataConfig::of_opened(data, opened);
        data.augment = Augmenting::Customary(self.augment);
        self.images.apply(&mut data)?;
        let recipe = Recipe::new(self.epochs.unwrap_or(2), AdamW::default(), self.lr.unwrap_or(2e-4));
        Ok(TrainConfig {
            model: opened.spec.clone(),
            beginning: self.beginning(opened)?,
            data: datasets.identified(data)?,
            outputs: Outputs { more: self.outputs.allowed, ..Outputs::default() },
            batch_size: self.batch_size.unwrap_or(64),
            seed: self.seed,
            recipe: Recipe { schedule: Schedule::Cosine { end: 0.0 }, ..recipe },
            sparse: None,
            quantize: None,
            regulariser: None,
            shared: BTreeSet::new(),
            transfer: Transfer::default(),
            small: SmallData::default(),
            evaluate: Evaluate::EveryEpoch,
            order: 0,
            ops: Ops::default(),
        })
    }

    /// Where a training begins: with these weights, which the file and the options decide.
    fn beginning(&self, opened: &Opened) -> Result<Beginning, Error> {
        let how = super::json::line(&self.clustering())?;
        let digest = digest(format!("{}\n{how}", self.network.digest(opened)?).as_bytes());
        let (net, masks) = (opened.net.clone(), opened.masks.clone());
        Ok(Beginning::From(Box::new(Start { digest, net, masks, trained_on: opened.trained_on.clone() })))
    }

    /// The folder of the training, beside the file.
    fn folder(&self) -> RunFolder {
        let mut place = self.out.clone().into_os_string();
        place.push(".run");
        RunFolder::new(place)
    }

    /// Trains the shared values in a folder that goes once the file is written.
    fn train(
        &self,
        config: &TrainConfig,
        folder: &RunFolder,
        conditions: &Conditions<'_>,
    ) -> Result<String, Error> {
        let test = train(config, folder, conditions).map_err(|error| hinted(error, false))?;
        let bytes = fs::read(folder.weights()).map_err(Error::file("read", folder.weights()))?;
        write_atomic(&self.out, &bytes)?;
        folder.remove()?;
        Ok(line(&test))
    }
}

fn table(layers: &[SharedLayer]) -> Table {
    let mut table = Table::new(["parameter", "not zero", "values", "moved by"]);
    for layer in layers {
        let counts = [layer.kept, layer.values].map(|n| Cell::count(n as u64));
        let error = Cell::written(layer.error, format!("{:.2} %", 100.0 * layer.error));
        table.row([layer.path.as_str().into()].into_iter().chain(counts).chain([error]));
    }
    table
}
