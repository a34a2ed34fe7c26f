//! Operations that training spends its time on.
//!
//! Each is defined by a plain composition of Burn's own operations, and that is what
//! runs wherever there is no kernel of ours: [`sapwood_kernels`] has them for the CPU
//! backend, in f32 and f64.

mod activation;
mod affine;
mod conv;
mod extension;
#[cfg(feature = "flex")]
mod flex;
mod gradients;
mod norm;
mod optimizer;
pub mod ordered;

use std::{fmt, str::FromStr};

use burn::{
    prelude::Device,
    tensor::{DType, Tensor},
};
pub use sapwood_kernels::{Activation, AdamWStep, SgdStep};

use serde::{Deserialize, Serialize};

use crate::Error;
pub use norm::BatchNormalized;
pub use optimizer::{adamw_step, sgd_step};

/// What an operation does with its result before it gives it away: adds the
/// residual, if there is one, and sends the sum through the activation.
#[derive(Clone, Debug, Default)]
pub struct Epilogue {
    /// Of the result's shape.
    pub residual: Option<Tensor<4>>,
    /// None for the sum itself.
    pub activation: Option<Activation>,
}

impl Epilogue {
    /// Whether the kernels can compute it for this input and these values of its channels: there
    /// is no empty one, and nothing is stretched. What does not fit is left to Burn, whose message
    /// names it.
    fn fits<const N: usize>(&self, x: &Tensor<4>, of_channels: [&Tensor<1>; N]) -> bool {
        let dims = x.dims();
        dims.iter().all(|size| *size > 0)
            && of_channels.iter().all(|values| values.dims() == [dims[1]])
            && self.residual.as_ref().is_none_or(|residual| residual.dims() == dims)
    }

    fn apply(self, x: Tensor<4>) -> Tensor<4> {
        let x = match self.residual {
            Some(residual) => x + residual,
            None => x,
        };
        match self.activation {
            Some(activation) => activation::composed(x, activation),
            None => x,
        }
    }
}

/// Which implementation of the operations to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ops {
    /// Kernels of ours where there are some, else Burn's operations.
    #[default]
    Kernels,
    /// Burn's operations, for comparison.
    Burn,
}

impl FromStr for Ops {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "kernels" => Ok(Self::Kernels),
            "burn" => Ok(Self::Burn),
            _ => Err(Error::UnknownOps { found: text.into() }),
        }
    }
}

impl fmt::Display for Ops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kernels => "kernels",
            Self::Burn => "burn",
        })
    }
}

impl Ops {
    /// Whether an operation uses its kernel for tensors of these types where this one is.
    fn has_kernels<const D: usize>(
        self,
        operation: &'static str,
        x: &Tensor<D>,
        types: impl IntoIterator<Item = DType>,
    ) -> bool {
        let dtype = x.dtype();
        let is_there =
            matches!(dtype, DType::F32 | DType::F64) && types.into_iter().all(|other| other == dtype);
        let kernel = self == Self::Kernels && is_there && is_cpu(&x.device());
        tracing::trace!(operation, kernel, shape = ?x.dims(), dtype = dtype.name(), "operation");
        kernel
    }
}

/// Whether this is the device that there are kernels for.
pub(crate) fn is_cpu(device: &Device) -> bool {
    #[cfg(feature = "flex")]
    return *device == Device::flex();
    #[cfg(not(feature = "flex"))]
    {
        _ = device;
        false
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests;
