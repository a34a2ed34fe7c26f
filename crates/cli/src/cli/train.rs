//! `train`

mod phases;
mod recipe;
mod suited;

use phases::{Phases, start};

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    num::NonZero,
    path::PathBuf,
};

use clap::{Args, ValueEnum};
use sapwood_backend::Ops;
use sapwood_core::{ParamPath, Source, Step};
use sapwood_data::{Split, Task};
use sapwood_lab::{
    Beginning, Conditions, DataConfig, Datasets, Evaluate, Outputs, RunFolder, SmallData, TrainConfig,
    Transfer,
};
use sapwood_models::{Init, NormScale, Spec};
use sapwood_sparse::Regulariser;

use super::{
    conditions::Surroundings,
    data_root::DataRoot,
    few_examples::{FewExamples, Mix},
    find_rate,
    image::Images,
    model_shape::ModelShape,
    on_device::OnDevice,
    outputs::MoreOutputs,
    own_input::is_file,
    rounding::Rounding,
    sparse::{Sparse, by_option},
    transfer::{Kept, TransferArgs},
    weight_file::Reading,
};
use crate::Error;

/// Train a network, or continue a training that was interrupted
///
/// The same command continues where it was killed, to the same bytes. The folder
/// holds weights.safetensors, curve.csv and record.json in the end. Without options
/// the recipe is one that suits small networks: 10 epochs of sgd in batches of 64, with
/// momentum 0.9 and a learning rate that falls from 0.1 to 0 along a cosine.
#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(super) struct Train {
    /// The network: see `list models`
    #[arg(long)]
    model: Option<String>,
    /// Begin with these weights (masked ones stay zero) instead of new ones
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Begin with new weights for the layers of this file, as of a network that was shrunk; constants keep the file's
    /// numbers
    #[arg(long, value_name = "FILE", conflicts_with_all = ["weights", "model"])]
    layers_of: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// The data set: see `data list`; arrays of your own are `arrays`, in the file that `--data-root` names
    #[arg(long)]
    data: String,
    /// The data have other classes than the weights were trained on: take the outputs for these, in
    /// the order of their names
    #[arg(long, requires = "weights")]
    new_classes: bool,
    #[command(flatten)]
    outputs: MoreOutputs,
    #[command(flatten)]
    images: Images,
    /// At most N training examples: the first N; of your own, which may be sorted by class, a
    /// random sample with each class's share
    #[arg(long, value_name = "N")]
    examples: Option<usize>,
    /// What computes the network: our kernels where there are some, or Burn's operations
    #[arg(long, value_name = "kernels|burn", default_value_t)]
    ops: Ops,
    /// The folder of the run [default: runs/MODEL-DATA-HASH]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Times all examples are seen [default: 10]
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Examples of a step [default: 64]
    #[arg(long, value_name = "N")]
    batch_size: Option<usize>,
    /// The seed of all that is random
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The rule by which weights move
    #[arg(long, value_enum, default_value_t = Rule::Sgd)]
    optimizer: Rule,
    /// Learning rate [default: 0.1 for sgd, 0.001 for adamw]
    #[arg(long)]
    lr: Option<f64>,
    /// Momentum of sgd [default: 0.9]
    #[arg(long)]
    momentum: Option<f64>,
    /// Nesterov's momentum of sgd
    #[arg(long)]
    nesterov: bool,
    /// Write nothing, but try rates from 1e-6 to 1 in 100 steps and say where the loss falls most steeply
    #[arg(long, conflicts_with_all = ["lr", "out", "probe", "keep"])]
    find_rate: bool,
    /// The decay of weights: of sgd added to the gradient times each weight, of adamw taken off beside it
    #[arg(long, default_value_t = 0.0)]
    weight_decay: f64,
    /// Do not decay biases and normalisation
    #[arg(long)]
    decay_weights_only: bool,
    /// The course of the learning rate; cosine ends at 0
    #[arg(long, value_enum, default_value_t = Course::Cosine)]
    schedule: Course,
    /// Where multi-step lowers the learning rate, as in 80ep,120ep
    #[arg(long, value_delimiter = ',', value_name = "STEPS", required_if_eq("schedule", "multi-step"))]
    milestones: Vec<Step>,
    /// The factor at each milestone [default: 0.1]
    #[arg(long)]
    gamma: Option<f64>,
    /// How long the learning rate rises at first, as in 5ep or 500it
    #[arg(long, value_name = "STEP", default_value = "0ep")]
    warm_up: Step,
    /// The largest norm of the gradient
    #[arg(long, value_name = "NORM")]
    clip: Option<f64>,
    /// The share of each label that is spread over all classes
    #[arg(long, default_value_t = 0.0)]
    label_smoothing: f64,
    /// Where training starts: the learning rate and the order of the data are those of a
    /// run that has come so far, as in 500it (to rewind)
    #[arg(long, value_name = "STEP", default_value = "0ep")]
    start_at: Step,
    /// Where training stops, as in 500it; 0it writes the initial weights
    #[arg(long, value_name = "STEP", default_value = "end")]
    until: Step,
    /// Leave the weights of these positions too, as in 1ep,2ep: weights-1ep.safetensors and so on. They are those of the
    /// training itself, also where the curve is that of an `--average`, or another epoch is left by `--hold-out`; of
    /// that of all layers, where a probe comes before it
    #[arg(long, value_delimiter = ',', value_name = "STEPS")]
    keep: Vec<Step>,
    #[command(flatten)]
    sparse: Sparse,
    #[command(flatten)]
    rounding: Rounding,
    /// Drive whole channels to zero before they are removed: group-norm=5e-4 (meant without weight decay),
    /// slimming=1e-5, growing=1e-4, or soft-filters=0.3
    #[arg(long, value_name = "NAME=NUMBER")]
    regulariser: Option<Regulariser>,
    /// Distribution of new weights: see `list inits`
    #[arg(long, default_value = "pytorch", conflicts_with = "weights")]
    init: String,
    /// Draw the scale of normalisation layers from [0, 1) instead of setting it to 1
    #[arg(long, conflicts_with = "weights")]
    norm_scale_uniform: bool,
    #[command(flatten)]
    shape: ModelShape,
    /// Write a checkpoint after every N iterations [default: every 3 seconds]
    #[arg(long, value_name = "N")]
    checkpoint_every: Option<NonZero<usize>>,
    #[command(flatten)]
    root: DataRoot,
    #[command(flatten)]
    device: OnDevice,
    // Last: a heading is that of all that follows.
    #[command(flatten)]
    few: FewExamples,
    /// Mix the images of each batch in pairs, and their labels: mixup=0.2 or cutmix=1
    #[arg(long, value_name = "NAME=ALPHA", help_heading = "Few examples")]
    mix: Option<Mix>,
    #[command(flatten)]
    transfer: TransferArgs,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Rule {
    Sgd,
    Adamw,
}

#[derive(Clone, Copy, ValueEnum)]
enum Course {
    Constant,
    MultiStep,
    Cosine,
}

impl Train {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        self.check()?;
        let device = self.device.resolve()?;
        let datasets = self.root.datasets();
        let teacher = self.transfer.teacher(&device)?;
        let (spec, beginning, data) = match (&self.weights, &self.model) {
            (Some(path), model) => {
                let opened = self.reading.open_to_change(path, model.as_deref(), &device)?;
                opened.net.check_single()?;
                let data = self.data(DataConfig::of_opened(&self.data, &opened), &datasets)?;
                let digest = self.reading.digest(path, &opened)?;
                let named = (opened, digest);
                let (mut opened, digest) = self.transfer.head(named, &data, &datasets, self.seed, &device)?;
                if self.new_classes {
                    opened.spec.onnx = opened.spec.onnx.of_others();
                }
                (opened.spec.clone(), Beginning::From(start(opened, digest)), data)
            }
            (None, Some(model)) => {
                self.reading.none()?;
                let spec = self.shape.apply(Spec::named(model)?, Some(&self.data))?;
                let mut data = DataConfig::named(&self.data);
                data.options.life = self.shape.boards();
                if let Some(teacher) = &teacher {
                    data = data.as_taught(&teacher.spec, teacher.trained_on.as_ref());
                }
                let data = self.data(data, &datasets)?;
                (fit(spec, &data, &datasets)?, Beginning::Drawn(self.init()?), data)
            }
            (None, None) => match &self.layers_of {
                Some(path) => {
                    self.shape.none("--layers-of")?;
                    let opened = self.reading.open_layers(path, &device)?;
                    opened.net.check_single()?;
                    let data = self.data(DataConfig::of_opened(&self.data, &opened), &datasets)?;
                    let (mut spec, init) = (opened.spec.clone(), self.init()?);
                    // Classes of the file are not taken, nor what may name them.
                    spec.onnx = spec.onnx.of_others();
                    let beginning = match opened.net.has_constants() {
                        true => {
                            let digest = self.reading.digest(path, &opened)?;
                            Beginning::Redrawn { init, layers_of: start(opened, digest) }
                        }
                        false => Beginning::Drawn(init),
                    };
                    (spec, beginning, data)
                }
                None => {
                    return Err(Error::Usage("expected `--model` or `--weights`, or `--layers-of`".into()));
                }
            },
        };
        let (this, suited) = self.suited(datasets.open(&data, Split::Train)?.len());
        let quantize = this.rounding.training(&spec)?;
        let mut config = TrainConfig {
            model: spec,
            beginning,
            data,
            outputs: Outputs { new: this.new_classes, more: this.outputs.allowed },
            batch_size: this.batch_size.unwrap_or(64),
            seed: this.seed,
            recipe: this.recipe(),
            sparse: None,
            quantize,
            regulariser: this.regulariser,
            shared: BTreeSet::new(),
            transfer: Transfer::default(),
            small: SmallData::default(),
            evaluate: Evaluate::EveryEpoch,
            order: 0,
            ops: this.ops,
        };
        config.small = this.few.of(config.train_source(&datasets, 0)?.examples());
        config.small.mixing = this.mix.map(|Mix(how)| how);
        if this.transfer.new_statistics {
            config = config.with_new_statistics(&datasets, &device)?;
        }
        let source = config.train_source(&datasets, 0)?;
        let Kept { frozen, still, rates, notes } =
            this.transfer.kept(&config.model.net(&device)?, source.examples())?;
        this.check_rates(&rates, &config.model)?;
        config.recipe.rates = rates;
        let (l2_sp, unfreeze) = (this.transfer.pull(&config.model)?, this.transfer.unfreeze());
        config.transfer = Transfer { frozen, still, notes, probe: false, teacher, l2_sp, unfreeze };
        config.sparse = this.sparse.training(|| Ok(config.recipe.clone().plan(source.batches())?))?;
        if this.find_rate {
            return find_rate::write(&sapwood_lab::try_rates(&config, &datasets, &device)?, out);
        }
        let is_rate_open =
            this.transfer.phases().is_some() && this.lr.is_none() && matches!(this.optimizer, Rule::Sgd);
        let surroundings = Surroundings::new(datasets, device).every(this.checkpoint_every);
        let conditions = Conditions { keep: &this.keep, ..surroundings.conditions() };
        let mut phases = Phases::new(this.transfer.phases(), suited);
        if is_rate_open {
            config.recipe.learning_rate = phases.suited_rate(&config, &conditions)?;
        }
        let name = format!("{}-{}-{}", config.model.model, config.data.name, phases.hash(&config)?);
        let folder = RunFolder::new(this.out.unwrap_or_else(|| ["runs", &name].iter().collect()));
        let test = phases.train(config, &folder, &conditions).map_err(by_option)?;
        writeln!(out, "{}", super::eval::line(&test))?;
        writeln!(out, "{}", folder.weights().display())?;
        Ok(())
    }

    /// The data set as the options say.
    fn data(&self, mut data: DataConfig, datasets: &Datasets) -> Result<DataConfig, Error> {
        data.examples = self.examples;
        self.few.apply(&mut data);
        self.images.apply(&mut data)?;
        Ok(datasets.identified(data)?)
    }

    /// Refuses options that would have no effect beside the others, and a file in the place of a data set.
    fn check(&self) -> Result<(), Error> {
        if is_file(&self.data) && sapwood_data::entry(&self.data).is_err() {
            return Err(Error::Usage(format!(
                "`--data` names a data set here: arrays of your own are learnt from with `--data arrays --data-root {}`",
                self.data
            )));
        }
        let multi_step = matches!(self.schedule, Course::MultiStep);
        let sgd = matches!(self.optimizer, Rule::Sgd);
        for (option, given, fits, to) in [
            ("--milestones", !self.milestones.is_empty(), multi_step, "--schedule multi-step"),
            ("--gamma", self.gamma.is_some(), multi_step, "--schedule multi-step"),
            ("--momentum", self.momentum.is_some(), sgd, "--optimizer sgd"),
            ("--nesterov", self.nesterov, sgd, "--optimizer sgd"),
            ("--decay-weights-only", self.decay_weights_only, self.weight_decay != 0.0, "--weight-decay"),
            ("--allow-more-outputs", self.outputs.allowed, self.weights.is_some(), "--weights"),
        ] {
            if given && !fits {
                return Err(Error::Usage(format!("`{option}` belongs to `{to}`: add that, or leave it out")));
            }
        }
        Ok(())
    }

    /// Refuses rates of layers that do not learn.
    fn check_rates(&self, rates: &BTreeMap<ParamPath, f64>, spec: &Spec) -> Result<(), Error> {
        let is_probe_alone = matches!(self.transfer.phases(), Some((_, None)));
        if rates.is_empty() || !is_probe_alone {
            return Ok(());
        }
        let graph = spec.graph()?;
        let head = graph.head().map_err(sapwood_models::Error::from)?.layer().to_string();
        let head = BTreeSet::from([head]);
        match rates.keys().find(|path| !path.is_of(&head)) {
            None => Ok(()),
            Some(path) => Err(Error::Usage(format!(
                "`--rate` describes `{}`, and `--probe` trains the last layer alone: add `--then`, or leave it out",
                path.layer()
            ))),
        }
    }

    fn init(&self) -> Result<Init, Error> {
        let norm_scale = if self.norm_scale_uniform { NormScale::Uniform } else { NormScale::One };
        Ok(Init { norm_scale, ..Init::named(&self.init)? })
    }
}

/// The network on the data set's shape and classes.
fn fit(spec: Spec, data: &DataConfig, datasets: &Datasets) -> Result<Spec, Error> {
    let dataset = datasets.open(data, Split::Test)?;
    let classes = match dataset.task() {
        Task::Dense(_) if spec.model == "life-net" => 1,
        task => task.outputs(),
    };
    Ok(spec.fit(dataset.shape(), classes))
}
