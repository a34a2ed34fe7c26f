//! What is divided by a figure of its group.

use sapwood_kernels::infer::Function;

use super::arithmetic::of;

/// Gives the mean, and 1 over the standard deviation.
fn moments(line: impl Iterator<Item = f64> + Clone, count: usize, epsilon: f64) -> [f64; 2] {
    let mean = line.clone().sum::<f64>() / count as f64;
    let variance = line.map(|x| (x - mean) * (x - mean)).sum::<f64>() / count as f64;
    [mean, 1.0 / (variance + epsilon).sqrt()]
}

/// Gives `(x - mean) / sqrt(variance + epsilon) * weight + bias` over groups of channels, each of which has `places`.
pub(super) fn group(groups: usize, places: usize, [weight, bias]: [Vec<f32>; 2], epsilon: f64) -> Function {
    of(move |from, to| {
        let per_group = weight.len() / groups * places;
        for (group, (to, x)) in to.chunks_mut(per_group).zip(from[0].chunks(per_group)).enumerate() {
            let [mean, scale] = moments(x.iter().map(|x| f64::from(*x)), per_group, epsilon);
            for (at, (to, x)) in to.iter_mut().zip(x).enumerate() {
                let channel = (group * per_group + at) / places;
                let [weight, bias] = [weight[channel], bias[channel]].map(f64::from);
                *to = ((f64::from(*x) - mean) * scale * weight + bias) as f32;
            }
        }
    })
}
