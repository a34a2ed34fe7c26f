//! What can go wrong in pruning.

use sapwood_core::{Cause, Mismatch, ParamPath, UnknownName};

use crate::{Ablation, Needs};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is no sparsity.
    #[error("`{found}` is no sparsity ({problem}): expected a decimal from 0 to 1 such as `0.9`, or `90%`")]
    Sparsity {
        /// What was written.
        found: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The name is not in a table.
    #[error(transparent)]
    UnknownName(#[from] UnknownName),
    /// Channels that cannot leave.
    #[error(transparent)]
    Shrink(#[from] sapwood_shrink::Error),
    /// Nothing is left to prune.
    #[error("nothing to prune: the network has {}", all_excluded(*layers))]
    NothingPrunable {
        /// How many convolutions and linear layers there were before exclusion.
        layers: usize,
    },
    /// A probe was asked for a parameter that its network does not have.
    #[error("the network has no parameter `{path}`: resolve the scope on the network that is scored")]
    NoParameter {
        /// Its name.
        path: ParamPath,
    },
    /// A criterion needs what the probe cannot give.
    #[error("the scores need {need}, which this probe cannot give: {}", need.remedy())]
    Unmet {
        /// What is missing.
        need: Needs,
    },
    /// A criterion gave the wrong number of scores.
    #[error("`{path}` has {expected} weights, but the criterion gave {found} scores")]
    ScoreCount {
        /// The parameter.
        path: ParamPath,
        /// Its number of weights.
        expected: usize,
        /// The number of scores.
        found: usize,
    },
    /// A score that cannot be ranked.
    #[error(
        "{count} scores of `{path}` are not finite (the first is {found}, at flat index {index}): \
         look for a loss or weight that overflowed{}",
        if *narrow { ", or compute in f64" } else { "" }
    )]
    NotFinite {
        /// The parameter.
        path: ParamPath,
        /// How many of its scores.
        count: usize,
        /// The flat index of the first of them, in PyTorch's layout.
        index: usize,
        /// Its value.
        found: f64,
        /// Whether it was computed in less than f64.
        narrow: bool,
    },
    /// Masks of one thing met those of another.
    #[error("the masks do not belong to {to}: {mismatch}")]
    Foreign {
        /// What they should belong to.
        to: &'static str,
        /// How they differ.
        mismatch: Mismatch,
    },
    /// Scores that were computed elsewhere are not those of the network.
    #[error(
        "the scores do not belong to the network: {mismatch}; expected one for each weight of its convolutions and \
         linear layers, by name and shape: take other tensors out, and exclude layers without scores"
    )]
    ForeignScores {
        /// How they differ.
        mismatch: Mismatch,
    },
    /// Masks for a parameter that is already computed from others.
    #[error(
        "`{path}` is computed by `{by}`, and Burn keeps one reparameterization per parameter: \
         call `materialize` on the network first"
    )]
    Reparameterized {
        /// The parameter.
        path: ParamPath,
        /// The name of the reparameterization that it has.
        by: String,
    },
    /// More weights should be kept than there are.
    #[error(
        "{asked} of {total} weights should be kept, but only {alive} are alive: \
         ask for a sparsity that does not fall, or start from denser masks"
    )]
    TooFewAlive {
        /// How many should be kept.
        asked: usize,
        /// How many there are in all.
        total: usize,
        /// How many are still alive.
        alive: usize,
    },
    /// Options that a criterion does not have, or cannot read.
    #[error("options of the criterion: {problem}")]
    Options {
        /// What is wrong.
        problem: String,
        /// What found it, if another error did.
        #[source]
        source: Option<Cause>,
    },
    /// A value that the criterion cannot take, or something that it cannot do.
    #[error("criterion `{criterion}`: {problem}")]
    CriterionOption {
        /// Its name.
        criterion: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// Masks alone were asked of a criterion that also changes the weights it keeps.
    #[error(
        "criterion `{criterion}` also changes the weights that it keeps, so its masks alone are not what it prunes: \
         call `Cut::prune`, which returns both"
    )]
    ChangesWeights {
        /// Its name.
        criterion: String,
    },
    /// A control was asked of a criterion that also changes the weights it keeps.
    #[error(
        "criterion `{criterion}` changes weights as it removes others, which leaves nothing to `{ablation}`"
    )]
    NothingToAblate {
        /// Its name.
        criterion: String,
        /// The control.
        ablation: Ablation,
    },
    /// A criterion found nothing that it could score.
    #[error("criterion `{criterion}` needs {expected}: exclude other layers, or choose another criterion")]
    NothingToScore {
        /// Its name.
        criterion: &'static str,
        /// What it looks for.
        expected: &'static str,
    },
    /// A parameter is not a layer of the graph that the network shows.
    #[error(
        "`{path}` belongs to no convolution or linear layer of the network's graph: exclude it, or name the graph's node after its layer"
    )]
    NotInGraph {
        /// The parameter.
        path: ParamPath,
    },
    /// A layer of the graph whose input the forward pass does not show.
    #[error(
        "the forward pass of the network does not show what comes into `{}`: call `Pass::show` with this name before \
         the layer runs, or exclude it",
        path.layer()
    )]
    NotShown {
        /// The parameter.
        path: ParamPath,
    },
    /// The weight of a transposed convolution, which has its inputs first, where its outputs would have to be.
    #[error("`{path}` is of a transposed convolution, which {what} cannot be used with: exclude it")]
    Transposed {
        /// The parameter.
        path: ParamPath,
        /// What asks for it.
        what: String,
    },
    /// A granularity that cannot be, here.
    #[error("granularity `{found}`: {problem}")]
    Granularity {
        /// What was asked for.
        found: String,
        /// What is wrong with it.
        problem: String,
    },
    /// An allocation table that cannot be kept.
    #[error("the allocation table cannot be kept: {problem}")]
    Table {
        /// What is wrong with it.
        problem: String,
    },
    /// A schedule that cannot be kept.
    #[error("`{field}` must be {expected}, but it is {found}")]
    Schedule {
        /// Which value.
        field: &'static str,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// Weights should be exchanged in a network that is dense.
    #[error(
        "regrowth exchanges the weights of a sparse network, and this one has no masks: prune it first (RigL begins \
         with criterion `random` and allocation `erk`)"
    )]
    NoMasks,
    /// Weights should be exchanged, and none could be.
    #[error(
        "nothing can be exchanged: {kept} of {total} weights are kept, and in no layer are {fraction} of them one weight \
         or more while others are gone: begin with another sparsity, or exchange a larger fraction"
    )]
    NothingToExchange {
        /// How many weights are kept.
        kept: usize,
        /// How many there are in all.
        total: usize,
        /// The fraction that should be exchanged at first.
        fraction: f64,
    },
    /// The network, a batch or the device failed.
    #[error(transparent)]
    Core(#[from] sapwood_core::Error),
}

/// What a network has of which nothing is left to prune.
fn all_excluded(layers: usize) -> String {
    match layers {
        0 => "no convolution or linear layer: choose another network".into(),
        1 => "1 convolution or linear layer, and it is excluded: leave it in".into(),
        _ => format!("{layers} convolutions and linear layers, and all of them are excluded: exclude fewer"),
    }
}

impl From<sapwood_core::graph::Error> for Error {
    fn from(error: sapwood_core::graph::Error) -> Self {
        Self::Core(error.into())
    }
}

impl From<sapwood_backend::Error> for Error {
    fn from(error: sapwood_backend::Error) -> Self {
        Self::Core(error.into())
    }
}
