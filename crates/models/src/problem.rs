//! Why a file's tensors are not a network's.

use std::fmt;

use sapwood_core::{Mismatch, ParamPath};

use crate::note::below;

/// What is wrong with the tensors of a file that can be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The file does not say what network it belongs to, nobody else did, and none of the zoo fits.
    #[error("the weights do not say which model they belong to{}", match (nearest, alike) {
        _ if !unlike.is_empty() => {
            format!(", and are those of a vision transformer that the zoo does not have: {unlike}")
        }
        (Some((model, mismatch)), _) => {
            format!(", and do not fit `{model}`, which is nearest: {mismatch}{}", transposed(mismatch))
        }
        (None, Some(alike)) => format!(", and no model has their names; {alike}"),
        (None, None) => ", and no model has their names and shapes".to_string(),
    })]
    NoModel {
        /// The network that has most of the names, and what differs.
        nearest: Option<(String, Mismatch)>,
        /// The network that has most of the shapes, if more than half of all.
        alike: Option<Box<Alike>>,
        /// If it is a vision transformer, how it differs from the nearest one of the zoo.
        unlike: Unlike,
    },
    /// More than one network of the zoo fits.
    #[error("the weights do not say which model they belong to, and fit {}", models.join(" and "))]
    SeveralModels {
        /// Their names.
        models: Vec<&'static str>,
    },
    /// Names or shapes are not the network's.
    #[error("the weights do not fit the network: {}{}", match unlike.is_empty() {
        true => format!("{mismatch}{}", transposed(mismatch)),
        false => format!("they are those of another vision transformer: {unlike}"),
    }, match shared.as_str() {
        "" => String::new(),
        shared => format!("; all names begin with `{shared}.`"),
    })]
    Mismatch {
        /// All that differs.
        mismatch: Mismatch,
        /// What all names in the file begin with, where none is the network's.
        shared: String,
        /// If both are vision transformers, how they differ as such.
        unlike: Unlike,
    },
    /// The file holds no tensor that could be a network's.
    #[error("there are no weights in it")]
    NoTensors,
    /// Two sets of weights that differ.
    #[error("weights that fit lie {}, and they differ: choose one", below(keys))]
    SeveralFit {
        /// Below these keys.
        keys: Vec<String>,
    },
    /// Nothing lies below the key that was named.
    #[error("there is nothing below `{key}`: what is there lies {}", below(there))]
    NoKey {
        /// The key.
        key: String,
        /// The keys at the top.
        there: Vec<String>,
    },
    /// A tensor of the network that cannot be read.
    #[error("`{tensor}` is {why}")]
    Unreadable {
        /// Its name in the file.
        tensor: String,
        /// Why, and what to do: what follows "it is".
        why: String,
    },
    /// A mask with other values than 0 and 1.
    #[error("`{tensor}` is no mask: expected only 0 and 1, found {found}")]
    NotAMask {
        /// Its name in the file.
        tensor: String,
        /// The first other value.
        found: f64,
    },
    /// Weights before a mask is applied, without the mask.
    #[error(
        "`{tensor}` has no mask beside it: make the parametrisation permanent (`torch.nn.utils.parametrize.remove_parametrizations`, \
         or `remove` of what made it) and save again"
    )]
    NoMaskBeside {
        /// Its name in the file.
        tensor: String,
    },
    /// Masks of another network.
    #[error("the masks do not belong to this network: {0}")]
    Masks(Mismatch),
    /// Two sets of masks that differ.
    #[error("masks that fit lie {}, and they differ: keep one set in the file", below(keys))]
    SeveralMasks {
        /// Below these keys.
        keys: Vec<String>,
    },
    /// Masks that are named as such beside one that is not.
    #[error(
        "`{named}` is named as a mask, and `{plain}`, which holds only 0 and 1, as a weight: call it `{plain}_mask` \
         if it is a mask, or leave it out"
    )]
    MixedMasks {
        /// The first that is named as a mask.
        named: String,
        /// The first that is not.
        plain: String,
    },
    /// No masks where some were to be.
    #[error("there are no masks of this network in it: expected tensors `<parameter>_mask` of 0 and 1")]
    NoMasks,
    /// Masks beside the weights, and in a file of their own.
    #[error("the weights have masks of their own, and others were given")]
    MasksTwice,
    /// The size of an example was given, and the file is no ONNX file.
    #[error("it is no ONNX file, and only these leave the size of an example open: give none")]
    NoOpenSize,
    /// An ONNX file that leaves the size of an example open.
    #[error(transparent)]
    OpenSize(sapwood_onnx::Error),
    /// Zeros were to be kept, and there are none.
    #[error("no weight without a mask is zero, but for layers of nothing else: there is nothing to keep")]
    NoZeros,
    /// A name that the file does not have.
    #[error("no name in it has `{old}`, which was to be renamed")]
    UnusedRename {
        /// What was to be renamed.
        old: String,
    },
    /// Tensors of a network that nobody knows were to be renamed.
    #[error(
        "`{old}` was to be renamed, and what no network here is known by keeps its names: rename nothing"
    )]
    RenameOfUnknown {
        /// What was to be renamed.
        old: String,
    },
    /// Values that are not finite, and masks that do not fit.
    #[error(transparent)]
    Core(#[from] sapwood_core::Error),
}

/// A network whose weights have the shapes of others. It reads as a clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alike {
    /// Its name.
    pub model: String,
    /// How many tensors of two and more dimensions have a partner of the same shape.
    pub same: usize,
    /// How many there are on both sides.
    pub of: usize,
}

impl fmt::Display for Alike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, same, of } = self;
        write!(f, "by their shapes they are most like `{model}`, with {same} of {of} the same")
    }
}

/// How a vision transformer differs from one of the zoo. It reads as clauses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unlike(pub Box<[String]>);

impl Unlike {
    /// Whether there is no such difference.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Unlike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clauses = self.0.join("; ");
        write!(
            f,
            "{clauses}; a network that is not in the zoo is read from an ONNX file (`torch.onnx.export`)"
        )
    }
}

/// What to do where nothing differs but that rows stand for columns. Square weights are exchanged too, and do not show it.
fn transposed(mismatch: &Mismatch) -> &'static str {
    let is_transposed = |(_, expected, found): &(ParamPath, Vec<usize>, Vec<usize>)| {
        expected.len() == 2 && expected.iter().eq(found.iter().rev())
    };
    let misshapen = &mismatch.misshapen;
    let other = !mismatch.missing.is_empty() || !mismatch.unexpected.is_empty() || misshapen.is_empty();
    match !other && misshapen.iter().all(is_transposed) {
        true => {
            "; rows and columns are exchanged: transpose the weights of all linear layers and save the file again"
        }
        false => "",
    }
}

impl From<sapwood_core::graph::Error> for Problem {
    fn from(error: sapwood_core::graph::Error) -> Self {
        Self::Core(error.into())
    }
}
