//! Features that another network's can be told from.

use burn::tensor::Tensor;
use sapwood_backend::ordered;

/// The part of the variance of a teacher's features that no linear map of the student's explains, from 0 to 1: the loss
/// of hints (Romero et al. 2015, "FitNets: Hints for Thin Deep Nets", equation 3) with a 1x1 convolution as the
/// regressor, over the variance.
///
/// Unlike there the regressor is not learnt beside the student: on each batch it is the best one, by least squares
/// with a ridge of [`RIDGE`] times the student's mean variance. Its own gradient is zero then, so that the student's is
/// that of the whole (variable projection, Golub and Pereyra 1973), and a run has no state besides the network's.
///
/// # Shapes
/// `[N, C, H, W]`, the student's, and `[N, D, H, W]`; returns `[1]`.
pub(crate) fn unexplained(student: Tensor<4>, teacher: Tensor<4>) -> Tensor<1> {
    let [own, theirs] = [student, teacher].map(|values| {
        let [n, c, h, w] = values.dims();
        let rows = values.permute([0, 2, 3, 1]).reshape([n * h * w, c]);
        rows.clone() - rows.mean_dim(0)
    });
    let regressor = regressor(own.clone().inner(), theirs.clone().inner());
    let left = theirs.clone() - ordered::product(own, Tensor::from_inner(regressor));
    ordered::mean(left.square()) / ordered::mean(theirs.square()).clamp_min(LEAST_VARIANCE)
}

/// `(FᵀF + ridge I)⁻¹ Fᵀ T`
///
/// # Shapes
/// F `[rows, C]` and T `[rows, D]`; returns `[C, D]`.
fn regressor(own: Tensor<2>, theirs: Tensor<2>) -> Tensor<2> {
    let [rows, channels] = own.dims();
    let transposed = own.clone().transpose();
    let square = ordered::product(transposed.clone(), own) / rows as f64;
    let identity = Tensor::<2>::eye(channels, &square.device()).cast(square.dtype());
    let mean = ordered::sum(square.clone().mul(identity.clone())).clamp_min(LEAST_VARIANCE) / channels as f64;
    let square = square + identity.clone() * mean.reshape([1, 1]) * RIDGE;
    // Newton's iteration (Schulz 1933) on the matrix over its norm, whose eigenvalues are at most 1: products alone, so
    // that nothing leaves the device.
    let norm = ordered::sum(square.clone().square()).sqrt().reshape([1, 1]);
    let square = square / norm.clone();
    let mut inverse = identity.clone();
    for _ in 0..ROUNDS {
        let left = identity.clone() * 2.0 - ordered::product(square.clone(), inverse.clone());
        inverse = ordered::product(inverse, left);
    }
    ordered::product(inverse / norm, ordered::product(transposed, theirs) / rows as f64)
}

/// What is added to each channel's variance, as a part of the mean one.
const RIDGE: f64 = 1e-3;
/// Below this all features count as the same.
const LEAST_VARIANCE: f64 = 1e-12;
/// An eigenvalue x is inverted to (1 - x)^(2^ROUNDS): with the ridge of 1,000 channels that is nothing.
const ROUNDS: usize = 24;

#[cfg(test)]
mod tests {
    use sapwood_backend::DeviceSpec;

    use super::*;

    fn planes<const N: usize>(of: [f32; N], channels: usize) -> Tensor<4> {
        let device = DeviceSpec::CPU.resolve().unwrap();
        Tensor::<1>::from_data(of, &device).reshape([1, channels, 1, N / channels]).autodiff()
    }

    fn value(student: &Tensor<4>, teacher: &Tensor<4>) -> f64 {
        unexplained(student.clone(), teacher.clone()).into_scalar::<f64>()
    }

    #[test]
    fn what_a_linear_map_explains_is_no_distance() {
        let own = planes([1.0, 2.0, 3.0, 5.0, 0.0, -1.0, 4.0, 1.0], 2);
        // 2 a + b + 7, and -a.
        let mapped = planes([9.0, 10.0, 17.0, 18.0, -1.0, -2.0, -3.0, -5.0], 2);
        assert!(value(&own, &mapped) < 1e-5);
        // One channel (-1.75, -0.75, 0.25, 2.25 about its mean) of another (-1, -2, 3, 0): 1 - (a b)² / (a² b²), where the
        // ridge takes another thousandth's square off.
        let (a, b) = (planes([1.0, 2.0, 3.0, 5.0], 1), planes([0.0, -1.0, 4.0, 1.0], 1));
        assert!((value(&a, &b) - (1.0 - 4.0 * 4.0 / (8.75 * 14.0))).abs() < 1e-5);
    }

    #[test]
    fn the_gradient_is_that_of_the_whole_with_the_regressor_solved_again() {
        let at = |x: f32| planes([x, 2.0, 3.0, 5.0, 0.0, -1.0, 4.0, 1.0], 2);
        let theirs = planes([1.0, -2.0, 0.5, 3.0], 1);
        let own = at(1.0).require_grad();
        let gradient = own.grad(&unexplained(own.clone(), theirs.clone()).backward()).unwrap();
        let found = gradient.into_data().iter::<f64>().next().unwrap();
        let expected = (value(&at(1.05), &theirs) - value(&at(0.95), &theirs)) / 0.1;
        assert!((found - expected).abs() < 2e-3, "{found} {expected}");
    }

    #[test]
    fn features_that_are_all_the_same_have_a_finite_distance_and_gradient() {
        let own = planes([0.0; 8], 2).require_grad();
        let loss = unexplained(own.clone(), planes([1.0; 4], 1));
        let gradient = own.grad(&loss.clone().backward()).unwrap();
        assert!(loss.into_scalar::<f64>().is_finite());
        assert!(gradient.into_data().iter::<f64>().all(f64::is_finite));
    }
}
