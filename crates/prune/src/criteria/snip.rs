//! Connection sensitivity.

use sapwood_core::Norm;
use serde::{Deserialize, Serialize};

use crate::{
    ChannelScore, Criterion, Error, Needs, Probe, Prunable, Response, ScoreTensors, mean_over_examples,
};

/// `|w * dL/dw|`: how much the loss would change without the weight, to first
/// order (Lee et al. 2019, equation 5). With one batch and one kind of
/// normalisation the three published estimators agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Snip {
    /// Which of the published estimators.
    pub variant: SnipVariant,
}

/// The published estimators of SNIP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SnipVariant {
    /// `sum over b of n_b |w g_b| / sum of n_b`, normalised by the batch: the code
    /// of Frankle et al. 2021. The default, because its comparison of methods is
    /// the one that results are held against.
    #[default]
    MissingTheMark,
    /// `|sum over b of n_b w g_b| / sum of n_b`, normalised by the running
    /// statistics: the code of Tanaka et al. 2020.
    SynapticFlow,
    /// `|w g|` of the first batch alone, normalised by the running statistics: the
    /// authors' code, which trains a fresh initialisation afterwards.
    Original,
}

impl Criterion for Snip {
    fn name(&self) -> &str {
        "snip"
    }

    fn needs(&self) -> Needs {
        Needs::Gradient
    }

    fn channels(&self) -> ChannelScore {
        ChannelScore::WithScales
    }

    fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
        let (w, batches) = (probe.weights()?.of(prunable)?, probe.examples()?);
        let effect = |norm| {
            let w = w.clone();
            move |batch: &_| w.clone().times(&probe.gradient(Response::loss(batch), norm, None)?)
        };
        let scores = match self.variant {
            SnipVariant::MissingTheMark => {
                let effect = effect(Norm::Batch);
                mean_over_examples(batches, |batch| Ok(effect(batch)?.abs()))?
            }
            SnipVariant::SynapticFlow => mean_over_examples(batches, effect(Norm::Running))?.abs(),
            SnipVariant::Original => effect(Norm::Running)(&batches[0])?.abs(),
        };
        ScoreTensors::new(prunable, scores)
    }
}
