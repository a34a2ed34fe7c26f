//! Predictors by name.

use serde::{Deserialize, Serialize};

use super::{Bagged, Mlp, Ridge};
use crate::{Error, Predictor, Rows};

/// Any of the built-in predictors: in TOML, `predictor = "ridge"` and its options beside
/// it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "predictor", rename_all = "kebab-case")]
pub enum PredictorKind {
    /// See [`Ridge`].
    Ridge(Ridge),
    /// See [`Mlp`].
    Mlp(Mlp),
    /// See [`Bagged`].
    Bagged(Bagged),
}

impl Default for PredictorKind {
    fn default() -> Self {
        Self::Ridge(Ridge::default())
    }
}

impl PredictorKind {
    /// The names of all kinds.
    pub const NAMES: [&str; 3] = ["ridge", "mlp", "bagged"];

    /// The predictor of this name with its default options.
    ///
    /// # Errors
    /// A name that is none of [`PredictorKind::NAMES`].
    pub fn named(name: &str) -> Result<Self, Error> {
        match name {
            "ridge" => Ok(Self::Ridge(Ridge::default())),
            "mlp" => Ok(Self::Mlp(Mlp::default())),
            "bagged" => Ok(Self::Bagged(Bagged::default())),
            _ => Err(Error::unknown("predictor", name, Self::NAMES)),
        }
    }

    fn inner(&self) -> &dyn Predictor {
        match self {
            Self::Ridge(predictor) => predictor,
            Self::Mlp(predictor) => predictor,
            Self::Bagged(predictor) => predictor,
        }
    }
}

impl Predictor for PredictorKind {
    fn name(&self) -> &'static str {
        self.inner().name()
    }

    fn fit(&mut self, rows: &Rows, targets: &[f64], seed: u64) -> Result<(), Error> {
        match self {
            Self::Ridge(predictor) => predictor.fit(rows, targets, seed),
            Self::Mlp(predictor) => predictor.fit(rows, targets, seed),
            Self::Bagged(predictor) => predictor.fit(rows, targets, seed),
        }
    }

    fn predict(&self, rows: &Rows) -> Result<Vec<f64>, Error> {
        self.inner().predict(rows)
    }

    fn spread(&self, rows: &Rows) -> Result<Option<Vec<f64>>, Error> {
        self.inner().spread(rows)
    }
}
