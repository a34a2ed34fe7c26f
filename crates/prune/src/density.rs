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
    /// A layer lost all its weights while others have some: nothing passes through
    /// it any more (unless something leads around it).
    LayerCollapse {
        /// The parameter.
        path: ParamPath,
        /// How many weights it had.
        total: usize,
    },
}

impl Warning {
    /// The warnings about these layers.
    pub(crate) fn of(layers: &[LayerDensity]) -> Vec<Self> {
        if layers.iter().all(|layer| layer.kept == 0) {
            return Vec::new();
        }
        let empty = layers.iter().filter(|layer| layer.kept == 0 && layer.total > 0);
        empty.map(|layer| Self::LayerCollapse { path: layer.path.clone(), total: layer.total }).collect()
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LayerCollapse { path, total } => write!(
                f,
                "layer collapse: none of the {total} weights of `{path}` is kept: remove fewer weights, exclude \
                 the layer, or choose an allocation other than `global`"
            ),
        }
    }
}
