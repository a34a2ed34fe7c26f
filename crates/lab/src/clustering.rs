//! Few values in the place of many weights, layer by layer.

use std::collections::BTreeSet;

use rand::Rng as _;
use sapwood_backend::{Seed, Stream, block_on};
use sapwood_codec::{Sharing, Start, Thrift};
use sapwood_core::{Bits, Masks, ModuleState, ParamInfo, ParamPath, Role, State, infos};
use sapwood_models::Net;
use serde::{Deserialize, Serialize};

use crate::Error;

/// How the weights of a network are shared: in each layer among `2^bits` values at most, zeros apart. It
/// goes into the identity of a run that begins with them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Clustering {
    /// Of linear layers.
    pub bits: u32,
    /// Of convolutions.
    pub conv_bits: u32,
    /// Of biases; where it is nothing, these stay what they are.
    pub bias_bits: Option<u32>,
    /// Where centroids begin.
    pub start: Beginnings,
    /// What a bit is worth in mean squares of a layer's weights: see [`Thrift`]. With 0 each weight has the
    /// nearest value; else some weights take one that is cheaper to say, or go.
    pub bit_price: f64,
    /// Of what is drawn, where centroids begin with drawn weights.
    pub seed: u64,
}

/// Where centroids begin: see [`Start`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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

/// A network with shared weights.
#[derive(Clone, Debug)]
pub struct SharedNet {
    /// The network.
    pub net: Net,
    /// Its masks: fewer weights than before, where bits have a price.
    pub masks: Masks,
    /// What became of each parameter that has shared weights, in the order of the network's definition.
    pub layers: Vec<SharedLayer>,
}

/// What became of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedLayer {
    /// The parameter.
    pub path: ParamPath,
    /// How many weights are not zero now.
    pub kept: usize,
    /// How many values these have now.
    pub values: usize,
    /// By how much they differ from what they were: the root of the sum of squares, over that of the
    /// weights.
    pub error: f64,
}

impl SharedLayer {
    fn of(path: ParamPath, before: &[f32], after: &[f32], values: usize) -> Self {
        let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>();
        let moved = squares(&mut before.iter().zip(after).map(|(a, b)| f64::from(a - b)));
        let all = squares(&mut before.iter().map(|x| f64::from(*x)));
        Self {
            path,
            kept: after.iter().filter(|weight| **weight != 0.0).count(),
            values,
            error: if all == 0.0 { 0.0 } else { (moved / all).sqrt() },
        }
    }
}

/// The most bits: codebooks have at most 4096 values.
const MOST_BITS: u32 = 12;

impl Clustering {
    /// The network with shared weights. Masked weights are zeros, and stay it.
    ///
    /// # Errors
    /// Numbers of bits, or their price, out of range; weights that are not finite.
    pub fn share(&self, net: Net, masks: &Masks) -> Result<SharedNet, Error> {
        self.check()?;
        let mut state = block_on(State::read(&net))?;
        state.apply(masks)?;
        let (mut masks, mut layers) = (masks.clone(), Vec::new());
        for (at, info) in infos(&net).into_iter().enumerate() {
            let Some(bits) = self.bits_of(&info) else { continue };
            let Some(weights) = state.0.get_mut(&info.path).and_then(|value| value.as_mut_slice::<f32>())
            else {
                continue;
            };
            let before = weights.to_vec();
            let wrong = |error| Error::Sharing { path: info.path.clone(), error };
            let mut centroids =
                Sharing::among(1 << bits).start(self.start(at as u64)).share(weights).map_err(wrong)?;
            if info.role.is_weight() && 0.0 < self.bit_price {
                let thrift = Thrift { lambda: self.bit_price, width: info.shape[1..].iter().product() };
                centroids = thrift.choose(&before, weights).map_err(wrong)?;
                let gone: Bits =
                    before.iter().zip(&*weights).map(|(was, is)| *was != 0.0 && *is == 0.0).collect();
                if 0 < gone.count_ones() {
                    let mask = masks.entry(info.path.clone()).or_insert_with(|| Bits::ones(gone.len()));
                    *mask = mask.minus(&gone);
                }
            }
            layers.push(SharedLayer::of(info.path, &before, weights, centroids.len()));
        }
        Ok(SharedNet { net: state.write(net)?, masks, layers })
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let wrong = |key: &str, problem: String| Err(Error::Setting { key: key.into(), problem });
        for (name, bits) in
            [("bits", Some(self.bits)), ("conv_bits", Some(self.conv_bits)), ("bias_bits", self.bias_bits)]
        {
            if let Some(found) = bits.filter(|bits| !(1..=MOST_BITS).contains(bits)) {
                return wrong(name, format!("`{name}` must be from 1 to {MOST_BITS}, but it is {found}"));
            }
        }
        match self.bit_price.is_finite() && 0.0 <= self.bit_price {
            true => Ok(()),
            false => {
                let found = self.bit_price;
                wrong(
                    "bit_price",
                    format!("`bit_price` must be a finite number, 0 or above, but it is {found}"),
                )
            }
        }
    }

    fn bits_of(&self, info: &ParamInfo) -> Option<u32> {
        match info.role {
            Role::ConvWeight | Role::TransposedConvWeight => Some(self.conv_bits),
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
