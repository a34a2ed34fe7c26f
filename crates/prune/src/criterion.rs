//! The plug-in: what a weight is worth.

use std::fmt::Debug;

use crate::{Error, Needs, Probe, Prunable, ScoreTensors};

/// Says what each weight is worth: higher means keep.
///
/// A criterion maps tensors to tensors and reads no value, so that it works on
/// any device and on any platform; reading, ranking and counting happen in
/// [`MaskSet::select`](crate::MaskSet::select). It is a plain value: one from
/// another crate is passed in like one from here.
///
/// ```
/// use sapwood_prune::{Criterion, Error, Needs, Probe, Prunable, ScoreTensors};
///
/// /// Keeps the smallest weights.
/// #[derive(Debug)]
/// struct Smallest;
///
/// impl Criterion for Smallest {
///     fn name(&self) -> &str {
///         "smallest"
///     }
///
///     fn needs(&self) -> Needs {
///         Needs::Weights
///     }
///
///     fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
///         let weights = probe.weights()?;
///         ScoreTensors::try_from_fn(prunable, |info| Ok(weights.get(&info.path)?.abs().neg()))
///     }
/// }
/// ```
pub trait Criterion: Debug + Send + Sync {
    /// The name by which it is asked for.
    fn name(&self) -> &str;

    /// What the probe must be able to give.
    fn needs(&self) -> Needs;

    /// Whether weights that were removed may return.
    fn removed(&self) -> Removed {
        Removed::StayRemoved
    }

    /// The score of every prunable weight.
    fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error>;
}

/// What becomes of weights that an earlier mask removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// Only weights that are alive are candidates.
    StayRemoved,
    /// All weights are candidates (FORCE, RigL, movement).
    MayReturn,
}
