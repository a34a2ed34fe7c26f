//! What a training run is.

use std::{collections::BTreeSet, sync::Arc};

use burn::prelude::Device;
use sapwood_backend::{Ops, Seed};
use sapwood_core::{Masks, ParamPath, TrainedOn};
use sapwood_data::{Augmentation, Loader, LoaderOptions, Order, Split};
use sapwood_models::{Init, Net, Spec};
use sapwood_sparse::Regulariser;
use sapwood_train::Recipe;
use serde::{Deserialize, Serialize, Serializer};

use crate::{
    Augmenting, DataConfig, Datasets, Error, Known, Outputs, Quantize, SmallData, SparseTraining, Transfer,
    data_config::judging,
};

/// Everything that decides the outcome of a training run. Its hash names the run.
#[derive(Clone, Debug, Serialize)]
pub struct TrainConfig {
    /// The network.
    pub model: Spec,
    /// How it begins.
    #[serde(flatten)]
    pub beginning: Beginning,
    /// What it learns.
    pub data: DataConfig,
    /// Which of its outputs stands for which class, where it begins with weights.
    #[serde(flatten)]
    pub outputs: Outputs,
    /// The examples of a step.
    pub batch_size: usize,
    /// The seed of all random streams.
    pub seed: u64,
    /// How it learns.
    pub recipe: Recipe,
    /// How its masks change meanwhile, if they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sparse: Option<SparseTraining>,
    /// How it is rounded meanwhile, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantize: Option<Quantize>,
    /// What drives whole channels to zero meanwhile, if anything does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regulariser: Option<Regulariser>,
    /// Whose weights stay equal where they begin equal, and zero where they begin as zeros: see
    /// [`sapwood_train::SharedWeights`].
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub shared: BTreeSet<ParamPath>,
    /// What of it stays as it is, and who teaches it.
    #[serde(flatten)]
    pub transfer: Transfer,
    /// What helps it where examples are few.
    #[serde(flatten)]
    pub small: SmallData,
    /// When it is tested.
    #[serde(skip_serializing_if = "Evaluate::is_default")]
    pub evaluate: Evaluate,
    /// Which of several orders of the examples, all else being equal.
    #[serde(skip_serializing_if = "is_first")]
    pub order: u64,
    /// What computes it.
    #[serde(skip_serializing_if = "is_usual")]
    pub ops: Ops,
}

fn is_usual(ops: &Ops) -> bool {
    *ops == Ops::default()
}

fn is_first(order: &u64) -> bool {
    *order == 0
}

/// When a network is tested while it is trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evaluate {
    /// After each epoch.
    #[default]
    EveryEpoch,
    /// After the last one.
    AtEnd,
}

impl Evaluate {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The weights that a run begins with: `init` or `weights` in its configuration.
#[derive(Clone, Debug, Serialize)]
pub enum Beginning {
    /// New ones.
    #[serde(rename = "init")]
    Drawn(Init),
    /// New ones for the layers of a file whose network has constants: these stay.
    #[serde(rename = "redrawn")]
    Redrawn {
        /// How weights are drawn.
        init: Init,
        /// The file.
        layers_of: Box<Start>,
    },
    /// Those of a file.
    #[serde(rename = "weights")]
    From(Box<Start>),
    /// Those of a file but for running statistics, which were taken of the data: of these the last digits follow from what
    /// computed them, so the run's folder keeps them.
    #[serde(rename = "weights")]
    Renewed(Box<Start>),
}

/// What a weight file holds. A configuration tells it by its digest.
#[derive(Clone, Debug)]
pub struct Start {
    /// BLAKE3 of the file, in hexadecimal.
    pub digest: String,
    /// The network.
    pub net: Net,
    /// What stays zero.
    pub masks: Masks,
    /// What the network was trained on, where the file says it.
    pub trained_on: Option<TrainedOn>,
}

impl Beginning {
    /// The network as it begins, and what of it stays zero.
    pub(crate) fn network(&self, model: &Spec, seed: Seed, device: &Device) -> Result<(Net, Masks), Error> {
        Ok(match self {
            Self::Drawn(init) => (init.apply(model.net(device)?, seed), Masks::new()),
            Self::Redrawn { init, layers_of } => (layers_of.net.redrawn(*init, seed, device), Masks::new()),
            Self::From(start) | Self::Renewed(start) => (start.net.clone(), start.masks.clone()),
        })
    }
}

impl Serialize for Start {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.digest.serialize(serializer)
    }
}

impl TrainConfig {
    /// The name of the run that this describes: 16 hexadecimal digits.
    ///
    /// # Errors
    /// A setting that cannot be written down.
    pub fn hash(&self) -> Result<String, Error> {
        let mut named = self.clone();
        if let Some(chosen) = &mut named.data.only
            && chosen.digest.is_some()
        {
            // What is on a list decides, not where it lies.
            chosen.list = Default::default();
        }
        let text = serde_json::to_string(&named).map_err(Error::unwritable)?;
        Ok(blake3::hash(text.as_bytes()).to_hex()[..16].to_string())
    }

    /// What is known of the outputs of the network that it begins with.
    pub(crate) fn known(&self) -> Known<'_> {
        let trained_on = match &self.beginning {
            Beginning::Drawn(_) | Beginning::Redrawn { .. } => None,
            Beginning::From(start) | Beginning::Renewed(start) => start.trained_on.as_ref(),
        };
        Known { trained_on, outputs: self.outputs }
    }

    /// The batches of which bounds are taken: those that are learnt from, as they are without augmentation.
    pub(crate) fn plain_source(&self, datasets: &Datasets) -> Result<Loader, Error> {
        let data = DataConfig { augment: Augmenting::NONE, ..self.data.clone() };
        Self { data, order: 0, ..self.clone() }.train_source(datasets, 0)
    }

    /// The batches that are learnt from.
    ///
    /// # Errors
    /// Those of [`Datasets::open`]; a number of examples that cannot be kept back; batches of no examples; an
    /// augmentation that the data do not take.
    pub fn train_source(&self, datasets: &Datasets, workers: usize) -> Result<Loader, Error> {
        // Orders of one seed are far from those of the next seeds.
        let seed = Seed(self.seed.wrapping_add(self.order << 32));
        let options = LoaderOptions {
            batch_size: self.batch_size,
            order: Order::Shuffled(seed),
            augment: Augmentation { seed, steps: self.data.augmentation()? },
            workers,
            drop_last: false,
        };
        let dataset = datasets.open(&self.data, Split::Train)?;
        let dataset = match self.small.hold_out {
            Some(n) => Arc::new(dataset.hold_out_of_each(n)?.0),
            None => dataset,
        };
        Ok(Loader::new(dataset, options)?)
    }

    /// The training examples by which the best epoch is told, in order, where some are kept back for that.
    pub(crate) fn kept_back(&self, datasets: &Datasets) -> Result<Option<Loader>, Error> {
        let Some(n) = self.small.hold_out else { return Ok(None) };
        let held = datasets.open(&self.data, Split::Train)?.hold_out_of_each(n)?.1;
        Ok(Some(Loader::new(Arc::new(held), judging())?))
    }
}
