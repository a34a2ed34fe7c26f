//! The exact ranking behind every mask.

use rand::seq::SliceRandom as _;
use sapwood_backend::{Seed, Stream};
use sapwood_core::Bits;

use crate::{TieBreak, Ties};

/// Scores of one parameter, and which of its weights may be kept (all where there
/// is no mask).
pub(crate) type Candidates<'a> = (&'a [f64], Option<&'a Bits>);

/// What a ranking keeps of each layer, and the equal scores that it had to part.
pub(crate) type Ranked = (Vec<Bits>, Option<Ties>);

/// Keeps the `keep` candidates that come first in the order (score descending,
/// parameter, flat index), where the parameters come in the order of the slice.
/// `keep` is at most the number of candidates.
///
/// Instead of sorting it looks for the score of the last candidate that is kept,
/// which takes linear time, and then keeps in one sweep all that are better and
/// the first of those that are equal.
pub(crate) fn keep_first(layers: &[Candidates<'_>], keep: usize) -> Ranked {
    if keep == 0 {
        return (layers.iter().map(|(scores, _)| Bits::zeros(scores.len())).collect(), None);
    }
    let mut keys: Vec<u64> = layers.iter().flat_map(|layer| candidates(layer)).collect();
    let (better, &mut last, worse) = keys.select_nth_unstable(keep - 1);
    let is_last = |key: &&u64| **key == last;
    let mut ties = 1 + better.iter().filter(is_last).count();
    let (kept, equal) = (ties, ties + worse.iter().filter(is_last).count());
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
    let bits = layers.iter().map(&mut sweep).collect();
    let parted =
        Ties { score: ascending(last), equal, kept, ranked: keys.len(), rankings: 1, by: TieBreak::Order };
    (bits, (kept < equal).then_some(parted))
}

/// Of all scores in a ranking, the part that has to be equal before the order of layers no longer decides. Scores
/// of a few million different values are equal now and then; a hundredth of them is where values are few.
const MANY: usize = 100;

/// [`keep_first`], but where the score that is parted is that of many weights, each layer keeps the same fraction of
/// these, drawn: a network of equal weights would lose its last layers otherwise. This too is an order, and depends on
/// the scores of all weights alone, so that masks of one network are nested, and two steps end where one does.
/// Weights with the score zero do nothing, and are kept in their order, unless all are zero.
pub(crate) fn keep_first_of_layers(layers: &[Candidates<'_>], keep: usize) -> Ranked {
    let (mut bits, ties) = keep_first(layers, keep);
    let Some(ties) = ties else { return (bits, None) };
    let last = descending(ties.score);
    let equal = |scores: &[f64]| -> Vec<usize> {
        (0..scores.len()).filter(|at| descending(scores[*at]) == last).collect()
    };
    let equal: Vec<Vec<usize>> = layers.iter().map(|(scores, _)| equal(scores)).collect();
    let all: usize = layers.iter().map(|(scores, _)| scores.len()).sum();
    let equals: usize = equal.iter().map(Vec::len).sum();
    let many = all <= MANY * equals && (ties.score != 0.0 || equals == all);
    if layers.len() < 2 || !many {
        return (bits, Some(ties));
    }
    let mut order = Vec::new();
    for (layer, mut places) in equal.into_iter().enumerate() {
        places.shuffle(&mut Seed(0).stream(Stream::Ties, layer as u64));
        let fraction = 1.0 / places.len() as f64;
        for (rank, at) in places.into_iter().enumerate() {
            bits[layer].set(at, false);
            if layers[layer].1.is_none_or(|alive| alive.get(at)) {
                order.push((rank as f64 * fraction, layer, at));
            }
        }
    }
    order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    order[..ties.kept].iter().for_each(|(_, layer, at)| bits[*layer].set(*at, true));
    (bits, Some(Ties { by: TieBreak::Drawn, ..ties }))
}

/// [`keep_first`] within each of `rows` equal rows of one parameter, which keep the same
/// number, or all that they have, but for a remainder: that goes to the rows in which the next candidate has the
/// highest score.
pub(crate) fn keep_first_of_rows((scores, alive): Candidates<'_>, rows: usize, keep: usize) -> Ranked {
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
        parts.iter().map(|(_, alive)| alive.as_ref().map_or(columns, Bits::count_ones)).collect();
    let all_keep = |each: usize| room.iter().map(|room| each.min(*room)).sum::<usize>();
    let least = keep / rows.max(1);
    let each = least + (least..columns).take_while(|each| all_keep(each + 1) <= keep).count();
    let mut quotas: Vec<usize> = room.iter().map(|room| each.min(*room)).collect();
    let mut next: Vec<usize> = (0..parts.len()).filter(|row| each < room[*row]).collect();
    next.sort_by_cached_key(|row| key_at((parts[*row].0, parts[*row].1.as_ref()), each));
    next.iter().take(keep - all_keep(each)).for_each(|row| quotas[*row] += 1);
    let (kept, ties): (Vec<Vec<Bits>>, Vec<Option<Ties>>) = parts
        .iter()
        .zip(quotas)
        .map(|((scores, alive), keep)| keep_first(&[(*scores, alive.as_ref())], keep))
        .unzip();
    let kept = kept.iter().flatten().flat_map(|bits| bits.iter().collect::<Vec<_>>()).collect();
    (vec![kept], Ties::join(ties.into_iter().flatten()))
}

/// The key of the candidate at this place, where the best one is at 0; behind the last one the worst key.
fn key_at(layer: Candidates<'_>, place: usize) -> u64 {
    let mut keys: Vec<u64> = candidates(&layer).collect();
    if place < keys.len() { *keys.select_nth_unstable(place).1 } else { u64::MAX }
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

/// The score of such a number.
fn ascending(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key } else { key ^ (u64::MAX >> 1) })
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

    #[test]
    fn rows_that_cannot_all_keep_one_more_give_it_to_the_best_scores() {
        let kept = |scores: &[f64], alive: Option<&Bits>, rows, keep| -> Vec<usize> {
            let (kept, _) = keep_first_of_rows((scores, alive), rows, keep);
            (0..scores.len()).filter(|at| kept[0].get(*at)).collect()
        };
        assert_eq!(kept(&[0.1, 0.4, 0.2, 0.3], None, 4, 2), [1, 3]);
        assert_eq!(kept(&[0.0, 1.0, 5.0, 2.0, 9.0, 3.0], None, 3, 4), [1, 2, 4, 5]);
        // A row without a candidate is no row with the best one.
        let alive: Bits = [false, true, true, true].into_iter().collect();
        assert_eq!(kept(&[0.9, 0.4, 0.2, 0.3], Some(&alive), 4, 2), [1, 3]);
        assert_eq!(kept(&[0.5; 6], None, 3, 4), [0, 1, 2, 4]);
        // The others share what it cannot keep, before the next candidates are compared.
        let alive: Bits = (0..12).map(|at| at >= 4).collect();
        let scores = [9.0, 9.0, 9.0, 9.0, 9.0, 8.0, 1.0, 0.5, 9.0, 7.0, 6.0, 0.5];
        assert_eq!(kept(&scores, Some(&alive), 3, 5), [4, 5, 8, 9, 10]);
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
            let (kept, ties) = keep_first(&given, keep);
            prop_assert_eq!(&kept, &sorted(&layers, keep));
            // Ties are what an equal score on both sides of the line is.
            let of = |kept_ones: bool| layers.iter().zip(&kept).flat_map(move |(layer, kept)| {
                layer.iter().enumerate().filter(move |(at, w)| w.1 && kept.get(*at) == kept_ones).map(|(_, w)| w.0)
            });
            let (worst, best) = (of(true).fold(f64::INFINITY, f64::min), of(false).fold(f64::NEG_INFINITY, f64::max));
            prop_assert_eq!(ties.is_some(), worst == best);
            if let Some(ties) = ties {
                prop_assert_eq!(ties.score, worst);
                prop_assert_eq!(ties.kept, of(true).filter(|score| *score == worst).count());
                prop_assert_eq!(ties.equal - ties.kept, of(false).filter(|score| *score == worst).count());
                prop_assert_eq!((ties.ranked, ties.rankings), (candidates, 1));
            }

            // Drawn ones are as many, and change nothing but ties.
            let (drawn, _) = keep_first_of_layers(&given, keep);
            prop_assert_eq!(drawn.iter().map(Bits::count_ones).sum::<usize>(), keep);
            let score = ties.map_or(f64::NAN, |ties| ties.score);
            for ((scores, alive), (drawn, kept)) in given.iter().zip(drawn.iter().zip(&kept)) {
                let same = |at: usize| drawn.get(at) == kept.get(at) || scores[at] == score && alive.unwrap().get(at);
                prop_assert!((0..scores.len()).all(same));
            }
        }
    }
}
