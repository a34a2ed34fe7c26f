//! Scores that were computed elsewhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use sapwood_core::{Array, Masks, Mismatch, ParamInfo, ParamPath, State};

use crate::{Criterion, Error, Probe, Prunable, ScoreTensors};

/// Scores that were computed elsewhere, under the names and in the shapes of the weights: by another program, or by a
/// criterion earlier. Any number counts as it is, also one below zero, and higher means keep. They are the same in
/// every round, and a channel's score is made of those of the weights that leave with it. On a network with masks see
/// [`Stored::without`].
///
/// ```
/// use sapwood_core::{Array, State};
/// use sapwood_prune::{Criterion, Needs, Stored};
///
/// let scores = Array::new([2, 2], vec![0.5f32, -1.0, 2.0, 0.0])?;
/// let criterion = Stored::new(State([("fc.weight".into(), scores)].into()));
/// assert_eq!(criterion.needs(), Needs::Weights);
/// # Ok::<(), sapwood_core::graph::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Stored(BTreeMap<ParamPath, Arc<Array>>);

impl Stored {
    /// These scores. Whether they are those of a network is seen once they meet it.
    pub fn new(scores: State) -> Self {
        Self(scores.0.into_iter().map(|(path, scores)| (path, Arc::new(scores))).collect())
    }

    /// The same with 0 for every weight that these masks have removed, as a criterion gives it that multiplies by the
    /// weight: whoever computed the scores may not have known the masks, and what is gone does not count in the mean of
    /// a filter, a block or a channel.
    #[must_use]
    pub fn without(mut self, masks: &Masks) -> Self {
        for (path, scores) in &mut self.0 {
            // Scores of another number are not the network's, and are refused once they meet it.
            let Some(mask) = masks.get(path).filter(|mask| mask.len() == scores.len()) else { continue };
            let values: Vec<f64> = scores.iter().collect();
            let kept = |at: usize| if mask.get(at) { values[at] } else { 0.0 };
            *scores = Arc::new(Array::from_fn(scores.shape(), kept));
        }
        self
    }

    /// The parameters without scores, and those with scores of another shape.
    fn lacking(&self, prunable: &Prunable) -> Mismatch {
        let mut found = Mismatch::default();
        for info in prunable.params() {
            match self.0.get(&info.path) {
                None => found.missing.push(info.path.clone()),
                Some(scores) if scores.shape() != info.shape.as_slice() => {
                    found.misshapen.push((info.path.clone(), info.shape.clone(), scores.shape().to_vec()));
                }
                Some(_) => {}
            }
        }
        found
    }

    /// Scores of what is no weight of a convolution or linear layer.
    fn beside(&self, infos: &[ParamInfo]) -> Vec<ParamPath> {
        let weights = infos.iter().filter(|info| info.role.is_weight());
        let weights: BTreeSet<&ParamPath> = weights.map(|info| &info.path).collect();
        self.0.keys().filter(|path| !weights.contains(path)).cloned().collect()
    }
}

/// Refuses scores that are not those of a network.
fn fitting(mismatch: Mismatch) -> Result<(), Error> {
    if mismatch.is_empty() { Ok(()) } else { Err(Error::ForeignScores { mismatch }) }
}

impl Criterion for Stored {
    fn name(&self) -> &str {
        "stored scores"
    }

    fn scope(&self, probe: &dyn Probe, in_scope: Prunable) -> Result<Prunable, Error> {
        fitting(Mismatch { unexpected: self.beside(probe.infos()), ..self.lacking(&in_scope) })?;
        Ok(in_scope)
    }

    fn score(&self, _: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
        fitting(self.lacking(prunable))?;
        // Nothing of them goes to the device, which may have no f64.
        ScoreTensors::on_host(prunable, |info| {
            let scores = self.0.get(&info.path).cloned();
            let values = move |_: &[Vec<f64>]| {
                Ok(scores.iter().flat_map(|all| all.iter::<f64>()).collect::<Vec<f64>>())
            };
            Ok((Vec::new(), values))
        })
    }
}
