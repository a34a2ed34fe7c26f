//! What is removed together.

mod groups;
mod pattern;

use std::{fmt, num::NonZero, str::FromStr};

use sapwood_core::{ParamInfo, Role};
use serde::{Deserialize, Serialize};

use crate::{Allocation, Counted, Error, MaskSet, Needs, Prunable, Scores, Sparsity, Ties, Warning};

/// What is removed together. A weight of a convolution or linear layer is an
/// element of the matrix `[out, in/groups * kh * kw]`.
///
/// For blocks, kernels and filters the score of a group is the mean of its
/// weights' scores, and the sparsity is the fraction of *groups* that goes, exact
/// to the group. The last blocks of a row or column may be smaller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum Granularity {
    /// Each weight by itself.
    #[default]
    Weight,
    /// Of each `of` consecutive weights along the input dimension the best `keep` are
    /// kept: `2:4`. The sparsity is `1 - keep/of` and no other; where that is no finite
    /// decimal, as for `2:3`, it is written as `f64` shows it, `0.3333333333333333`. Inputs that
    /// are left over where `of` does not divide them stay dense, and so do layers that have fewer.
    Pattern {
        /// N of N:M.
        keep: NonZero<usize>,
        /// M of N:M.
        of: NonZero<usize>,
    },
    /// Blocks of the matrix.
    Block {
        /// Outputs in a block.
        rows: NonZero<usize>,
        /// Inputs in a block.
        columns: NonZero<usize>,
    },
    /// The `kh x kw` weights between one input and one output channel; single weights
    /// of linear layers.
    Kernel,
    /// All weights of one output: a filter, or a neuron of a linear layer.
    Filter,
    /// Channels, out of every layer that makes, normalises or reads them, with their biases and scales: what
    /// can be taken out of the network. The sparsity is a share of what is counted. Needs a probe of a network that
    /// shows its layers, and a [`Cut`](crate::Cut).
    Channel(Counted),
}

impl Granularity {
    /// What is kept, in groups of this kind.
    ///
    /// # Errors
    /// As for [`Self::check`] and [`MaskSet::of_scores`]; [`Error::Transposed`] where groups are of outputs, and
    /// [`Error::Unmet`] for channels.
    pub fn select(
        self,
        scores: &Scores,
        sparsity: Sparsity,
        allocation: &Allocation,
        alive: Option<&MaskSet>,
    ) -> Result<MaskSet, Error> {
        Ok(self.chosen(scores, sparsity, allocation, alive)?.0)
    }

    /// [`Self::select`], and the equal scores that were parted.
    pub(crate) fn chosen(
        self,
        scores: &Scores,
        sparsity: Sparsity,
        allocation: &Allocation,
        alive: Option<&MaskSet>,
    ) -> Result<(MaskSet, Option<Ties>), Error> {
        let mut transposed = scores.iter().filter(|(info, _)| info.role == Role::TransposedConvWeight);
        if let (false, Some((info, _))) = (matches!(self, Self::Weight | Self::Kernel), transposed.next()) {
            let unlike = if self == Self::Filter { " (unlike `channel`)" } else { "" };
            let what = format!("the granularity `{self}`{unlike}");
            return Err(Error::Transposed { path: info.path.clone(), what });
        }
        self.check(sparsity, allocation)?;
        match self {
            Self::Weight => MaskSet::chosen(scores, scores.prunable().params(), sparsity, allocation, alive),
            Self::Pattern { keep, of } => pattern::select(scores, [keep.get(), of.get()], alive),
            Self::Channel(_) => Err(Error::Unmet { need: Needs::Graph }),
            _ => groups::select(self, scores, sparsity, allocation, alive),
        }
    }

    /// Refuses a sparsity that it cannot have (a pattern has one), and an allocation that leaves it no choice.
    ///
    /// # Errors
    /// [`Error::Granularity`].
    pub fn check(self, sparsity: Sparsity, allocation: &Allocation) -> Result<(), Error> {
        match (self, allocation) {
            (Self::Pattern { keep, of }, _) => pattern::check([keep.get(), of.get()], sparsity, allocation),
            (Self::Filter, Allocation::Rows) => Err(Error::Granularity {
                found: self.to_string(),
                problem:
                    "the allocation `rows` keeps the same fraction of each filter, and a filter goes whole: \
                          choose another allocation"
                        .into(),
            }),
            _ => Ok(()),
        }
    }

    /// What it leaves dense of these layers, whatever their scores.
    pub fn left_dense(self, prunable: &Prunable) -> Vec<Warning> {
        match self {
            Self::Pattern { keep, of } if keep < of => pattern::left_dense(prunable, of.get()),
            _ => Vec::new(),
        }
    }

    /// How many groups of blocks, kernels or filters masks keep, and how many there are: those of which any weight
    /// is kept count. `None` for single weights and for patterns, which have no groups that are kept whole.
    pub fn groups(self, infos: &[ParamInfo], masks: &MaskSet) -> Option<[usize; 2]> {
        match self {
            Self::Weight | Self::Pattern { .. } | Self::Channel(_) => None,
            _ => Some(groups::count(self, infos, masks)),
        }
    }

    /// What its groups are called.
    pub fn group_name(self) -> String {
        match self {
            Self::Weight => "weights".into(),
            Self::Pattern { .. } => format!("groups of {self}"),
            Self::Block { .. } => format!("blocks of {self}"),
            Self::Kernel => "kernels".into(),
            Self::Filter => "filters".into(),
            Self::Channel(_) => "channels".into(),
        }
    }
}

impl fmt::Display for Granularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Weight => f.write_str("weight"),
            Self::Pattern { keep, of } => write!(f, "{keep}:{of}"),
            Self::Block { rows, columns } => write!(f, "{rows}x{columns}"),
            Self::Kernel => f.write_str("kernel"),
            Self::Filter => f.write_str("filter"),
            Self::Channel(counted) => {
                let row = Counted::NAMES.iter().find(|(_, known)| known == counted);
                f.write_str(row.map_or("channel", |(name, _)| name))
            }
        }
    }
}

impl FromStr for Granularity {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let pair = |separator| {
            let (a, b) = text.split_once(separator)?;
            Some((a.parse().ok()?, b.parse().ok()?))
        };
        if let Some((_, counted)) = Counted::NAMES.iter().find(|(name, _)| *name == text) {
            return Ok(Self::Channel(*counted));
        }
        match (text, pair(':'), pair('x')) {
            ("weight", ..) => Ok(Self::Weight),
            ("kernel", ..) => Ok(Self::Kernel),
            ("filter", ..) => Ok(Self::Filter),
            (_, Some((keep, of)), _) if keep <= of => Ok(Self::Pattern { keep, of }),
            (_, Some((keep, of)), _) => Err(Error::Granularity {
                found: text.into(),
                problem: format!("in N:M, N of M weights stay, so N is at most M: is {of}:{keep} meant?"),
            }),
            (.., Some((rows, columns))) => Ok(Self::Block { rows, columns }),
            _ => Err(Error::Granularity {
                found: text.into(),
                problem: "expected weight, kernel, filter, channel, channel-macs, channel-params, a pattern such as \
                          2:4 or a block such as 4x4"
                    .into(),
            }),
        }
    }
}

impl TryFrom<String> for Granularity {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Granularity> for String {
    fn from(granularity: Granularity) -> Self {
        granularity.to_string()
    }
}
