//! The steps of optimisers.

use burn::{backend::Dispatch, tensor::Tensor};

use super::{AdamWStep, Ops, SgdStep, extension::Kernels};

/// The weight after a step, and its momentum: that of the step before, or none in the
/// first one.
///
/// # Shapes
/// All alike.
pub fn sgd_step(
    step: SgdStep,
    w: Tensor<1>,
    g: Tensor<1>,
    momentum: Option<Tensor<1>>,
) -> (Tensor<1>, Option<Tensor<1>>) {
    let SgdStep { rate, decay, momentum: m, nesterov } = step;
    if m != 0.0
        && Ops::Kernels.has_kernels(
            "sgd",
            &w,
            [g.dtype()].into_iter().chain(momentum.as_ref().map(Tensor::dtype)),
        )
    {
        let b = momentum.unwrap_or_else(|| g.zeros_like());
        let (w, g, b) = (w.into_dispatch(), g.into_dispatch(), b.into_dispatch());
        let (w, b) = <Dispatch as Kernels>::sgd(w, g, b, step);
        return (Tensor::from_dispatch(w), Some(Tensor::from_dispatch(b)));
    }
    let g = if decay == 0.0 { g } else { g + w.clone() * decay };
    if m == 0.0 {
        return (w - g * rate, None);
    }
    let b = match momentum {
        Some(b) => b * m + g.clone(),
        None => g.clone(),
    };
    let direction = if nesterov { g + b.clone() * m } else { b.clone() };
    (w - direction * rate, Some(b))
}

/// The weight after a step, and the means of its gradients and of their squares:
/// those of the step before, or none in the first one.
///
/// # Shapes
/// All alike.
pub fn adamw_step(
    step: AdamWStep,
    w: Tensor<1>,
    g: Tensor<1>,
    means: Option<[Tensor<1>; 2]>,
) -> (Tensor<1>, [Tensor<1>; 2]) {
    let AdamWStep { rate, decay, betas: [b1, b2], epsilon, count } = step;
    let [m, v] = means.unwrap_or_else(|| [g.zeros_like(), g.zeros_like()]);
    if Ops::Kernels.has_kernels("adamw", &w, [g.dtype(), m.dtype(), v.dtype()]) {
        let (w, g) = (w.into_dispatch(), g.into_dispatch());
        let (w, m, v) = <Dispatch as Kernels>::adamw(w, g, m.into_dispatch(), v.into_dispatch(), step);
        return (Tensor::from_dispatch(w), [m, v].map(Tensor::from_dispatch));
    }
    let m = m * b1 + g.clone() * (1.0 - b1);
    let v = v * b2 + g.clone() * g * (1.0 - b2);
    let denominator = v.clone().sqrt() / (1.0 - b2.powf(count as f64)).sqrt() + epsilon;
    let w = if decay == 0.0 { w } else { w * (1.0 - rate * decay) };
    (w - m.clone() / denominator * (rate / (1.0 - b1.powf(count as f64))), [m, v])
}
