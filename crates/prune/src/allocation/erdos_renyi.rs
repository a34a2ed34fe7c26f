//! Densities of Erdős–Rényi random graphs.
//!
//! ER is from Mocanu et al. 2018 (SET), ERK from Evci et al. 2020 (RigL).

use sapwood_core::ParamInfo;

use super::apportion::Wish;

/// `(in + out) / (in * out)`, whatever the kernel.
pub(super) fn er(shape: &[usize]) -> f64 {
    ratio(&shape[..shape.len().min(2)])
}

/// The sum of all dimensions over their product, kernel included.
pub(super) fn erk(shape: &[usize]) -> f64 {
    ratio(shape)
}

fn ratio(shape: &[usize]) -> f64 {
    shape.iter().sum::<usize>() as f64 / shape.iter().product::<usize>().max(1) as f64
}

/// Densities in proportion to `raw`, one for each layer, with `total` kept weights. While the densest
/// layer would need more than all its weights it stays dense, and the rest is
/// solved again.
pub(super) fn wishes(layers: &[ParamInfo], total: usize, raw: &[f64]) -> Vec<Wish> {
    let mut dense = vec![false; layers.len()];
    loop {
        let (mut left, mut weight, mut densest) = (total as f64, 0.0, 0.0f64);
        for ((layer, raw), dense) in layers.iter().zip(raw).zip(&dense) {
            if *dense {
                left -= layer.len() as f64;
            } else {
                weight += raw * layer.len() as f64;
                densest = densest.max(*raw);
            }
        }
        let epsilon = if weight > 0.0 { left.max(0.0) / weight } else { 0.0 };
        if epsilon * densest <= 1.0 {
            let wish = |((layer, raw), dense): ((&ParamInfo, &f64), &bool)| match dense {
                true => Wish { whole: layer.len(), rest: 0 },
                false => Wish::real(epsilon * raw * layer.len() as f64),
            };
            return layers.iter().zip(raw).zip(&dense).map(wish).collect();
        }
        dense.iter_mut().zip(raw).for_each(|(dense, raw)| *dense |= *raw == densest);
    }
}
