//! What `train` keeps of the weights that it begins with, and who teaches.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    str::FromStr,
};

use burn::prelude::Device;
use clap::{Args, ValueEnum};
use sapwood_backend::Seed;
use sapwood_core::{
    Observed as _, ParamPath, Role,
    graph::{Except, Exceptions},
    infos,
};
use sapwood_data::{Split, Task};
use sapwood_lab::{DataConfig, Datasets, Pull, Teacher, weights_digest};
use sapwood_models::{Init, Net, Opened, Spec};
use sapwood_train::Distillation;

use super::{integers, weight_file::hinted_among};
use crate::Error;

/// Below this number of images the batch's statistics say less of a task than those of the data that the weights
/// were trained on.
const FEW: usize = 1000;

/// Transfer learning.
#[derive(Args)]
#[command(next_help_heading = "Transfer learning")]
pub(super) struct TransferArgs {
    /// Draw the last layer anew, for the classes of the data set. Where nothing else is said of epochs, rates and batches,
    /// a recipe that suits the number of images is taken, and said
    #[arg(long, requires = "weights", conflicts_with = "new_classes")]
    new_head: bool,
    /// Train the last layer alone, for this number of epochs, on features that are computed once; instead of `--epochs`.
    /// Without `--lr` the learning rate of sgd is what these features allow
    #[arg(long, value_name = "EPOCHS", requires = "weights", conflicts_with = "epochs")]
    probe: Option<Epochs>,
    /// Then train all layers, for this number of epochs, at a tenth of the learning rate that was given, or at the
    /// one that was found, 0.02 at most; at that, where batch normalisation keeps its statistics, with gradients scaled down
    /// to a norm of 1 unless `--clip` says another; without this the probe is what is written
    #[arg(long, value_name = "EPOCHS", requires = "probe", conflicts_with = "epochs")]
    then: Option<Epochs>,
    /// Layers whose parameters and running statistics do not move, as in `stem`, `features.0-5`, `layer1.*`,
    /// `re:PATTERN` or `type:conv`
    #[arg(long, value_name = "LAYERS", value_delimiter = ',')]
    freeze: Vec<Except>,
    /// Layers whose parameters do not move
    #[arg(long, value_name = "LAYERS", value_delimiter = ',')]
    freeze_parameters: Vec<Except>,
    /// Batch normalisations that use the running statistics in training too, and keep them
    #[arg(long, value_name = "LAYERS", value_delimiter = ',')]
    freeze_statistics: Vec<Except>,
    /// First take the running statistics of batch normalisation from the training images, in the place of those that the
    /// weights come with; whether they then stay or learn is said as without this
    #[arg(long, requires = "weights")]
    pub(super) new_statistics: bool,
    /// Multiply the learning rate of these layers by a factor; of several that describe a layer the last counts
    #[arg(long, value_name = "LAYERS=FACTOR")]
    rate: Vec<LayerRate>,
    /// Pull weights towards those that training began with by this strength, and those of a new head towards zero by the
    /// second one, in the place of weight decay, as in 0.01,0.01
    #[arg(long, value_name = "ALPHA[,BETA]", requires = "weights", conflicts_with = "weight_decay")]
    l2_sp: Option<Strengths>,
    /// Let the last layers learn first, and earlier ones join them: from this epoch on all learn
    #[arg(long, value_name = "EPOCHS", requires = "weights")]
    unfreeze: Option<Epochs>,
    /// Learn also what this network answers to the same images, of which a new --model makes inputs as this one learnt
    #[arg(long, value_name = "FILE")]
    teacher: Option<PathBuf>,
    /// What is learnt of the teacher: all of its answers at once (Hinton et al. 2015), apart for the right class and the
    /// others (Zhao et al. 2022), where in the image its layers are active (Zagoruyko and Komodakis 2017), how much of its
    /// features a linear map of the student's explains (FitNets, Romero et al. 2015), or, without labels, what each of its
    /// blocks gives
    #[arg(long, value_enum, requires = "teacher", default_value_t = Method::Kd)]
    distill: Method,
    /// What logits are divided by before they are compared
    /// [default: 4]; for kd and dkd
    #[arg(long, requires = "teacher")]
    temperature: Option<f64>,
    /// The weight of the teacher's answers: with kd the labels have what is left of 1 [default: 0.9]; with dkd of
    /// the classes that are not right [default: 8]; with at of its attention maps [default: 1000]; with features of what
    /// of these is not explained [default: 1]
    #[arg(long, requires = "teacher", value_name = "WEIGHT")]
    teacher_weight: Option<f64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Method {
    Kd,
    Dkd,
    At,
    Features,
    Blocks,
}

/// A number of epochs: `20ep` or `20`.
#[derive(Clone, Copy)]
pub(super) struct Epochs(pub usize);

impl FromStr for Epochs {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_suffix("ep").unwrap_or(text).parse().ok().filter(|epochs| 0 < *epochs);
        number.map(Self).ok_or_else(|| "expected a number of epochs, 1 or more, as in 20ep".into())
    }
}

/// `LAYERS=FACTOR`.
#[derive(Clone)]
struct LayerRate {
    layers: Except,
    factor: f64,
}

impl FromStr for LayerRate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (layers, factor) = text.rsplit_once('=').ok_or("expected LAYERS=FACTOR, as in layer4.*=0.1")?;
        let layers = layers.parse().map_err(|error: sapwood_core::graph::Error| error.to_string())?;
        let factor: Option<f64> =
            factor.parse().ok().filter(|factor: &f64| factor.is_finite() && 0.0 <= *factor);
        Ok(Self {
            layers,
            factor: factor.ok_or_else(|| format!("expected a factor, 0 or above, in `{text}`"))?,
        })
    }
}

/// `ALPHA` or `ALPHA,BETA`: the second one is by default the first.
#[derive(Clone, Copy)]
struct Strengths {
    alpha: f64,
    beta: f64,
}

impl FromStr for Strengths {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (alpha, beta) = text.split_once(',').unwrap_or((text, text));
        let number = |text: &str| text.parse().ok().filter(|value: &f64| value.is_finite() && 0.0 <= *value);
        let both = number(alpha).zip(number(beta));
        let (alpha, beta) = both.ok_or_else(|| {
            format!("expected one or two numbers, 0 or above, as in 0.01,0.01, found `{text}`")
        })?;
        Ok(Self { alpha, beta })
    }
}

/// The error of a description of layers, by the option that it was given with.
fn of_option(option: &str, error: sapwood_core::graph::Error) -> Error {
    match error {
        sapwood_core::graph::Error::Exception { exception, problem, .. } => {
            Error::Usage(format!("`{option} {exception}` {problem}"))
        }
        error => sapwood_models::Error::from(error).into(),
    }
}

/// What of a network stays, by the names of layers.
pub(super) struct Kept {
    pub(super) frozen: BTreeSet<String>,
    pub(super) still: BTreeSet<String>,
    pub(super) rates: BTreeMap<ParamPath, f64>,
    pub(super) notes: Vec<String>,
}

impl TransferArgs {
    /// Whether a last layer is drawn anew, and nothing is said of how it is trained.
    pub(super) fn asks_for_a_recipe(&self) -> bool {
        self.new_head && self.probe.is_none()
    }

    /// With a probe of this number of epochs, and then this number for all layers.
    pub(super) fn probing(self, probe: usize, then: usize) -> Self {
        Self { probe: Some(Epochs(probe)), then: Some(Epochs(then)), ..self }
    }

    /// The epochs of a probe, and of what follows it.
    pub(super) fn phases(&self) -> Option<(usize, Option<usize>)> {
        self.probe.map(|Epochs(probe)| (probe, self.then()))
    }

    /// The epochs in which all layers are trained behind a probe.
    pub(super) fn then(&self) -> Option<usize> {
        self.then.map(|Epochs(then)| then)
    }

    /// The epochs after which all layers learn, where the last ones begin.
    pub(super) fn unfreeze(&self) -> Option<usize> {
        self.unfreeze.map(|Epochs(epochs)| epochs)
    }

    /// The pull towards the weights that training begins with, if there is one.
    pub(super) fn pull(&self, spec: &Spec) -> Result<Option<Pull>, Error> {
        let Some(Strengths { alpha, beta }) = self.l2_sp else { return Ok(None) };
        let graph = spec.graph()?;
        let new = match self.new_head {
            true => BTreeSet::from([graph.head().map_err(sapwood_models::Error::from)?.layer().to_string()]),
            false => BTreeSet::new(),
        };
        Ok(Some(Pull { alpha, beta, new }))
    }

    /// The network with a new last layer, if that is asked for; what it is told by changes with it.
    pub(super) fn head(
        &self,
        (opened, digest): (Opened, String),
        data: &DataConfig,
        datasets: &Datasets,
        seed: u64,
        device: &Device,
    ) -> Result<(Opened, String), Error> {
        if !self.new_head {
            return Ok((opened, digest));
        }
        let dataset = datasets.open(data, Split::Test)?;
        let Task::Classes(classes) = dataset.task() else {
            return Err(Error::Usage(format!(
                "`--new-head` is for classes: data set `{}` has none",
                data.name
            )));
        };
        let opened = opened.with_new_head(classes, Init::default(), Seed(seed), device)?;
        Ok((opened, sapwood_lab::digest(format!("{digest}\nnew head {classes} {seed}").as_bytes())))
    }

    /// What stays of a network that learns from this number of examples.
    pub(super) fn kept(&self, net: &Net, examples: usize) -> Result<Kept, Error> {
        let layers: Vec<(&str, &str)> = net
            .graph()
            .nodes()
            .iter()
            .filter(|node| node.op.has_parameters())
            .map(|node| (node.name.as_str(), node.op.kind()))
            .collect();
        let among = |option: &str, described: &[Except]| -> Result<BTreeSet<String>, Error> {
            let described: Exceptions = described.iter().cloned().collect();
            let found = described.among(layers.iter().copied()).map_err(|error| of_option(option, error))?;
            Ok(found.into_iter().map(Into::into).collect())
        };
        let norms: BTreeSet<String> = layers
            .iter()
            .filter(|(_, kind)| *kind == "batch_norm")
            .map(|(name, _)| (*name).to_string())
            .collect();
        let mut frozen = among("--freeze", &self.freeze)?;
        let mut still: BTreeSet<String> = frozen.intersection(&norms).cloned().collect();
        for described in &self.freeze_statistics {
            let found = among("--freeze-statistics", std::slice::from_ref(described))?;
            still.extend(found.intersection(&norms).cloned());
            if found.is_disjoint(&norms) {
                return Err(Error::Usage(format!(
                    "`--freeze-statistics {described}` describes no batch normalisation: other layers have no statistics"
                )));
            }
        }
        let mut notes = Vec::new();
        if self.new_head && self.freeze_statistics.is_empty() && examples < FEW && !norms.is_empty() {
            notes.push(format!(
                "batch normalisation keeps its running statistics: {examples} examples are too few for new ones"
            ));
            still.extend(norms);
        }
        let mut rates = BTreeMap::new();
        for LayerRate { layers: described, factor } in &self.rate {
            let layers = among("--rate", std::slice::from_ref(described))?;
            let paths = infos(net).into_iter().filter(|info| info.role != Role::Buffer).map(|info| info.path);
            rates.extend(paths.filter(|path| path.is_of(&layers)).map(|path| (path, *factor)));
        }
        frozen.extend(among("--freeze-parameters", &self.freeze_parameters)?);
        Ok(Kept { frozen, still, rates, notes })
    }

    /// The teacher, if there is one.
    pub(super) fn teacher(&self, device: &Device) -> Result<Option<Teacher>, Error> {
        let Some(path) = &self.teacher else { return Ok(None) };
        let plain = sapwood_models::Reading::of(None);
        let opened = plain.open(path, device).map_err(|error| hinted_among(error, &[]))?;
        integers::refuse(&opened, "those of a teacher")?;
        let Opened { spec, net, trained_on, .. } = opened;
        net.check_single()?;
        if self.temperature.is_some() && !matches!(self.distill, Method::Kd | Method::Dkd) {
            let problem =
                "`--temperature` divides logits, which only `--distill kd` and `dkd` compare: leave it out";
            return Err(Error::Usage(problem.into()));
        }
        let temperature = self.temperature.unwrap_or(4.0);
        let how = match self.distill {
            Method::Kd => Distillation::Kd { temperature, weight: self.teacher_weight.unwrap_or(0.9) },
            Method::Dkd => Distillation::Dkd {
                temperature,
                alpha: 1.0,
                beta: self.teacher_weight.unwrap_or(8.0),
                warm_up: 0,
            },
            Method::At => Distillation::At { weight: self.teacher_weight.unwrap_or(1000.0) },
            Method::Features => Distillation::Features { weight: self.teacher_weight.unwrap_or(1.0) },
            Method::Blocks if self.teacher_weight.is_some() => {
                let problem = "`--teacher-weight` says nothing with `--distill blocks`, which looks at no labels: leave it out";
                return Err(Error::Usage(problem.into()));
            }
            Method::Blocks => Distillation::Blocks,
        };
        how.check()?;
        Ok(Some(Teacher { digest: weights_digest(path)?, how, spec, net, trained_on }))
    }
}
