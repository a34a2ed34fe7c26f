//! `compress`

mod learning;
mod limits;
mod plan;

use std::{io::Write, path::PathBuf};

use clap::{ArgGroup, Args};
use sapwood_core::{Except, write_atomic};
use sapwood_lab::{Compressed, Compression, DataConfig, Error as Lab, Outputs, study::launcher::to_shell};
use sapwood_prune::{Criteria, Scope};
use sapwood_shrink::Share;
use sapwood_train::Error as Train;
use serde::Serialize;

use self::learning::Learning;
use super::{
    conditions::Surroundings,
    data_root::DataRoot,
    few_examples::FewExamples,
    image::Images,
    json,
    on_device::OnDevice,
    outputs::{MoreOutputs, hinted},
    shrink::multiple::Multiple,
    weight_file::WeightFile,
};
use crate::Error;

/// Make a trained network smaller for as long as it stays about as good
///
/// Channels leave step by step, and after each step the network learns again, from labels and from the network as it came,
/// and takes the running statistics of batch normalisation anew, from training images.
/// A step with which more than --drop is lost, of what the network as it came has, is not taken, and half of it is tried.
/// One half of the test split decides that, and the accuracy that is told is that of the other half; with --hold-out training
/// examples decide. Then integers of 8 bits are made, where these lose no more either: the nearest, those of GPTQ, or, where
/// both lose too much, with the layers that cost most in floating point. Integers that take longer than floating point are
/// written, but with --milliseconds the network in floating point counts as what came of it; without it the smaller file does,
/// and the line below the table says how many times as long the integers take. The folder holds net.safetensors, net.onnx, net-int8.safetensors, net-int8.onnx and
/// report.html in the end; what cannot be made is said. The same command goes on where it was killed; with another --drop it
/// does no step again.
#[derive(Args)]
#[command(allow_negative_numbers = true)]
#[command(group = ArgGroup::new("result").args(["out", "plan"]).required(true).multiple(true))]
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
    /// Stop once one example takes no more than this, as `profile` measures it on --threads
    #[arg(long, value_name = "MS")]
    milliseconds: Option<f64>,
    /// Threads on which all networks are timed
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    threads: u32,
    /// The share of the multiply-accumulates that are left which leaves in each step
    #[arg(long, value_name = "SHARE", default_value = "30%")]
    step: Share,
    /// Make the channels that stay a multiple of this, the nearest, where a layer has that many; auto takes the numbers that a
    /// register of this machine holds. A layer with no more channels than that keeps all of them, so 1 leaves small networks
    /// smaller, and the same on every machine
    #[arg(long, value_name = "N|auto", default_value = "1")]
    round_to: Multiple,
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
    #[command(flatten)]
    learning: Learning,
    /// The seed of all that is random
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Write nothing, but say how good, large and fast the network is as it comes, which channels leave together, why the
    /// others stay, how far it could go at the most, and at most about how long a step learns; of --out what would be refused
    #[arg(long)]
    plan: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The folder of what is made
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    root: DataRoot,
    #[command(flatten)]
    device: OnDevice,
    // Last: a heading is that of all that follows.
    #[command(flatten)]
    few: FewExamples,
}

/// What came of it, for a program.
#[derive(Serialize)]
struct Json<'a> {
    #[serde(flatten)]
    made: &'a Compressed,
    files: Vec<String>,
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
        let compression = self.compression(data, examples);
        let surroundings = Surroundings::new(datasets, device);
        let conditions = surroundings.conditions();
        let folder = match (self.plan, &self.out) {
            (false, Some(folder)) => folder,
            (_, folder) => {
                let planned = compression.plan(given, folder.as_deref(), criteria, &conditions);
                let planned = planned.map_err(explained)?;
                match self.json {
                    true => plan::write_json(&planned, out)?,
                    false => plan::write(&planned, out)?,
                }
                plan::tell(&planned, (self.macs, self.milliseconds));
                return Ok(());
            }
        };
        let mut made = compression.carry_out(given, folder, criteria, &conditions).map_err(explained)?;
        made.report.command = to_shell(std::iter::once("sapwood".to_string()).chain(typed));
        let page = folder.join("report.html");
        write_atomic(&page, made.report.to_html().map_err(Error::report)?.as_bytes())?;
        made.files.push(page);
        limits::tell(&made);
        let files = made.files.iter().map(|file| file.display().to_string());
        if self.json {
            writeln!(out, "{}", json::lines(&Json { files: files.collect(), made: &made })?)?;
            return Ok(());
        }
        write!(out, "{}", made.table.to_text())?;
        writeln!(out, "{}", made.summary)?;
        for file in files {
            writeln!(out, "{file}")?;
        }
        Ok(())
    }

    /// What the options say, for a training split of this number of examples.
    fn compression(&self, data: DataConfig, examples: usize) -> Compression {
        Compression {
            file: self.network.path().to_path_buf(),
            most_lost: self.drop,
            macs: self.macs,
            milliseconds: self.milliseconds,
            threads: self.threads as usize,
            step: self.step,
            round_to: self.round_to.number(),
            criterion: self.criterion.clone(),
            scope: Scope { exclude: self.except.iter().cloned().collect() },
            integers: !self.no_integers,
            data,
            outputs: Outputs { new: false, more: self.outputs.allowed },
            recipe: self.learning.recipe(),
            batch_size: self.learning.batch_size,
            small: self.few.of(examples),
            seed: self.seed,
        }
    }
}

/// An error of the lab with the option that it is about.
fn explained(error: Lab) -> Error {
    match error {
        Lab::Setting { key, problem } if key == "most_lost" => Error::Usage(format!("`--drop`: {problem}")),
        Lab::Setting { key, problem } if key == "milliseconds" => {
            Error::Usage(format!("`--milliseconds`: {problem}"))
        }
        Lab::Setting { key, problem } if key == "small.hold_out" => {
            Error::Usage(format!("{problem}: `--hold-out 20%`"))
        }
        Lab::Train(Train::NotFinite { what, value, iteration, .. }) => {
            let said = format!(
                "the training of a step diverged, its {what} is {value} at iteration {iteration} (counted from 0): lower \
                 `--lr`, or `--clip`"
            );
            Error::Hinted { said, error: error.into() }
        }
        error => hinted(error, false),
    }
}
