//! Gradient signal preservation.

use sapwood_core::{Batch, Norm};
use serde::{Deserialize, Serialize};

use super::mean_gradient_of;
use crate::{
    ChannelScore, Criterion, Error, Needs, ParamTensors, Probe, Prunable, Response, ScoreTensors,
    hessian_vector, mean_over_examples,
};

/// `w * (H g)`: how much of the gradient's norm the weight carries (Wang et al.
/// 2020, equation 8). `g` is the gradient of the loss by the prunable weights, `H`
/// the Hessian by them, logits are divided by a temperature, and normalisation
/// uses the statistics of the batch.
///
/// The paper's `S(-w) = -w * (H g)` is the change of `|g|^2` when the weight
/// goes, and those with the *highest* of it go: higher means keep with the sign
/// that stands here. (The code of Frankle et al. 2021 removes the lowest unless
/// told `--prune_highest`; that is [`Ablation::Invert`](crate::Ablation::Invert).)
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grasp {
    /// What the logits are divided by.
    pub temperature: f64,
    /// How several batches are joined.
    pub estimator: GraspEstimator,
}

/// `|w * (H g)|`: GraSP with the absolute value, taken after batches are joined
/// (Frankle et al. 2021, section 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct GraspAbs(
    /// The same without the absolute value.
    pub Grasp,
);

/// How GraSP joins several batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GraspEstimator {
    /// The mean over batches of `w * (H_b g_b)`: the code of Frankle et al. 2021.
    #[default]
    PerBatch,
    /// `w` times the mean over batches of `H_b g`, with the gradient `g` of all
    /// batches: the authors' code, and that of Tanaka et al. 2020.
    GlobalGradient,
}

impl Default for Grasp {
    fn default() -> Self {
        Self { temperature: 200.0, estimator: GraspEstimator::default() }
    }
}

impl Grasp {
    /// The scores, for the criterion of this name.
    fn scores(
        &self,
        criterion: &'static str,
        probe: &dyn Probe,
        prunable: &Prunable,
    ) -> Result<ParamTensors, Error> {
        if !(self.temperature.is_finite() && 0.0 < self.temperature) {
            return Err(Error::CriterionOption {
                criterion,
                problem: format!("`temperature` should be above 0 and finite, but is {}", self.temperature),
            });
        }
        let (temperature, batches) = (self.temperature, probe.examples()?);
        let curved = |batch: &Batch, g: &ParamTensors| {
            hessian_vector(probe, Response::Loss { batch, temperature }, Norm::Batch, g)
        };
        let hg = match self.estimator {
            GraspEstimator::PerBatch => mean_over_examples(batches, |batch| {
                let g = probe.gradient(Response::Loss { batch, temperature }, Norm::Batch, None)?;
                curved(batch, &g.of(prunable)?)
            })?,
            GraspEstimator::GlobalGradient => {
                let g = mean_gradient_of(probe, temperature)?.of(prunable)?;
                mean_over_examples(batches, |batch| curved(batch, &g))?
            }
        };
        probe.weights()?.of(prunable)?.times(&hg)
    }
}

impl Criterion for Grasp {
    fn name(&self) -> &str {
        "grasp"
    }

    fn needs(&self) -> Needs {
        Needs::Gradient
    }

    fn channels(&self) -> ChannelScore {
        ChannelScore::WithScales
    }

    fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
        ScoreTensors::new(prunable, self.scores("grasp", probe, prunable)?)
    }
}

impl Criterion for GraspAbs {
    fn name(&self) -> &str {
        "grasp-abs"
    }

    fn needs(&self) -> Needs {
        Needs::Gradient
    }

    fn channels(&self) -> ChannelScore {
        ChannelScore::WithScales
    }

    fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
        ScoreTensors::new(prunable, self.0.scores("grasp-abs", probe, prunable)?.abs())
    }
}
