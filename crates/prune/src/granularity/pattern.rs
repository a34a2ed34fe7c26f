//! N of each M consecutive weights.

use sapwood_core::{Bits, ParamInfo};

use crate::{Allocation, Error, MaskSet, Prunable, Scores, Sparsity, Ties, Warning, ranking};

/// Keeps the best `keep` of each `of` weights that lie beside each other along the
/// input dimension: at the same output and the same place of the kernel.
pub(super) fn select(
    scores: &Scores,
    [keep, of]: [usize; 2],
    alive: Option<&MaskSet>,
) -> Result<(MaskSet, Option<Ties>), Error> {
    if keep < of && scores.iter().all(|(info, _)| inputs(info) < of) {
        let most = scores.iter().map(|(info, _)| inputs(info)).max().unwrap_or(0);
        let problem = format!("no layer has {of} inputs (the widest has {most}): choose a shorter pattern");
        return Err(Error::Granularity { found: format!("{keep}:{of}"), problem });
    }
    let (mut masks, mut ties) = (Vec::new(), Vec::new());
    for (info, scores) in scores.iter() {
        let mask = alive.and_then(|alive| alive.get(&info.path));
        let (rows, inputs) = (info.shape[0], inputs(info));
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
                let (chosen, parted) = ranking::keep_first(&[(&values, None)], quota);
                ties.extend(parted);
                for (&index, keep) in candidates.iter().zip(chosen[0].iter()) {
                    kept.set(index, keep);
                }
            }
        }
        masks.push((info.path.clone(), kept));
    }
    Ok((masks.into_iter().collect::<sapwood_core::Masks>().into(), Ties::join(ties.into_iter())))
}

/// Refuses another sparsity than the pattern's, by digits, without a rounding that could hide another one, but for the
/// shares that no decimal is; and allocations that tell layers apart.
pub(super) fn check(
    [keep, of]: [usize; 2],
    sparsity: Sparsity,
    allocation: &Allocation,
) -> Result<(), Error> {
    let wrong = |problem: String| Err(Error::Granularity { found: format!("{keep}:{of}"), problem });
    // Where no decimal is exact, that of the nearest number is taken: what the message says can be asked for.
    let share = Sparsity::try_from(of.saturating_sub(keep) as f64 / of as f64)?;
    let is_exact = sparsity.density_digits() * of as u128 == sparsity.one() * keep as u128;
    if !is_exact && sparsity != share {
        return wrong(format!("this pattern removes {share} of the weights, not {sparsity}"));
    }
    match allocation {
        Allocation::Global | Allocation::Uniform => Ok(()),
        other => wrong(format!("a pattern is the same in every layer, and leaves nothing to `{other}`")),
    }
}

/// The inputs of one group of channels.
fn inputs(info: &ParamInfo) -> usize {
    info.shape.get(1).copied().unwrap_or(1)
}

/// What of these layers groups of `of` weights leave dense.
pub(super) fn left_dense(prunable: &Prunable, of: usize) -> Vec<Warning> {
    let layers = |dense: fn(usize, usize) -> bool| {
        let found = prunable.params().iter().map(|info| (info.path.clone(), inputs(info)));
        found.filter(|(_, inputs)| dense(*inputs, of)).collect::<Vec<_>>()
    };
    let narrow = layers(|inputs, of| inputs < of);
    let left = layers(|inputs, of| of < inputs && inputs % of > 0);
    [
        (!narrow.is_empty()).then_some(Warning::NarrowerThanPattern { layers: narrow, of }),
        (!left.is_empty()).then_some(Warning::LeftOver { layers: left, of }),
    ]
    .into_iter()
    .flatten()
    .collect()
}
