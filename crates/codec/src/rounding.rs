//! Rounding that knows what each level costs.

use crate::{
    Error, Result,
    adaptive::{Learning, Levels},
    lines,
};

/// Rounds weights to a grid so that distortion and bits together are least (DeepCABAC).
///
/// Each weight becomes the level q, of the nearest one, the one below it and zero, for which
/// importance x (weight - q x step)^2 + lambda x bits is least. What q costs in bits is what the
/// adaptive code would pay for it, having learnt all levels before (Wiedemann et al. 2020, section
/// III). With a `lambda` of 0 it is rounding to the nearest.
///
/// ```
/// use sapwood_codec::{Coder, Rounding};
///
/// let weights = [0.31f32, 0.0, -0.06, 0.02, 0.28, 0.0, 0.0, -0.29];
/// let levels = Rounding { step: 0.1, lambda: 0.001, width: 4 }.round(&weights, None)?;
/// assert_eq!(levels, [3, 0, 0, 0, 3, 0, 0, -3]);
/// let coded = Coder::rows(4).encode(&levels)?;
/// # Ok::<(), sapwood_codec::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rounding {
    /// The distance of two levels.
    pub step: f32,
    /// How much squared error, times importance, a bit is worth.
    pub lambda: f32,
    /// How many weights a row has.
    pub width: usize,
}

impl Rounding {
    /// The levels of weights. `importance` is one number for each weight, or none for 1 each: what a
    /// squared error costs there, for example the diagonal of the Fisher information.
    ///
    /// # Errors
    /// If the step is not positive, a number is negative or not finite, the importances are not as
    /// many as the weights, or a weight is over 2^30 steps.
    pub fn round(&self, weights: &[f32], importance: Option<&[f32]>) -> Result<Vec<i32>> {
        let range = |what, expected, found: String| Error::Range { what, expected, found };
        if !(self.step.is_finite() && 0.0 < self.step) {
            return Err(range("the step", "finite and greater than 0", self.step.to_string()));
        }
        if !(self.lambda.is_finite() && 0.0 <= self.lambda) {
            return Err(range("lambda", "finite and not negative", self.lambda.to_string()));
        }
        if let Some(importance) = importance {
            if importance.len() != weights.len() {
                let found = format!("{} for {} weights", importance.len(), weights.len());
                return Err(range("the importances", "as many as the weights", found));
            }
            if let Some(wrong) = importance.iter().find(|number| !(number.is_finite() && 0.0 <= **number)) {
                return Err(range("an importance", "finite and not negative", wrong.to_string()));
            }
        }
        let step = f64::from(self.step);
        let nearest = |weight: &f32| {
            let level = (f64::from(*weight) / step).round_ties_even();
            match level.abs() <= f64::from(1 << 30) {
                true => Ok(level as i32),
                false => Err(range("a weight", "within 2^30 steps of 0", weight.to_string())),
            }
        };
        let mut levels = weights.iter().map(nearest).collect::<Result<Vec<i32>>>()?;
        if self.lambda == 0.0 {
            return Ok(levels);
        }

        let width = self.width.clamp(1, levels.len().max(1));
        let line = lines::lines(&levels, width).last().copied().unwrap_or(0);
        let mut model = Levels::new(width, line, 0, true);
        let lambda = f64::from(self.lambda);
        for (at, level) in levels.iter_mut().enumerate() {
            let importance = importance.map_or(1.0, |importance| f64::from(importance[at]));
            let candidates = [*level, *level - level.signum(), 0];
            let bits = model.prices(candidates);
            let total = [0, 1, 2].map(|which| {
                let error = f64::from(weights[at]) - f64::from(candidates[which]) * step;
                importance * error * error + lambda * bits[which]
            });
            // Of equals the nearest.
            let best = (0..3).min_by(|a, b| total[*a].total_cmp(&total[*b])).unwrap_or(0);
            *level = candidates[best];
            model.code(&mut Learning, *level)?;
        }
        Ok(levels)
    }
}
