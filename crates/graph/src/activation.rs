//! The elementwise non-linearities.

use serde::{Deserialize, Serialize};

/// An elementwise non-linearity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// `max(x, 0)`
    Relu,
    /// `min(max(x, 0), 6)`
    Relu6,
    /// `x min(max(x + 3, 0), 6) / 6` (Howard et al. 2019, section 5.2)
    HSwish,
    /// `min(max(x + 3, 0), 6) / 6`
    HSigmoid,
    /// `x Phi(x)`, with the normal distribution's `Phi` (Hendrycks & Gimpel 2016)
    Gelu,
}

impl Activation {
    /// What nodes with it are called: `relu`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::Relu6 => "relu6",
            Self::HSwish => "h_swish",
            Self::HSigmoid => "h_sigmoid",
            Self::Gelu => "gelu",
        }
    }
}
