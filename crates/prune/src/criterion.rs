//! The plug-in: what a weight is worth.

use std::fmt::Debug;

use crate::{ChannelScore, Error, Iterations, Needs, Probe, Prunable, Reconstruction, ScoreTensors};

/// Says what each weight is worth: higher means keep.
///
/// A criterion maps tensors to tensors and reads no value, so that it works on
/// any device and on any platform, a browser included; reading, ranking and counting happen in
/// [`Cut::masks`](crate::Cut::masks), and so does what has to be computed on the host
/// ([`ScoreTensors::on_host`]). It is a plain value: one from another crate
/// is passed in like one from here.
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
///     fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
///         ScoreTensors::new(prunable, probe.weights()?.of(prunable)?.map(|w| w.abs().neg()))
///     }
/// }
/// ```
pub trait Criterion: Debug + Send + Sync {
    /// The name by which it is asked for.
    fn name(&self) -> &str;

    /// What the probe must be able to give.
    fn needs(&self) -> Needs {
        Needs::Weights
    }

    /// Whether weights that were removed may return.
    fn removed(&self) -> Removed {
        Removed::StayRemoved
    }

    /// In how many rounds it is customarily applied.
    fn iterations(&self) -> Iterations {
        Iterations::ONE_SHOT
    }

    /// Those of the parameters in scope that it can score. What it leaves out stays
    /// dense and does not count.
    ///
    /// # Errors
    /// What it needs to know and the probe does not have; nothing that it can score.
    fn scope(&self, probe: &dyn Probe, in_scope: Prunable) -> Result<Prunable, Error> {
        let _ = probe;
        Ok(in_scope)
    }

    /// The score of every prunable weight.
    ///
    /// # Errors
    /// What the probe refuses; weights that it cannot score; a device that fails.
    fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error>;

    /// What the score of a channel is made of, where whole channels go: see
    /// [`Granularity::Channel`](crate::Granularity::Channel).
    fn channels(&self) -> ChannelScore {
        ChannelScore::Weights
    }

    /// How it makes up for what it removes, where it does.
    fn reconstruction(&self) -> Option<&dyn Reconstruction> {
        None
    }
}

/// What becomes of weights that an earlier mask removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// Only weights that are alive are candidates.
    StayRemoved,
    /// All weights are candidates (FORCE, RigL, movement). Where channels are cut, those of channels that were gone before
    /// are none.
    MayReturn,
}
