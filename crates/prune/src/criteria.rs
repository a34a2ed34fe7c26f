//! The criteria of this crate, in one table.

mod bn_scale;
mod fisher;
mod force;
mod fpgm;
mod gradient_magnitude;
mod grasp;
mod iterative_snip;
mod magnitude;
mod movement;
mod random;
mod snip;
mod sparse_gpt;
mod stored;
mod synflow;
mod wanda;

use sapwood_backend::Seed;
use sapwood_core::{Norm, UnknownName};
use serde::de::DeserializeOwned;

use crate::{Criterion, Error, Needs, Options, ParamTensors, Probe, Response, mean_over_examples};

pub use bn_scale::BnScale;
pub use fisher::Fisher;
pub use force::Force;
pub use fpgm::Fpgm;
pub use gradient_magnitude::GradientMagnitude;
pub use grasp::{Grasp, GraspAbs, GraspEstimator};
pub use iterative_snip::IterativeSnip;
pub use magnitude::{Magnitude, NormalizedMagnitude};
pub use movement::Movement;
pub use random::Random;
pub use snip::{Snip, SnipVariant};
pub use sparse_gpt::SparseGpt;
pub use stored::Stored;
pub use synflow::{FlowNorm, SynFlow};
pub use wanda::Wanda;

/// Makes a criterion from its options.
pub type Build = fn(&Options, Seed) -> Result<Box<dyn Criterion>, Error>;

/// A row of [`CRITERIA`], or of another crate's own.
#[derive(Clone, Copy, Debug)]
pub struct CriterionEntry {
    /// The name by which it is asked for.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// Where it was published, or empty.
    pub paper: &'static str,
    /// Its options with their values, the default first, or empty.
    pub options: &'static str,
    /// What the probe must be able to give.
    pub needs: Needs,
    /// Makes it. The seed is for what it draws.
    pub build: Build,
}

/// All criteria, in the order in which they are shown. A new one is a file and a
/// row here; lists, help, documentation and the conformance tests follow.
pub const CRITERIA: &[CriterionEntry] = &[
    CriterionEntry {
        name: "magnitude",
        about: "the absolute value of the weight",
        paper: "Han et al. 2015, arXiv 1506.02626",
        options: "",
        needs: Needs::Weights,
        build: plain::<Magnitude>,
    },
    CriterionEntry {
        name: "magnitude-normalized",
        about: "the same, divided by the norm of the layer",
        paper: "Lee et al. 2024, arXiv 2304.14082",
        options: "",
        needs: Needs::Weights,
        build: plain::<NormalizedMagnitude>,
    },
    CriterionEntry {
        name: "random",
        about: "a random number: the baseline that every criterion must beat",
        paper: "",
        options: "",
        needs: Needs::Weights,
        build: |options, seed| {
            options.none()?;
            Ok(Box::new(Random(seed)))
        },
    },
    CriterionEntry {
        name: "snip",
        about: "how much the loss would change without the weight, to first order",
        paper: "Lee et al. 2019, arXiv 1810.02340",
        options: "variant=missing-the-mark|synaptic-flow|original",
        needs: Needs::Gradient,
        build: build::<Snip>,
    },
    CriterionEntry {
        name: "iterative-snip",
        about: "the same in 10 rounds, of the network that the last one left",
        paper: "de Jorge et al. 2021, arXiv 2006.09081",
        options: "",
        needs: Needs::Gradient,
        build: plain::<IterativeSnip>,
    },
    CriterionEntry {
        name: "force",
        about: "the same for all weights, so that removed ones may return",
        paper: "de Jorge et al. 2021, arXiv 2006.09081",
        options: "",
        needs: Needs::Gradient,
        build: plain::<Force>,
    },
    CriterionEntry {
        name: "grasp",
        about: "how much of the gradient's norm goes through the weight",
        paper: "Wang et al. 2020, arXiv 2002.07376",
        options: "temperature=200 estimator=per-batch|global-gradient",
        needs: Needs::Gradient,
        build: build::<Grasp>,
    },
    CriterionEntry {
        name: "grasp-abs",
        about: "the same, whatever its sign",
        paper: "Frankle et al. 2021, arXiv 2009.08576",
        options: "temperature=200 estimator=per-batch|global-gradient",
        needs: Needs::Gradient,
        build: build::<GraspAbs>,
    },
    CriterionEntry {
        name: "synflow",
        about: "how much flows through the weight, without data, in 100 rounds",
        paper: "Tanaka et al. 2020, arXiv 2006.05467",
        options: "norm=running-statistics|absolute-buffers|identity",
        needs: Needs::InputShape,
        build: build::<SynFlow>,
    },
    CriterionEntry {
        name: "gradient-magnitude",
        about: "the absolute value of the loss's gradient",
        paper: "",
        options: "",
        needs: Needs::Gradient,
        build: plain::<GradientMagnitude>,
    },
    CriterionEntry {
        name: "fisher",
        about: "how much the loss would rise, to second order, by the squares of gradients",
        paper: "Theis et al. 2018, arXiv 1801.05787",
        options: "",
        needs: Needs::Gradient,
        build: plain::<Fisher>,
    },
    CriterionEntry {
        name: "movement",
        about: "whether the weight moves away from zero",
        paper: "Sanh et al. 2020, arXiv 2005.07683",
        options: "",
        needs: Needs::Gradient,
        build: plain::<Movement>,
    },
    CriterionEntry {
        name: "wanda",
        about: "the weight by the norm of the input that it sees",
        paper: "Sun et al. 2024, arXiv 2306.11695",
        options: "",
        needs: Needs::LayerInputs,
        build: plain::<Wanda>,
    },
    CriterionEntry {
        name: "sparsegpt",
        about: "the error of the layer's output; kept weights make up for removed ones",
        paper: "Frantar & Alistarh 2023, arXiv 2301.00774",
        options: "dampening=0.01 block=128",
        needs: Needs::LayerInputs,
        build: build::<SparseGpt>,
    },
    CriterionEntry {
        name: "bn-scale",
        about: "the scale of the batch normalisation behind a filter",
        paper: "Liu et al. 2017, arXiv 1708.06519",
        options: "",
        needs: Needs::Graph,
        build: plain::<BnScale>,
    },
    CriterionEntry {
        name: "fpgm",
        about: "how far a filter is from the others of its layer",
        paper: "He et al. 2019, arXiv 1811.00250",
        options: "",
        needs: Needs::Weights,
        build: plain::<Fpgm>,
    },
];

/// Makes a criterion whose options are its fields.
///
/// # Errors
/// Those of [`Options::read`].
pub fn build<C: Criterion + DeserializeOwned + 'static>(
    options: &Options,
    _: Seed,
) -> Result<Box<dyn Criterion>, Error> {
    Ok(Box::new(options.read::<C>()?))
}

/// Makes a criterion that has no options.
///
/// # Errors
/// Those of [`Options::none`].
pub fn plain<C: Criterion + Default + 'static>(
    options: &Options,
    _: Seed,
) -> Result<Box<dyn Criterion>, Error> {
    options.none()?;
    Ok(Box::new(C::default()))
}

/// The row of this name among some, or an error that lists the nearest names.
///
/// # Errors
/// [`Error::UnknownName`].
pub fn find<'a>(rows: &'a [CriterionEntry], name: &str) -> Result<&'a CriterionEntry, Error> {
    let unknown = || UnknownName::new("criterion", name, rows.iter().map(|row| row.name));
    Ok(rows.iter().find(|row| row.name == name).ok_or_else(unknown)?)
}

/// The criteria that can be named: those of [`CRITERIA`], and others beside them.
#[derive(Clone, Debug)]
pub struct Criteria(Vec<CriterionEntry>);

impl Default for Criteria {
    /// Those of this crate.
    fn default() -> Self {
        Self(CRITERIA.to_vec())
    }
}

impl Criteria {
    /// With one more. It takes the place of one of the same name.
    pub fn with(mut self, entry: CriterionEntry) -> Self {
        self.0.retain(|row| row.name != entry.name);
        self.0.push(entry);
        self
    }

    /// All of them, in the order in which they are shown.
    pub fn entries(&self) -> &[CriterionEntry] {
        &self.0
    }

    /// The one of this name, or an error that lists the nearest names.
    ///
    /// # Errors
    /// [`Error::UnknownName`].
    pub fn find(&self, name: &str) -> Result<&CriterionEntry, Error> {
        find(&self.0, name)
    }
}

/// The criterion of this name with its default options, or an error that lists the
/// nearest names.
///
/// # Errors
/// [`Error::UnknownName`].
pub fn criterion(name: &str, seed: Seed) -> Result<Box<dyn Criterion>, Error> {
    (find(CRITERIA, name)?.build)(&Options::default(), seed)
}

/// The gradient of the mean loss of all examples, with the statistics of the batch.
fn mean_gradient(probe: &dyn Probe) -> Result<ParamTensors, Error> {
    mean_gradient_of(probe, 1.0)
}

/// The same with logits divided by a temperature.
fn mean_gradient_of(probe: &dyn Probe, temperature: f64) -> Result<ParamTensors, Error> {
    mean_over_examples(probe.examples()?, |batch| {
        probe.gradient(Response::Loss { batch, temperature }, Norm::Batch, None)
    })
}
