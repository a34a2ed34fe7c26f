//! What masks leave of each layer.

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
