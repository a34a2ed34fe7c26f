//! Whether inputs lie as those do that a formula makes of images.

use sapwood_core::{Batch, Values};

/// The least and the largest number of some batches: turned round where there is none.
pub(crate) fn span<'a>(batches: impl IntoIterator<Item = &'a Batch>) -> [f32; 2] {
    let inputs = batches.into_iter().flat_map(Batch::inputs);
    let values = inputs.filter_map(|input| match &input.values {
        Values::Float(values) => Some(values.iter().copied()),
        _ => None,
    });
    values.flatten().fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], x| [low.min(x), high.max(x)])
}

/// What speaks against inputs of this span being made as this scale, means and deviations make them of bytes: none of them
/// is below 0, or the largest is far above what white becomes.
pub(crate) fn doubt([low, high]: [f32; 2], (scale, mean, std): (f64, &[f64], &[f64])) -> Option<String> {
    let ends = |x: f64| mean.iter().zip(std).map(move |(mean, std)| (x - mean) / std);
    let least = ends(0.0).fold(f64::INFINITY, f64::min);
    let most = ends(255.0 / scale).fold(f64::NEG_INFINITY, f64::max);
    let is_other = 0.0 <= low && least < 0.0 || 4.0 * most.abs().max(1.0) < f64::from(high);
    (is_other && low <= high).then(|| {
        format!(
            "the inputs lie from {low:.2} to {high:.2}, and those that the weights learnt from lay from {least:.2} to \
             {most:.2}: if these are images, give their bytes (u8), or say with what formula they become inputs"
        )
    })
}
