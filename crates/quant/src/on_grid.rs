//! Rounding tensors to the numbers of a grid.

use burn::tensor::Tensor;
use sapwood_graph::Grid;

/// The nearest numbers of a grid (fake quantisation). The gradient is 1 between the bounds and 0 beyond them: that
/// of a straight-through estimator (Bengio et al. 2013).
///
/// # Shapes
/// Any, and the same.
pub fn on_grid<const D: usize>(x: Tensor<D>, grid: &Grid) -> Tensor<D> {
    let [low, high] = grid.integers().map(|q| f64::from(grid.number(q)));
    let scale = f64::from(grid.scale());
    let x = x.clamp(low, high);
    let rounded = (x.clone().detach() / scale).round() * scale;
    match x.is_tracked() {
        true => x.clone() + (rounded - x.detach()),
        false => rounded,
    }
}
