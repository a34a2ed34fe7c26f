//! `compress`

use std::{io::Write, path::PathBuf, sync::atomic::AtomicBool};

use clap::Args;
use sapwood_core::{Except, write_atomic};
use sapwood_lab::{
    CheckpointEvery, Compressed, Compression, Conditions, DataConfig, Error as Lab, Outputs, Work,
    study::launcher::to_shell,
};
use sapwood_prune::{Criteria, Scope};
use sapwood_shrink::Share;
use sapwood_train::{Decay, Recipe, Schedule, Sgd};

use super::{
    bar::Bar,
    data_root::DataRoot,
    few_examples::FewExamples,
    image::Images,
    on_device::OnDevice,
    outputs::{MoreOutputs, hinted},
    weight_file::WeightFile,
};
use crate::Error;

/// Make a trained network smaller for as long as it stays about as good
///
/// Channels leave step by step, and after each step the network learns again, from labels and from the network as it came,
/// and takes the running statistics of batch normalisation anew, from training images.
/// A step with which more than --drop is lost, of what the network as it came has, is not taken, and half of it is tried.
/// One half of the test split decides that, and the accuracy that is told is that of the other half; with --hold-out training
/// examples decide. Then integers of 8 bits are made, where these lose no more either. The folder holds net.safetensors,
/// net.onnx, net-int8.safetensors, net-int8.onnx and report.html in the end; what cannot be made is said. The same command
/// goes on where it was killed; with another --drop it does no step again.
#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(super) struct Compress {
    #[command(flatten)]
    network: WeightFile,
    /// The data set that it learns from and is tested with: see `data list`
    #[arg(long)]
    data: String,
    #[command(flatten)]
    images: Images,
    #[command(flatten)]
    outputs: MoreOutputs,
    /// At most N training examples: see `train`
    #[arg(long, value_name = "N")]
    examples: Option<usize>,
    /// The most percentage points of accuracy that may be lost in all, on the examples that decide
    #[arg(long, value_name = "POINTS", default_value_t = 1.0)]
    drop: f64,
    /// Stop once this share of the multiply-accumulates is gone, as in 50%, or the time of --milliseconds is reached
    /// [default: as long as no more is lost than may be]
    #[arg(long, value_name = "SHARE")]
    macs: Option<Share>,
    /// Stop once one example takes no more than this, as `profile` measures it on one thread
    #[arg(long, value_name = "MS")]
    milliseconds: Option<f64>,
    /// The share of the multiply-accumulates that are left which leaves in each step
    #[arg(long, value_name = "SHARE", default_value = "30%")]
    step: Share,
    /// Which channels go first: see `list criteria`. The steps are its rounds: each scores once
    #[arg(long, default_value = "magnitude")]
    criterion: String,
    /// Leave the channels of these layers alone: a name, as in fc or 'layer1.*', 're:PATTERN' for the whole name, or a
    /// type, as in type:conv
    #[arg(long, visible_alias = "exclude", value_name = "LAYERS")]
    except: Vec<Except>,
    /// Make no integers
    #[arg(long)]
    no_integers: bool,
    /// Times all examples are seen after each step
    #[arg(long, value_name = "N", default_value_t = 5)]
    epochs: usize,
    /// The learning rate at first; it falls to 0 along a cosine in each step
    #[arg(long, default_value_t = 0.02)]
    lr: f64,
    /// The decay of weights, not of biases and normalisation
    #[arg(long, default_value_t = 5e-4)]
    weight_decay: f64,
    /// Scale the gradient down to this norm where it is larger; networks without batch normalisation diverge without that
    #[arg(long, value_name = "NORM", default_value_t = 1.0)]
    clip: f64,
    /// Examples that are learnt from at once
    #[arg(long, value_name = "N", default_value_t = 64)]
    batch_size: usize,
    /// The seed of all that is random
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The folder of what is made
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    #[command(flatten)]
    root: DataRoot,
    #[command(flatten)]
    device: OnDevice,
    // Last: a heading is that of all that follows.
    #[command(flatten)]
    few: FewExamples,
}

impl Compress {
    /// The page says by which words it was made.
    pub(super) fn run(
        self,
        criteria: &Criteria,
        typed: Vec<String>,
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        let device = self.device.resolve()?;
        let given = self.network.open_to_change(&device)?;
        given.net.check_single()?;
        let mut data = DataConfig::of_opened(&self.data, &given);
        data.examples = self.examples;
        self.few.apply(&mut data);
        self.images.apply(&mut data)?;
        let datasets = self.root.datasets();
        let examples = datasets.open(&data, sapwood_data::Split::Train)?.len();
        let compression = Compression {
            most_lost: self.drop,
            macs: self.macs,
            milliseconds: self.milliseconds,
            step: self.step,
            criterion: self.criterion,
            scope: Scope { exclude: self.except.into_iter().collect() },
            integers: !self.no_integers,
            data,
            outputs: Outputs { new: false, more: self.outputs.allowed },
            recipe: Recipe {
                schedule: Schedule::Cosine { end: 0.0 },
                weight_decay: self.weight_decay,
                decay: Decay::WeightsOnly,
                clip: Some(self.clip),
                ..Recipe::new(self.epochs, Sgd { momentum: 0.9, nesterov: true }, self.lr)
            },
            batch_size: self.batch_size,
            small: self.few.of(examples),
            seed: self.seed,
        };
        let conditions = Conditions {
            datasets: &datasets,
            device: &device,
            every: CheckpointEvery::default(),
            keep: &[],
            reporter: &Bar::default(),
            work: &Work::default(),
            stop: &AtomicBool::new(false),
        };
        let made = compression.carry_out(given, &self.out, criteria, &conditions);
        let Compressed { table, mut report, summary, mut files } = made.map_err(|error| match error {
            Lab::Setting { key, problem } if key == "most_lost" => {
                Error::Usage(format!("`--drop`: {problem}"))
            }
            Lab::Setting { key, problem } if key == "milliseconds" => {
                Error::Usage(format!("`--milliseconds`: {problem}"))
            }
            Lab::Setting { key, problem } if key == "small.hold_out" => {
                Error::Usage(format!("{problem}: `--hold-out 20%`"))
            }
            error => hinted(error, false),
        })?;
        report.command = to_shell(std::iter::once("sapwood".to_string()).chain(typed));
        let page = self.out.join("report.html");
        write_atomic(&page, report.to_html().map_err(Error::report)?.as_bytes())?;
        files.push(page);
        write!(out, "{}", table.to_text())?;
        writeln!(out, "{summary}")?;
        for file in files {
            writeln!(out, "{}", file.display())?;
        }
        Ok(())
    }
}
