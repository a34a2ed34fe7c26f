//! N of each M consecutive weights.

use sapwood_core::Bits;

use crate::{Allocation, Error, MaskSet, Scores, Sparsity, ranking};

/// Keeps the best `keep` of each `of` weights that lie beside each other along the
/// input dimension: at the same output and the same place of the kernel.
pub(super) fn select(
    scores: &Scores,
    [keep, of]: [usize; 2],
    sparsity: Sparsity,
    allocation: &Allocation,
    alive: Option<&MaskSet>,
) -> Result<MaskSet, Error> {
    let wrong = |problem: String| Err(Error::Granularity { found: format!("{keep}:{of}"), problem });
    // `of` weights out of `of` at this sparsity, without a rounding that could hide
    // another one.
    if sparsity.density_digits() * of as u128 != sparsity.one() * keep as u128 {
        let fits = (of - keep) as f64 / of as f64;
        return wrong(format!("this pattern removes {fits} of the weights, not {sparsity}"));
    }
    if *allocation != Allocation::Global && *allocation != Allocation::Uniform {
        return wrong(format!("a pattern is the same in every layer, and leaves nothing to `{allocation}`"));
    }
    let mut masks = Vec::new();
    for (info, scores) in scores.iter() {
        let mask = alive.and_then(|alive| alive.get(&info.path));
        let (rows, inputs) = (info.shape[0], info.shape.get(1).copied().unwrap_or(1));
        let places: usize = info.shape.iter().skip(2).product();
        let mut kept = Bits::zeros(info.len());
        for (row, place) in (0..rows).flat_map(|row| (0..places).map(move |place| (row, place))) {
            let at = |input: usize| (row * inputs + input) * places + place;
            for first in (0..inputs).step_by(of) {
                let group: Vec<usize> = (first..inputs.min(first + of)).map(at).collect();
                let is_alive = |index: &&usize| mask.is_none_or(|mask| mask.get(**index));
                let candidates: Vec<usize> = group.iter().filter(is_alive).copied().collect();
                let values: Vec<f64> = candidates.iter().map(|&index| scores[index]).collect();
                let quota = if group.len() < of { values.len() } else { keep.min(values.len()) };
                let chosen = ranking::keep_first(&[(&values, None)], quota);
                for (&index, keep) in candidates.iter().zip(chosen[0].iter()) {
                    kept.set(index, keep);
                }
            }
        }
        masks.push((info.path.clone(), kept));
    }
    Ok(masks.into_iter().collect::<sapwood_core::Masks>().into())
}
