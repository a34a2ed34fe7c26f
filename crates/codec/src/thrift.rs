//! Codebooks whose use costs few bits.
//!
//! k-means asks only how far a weight is from its centroid. Entropy-constrained quantisation (Chou,
//! Lookabaugh and Gray 1989, "Entropy-constrained vector quantization") asks as well what the centroid
//! costs to say, as DeepCABAC does on a grid: each weight takes the value q for which
//! (w - q)^2 / s^2 + lambda x bits(q) is least, where s^2 is the mean square of the weights that are kept.
//! Zero is one of the values, so a weight that is small and stands where none is expected goes.

use crate::{
    Error, Result,
    adaptive::{Learning, Levels},
    lines,
};

/// How many times values are chosen, and centroids made the means of what has chosen them.
const ROUNDS: usize = 3;

/// Gives weights to centroids by distance and bits together.
///
/// ```
/// use sapwood_codec::{Sharing, Thrift};
///
/// let weights = [0.31f32, 0.0, 0.05, 0.0, 0.28, 0.0, 0.0, -0.29];
/// let mut shared = weights;
/// Sharing::among(4).share(&mut shared)?;
/// let centroids = Thrift { lambda: 0.05, width: 4 }.choose(&weights, &mut shared)?;
/// assert_eq!(shared[2], 0.0);
/// assert!(centroids.len() <= 3);
/// # Ok::<(), sapwood_codec::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thrift {
    /// What a bit is worth, in mean squares of the weights. With 0 nothing changes.
    pub lambda: f64,
    /// How many weights a row has.
    pub width: usize,
}

impl Thrift {
    /// Chooses anew for weights that were shared before, and says which centroids are left, in their
    /// order. Zeros stay zeros; others may become it.
    ///
    /// # Errors
    /// A negative lambda, rows of weights and shared ones that are not as many, or numbers that are not
    /// finite.
    pub fn choose(&self, weights: &[f32], shared: &mut [f32]) -> Result<Vec<f32>> {
        let range = |what, expected, found: String| Err(Error::Range { what, expected, found });
        if !(self.lambda.is_finite() && 0.0 <= self.lambda) {
            return range("lambda", "finite and not negative", self.lambda.to_string());
        }
        if weights.len() != shared.len() {
            let found = format!("{} for {}", shared.len(), weights.len());
            return range("shared weights", "as many as the weights", found);
        }
        if let Some(wrong) = weights.iter().chain(&*shared).find(|weight| !weight.is_finite()) {
            return range("a weight", "finite", wrong.to_string());
        }
        let kept = || weights.iter().zip(&*shared).filter(|(_, shared)| **shared != 0.0);
        let (count, sum) = kept()
            .fold((0usize, 0.0), |(count, sum), (weight, _)| (count + 1, sum + f64::from(*weight).powi(2)));
        let mut values = Values::of(shared);
        if count == 0 || sum == 0.0 || self.lambda == 0.0 {
            return Ok(values.0.into_iter().filter(|value| *value != 0.0).collect());
        }
        let scale = count as f64 / sum;
        for _ in 0..ROUNDS {
            self.round(weights, shared, &values, scale)?;
            values = values.means(weights, shared);
        }
        Ok(values.0.into_iter().filter(|value| *value != 0.0).collect())
    }

    /// Each weight takes one of these values.
    fn round(&self, weights: &[f32], shared: &mut [f32], values: &Values, scale: f64) -> Result<()> {
        let before: Vec<i32> = shared.iter().map(|value| values.rank(*value)).collect();
        let width = self.width.clamp(1, before.len().max(1));
        let line = lines::lines(&before, width).last().copied().unwrap_or(0);
        let kept = before.iter().filter(|rank| **rank != 0).count();
        let mut model = Levels::new(width, line, 0, 2 * kept < before.len());
        for ((weight, shared), before) in weights.iter().zip(shared).zip(before) {
            if before == 0 {
                model.code(&mut Learning, 0)?;
                continue;
            }
            // The same, its neighbours, and nothing.
            let candidates = [before, values.near(before - 1), values.near(before + 1), 0];
            let bits = model.prices(candidates);
            let total = [0, 1, 2, 3].map(|which| {
                let error = f64::from(*weight) - f64::from(values.of_rank(candidates[which]));
                scale * error * error + self.lambda * bits[which]
            });
            let best = (0..4).min_by(|a, b| total[*a].total_cmp(&total[*b])).unwrap_or(0);
            *shared = values.of_rank(candidates[best]);
            model.code(&mut Learning, candidates[best])?;
        }
        Ok(())
    }
}

/// Different values in their order, zero among them: their ranks count from there.
struct Values(Vec<f32>);

impl Values {
    fn of(shared: &[f32]) -> Self {
        let mut values: Vec<f32> = shared.iter().copied().filter(|value| *value != 0.0).collect();
        values.push(0.0);
        values.sort_unstable_by(f32::total_cmp);
        values.dedup();
        Self(values)
    }

    fn zero(&self) -> i32 {
        self.0.partition_point(|value| *value < 0.0) as i32
    }

    fn rank(&self, value: f32) -> i32 {
        self.0.partition_point(|other| *other < value) as i32 - self.zero()
    }

    fn of_rank(&self, rank: i32) -> f32 {
        self.0[(rank + self.zero()) as usize]
    }

    /// This rank, or the last one on its side.
    fn near(&self, rank: i32) -> i32 {
        rank.clamp(-self.zero(), self.0.len() as i32 - 1 - self.zero())
    }

    /// Each value becomes the mean of the weights that have it; those of none go.
    fn means(&self, weights: &[f32], shared: &mut [f32]) -> Self {
        let mut sums = vec![(0usize, 0.0f64); self.0.len()];
        let place = |value: f32| (self.rank(value) + self.zero()) as usize;
        for (weight, value) in weights.iter().zip(&*shared) {
            let (count, sum) = &mut sums[place(*value)];
            (*count, *sum) = (*count + 1, *sum + f64::from(*weight));
        }
        let mean = |(at, (count, sum)): (usize, &(usize, f64))| match (self.0[at], count) {
            (0.0, _) | (_, 0) => 0.0,
            (_, count) => (sum / *count as f64) as f32,
        };
        let means: Vec<f32> = sums.iter().enumerate().map(mean).collect();
        for value in &mut *shared {
            *value = means[place(*value)];
        }
        Self::of(shared)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Coder, Sharing};

    /// Large and small weights, few of them, many more on the left of a row.
    fn pruned() -> Vec<f32> {
        let mut state = 5u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as f32 / (1u64 << 31) as f32
        };
        let weight = |at: usize, random: &mut dyn FnMut() -> f32| {
            let kept = random() < if at % 100 < 20 { 0.3 } else { 0.02 };
            let value = 0.1 + random() + random();
            if kept { if random() < 0.5 { -value } else { value } } else { 0.0 }
        };
        (0..40_000).map(|at| weight(at, &mut random)).collect()
    }

    fn shared(lambda: f64) -> (usize, f64, Vec<f32>, Vec<f32>) {
        let weights = pruned();
        let mut shared = weights.clone();
        Sharing::among(8).share(&mut shared).unwrap();
        let centroids = Thrift { lambda, width: 100 }.choose(&weights, &mut shared).unwrap();
        let bytes = Coder::rows(100).encode(&shared).unwrap().bytes().len();
        let error = weights.iter().zip(&shared).map(|(a, b)| f64::from(a - b).powi(2)).sum();
        (bytes, error, shared, centroids)
    }

    #[test]
    fn the_dearer_a_bit_the_fewer_bytes_and_the_more_error() {
        let rates = [0.0, 0.01, 0.03, 0.1].map(shared).map(|rate| (rate.0, rate.1));
        assert!(rates.is_sorted_by(|a, b| b.0 < a.0), "{rates:?}");
        // Choosing anew may also leave a worse place that k-means has ended at.
        assert!(rates[1..].is_sorted_by(|a, b| a.1 < b.1), "{rates:?}");
    }

    #[test]
    fn it_takes_fewer_bytes_than_fewer_weights_of_the_same_error_do() {
        let (bytes, error, ..) = shared(0.03);
        let weights = pruned();
        let mut sizes: Vec<f32> = weights.iter().map(|w| w.abs()).filter(|size| 0.0 < *size).collect();
        sizes.sort_unstable_by(f32::total_cmp);
        // By magnitude, until the error is that.
        let by_magnitude = (0..sizes.len()).step_by(50).find_map(|gone| {
            let mut fewer: Vec<f32> =
                weights.iter().map(|w| if w.abs() < sizes[gone] { 0.0 } else { *w }).collect();
            Sharing::among(8).share(&mut fewer).unwrap();
            let found: f64 = weights.iter().zip(&fewer).map(|(a, b)| f64::from(a - b).powi(2)).sum();
            (error <= found).then(|| Coder::rows(100).encode(&fewer).unwrap().bytes().len())
        });
        let by_magnitude = by_magnitude.unwrap();
        assert!(100 * bytes < 98 * by_magnitude, "{bytes} bytes, by magnitude {by_magnitude}");
    }

    #[test]
    fn zeros_stay_zeros_and_each_centroid_is_the_mean_of_its_weights() {
        let (_, _, shared, centroids) = shared(0.03);
        let weights = pruned();
        assert!(weights.iter().zip(&shared).all(|(weight, shared)| *weight != 0.0 || *shared == 0.0));
        assert!(!centroids.is_empty() && centroids.len() <= 8 && centroids.is_sorted());
        for centroid in &centroids {
            let own = weights.iter().zip(&shared).filter(|(_, shared)| *shared == centroid);
            let own: Vec<f64> = own.map(|(weight, _)| f64::from(*weight)).collect();
            let mean = own.iter().sum::<f64>() / own.len() as f64;
            assert!((mean - f64::from(*centroid)).abs() < 1e-6, "{centroid} of mean {mean}");
        }
    }

    #[test]
    fn nothing_to_choose_and_numbers_out_of_range() {
        let choose = |lambda, weights: &[f32], shared: &[f32]| {
            let mut shared = shared.to_vec();
            Thrift { lambda, width: 3 }.choose(weights, &mut shared).map(|found| (found, shared))
        };
        assert_eq!(choose(1.0, &[], &[]).unwrap(), (vec![], vec![]));
        assert_eq!(choose(1.0, &[0.0; 3], &[0.0; 3]).unwrap(), (vec![], vec![0.0; 3]));
        let two = [1.0, 0.0, -2.0];
        assert_eq!(choose(0.0, &two, &two).unwrap(), (vec![-2.0, 1.0], two.to_vec()));
        let said = |lambda, weights: &[f32], shared: &[f32]| {
            choose(lambda, weights, shared).unwrap_err().to_string()
        };
        assert_eq!(said(-1.0, &[], &[]), "lambda must be finite and not negative, but it is -1");
        assert_eq!(
            said(1.0, &[1.0], &[]),
            "shared weights must be as many as the weights, but it is 0 for 1"
        );
        assert_eq!(said(1.0, &[f32::NAN], &[0.0]), "a weight must be finite, but it is NaN");
    }
}
