//! The same fraction of every layer.

use sapwood_core::ParamInfo;

use super::apportion::Wish;
use crate::Sparsity;

/// `(1 - s) n` weights of a layer with n. The total is exact, and each layer is
/// within one weight of its fraction: the weights that rounding down leaves over
/// go to the layers with the largest remainders.
pub(super) fn wishes(layers: &[ParamInfo], sparsity: Sparsity) -> Vec<Wish> {
    let wish = |layer: &ParamInfo| layer.len() as u128 * sparsity.density_digits();
    layers.iter().map(|layer| Wish::fraction(wish(layer), sparsity.one())).collect()
}
