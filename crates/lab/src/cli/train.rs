//! `train`

use std::{io::Write, num::NonZero, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use sapwood_core::Step;
use sapwood_data::{OpenOptions, Split, Task, life::Boundary};
use sapwood_models::{Init, NormScale, Padding, Shortcut, Spec};
use sapwood_train::{AdamW, Decay, Recipe, Schedule, Sgd};

use super::{DataRoot, OnDevice, bar::Bar};
use crate::{CheckpointEvery, DataConfig, Error, RunFolder, Start, TrainConfig};

/// Train a network, or continue a training that was interrupted
///
/// The same command continues where it was killed, to the same bytes. The folder
/// holds weights.safetensors, curve.csv and record.json in the end.
#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(super) struct Train {
    /// The network: see `list models`
    #[arg(long)]
    model: Option<String>,
    /// Begin with these weights (masked ones stay zero) instead of new ones
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// The data set: see `data list`
    #[arg(long)]
    data: String,
    /// Only the first so many training examples
    #[arg(long, value_name = "N")]
    examples: Option<usize>,
    /// Use the augmentation that is customary for the data set
    #[arg(long)]
    augment: bool,
    /// The folder of the run [default: runs/MODEL-DATA-HASH]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Times all examples are seen
    #[arg(long, default_value_t = 10)]
    epochs: usize,
    /// Examples of a step
    #[arg(long, default_value_t = 128)]
    batch_size: usize,
    /// The seed of all that is random
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[arg(long, value_enum, default_value_t = Rule::Sgd)]
    optimizer: Rule,
    /// Learning rate [default: 0.1 for sgd, 0.001 for adamw]
    #[arg(long)]
    lr: Option<f64>,
    /// Momentum of sgd
    #[arg(long, default_value_t = 0.9)]
    momentum: f64,
    /// Nesterov's momentum
    #[arg(long)]
    nesterov: bool,
    #[arg(long, default_value_t = 0.0)]
    weight_decay: f64,
    /// Do not decay biases and normalisation
    #[arg(long)]
    decay_weights_only: bool,
    #[arg(long, value_enum, default_value_t = Course::Constant)]
    schedule: Course,
    /// Where multi-step lowers the learning rate, as in 80ep,120ep
    #[arg(long, value_delimiter = ',', value_name = "STEPS", required_if_eq("schedule", "multi-step"))]
    milestones: Vec<Step>,
    /// The factor at each milestone
    #[arg(long, default_value_t = 0.1)]
    gamma: f64,
    /// How long the learning rate rises at first, as in 5ep or 500it
    #[arg(long, value_name = "STEP", default_value = "0ep")]
    warm_up: Step,
    /// The largest norm of the gradient
    #[arg(long, value_name = "NORM")]
    clip: Option<f64>,
    #[arg(long, default_value_t = 0.0)]
    label_smoothing: f64,
    /// Distribution of new weights: see `list inits`
    #[arg(long, default_value = "pytorch", conflicts_with = "weights")]
    init: String,
    /// Draw the scale of normalisation layers from [0, 1) instead of setting it to 1
    #[arg(long, conflicts_with = "weights")]
    norm_scale_uniform: bool,
    #[command(flatten)]
    shape: ModelShape,
    /// Write a checkpoint after so many iterations [default: every 30 seconds]
    #[arg(long, value_name = "N")]
    checkpoint_every: Option<NonZero<usize>>,
    #[command(flatten)]
    root: DataRoot,
    #[command(flatten)]
    device: OnDevice,
}

/// Options that change a network's shape.
#[derive(Args)]
pub(super) struct ModelShape {
    /// Multiply every hidden width
    #[arg(long, default_value_t = 1.0, conflicts_with = "weights")]
    width: f64,
    /// Shortcut of the CIFAR ResNets
    #[arg(long, value_enum, default_value_t = ShortcutName::B, conflicts_with = "weights")]
    shortcut: ShortcutName,
    /// life-net: times the minimal network
    #[arg(long, default_value_t = 1, value_name = "M", conflicts_with = "weights")]
    overcompleteness: usize,
    /// life and life-net: steps to predict
    #[arg(long, default_value_t = 1, value_name = "N")]
    steps: usize,
    /// life and life-net: what lies beyond the edge of the board
    #[arg(long, value_enum, default_value_t = Edge::Torus)]
    boundary: Edge,
}

#[derive(Clone, Copy, ValueEnum)]
enum Edge {
    Torus,
    Zero,
}

#[derive(Clone, Copy, ValueEnum)]
enum ShortcutName {
    A,
    B,
}

#[derive(Clone, Copy, ValueEnum)]
enum Rule {
    Sgd,
    Adamw,
}

#[derive(Clone, Copy, ValueEnum)]
enum Course {
    Constant,
    MultiStep,
    Cosine,
}

impl ModelShape {
    pub(super) fn apply(&self, spec: Spec) -> Spec {
        let shortcut = match self.shortcut {
            ShortcutName::A => Shortcut::A,
            ShortcutName::B => Shortcut::B,
        };
        Spec {
            width: self.width,
            shortcut,
            overcompleteness: self.overcompleteness,
            steps: self.steps,
            padding: match self.boundary {
                _ if spec.model != "life-net" => Padding::default(),
                Edge::Torus => Padding::Circular,
                Edge::Zero => Padding::Zeros,
            },
            ..spec
        }
    }
}

impl Train {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        if !self.milestones.is_empty() && !matches!(self.schedule, Course::MultiStep) {
            return Err(Error::Usage("`--milestones` belong to `--schedule multi-step`".into()));
        }
        let device = self.device.resolve()?;
        let mut options = OpenOptions::default();
        options.life.steps = self.shape.steps;
        options.life.boundary = match self.shape.boundary {
            Edge::Torus => Boundary::Torus,
            Edge::Zero => Boundary::Zero,
        };
        let mut data =
            DataConfig { name: self.data.clone(), examples: self.examples, augment: self.augment, options };
        let (spec, start, digest) = match (&self.weights, &self.model) {
            (Some(path), model) => {
                let opened = sapwood_models::open(path, model.as_deref(), &device)?;
                if opened.spec.model == "life-net" {
                    data.options = DataConfig::of(&self.data, &opened.spec).options;
                }
                let bytes = std::fs::read(path).map_err(Error::file("read", path))?;
                let digest = blake3::hash(&bytes).to_hex().to_string();
                (opened.spec, Some(Start { net: opened.net, masks: opened.masks }), Some(digest))
            }
            (None, Some(model)) => {
                let spec = self.shape.apply(Spec::named(model)?);
                (fit(spec, &data, &self.root)?, None, None)
            }
            (None, None) => return Err(Error::Usage("expected `--model` or `--weights`".into())),
        };
        let config = TrainConfig {
            init: self.init()?,
            model: spec,
            weights: digest,
            data,
            batch_size: self.batch_size,
            seed: self.seed,
            recipe: self.recipe(),
        };
        let every = match self.checkpoint_every {
            Some(n) => CheckpointEvery::Iterations(n),
            None => CheckpointEvery::Time(Duration::from_secs(30)),
        };
        let folder = RunFolder::new(self.out.unwrap_or_else(|| {
            ["runs", &format!("{}-{}-{}", config.model.model, config.data.name, config.hash())]
                .iter()
                .collect()
        }));
        let test =
            crate::train(&config, start, &folder, &self.root.data_root, &device, every, &Bar::default())?;
        writeln!(out, "{}", super::eval::line(&test))?;
        writeln!(out, "{}", folder.weights().display())?;
        Ok(())
    }

    fn init(&self) -> Result<Init, Error> {
        let norm_scale = if self.norm_scale_uniform { NormScale::Uniform } else { NormScale::One };
        Ok(Init { norm_scale, ..Init::named(&self.init)? })
    }

    fn recipe(&self) -> Recipe {
        let schedule = match self.schedule {
            Course::Constant => Schedule::Constant,
            Course::MultiStep => {
                Schedule::MultiStep { milestones: self.milestones.clone(), gamma: self.gamma }
            }
            Course::Cosine => Schedule::Cosine { end: 0.0 },
        };
        let base = match self.optimizer {
            Rule::Sgd => {
                let sgd = Sgd { momentum: self.momentum, nesterov: self.nesterov };
                Recipe::new(self.epochs, sgd, self.lr.unwrap_or(0.1))
            }
            Rule::Adamw => Recipe::new(self.epochs, AdamW::default(), self.lr.unwrap_or(0.001)),
        };
        Recipe {
            schedule,
            warm_up: self.warm_up,
            weight_decay: self.weight_decay,
            decay: if self.decay_weights_only { Decay::WeightsOnly } else { Decay::All },
            clip: self.clip,
            label_smoothing: self.label_smoothing,
            ..base
        }
    }
}

/// The network on the data set's shape and classes.
fn fit(spec: Spec, data: &DataConfig, root: &DataRoot) -> Result<Spec, Error> {
    let dataset = data.open(Split::Test, &root.data_root)?;
    let classes = match dataset.task() {
        Task::Dense(_) if spec.model == "life-net" => 1,
        task => task.outputs(),
    };
    Ok(spec.fit(dataset.shape(), classes))
}
