//! A random number for each weight.

use burn::tensor::{Tensor, TensorData};
use rand::Rng as _;
use sapwood_backend::{Rng, Seed, Stream};
use sapwood_core::ParamPath;

use crate::{ChannelScore, Criterion, Error, Probe, Prunable, ScoreTensors};

/// Uniform in [0, 1), from a random stream of its own for each layer: the layer's
/// index is its position among all conv and linear weights of the network in the
/// order of their paths, so that excluding one layer moves no number of another.
#[derive(Clone, Copy, Debug)]
pub struct Random(
    /// What the numbers are drawn from.
    pub Seed,
);

impl Criterion for Random {
    fn name(&self) -> &str {
        "random"
    }

    fn channels(&self) -> ChannelScore {
        ChannelScore::Drawn
    }

    fn score(&self, probe: &dyn Probe, prunable: &Prunable) -> Result<ScoreTensors, Error> {
        let mut paths: Vec<&ParamPath> =
            probe.infos().iter().filter(|info| info.role.is_weight()).map(|info| &info.path).collect();
        paths.sort();
        let weights = probe.weights()?;
        ScoreTensors::try_from_fn(prunable, |info| {
            let device = weights.get(&info.path)?.device();
            let index = paths.binary_search(&&info.path).unwrap_or(paths.len());
            let mut rng = self.0.stream(Stream::Criterion, index as u64);
            let scores: Vec<f32> = (0..info.len()).map(|_| uniform(&mut rng)).collect();
            Ok(Tensor::from_data(TensorData::new(scores, [info.len()]), &device))
        })
    }
}

/// A multiple of 2^-24 in [0, 1).
fn uniform(rng: &mut Rng) -> f32 {
    (rng.next_u32() >> 8) as f32 / (1 << 24) as f32
}
