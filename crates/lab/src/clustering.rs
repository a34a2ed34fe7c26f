//! Few values in the place of many weights, layer by layer.

use std::collections::BTreeSet;

use rand::Rng as _;
use sapwood_backend::{Seed, Stream, block_on};
use sapwood_codec::{Sharing, Start};
use sapwood_core::{Masks, ModuleState, ParamInfo, ParamPath, Role, State, infos};
use sapwood_models::Net;
use serde::Serialize;

use crate::Error;

/// How the weights of a network are shared: in each layer among `2^bits` values at most, zeros apart. It
/// goes into the identity of a run that begins with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Clustering {
    /// Of linear layers.
    pub bits: u32,
    /// Of convolutions.
    pub conv_bits: u32,
    /// Of biases; where it is nothing, these stay what they are.
    pub bias_bits: Option<u32>,
    /// Where centroids begin.
    pub start: Beginnings,
    /// Of what is drawn, where centroids begin with drawn weights.
    pub seed: u64,
}

/// Where centroids begin: see [`Start`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Beginnings {
    /// Evenly between the smallest and the largest weight.
    #[default]
    Linear,
    /// Where most weights are.
    Density,
    /// At weights that are drawn.
    Random,
}

/// What became of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedLayer {
    /// The parameter.
    pub path: ParamPath,
    /// How many weights are not zero.
    pub kept: usize,
    /// How many values these have now.
    pub values: usize,
    /// By how much they differ from what they were: the root of the sum of squares, over that of the
    /// weights.
    pub error: f64,
}

/// The most bits: codebooks have at most 4096 values.
const MOST_BITS: u32 = 12;

impl Clustering {
    /// The network with shared weights, and what became of each parameter that has shared ones, in the
    /// order of its definition. Masked weights are zeros, and stay it.
    ///
    /// # Errors
    /// Numbers of bits out of range; weights that are not finite.
    pub fn share(&self, net: Net, masks: &Masks) -> Result<(Net, Vec<SharedLayer>), Error> {
        for (name, bits) in
            [("bits", Some(self.bits)), ("conv_bits", Some(self.conv_bits)), ("bias_bits", self.bias_bits)]
        {
            if bits.is_some_and(|bits| !(1..=MOST_BITS).contains(&bits)) {
                let found = bits.unwrap_or_default();
                let problem = format!("`{name}` must be from 1 to {MOST_BITS}, but it is {found}");
                return Err(Error::Setting { key: name.into(), problem });
            }
        }
        let mut state = block_on(State::read(&net))?;
        state.apply(masks)?;
        let mut layers = Vec::new();
        for (at, info) in infos(&net).into_iter().enumerate() {
            let Some(bits) = self.bits_of(&info) else { continue };
            let Some(weights) = state.0.get_mut(&info.path).and_then(|value| value.as_mut_slice::<f32>())
            else {
                continue;
            };
            let before = weights.to_vec();
            let sharing = Sharing::among(1 << bits).start(self.start(at as u64));
            let centroids = sharing.share(weights);
            let centroids = centroids.map_err(|error| Error::Sharing { path: info.path.clone(), error })?;
            let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>();
            let moved = squares(&mut before.iter().zip(&*weights).map(|(a, b)| f64::from(a - b)));
            let all = squares(&mut before.iter().map(|x| f64::from(*x)));
            layers.push(SharedLayer {
                kept: before.iter().filter(|weight| **weight != 0.0).count(),
                values: centroids.len(),
                error: if all == 0.0 { 0.0 } else { (moved / all).sqrt() },
                path: info.path,
            });
        }
        Ok((state.write(net)?, layers))
    }

    fn bits_of(&self, info: &ParamInfo) -> Option<u32> {
        match info.role {
            Role::ConvWeight => Some(self.conv_bits),
            Role::LinearWeight => Some(self.bits),
            Role::Bias => self.bias_bits,
            _ => None,
        }
    }

    fn start(&self, layer: u64) -> Start {
        match self.start {
            Beginnings::Linear => Start::Linear,
            Beginnings::Density => Start::Density,
            Beginnings::Random => Start::Random(Seed(self.seed).stream(Stream::Centroids, layer).next_u64()),
        }
    }
}

/// Which parameters have shared weights.
pub fn shared_paths(layers: &[SharedLayer]) -> BTreeSet<ParamPath> {
    layers.iter().map(|layer| layer.path.clone()).collect()
}
