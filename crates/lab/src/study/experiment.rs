//! A study, as its file says it.

use sapwood_core::Step;
use sapwood_models::{Init, Padding, Shortcut, Spec};
use sapwood_prune::Sparsity;
use sapwood_sparse::Regulariser;
use sapwood_train::{Decay, Mixing, Optimizer, Recipe, Schedule};
use serde::{Deserialize, Serialize};
use toml::Table;

use super::{Method, Pretrained, Several};
use crate::Portion;
use crate::{DataConfig, Error, Evaluate};

/// A study of one kind. More kinds will come; each is a value of `kind` in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Networks are pruned in several ways and compared.
    Prune,
}

/// A study of pruning: a data set, a network, how it is trained, and in which ways it is
/// pruned. `docs/studies.md` describes the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Which kind of study this is.
    pub kind: Kind,
    /// The heading of its report.
    #[serde(default)]
    pub title: String,
    /// A paragraph for its report: what is asked.
    #[serde(default)]
    pub about: String,
    /// What is learnt.
    pub data: DataConfig,
    /// What learns it.
    pub model: ModelSettings,
    /// The weights that it begins with.
    #[serde(default)]
    pub init: Init,
    /// How it learns.
    pub training: Training,
    /// The trained weights that it begins with instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Pretrained>,
    /// The fractions of all prunable weights that are removed, for methods that do not
    /// name their own.
    #[serde(default)]
    pub sparsities: Vec<Sparsity>,
    /// Runs of each kind, with seeds `seed`, `seed + 1`, ...
    #[serde(default = "one")]
    pub replicates: u64,
    /// The seed of the first replicate.
    #[serde(default)]
    pub seed: u64,
    /// The ways of pruning.
    #[serde(default)]
    pub methods: Vec<Method>,
    /// Settings by their dotted keys, each with a list of values: the study is made for
    /// every combination of them.
    #[serde(default, skip_serializing_if = "Table::is_empty")]
    pub sweep: Table,
}

fn one() -> u64 {
    1
}

/// `[model]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSettings {
    /// Its name: see `list models`.
    pub name: String,
    /// Multiplies every hidden width.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<f64>,
    /// The shortcut of the CIFAR ResNets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shortcut: Option<Shortcut>,
    /// life-net: times the minimal network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overcompleteness: Option<usize>,
}

impl ModelSettings {
    /// A network of this name without options.
    pub(super) fn named(name: &str) -> Self {
        Self { name: name.into(), width: None, shortcut: None, overcompleteness: None }
    }
}

/// `[training]`: how the dense network is trained. Pruned ones are trained with the same
/// recipe, from where their method says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// The examples of a step.
    pub batch_size: usize,
    /// Times all examples are seen.
    pub epochs: usize,
    /// The rule by which weights move.
    pub optimizer: Optimizer,
    /// The learning rate that the schedule scales.
    pub learning_rate: f64,
    /// The course of the learning rate.
    #[serde(default)]
    pub schedule: Schedule,
    /// How long the learning rate rises at first.
    #[serde(default = "start")]
    pub warm_up: Step,
    /// Weight decay.
    #[serde(default)]
    pub weight_decay: f64,
    /// Which parameters decay.
    #[serde(default)]
    pub decay: Decay,
    /// The largest norm of the gradient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<f64>,
    /// How much of each target is spread over all classes.
    #[serde(default)]
    pub label_smoothing: f64,
    /// What drives channels of the dense network to zero, before they are removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regulariser: Option<Regulariser>,
    /// When networks are tested.
    #[serde(default)]
    pub evaluate: Evaluate,
    /// How many training examples are kept back, of each class its share: of each training the weights of the epoch that
    /// does best on them are left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_out: Option<Portion>,
    /// The decay of the average of all weights that each training leaves in the place of the last ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average: Option<f64>,
    /// How images of a batch are mixed in pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mix: Option<Mixing>,
}

fn start() -> Step {
    Step::START
}

impl Training {
    /// The recipe of the whole run.
    pub fn recipe(&self) -> Recipe {
        Recipe {
            schedule: self.schedule.clone(),
            warm_up: self.warm_up,
            weight_decay: self.weight_decay,
            decay: self.decay,
            clip: self.clip,
            label_smoothing: self.label_smoothing,
            ..Recipe::new(self.epochs, self.optimizer, self.learning_rate)
        }
    }
}

impl Experiment {
    /// The network, but for the size of its input and its classes, which are the data
    /// set's.
    ///
    /// # Errors
    /// A name that no network has; [`Error::Setting`] for an option that this one does not have.
    pub fn spec(&self) -> Result<Spec, Error> {
        let spec = Spec::named(&self.model.name)?;
        let (life, resnet) = (spec.model == "life-net", spec.model.starts_with("resnet-"));
        for (field, given, fits) in [
            ("width", self.model.width.is_some(), !life),
            ("shortcut", self.model.shortcut.is_some(), resnet),
            ("overcompleteness", self.model.overcompleteness.is_some(), life),
        ] {
            if given && !fits {
                let problem = format!("`model.{field}`: `{}` has no such option, leave it out", spec.model);
                return Err(Error::setting(format!("model.{field}"), problem));
            }
        }
        let boards = &self.data.options.life;
        let padding = match boards.boundary {
            _ if !life => Padding::default(),
            sapwood_data::life::Boundary::Torus => Padding::Circular,
            sapwood_data::life::Boundary::Zero => Padding::Zeros,
        };
        Ok(Spec {
            width: self.model.width.unwrap_or(1.0),
            shortcut: self.model.shortcut.unwrap_or_default(),
            overcompleteness: self.model.overcompleteness.unwrap_or(1),
            steps: if life { boards.steps } else { 1 },
            padding,
            ..spec
        })
    }

    /// The fractions that a method removes.
    pub fn sparsities_of<'a>(&'a self, method: &'a Method) -> &'a [Sparsity] {
        method.sparsity.as_ref().map_or(&self.sparsities, |Several(own)| own)
    }
}
