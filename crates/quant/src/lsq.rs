//! Learnt step size quantisation.

use burn::tensor::Tensor;

/// Esser et al. 2020, equations 1 and 3: `round(clip(v / s, low, high)) * s`. The gradient of `v` is 1 between the bounds
/// and 0 beyond; that of the step is `round(v / s) - v / s` between them, and the bound beyond.
///
/// The paper scales the step's gradient by `gradient_scale`; here whoever trains does so, and what is computed stays
/// exact. A step that has come to 0 or below counts by its size, and never as nothing.
///
/// # Shapes
/// `v` any, `step` as `v` or 1 in each dimension; as `v`.
pub fn learnt<const D: usize>(v: Tensor<D>, step: Tensor<D>, [low, high]: [f64; 2]) -> Tensor<D> {
    let step = step.abs().clamp_min(LEAST);
    let x = (v / step.clone()).clamp(low, high);
    let rounded = x.clone().detach().round();
    // The difference is exact, and so is the sum.
    let rounded = if x.is_tracked() { x.clone() + (rounded - x.detach()) } else { rounded };
    rounded * step
}

/// The smallest step.
pub(crate) const LEAST: f64 = 1e-20;

/// `1 / sqrt(N Q)`: with `N` values of a step and `Q` integers above 0, a step moves as much of itself as the values of
/// theirs (section 2.2 of the paper).
pub(crate) fn gradient_scale(values: usize, high: f64) -> f64 {
    1.0 / (values.max(1) as f64 * high.max(1.0)).sqrt()
}

/// The step that values begin with: `2 mean |v| / sqrt(Q)` (section 2.1), but none that is larger than what
/// reaches the largest value. What is 0 may be masked and is left out; without anything else the step is 1.
pub(crate) fn first_step(values: impl Iterator<Item = f64>, high: f64) -> f64 {
    let (mut sum, mut count, mut most) = (0.0, 0usize, 0.0f64);
    for v in values.map(f64::abs).filter(|v| *v != 0.0) {
        (sum, count, most) = (sum + v, count + 1, most.max(v));
    }
    let step = (2.0 * sum / count.max(1) as f64 / high.sqrt()).min(most / high);
    if step.is_normal() { step } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;
    use sapwood_backend::DeviceSpec;

    use super::*;

    /// The code of the paper's authors, run: v = (-1.3, -0.4, 0.1, 0.36, 2.5), s = 0.3, integers from -4 to 3.
    #[test]
    fn steps_have_the_gradients_of_the_paper() {
        let device = DeviceSpec::CPU.resolve().unwrap().autodiff();
        let v = [-1.3f32, -0.4, 0.1, 0.36, 2.5];
        let numbers = [-1.2f32, -0.3, 0.0, 0.3, 0.9];
        let slopes = [-4.0f32, 0.3333, -0.3333, -0.2, 3.0];
        let passed = [0.0f32, 1.0, 1.0, 1.0, 0.0];
        for at in 0..v.len() {
            let tensor =
                |x: f32| Tensor::<1>::from_data(TensorData::new(vec![x], [1]), &device).require_grad();
            let (x, s) = (tensor(v[at]), tensor(0.3));
            let y = learnt(x.clone(), s.clone(), [-4.0, 3.0]);
            let mut tape = y.clone().sum().backward();
            let read = |t: Tensor<1>| t.into_data().iter::<f32>().next().unwrap();
            assert!((read(y.inner()) - numbers[at]).abs() < 1e-6, "{at}");
            assert!((read(s.grad_remove(&mut tape).unwrap()) - slopes[at]).abs() < 1e-4, "{at}");
            assert_eq!(read(x.grad_remove(&mut tape).unwrap()), passed[at]);
        }
    }

    #[test]
    fn the_first_step_reaches_the_largest_value_or_is_the_paper_s() {
        // 8 bits: the mean would reach four times as far.
        assert_eq!(first_step([1.27, -0.5].into_iter(), 127.0), 0.01);
        assert_eq!(first_step([1.0, 0.0, -0.2].into_iter(), 1.0), 1.0);
        assert!((first_step([1.0, 0.1, 0.1, 0.1, -0.2].into_iter(), 1.0) - 0.6).abs() < 1e-12);
        assert_eq!(first_step([0.0, 0.0].into_iter(), 7.0), 1.0);
        assert!((gradient_scale(4, 4.0) - 0.25).abs() < 1e-15);
    }
}
