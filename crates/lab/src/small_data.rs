//! What helps a network to learn from few examples.

use sapwood_sparse::Regulariser;
use sapwood_train::Mixing;
use serde::Serialize;

use crate::{Error, TrainConfig};

/// Ways to learn from few examples, as a part of a training's configuration. By default there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct SmallData {
    /// How images of a batch are mixed in pairs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mixing: Option<Mixing>,
    /// The decay of the average of all weights that is left in the place of the last ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average: Option<f64>,
    /// The number of training examples that are kept back, of each class its share: the weights of the epoch that does best
    /// on them are left, and the curve is theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_out: Option<usize>,
}

impl SmallData {
    /// Refuses what would have no effect, or another than it says, beside the rest.
    pub(crate) fn check(&self, config: &TrainConfig) -> Result<(), Error> {
        let refuse = |field: &str, problem: &str| Err(Error::setting(field, problem));
        if self.mixing.is_some() && config.transfer.teacher.is_some() {
            return refuse(
                "mixing",
                "mixed images have the labels of both, and no teacher: leave one of the two out",
            );
        }
        if self.mixing.is_some() && (config.quantize.is_some() || config.transfer.probe) {
            return refuse(
                "mixing",
                "neither a probe nor training with rounding mixes images: leave one of the two out",
            );
        }
        if self.hold_out.is_some() && config.sparse.is_some() {
            let problem = "the best epoch may have other masks than the last one, where masks change in training: leave \
                           one of the two out";
            return refuse("hold_out", problem);
        }
        if let (Some(_), Some(Regulariser::SoftFilters { .. })) = (self.average, config.regulariser) {
            let problem = "soft filters become zero after each epoch, and the average of their weights does not: leave \
                           one of the two out";
            return refuse("average", problem);
        }
        let rounding = "the average and the best epoch of a network that learns with rounding are not kept: leave them out";
        match config.quantize.is_some() && (self.hold_out.is_some() || self.average.is_some()) {
            true => refuse("average", rounding),
            false => Ok(()),
        }
    }
}
