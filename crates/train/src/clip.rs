//! Clipping of the gradient by its global norm.

use burn::tensor::Tensor;
use sapwood_backend::{ordered, read_all};
use sapwood_core::Gradients;

use crate::Error;

/// Values that are summed on the device; the sums of these pieces are added in
/// f64.
const PIECE: usize = 1 << 20;

/// The Euclidean norm of all gradients together.
///
/// # Errors
/// A device that fails.
pub async fn global_norm(gradients: &Gradients) -> Result<f64, Error> {
    let squares = gradients.values().flat_map(|gradient| {
        let len = gradient.dims()[0];
        (0..len).step_by(PIECE).map(move |from| {
            let piece = gradient.clone().slice(from..len.min(from + PIECE));
            ordered::sum(piece.clone() * piece)
        })
    });
    let squares: Vec<Tensor<1>> = squares.collect();
    if squares.is_empty() {
        return Ok(0.0);
    }
    let sum: f64 = read_all(squares).await?.iter().flat_map(|sum| sum.iter::<f64>()).sum();
    Ok(sum.sqrt())
}

/// Scales all gradients so that their norm is at most `max`: PyTorch's
/// `clip_grad_norm_`, `g <- g min(1, max / (norm + 1e-6))`. Returns the norm
/// before; gradients with an infinite norm are left as they are.
///
/// # Errors
/// A device that fails.
pub async fn clip(gradients: &mut Gradients, max: f64) -> Result<f64, Error> {
    let norm = global_norm(gradients).await?;
    let factor = max / (norm + 1e-6);
    if norm.is_finite() && factor < 1.0 {
        let scaled = std::mem::take(gradients).into_iter().map(|(path, gradient)| (path, gradient * factor));
        *gradients = scaled.collect();
    }
    Ok(norm)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sapwood_backend::{DeviceSpec, block_on};

    fn check(max: f64, expected: [[f64; 2]; 2]) {
        let device = DeviceSpec::CPU.resolve().unwrap();
        let mut gradients = Gradients::new();
        gradients.insert("a".into(), Tensor::from_floats([3.0, -4.0], &device));
        gradients.insert("b".into(), Tensor::from_floats([12.0, 0.0], &device));
        assert_eq!(block_on(clip(&mut gradients, max)).unwrap(), 13.0);
        for (found, expected) in gradients.into_values().zip(expected) {
            let found = found.into_data().iter::<f64>().collect::<Vec<_>>();
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
        }
    }

    /// PyTorch 2.15: `torch.nn.utils.clip_grad_norm_([a, b], max)`.
    #[test]
    fn gradients_are_scaled_as_clip_grad_norm_scales_them() {
        check(1.0, [[0.230769217, -0.307692289], [0.923076868, 0.0]]);
        check(20.0, [[3.0, -4.0], [12.0, 0.0]]);
    }

    #[test]
    fn a_gradient_longer_than_one_piece_is_summed_whole() {
        let device = DeviceSpec::CPU.resolve().unwrap();
        let gradients = Gradients::from([("a".into(), Tensor::ones([PIECE + 3], &device))]);
        let norm = block_on(global_norm(&gradients)).unwrap();
        assert_eq!(norm, ((PIECE + 3) as f64).sqrt());
    }
}
