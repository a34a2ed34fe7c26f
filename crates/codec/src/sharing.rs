//! Shared weights: few values in the place of many.
//!
//! k-means over the weights that are kept, as in Han, Mao and Dally 2016, "Deep Compression: Compressing
//! deep neural networks with pruning, trained quantization and Huffman coding", section 3: minimise
//! sum_k sum_{w in k} (w - c_k)^2 by assigning each weight to the nearest centroid and each centroid to the
//! mean of its weights (Lloyd), until nothing changes. Differently from the paper, a centroid that no
//! weight is near is not lost: it takes the weight that is farthest from its own. So one outlier does not
//! leave the others few centroids where these began evenly between the smallest and the largest weight.

use crate::{Error, Result};

/// Where centroids begin (section 3.2 of the paper).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// Evenly between the smallest and the largest weight: large weights, which are few, get near ones.
    #[default]
    Linear,
    /// With as many weights between any two: where most weights are.
    Density,
    /// At weights that are drawn: a generator is made from this number.
    Random(u64),
}

/// How weights are shared.
///
/// ```
/// use sapwood_codec::Sharing;
///
/// let mut weights = [2.09f32, -0.98, 0.0, 2.12, -0.91, 1.92, 0.0, -1.03, 1.87];
/// let centroids = Sharing::among(2).share(&mut weights)?;
/// assert_eq!(centroids.len(), 2);
/// assert_eq!(weights.map(|weight| weight.round()), [2.0, -1.0, 0.0, 2.0, -1.0, 2.0, 0.0, -1.0, 2.0]);
/// # Ok::<(), sapwood_codec::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sharing {
    most: usize,
    start: Start,
}

/// More rounds than any weights have needed; each makes the error smaller.
const ROUNDS: usize = 10_000;

impl Sharing {
    /// Among at most this number of values, 1 at least.
    pub fn among(most: usize) -> Self {
        Self { most: most.max(1), start: Start::default() }
    }

    /// With centroids that begin there.
    pub fn start(self, start: Start) -> Self {
        Self { start, ..self }
    }

    /// Gives each weight that is not zero its centroid's value, and says which centroids there are, in
    /// their order. Zeros stay zeros (negative ones become plain ones) and are no centroid's. Where there
    /// are no more different weights than centroids, none changes. Half way between two centroids the
    /// lower one is taken.
    ///
    /// # Errors
    /// A weight that is not finite.
    pub fn share(&self, weights: &mut [f32]) -> Result<Vec<f32>> {
        if let Some(wrong) = weights.iter().find(|weight| !weight.is_finite()) {
            return Err(Error::Range { what: "a weight", expected: "finite", found: wrong.to_string() });
        }
        // A mask that was multiplied with weights leaves negative zeros, which cost a bit each.
        weights.iter_mut().filter(|weight| **weight == 0.0).for_each(|zero| *zero = 0.0);
        let mut kept: Vec<f32> = weights.iter().copied().filter(|weight| *weight != 0.0).collect();
        kept.sort_unstable_by(f32::total_cmp);
        let mut distinct = kept.clone();
        distinct.dedup();
        if distinct.len() <= self.most {
            return Ok(distinct);
        }
        let clusters = self.lloyd(&Sorted::new(&kept));
        let centroids: Vec<f32> = clusters.windows(2).map(|ends| mean(&kept[ends[0]..ends[1]])).collect();
        // What is below the first weight of a cluster belongs to an earlier one.
        let firsts: Vec<f32> = clusters[..centroids.len()].iter().map(|first| kept[*first]).collect();
        for weight in weights.iter_mut().filter(|weight| **weight != 0.0) {
            let cluster = firsts.partition_point(|first| *first <= *weight);
            *weight = centroids[cluster - 1];
        }
        Ok(centroids)
    }

    /// Where each cluster begins among the sorted weights, and where the last one ends.
    fn lloyd(&self, weights: &Sorted<'_>) -> Vec<usize> {
        let mut centroids = self.begin(weights.values);
        let mut ends = weights.nearest(&centroids);
        for _ in 0..ROUNDS {
            let full: Vec<[usize; 2]> =
                ends.windows(2).map(|ends| [ends[0], ends[1]]).filter(|[from, to]| from < to).collect();
            centroids = full.iter().map(|[from, to]| weights.mean(*from, *to)).collect();
            if centroids.len() < self.most {
                let farthest = weights.farthest(&full, &centroids);
                let place = centroids.partition_point(|centroid| *centroid < farthest);
                centroids.insert(place, farthest);
            }
            let next = weights.nearest(&centroids);
            if next == ends {
                break;
            }
            ends = next;
        }
        ends.dedup();
        ends
    }

    fn begin(&self, sorted: &[f32]) -> Vec<f64> {
        let (first, last) = (f64::from(sorted[0]), f64::from(sorted[sorted.len() - 1]));
        let mut centroids: Vec<f64> = match self.start {
            Start::Linear => {
                let step = (last - first) / (self.most.max(2) - 1) as f64;
                (0..self.most).map(|at| first + at as f64 * step).collect()
            }
            Start::Density => {
                let middle = |at: usize| (2 * at + 1) * sorted.len() / (2 * self.most);
                (0..self.most).map(|at| f64::from(sorted[middle(at)])).collect()
            }
            Start::Random(seed) => {
                let mut state = seed;
                (0..self.most).map(|_| f64::from(sorted[next(&mut state) as usize % sorted.len()])).collect()
            }
        };
        centroids.sort_unstable_by(f64::total_cmp);
        centroids
    }
}

/// Weights in their order, with the sums of all before each.
struct Sorted<'a> {
    values: &'a [f32],
    sums: Vec<f64>,
}

impl<'a> Sorted<'a> {
    fn new(values: &'a [f32]) -> Self {
        let mut sum = 0.0;
        let sums = values.iter().map(|value| {
            sum += f64::from(*value);
            sum
        });
        Self { values, sums: std::iter::once(0.0).chain(sums).collect() }
    }

    fn mean(&self, from: usize, to: usize) -> f64 {
        (self.sums[to] - self.sums[from]) / (to - from) as f64
    }

    /// Where the weights begin of which each centroid is the nearest, and where the last end.
    fn nearest(&self, centroids: &[f64]) -> Vec<usize> {
        let half_way = centroids.windows(2).map(|two| f64::midpoint(two[0], two[1]));
        let ends = half_way.map(|middle| self.values.partition_point(|value| f64::from(*value) <= middle));
        std::iter::once(0).chain(ends).chain([self.values.len()]).collect()
    }

    /// The weight that is farthest from its centroid, the lowest of equals. In a cluster that is the first
    /// or the last.
    fn farthest(&self, clusters: &[[usize; 2]], centroids: &[f64]) -> f64 {
        let (mut found, mut most) = (f64::from(self.values[0]), -1.0);
        for ([from, to], centroid) in clusters.iter().zip(centroids) {
            for value in [self.values[*from], self.values[to - 1]].map(f64::from) {
                if most < (value - centroid).abs() {
                    (found, most) = (value, (value - centroid).abs());
                }
            }
        }
        found
    }
}

/// The mean of weights that are not none: of equal ones their value, to the bit.
fn mean(weights: &[f32]) -> f32 {
    let first = f64::from(weights[0]);
    let from_first: f64 = weights.iter().map(|weight| f64::from(*weight) - first).sum();
    (first + from_first / weights.len() as f64) as f32
}

/// Numbers that look random (splitmix64).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ *state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ mixed >> 31) >> 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const STARTS: [Start; 3] = [Start::Linear, Start::Density, Start::Random(7)];

    fn shared(most: usize, start: Start, weights: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let mut weights = weights.to_vec();
        let centroids = Sharing::among(most).start(start).share(&mut weights).unwrap();
        (weights, centroids)
    }

    fn normal(len: usize) -> Vec<f32> {
        let mut state = 3;
        let mut draw = || (next(&mut state) >> 40) as f32 / (1 << 23) as f32 - 0.5;
        (0..len).map(|_| (0..6).map(|_| draw()).sum()).collect()
    }

    #[test]
    fn the_figure_of_the_paper_has_its_centroids_and_codes() {
        // Nothing is pruned there: the two zeros are moved out of the way, to either side.
        let figure = [
            2.09, -0.98, 1.48, 0.09, 0.05, -0.14, -1.08, 2.12, -0.91, 1.92, 1e-9, -1.03, 1.87, -1e-9, 1.53,
            1.49,
        ];
        let (weights, centroids) = shared(4, Start::Linear, &figure);
        let rounded: Vec<f32> = centroids.iter().map(|centroid| (centroid * 1e4).round() / 1e4).collect();
        assert_eq!(rounded, [-1.0, 0.0, 1.5, 2.0]);
        let code = |weight: &f32| centroids.iter().position(|centroid| centroid == weight).unwrap();
        let codes: Vec<usize> = weights.iter().map(code).collect();
        assert_eq!(codes, [3, 0, 2, 1, 1, 1, 0, 3, 0, 3, 1, 0, 3, 1, 2, 2]);
    }

    #[test]
    fn few_values_come_back_as_they_are_and_zeros_are_no_cluster() {
        for start in STARTS {
            let two = [0.0, 0.5, -0.25, 0.0, 0.5, -0.25, -0.0];
            let (weights, centroids) = shared(32, start, &two);
            assert_eq!((weights.as_slice(), centroids.as_slice()), (&two[..], &[-0.25, 0.5][..]));
            assert!(weights.iter().all(|weight| weight.to_bits() != (-0.0f32).to_bits()));
            assert_eq!(shared(2, start, &two).1, [-0.25, 0.5]);
            assert_eq!(shared(4, start, &[0.1; 9]), (vec![0.1; 9], vec![0.1]));
            assert_eq!(shared(4, start, &[0.0; 3]), (vec![0.0; 3], vec![]));
            assert_eq!(shared(4, start, &[]), (vec![], vec![]));
            assert_eq!(shared(1, start, &[1.0, 2.0, 6.0]), (vec![3.0; 3], vec![3.0]));
        }
    }

    #[test]
    fn an_outlier_has_a_cluster_of_its_own_and_leaves_all_others() {
        let mut weights = normal(5_000);
        weights[17] = 1e4;
        for start in STARTS {
            let (shared, centroids) = shared(32, start, &weights);
            assert_eq!((centroids.len(), shared[17]), (32, 1e4), "{start:?}");
            let used = |centroid: &f32| shared.contains(centroid);
            assert!(centroids.iter().all(used), "an empty cluster");
            let error: f32 = weights.iter().zip(&shared).map(|(a, b)| (a - b).powi(2)).sum();
            assert!(
                error < 0.01 * weights.iter().filter(|w| **w < 9.0).map(|w| w * w).sum::<f32>(),
                "{error}"
            );
        }
    }

    #[test]
    fn each_weight_has_the_nearest_centroid_and_each_centroid_is_the_mean_of_its_weights() {
        let weights = normal(2_000);
        for (start, most) in STARTS.into_iter().flat_map(|start| [2, 5, 31, 256].map(|most| (start, most))) {
            let (shared, centroids) = shared(most, start, &weights);
            assert_eq!(centroids.len(), most);
            for (weight, mine) in weights.iter().zip(&shared) {
                let nearest = centroids.iter().map(|other| (other - weight).abs()).fold(f32::MAX, f32::min);
                assert!((mine - weight).abs() <= nearest + 1e-6, "{weight} has {mine}");
            }
            for centroid in &centroids {
                let own: Vec<f64> = weights
                    .iter()
                    .zip(&shared)
                    .filter(|(_, mine)| *mine == centroid)
                    .map(|(w, _)| f64::from(*w))
                    .collect();
                let mean = own.iter().sum::<f64>() / own.len() as f64;
                assert!((mean - f64::from(*centroid)).abs() < 1e-6, "{centroid} of mean {mean}");
            }
        }
    }

    #[test]
    fn ties_go_down_and_what_is_not_finite_is_refused() {
        // From 0.5 and 8.5 on; 4.5 is half way.
        assert_eq!(shared(2, Start::Linear, &[0.5, 8.5, 4.5]).0, [2.5, 8.5, 2.5]);
        let error = Sharing::among(2).share(&mut [1.0, f32::NAN, 2.0]).unwrap_err().to_string();
        assert_eq!(error, "a weight must be finite, but it is NaN");
    }
}
