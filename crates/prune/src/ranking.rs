//! The exact ranking behind every mask.

use sapwood_core::Bits;

use crate::share_out;

/// Scores of one parameter, and which of its weights may be kept (all where there
/// is no mask).
pub(crate) type Candidates<'a> = (&'a [f64], Option<&'a Bits>);

/// Keeps the `keep` candidates that come first in the order (score descending,
/// parameter, flat index), where the parameters come in the order of the slice.
/// `keep` is at most the number of candidates.
///
/// Instead of sorting it looks for the score of the last candidate that is kept,
/// which takes linear time, and then keeps in one sweep all that are better and
/// the first of those that are equal.
pub(crate) fn keep_first(layers: &[Candidates<'_>], keep: usize) -> Vec<Bits> {
    if keep == 0 {
        return layers.iter().map(|(scores, _)| Bits::zeros(scores.len())).collect();
    }
    let mut keys: Vec<u64> = layers.iter().flat_map(|layer| candidates(layer)).collect();
    let (better, &mut last, _) = keys.select_nth_unstable(keep - 1);
    let mut ties = 1 + better.iter().filter(|key| **key == last).count();
    let mut sweep = |(scores, alive): &Candidates<'_>| {
        let mut kept = Bits::zeros(scores.len());
        for (index, score) in scores.iter().enumerate() {
            let key = descending(*score);
            if key <= last && alive.is_none_or(|alive| alive.get(index)) {
                if key == last {
                    if ties == 0 {
                        continue;
                    }
                    ties -= 1;
                }
                kept.set(index, true);
            }
        }
        kept
    };
    layers.iter().map(&mut sweep).collect()
}

/// The same within each of `rows` equal rows of one parameter, which keep the same
/// number but for a remainder.
pub(crate) fn keep_first_of_rows((scores, alive): Candidates<'_>, rows: usize, keep: usize) -> Bits {
    let columns = (scores.len() / rows.max(1)).max(1);
    let parts: Vec<(&[f64], Option<Bits>)> = scores
        .chunks(columns)
        .enumerate()
        .map(|(row, scores)| {
            let places = row * columns..row * columns + scores.len();
            (scores, alive.map(|alive| places.map(|at| alive.get(at)).collect()))
        })
        .collect();
    let room: Vec<usize> =
        parts.iter().map(|(scores, alive)| alive.as_ref().map_or(scores.len(), Bits::count_ones)).collect();
    let sizes: Vec<usize> = parts.iter().map(|(scores, _)| scores.len()).collect();
    let kept = parts
        .iter()
        .zip(share_out(&sizes, &room, keep))
        .flat_map(|((scores, alive), keep)| keep_first(&[(*scores, alive.as_ref())], keep));
    kept.flat_map(|bits| bits.iter().collect::<Vec<_>>()).collect()
}

fn candidates<'a>((scores, alive): &'a Candidates<'a>) -> impl Iterator<Item = u64> + 'a {
    let alive = *alive;
    let candidates = scores.iter().enumerate().filter(move |(i, _)| alive.is_none_or(|alive| alive.get(*i)));
    candidates.map(|(_, score)| descending(*score))
}

/// A whole number that is smaller the larger the score is. Equal scores have
/// equal numbers, also the two zeros.
fn descending(score: f64) -> u64 {
    let bits = (score + 0.0).to_bits();
    if bits >> 63 == 1 { bits } else { bits ^ (u64::MAX >> 1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn whole_numbers_run_against_the_scores() {
        let scores = [f64::MAX, 1.0, 1e-300, f64::MIN_POSITIVE / 2.0, 0.0, -1e-300, -1.0, f64::MIN];
        assert!(scores.map(descending).is_sorted());
        assert_eq!(descending(-0.0), descending(0.0));
    }

    /// The same by sorting, as the definition says it.
    fn sorted(layers: &[Vec<(f64, bool)>], keep: usize) -> Vec<Bits> {
        let mut order: Vec<(f64, usize, usize)> = Vec::new();
        for (l, layer) in layers.iter().enumerate() {
            order.extend(layer.iter().enumerate().filter(|(_, w)| w.1).map(|(i, w)| (w.0, l, i)));
        }
        order.sort_by(|a, b| b.0.partial_cmp(&a.0).unwrap().then((a.1, a.2).cmp(&(b.1, b.2))));
        let mut bits: Vec<Bits> = layers.iter().map(|layer| Bits::zeros(layer.len())).collect();
        order[..keep].iter().for_each(|&(_, l, i)| bits[l].set(i, true));
        bits
    }

    proptest! {
        #[test]
        fn it_keeps_what_sorting_keeps(
            // Few different scores, both zeros among them: ties are the rule.
            layers in prop::collection::vec(
                prop::collection::vec((prop::sample::select(vec![-1.0, -0.0, 0.0, 0.5, 3.0]), any::<bool>()), 0..40),
                1..5,
            ),
            fraction in 0.0..=1.0f64,
        ) {
            let alive: Vec<Bits> = layers.iter().map(|layer| layer.iter().map(|w| w.1).collect()).collect();
            let scores: Vec<Vec<f64>> = layers.iter().map(|layer| layer.iter().map(|w| w.0).collect()).collect();
            let candidates: usize = alive.iter().map(Bits::count_ones).sum();
            let keep = (fraction * candidates as f64) as usize;
            let given: Vec<Candidates<'_>> =
                scores.iter().zip(&alive).map(|(s, a)| (s.as_slice(), Some(a))).collect();
            prop_assert_eq!(keep_first(&given, keep), sorted(&layers, keep));
        }
    }
}
