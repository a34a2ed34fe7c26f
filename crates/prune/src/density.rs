//! What masks leave of each layer, and what to be warned of.

use std::fmt;

use sapwood_core::ParamPath;
use serde::Serialize;

/// What is kept of one parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayerDensity {
    /// The parameter.
    pub path: ParamPath,
    /// Kept weights.
    pub kept: usize,
    /// All weights.
    pub total: usize,
}

impl LayerDensity {
    /// The fraction that is kept.
    pub fn density(&self) -> f64 {
        self.kept as f64 / self.total.max(1) as f64
    }
}

/// Something that is no error, but that a user should know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// Nothing is left.
    NothingKept {
        /// How many weights there were.
        total: usize,
    },
    /// A layer lost all its weights while others have some: nothing passes through
    /// it any more (unless something leads around it).
    LayerCollapse {
        /// The parameter.
        path: ParamPath,
        /// How many weights it had.
        total: usize,
    },
    /// No path of kept weights leads from the input to an output: the outputs are
    /// constants.
    Disconnected,
    /// Kept weights that lie on no path from the input to an output, and do nothing.
    Ineffective {
        /// How many.
        weights: usize,
        /// Of how many that are kept.
        kept: usize,
    },
    /// Outputs of layers through which no path leads, and which could be removed whole.
    DeadFilters {
        /// How many.
        filters: usize,
        /// Of how many.
        of: usize,
        /// The layer that has most of them.
        most: String,
    },
}

impl Warning {
    /// The warnings about these layers.
    pub(crate) fn of(layers: &[LayerDensity]) -> Vec<Self> {
        if layers.iter().all(|layer| layer.kept == 0) {
            let total = layers.iter().map(|layer| layer.total).sum();
            return if total > 0 { vec![Self::NothingKept { total }] } else { Vec::new() };
        }
        let empty = layers.iter().filter(|layer| layer.kept == 0 && layer.total > 0);
        empty.map(|layer| Self::LayerCollapse { path: layer.path.clone(), total: layer.total }).collect()
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingKept { total } => {
                write!(f, "none of the {total} weights is kept: ask for a sparsity below 1")
            }
            Self::LayerCollapse { path, total } => write!(
                f,
                "layer collapse: none of the {total} weights of `{path}` is kept: remove fewer weights, exclude \
                 the layer, or choose an allocation other than `global`"
            ),
            Self::Disconnected => f.write_str(
                "no path leads from the input to an output: remove fewer weights, or choose an allocation other \
                 than `global`",
            ),
            Self::Ineffective { weights, kept } => write!(
                f,
                "{weights} of the {kept} kept weights lie on no path from the input to an output and do nothing"
            ),
            Self::DeadFilters { filters, of, most } => {
                write!(f, "{filters} of {of} filters have lost all paths, most of them in `{most}`")
            }
        }
    }
}
