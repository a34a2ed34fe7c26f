//! Attention maps: where a network looks.

use burn::tensor::Tensor;
use sapwood_backend::ordered;

/// The mean over all elements of `(Q(s) - Q(t))^2`, where `Q` is the mean of the squares of all channels, flattened, with
/// length 1 for each example (Zagoruyko and Komodakis 2017, "Paying More Attention to Attention", equation 2).
///
/// # Shapes
/// `[N, C, H, W]` and `[N, D, H, W]`
pub(crate) fn distance(student: Tensor<4>, teacher: Tensor<4>) -> Tensor<1> {
    let [q, p] = [student, teacher].map(|values| {
        let map: Tensor<2> = values.square().mean_dim(1).flatten(1, 3);
        let shape = map.dims();
        let square = ordered::sum_last(map.clone().square());
        map / ordered::expand(square.clamp_min(LEAST_LENGTH * LEAST_LENGTH).sqrt(), shape)
    });
    ordered::mean((q - p).square())
}

/// As `torch.nn.functional.normalize` has it.
const LEAST_LENGTH: f64 = 1e-12;

#[cfg(test)]
mod tests {
    use sapwood_backend::DeviceSpec;

    use super::*;
    use crate::shown::{Shown, apart};

    fn values(of: [f32; 8]) -> Tensor<4> {
        let device = DeviceSpec::CPU.resolve().unwrap();
        Tensor::<1>::from_data(of, &device).reshape([1, 2, 2, 2])
    }

    fn shown(layers: &[(&str, &Tensor<4>)]) -> Shown {
        Shown(layers.iter().map(|(layer, values)| ((*layer).into(), (*values).clone())).collect())
    }

    /// PyTorch in f64.
    const GOLDEN: f64 = 0.190_139_887_954_992_15;

    #[test]
    fn the_distance_is_that_of_the_paper_at_the_last_layer_of_each_size() {
        let own = values([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
        let other = values([1.0, -1.0, 2.0, 0.0, 3.0, 1.0, -2.0, 1.0]);
        let found = distance(own.clone(), other.clone()).into_scalar::<f64>();
        assert!((found - GOLDEN).abs() < 1e-6, "{found}");
        let vector = own.clone().reshape([1, 8, 1, 1]);
        let student = shown(&[("a", &other), ("b", &own), ("own", &other), ("fc", &vector)]);
        let teacher = shown(&[("a", &own), ("b", &other), ("fc", &vector)]);
        let found = apart(student, teacher, distance).unwrap().into_scalar::<f64>();
        assert!((found - GOLDEN).abs() < 1e-6, "{found}");
        let said = apart(shown(&[("a", &own)]), shown(&[("b", &own)]), distance).unwrap_err().to_string();
        assert!(said.contains("no layer"), "{said}");
    }

    #[test]
    fn a_map_of_zeros_has_a_finite_distance_and_gradient() {
        let zeros = values([0.0; 8]).autodiff().require_grad();
        let loss = distance(zeros.clone(), values([1.0; 8]).autodiff());
        let gradient = zeros.grad(&loss.clone().backward()).unwrap();
        assert!(loss.into_scalar::<f64>().is_finite());
        assert!(gradient.into_data().iter::<f64>().all(f64::is_finite));
    }
}
