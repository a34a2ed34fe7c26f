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

/// Each row between its own bounds, widened to 0, in 255 steps: ONNX's DynamicQuantizeLinear, row by row, so that
/// no example changes what another one gives.
///
/// # Shapes
/// `[N, C, H, W]` with a row for each `N`; the same.
pub fn on_own_grids(x: Tensor<4>) -> Tensor<4> {
    const STEPS: f64 = 255.0;
    let [n, c, h, w] = x.dims();
    let rows = x.reshape([n, c * h * w]);
    let (low, high) = (rows.clone().min_dim(1).clamp_max(0.0), rows.clone().max_dim(1).clamp_min(0.0));
    let scale = (high - low.clone()) / STEPS;
    // A row of nothing else than 0 stays so.
    let scale = scale.clone().mask_fill(scale.equal_elem(0.0), 1.0);
    let zero = (low.neg() / scale.clone()).round().clamp(0.0, STEPS);
    let integers = ((rows / scale.clone()).round() + zero.clone()).clamp(0.0, STEPS);
    ((integers - zero) * scale).reshape([n, c, h, w])
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;
    use sapwood_backend::DeviceSpec;

    use super::*;

    /// The example of ONNX's DynamicQuantizeLinear, as the first of two rows.
    #[test]
    fn rows_are_rounded_as_onnx_rounds_tensors() {
        let device = DeviceSpec::CPU.resolve().unwrap();
        let x = vec![0.0f32, 2.0, -3.0, -2.5, 1.34, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let x = Tensor::<4>::from_data(TensorData::new(x, [2, 6, 1, 1]), &device);
        let found: Vec<f32> = on_own_grids(x).into_data().iter().collect();
        let integers = [153.0f32, 255.0, 0.0, 26.0, 221.0, 179.0];
        for (found, q) in found.iter().zip(integers) {
            assert!((found - (q - 153.0) * 5.0 / 255.0).abs() < 1e-6, "{found} {q}");
        }
        assert_eq!(found[6..], [0.0; 6]);
    }
}
