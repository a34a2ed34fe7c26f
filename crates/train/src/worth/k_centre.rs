//! Examples that cover the others.

use rand::RngExt;
use sapwood_backend::{Seed, Stream};

/// Greedy k-centre (Sener and Savarese 2018, "Active Learning for Convolutional Neural Networks: A Core-Set Approach",
/// algorithm 1): beginning with one by chance, the next one is always that of the group which is farthest from all that
/// are chosen; of equals the first. All of the group where it has no more than `k`.
///
/// # Shapes
/// `rows`: `[N, size]`, the features of all examples; `group` are numbers of rows
pub fn k_centre(rows: &[f32], size: usize, group: &[usize], k: usize, seed: Seed) -> Vec<usize> {
    let k = k.min(group.len());
    let row = |at: usize| &rows[at * size..][..size];
    let mut nearest = vec![f32::INFINITY; group.len()];
    let mut chosen = Vec::with_capacity(k);
    let Some(&first) = group.first() else { return chosen };
    let stream = &mut seed.stream(Stream::Criterion, first as u64 + 1);
    let mut next = stream.random_range(0..group.len() as u64) as usize;
    while chosen.len() < k {
        chosen.push(group[next]);
        nearest[next] = f32::NEG_INFINITY;
        let centre = row(group[next]);
        for (distance, at) in nearest.iter_mut().zip(group) {
            let own: f32 = row(*at).iter().zip(centre).map(|(a, b)| (a - b) * (a - b)).sum();
            *distance = distance.min(own);
        }
        let farther = |best: usize, at: usize| if nearest[best] < nearest[at] { at } else { best };
        next = (0..group.len()).reduce(farther).unwrap_or(0);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_farthest_come_next_and_none_comes_twice() {
        let rows = [0.0, 1.0, 10.0, 11.0, 5.0, 5.0];
        for seed in 0..20 {
            let all = k_centre(&rows, 1, &[0, 1, 2, 3, 4, 5], 6, Seed(seed));
            let mut sorted = all.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3, 4, 5], "{all:?}");
            // From an end the other end follows, from between the farther one.
            let (first, second) = (rows[all[0]], rows[all[1]]);
            assert_eq!(second, if first < 5.5 { 11.0 } else { 0.0 });
        }
        assert_eq!(k_centre(&rows, 1, &[2], 3, Seed(0)), [2]);
        assert!(k_centre(&rows, 1, &[], 3, Seed(0)).is_empty());
    }
}
