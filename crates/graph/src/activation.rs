//! The elementwise non-linearities.

use std::hash::{Hash, Hasher};

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
    /// `x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2`, which is nearly the above.
    GeluTanh,
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// `tanh(x)`
    Tanh,
    /// `x / (1 + exp(-x))` (Elfwing et al. 2017); also called swish.
    Silu,
    /// `x tanh(log(1 + exp(x)))` (Misra 2019)
    Mish,
    /// `log(1 + exp(x))`
    Softplus,
    /// `x` above 0, and this multiple of it below (Maas et al. 2013).
    LeakyRelu(Factor),
    /// `x` above 0, and this multiple of `exp(x) - 1` below (Clevert et al. 2015).
    Elu(Factor),
    /// `1.0507 (max(x, 0) + 1.6733 (exp(min(x, 0)) - 1))` (Klambauer et al. 2017)
    Selu,
    /// `min(max(x, low), high)`
    Clip(Factor, Factor),
}

/// A number that belongs to an activation. Two are equal if they have the same bits.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Factor(pub f64);

impl PartialEq for Factor {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Factor {}

impl Hash for Factor {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl Activation {
    /// The two numbers of [`Activation::Selu`]: by what `exp(x) - 1` is multiplied below 0, and by what all is then
    /// (Klambauer et al. 2017, their alpha and lambda).
    pub const SELU: [f64; 2] = [1.673_263_242_354_377_2, 1.050_700_987_355_480_5];

    /// What nodes with it are called: `relu`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::Relu6 => "relu6",
            Self::HSwish => "h_swish",
            Self::HSigmoid => "h_sigmoid",
            Self::Gelu => "gelu",
            Self::GeluTanh => "gelu_tanh",
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Silu => "silu",
            Self::Mish => "mish",
            Self::Softplus => "softplus",
            Self::LeakyRelu(_) => "leaky_relu",
            Self::Elu(_) => "elu",
            Self::Selu => "selu",
            Self::Clip(..) => "clip",
        }
    }
}
