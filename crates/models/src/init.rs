//! Initial weights, by name.

use burn::{
    module::Module,
    tensor::{Tensor, TensorData},
};
use rand::RngExt as _;
use rand_distr::{Distribution, StandardNormal};
use sapwood_backend::{Rng, Seed, Stream};
use sapwood_core::{Layout, ParamInfo, Role, UnknownName, map};
use serde::{Deserialize, Serialize};

use crate::Error;

/// The distribution of the weights of convolutions and linear layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WeightInit {
    /// PyTorch's default for these layers: uniform in +-1/sqrt(fan-in).
    #[default]
    Pytorch,
    /// Normal with variance 2/fan-in (He et al. 2015).
    KaimingNormal,
    /// Uniform with variance 2/fan-in.
    KaimingUniform,
    /// Uniform with variance 2/(fan-in + fan-out) (Glorot & Bengio 2010).
    Xavier,
    /// Normal with variance 2/(fan-in + fan-out).
    XavierNormal,
}

/// A row of [`INITS`].
#[derive(Clone, Copy, Debug)]
pub struct InitEntry {
    /// The name by which it is asked for.
    pub name: &'static str,
    /// What it draws.
    pub about: &'static str,
    /// The value.
    pub weights: WeightInit,
}

const fn row(name: &'static str, about: &'static str, weights: WeightInit) -> InitEntry {
    InitEntry { name, about, weights }
}

/// All initialisations, in the order in which they are shown.
pub const INITS: &[InitEntry] = &[
    row("pytorch", "uniform in +-1/sqrt(fan-in): PyTorch's default", WeightInit::Pytorch),
    row("kaiming-normal", "normal with variance 2/fan-in", WeightInit::KaimingNormal),
    row("kaiming-uniform", "uniform with variance 2/fan-in", WeightInit::KaimingUniform),
    row("xavier", "uniform with variance 2/(fan-in + fan-out)", WeightInit::Xavier),
    row("xavier-normal", "normal with variance 2/(fan-in + fan-out)", WeightInit::XavierNormal),
];

/// The scale of normalisation layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NormScale {
    /// All ones, as in PyTorch.
    #[default]
    One,
    /// Uniform in [0, 1), as in open_lth.
    Uniform,
}

/// How a network begins. Biases follow PyTorch's default, uniform in
/// +-1/sqrt(fan-in) of their layer; the shift of normalisation is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Init {
    /// Weights.
    #[serde(default)]
    pub weights: WeightInit,
    /// Scale of normalisation.
    #[serde(default)]
    pub norm_scale: NormScale,
}

impl Init {
    /// By the name of the distribution of the weights.
    pub fn named(name: &str) -> Result<Self, Error> {
        let row = INITS.iter().find(|row| row.name == name);
        let unknown = || UnknownName::new("initialisation", name, INITS.iter().map(|row| row.name));
        Ok(Self { weights: row.ok_or_else(unknown)?.weights, norm_scale: NormScale::One })
    }

    /// The network with newly drawn parameters. Each parameter has a random
    /// stream of its own, numbered by its position, so that what one draws moves
    /// no other.
    pub fn apply<M: Module>(self, network: M, seed: Seed) -> M {
        self.apply_from(network, seed, Stream::Initialisation)
    }

    /// [`Init::apply`] with numbers of another stream: for the same seed, other weights.
    pub fn apply_from<M: Module>(self, network: M, seed: Seed, stream: Stream) -> M {
        let mut fan_in = 1;
        let mut position = 0;
        map(network, Layout::Torch, |info, old| {
            let mut rng = seed.stream(stream, position);
            position += 1;
            if info.role.is_weight() {
                fan_in = fans(info)[0];
            }
            match self.draw(info, fan_in, &mut rng) {
                Some(values) => {
                    Tensor::from_data(TensorData::new(values, [info.len()]), (&old.device(), old.dtype()))
                }
                None => old,
            }
        })
    }

    fn draw(self, info: &ParamInfo, fan_in: usize, rng: &mut Rng) -> Option<Vec<f32>> {
        let n = info.len();
        match info.role {
            Role::ConvWeight | Role::TransposedConvWeight | Role::LinearWeight => {
                Some(self.weights.draw(fans(info), n, rng))
            }
            Role::Bias => Some(uniform(1.0 / (fan_in as f64).sqrt(), n, rng)),
            Role::NormScale if self.norm_scale == NormScale::Uniform => {
                Some((0..n).map(|_| rng.random::<f32>()).collect())
            }
            Role::NormScale => Some(vec![1.0; n]),
            Role::NormShift => Some(vec![0.0; n]),
            Role::Buffer | Role::Other => None,
        }
    }
}

impl WeightInit {
    fn draw(self, [fan_in, fan_out]: [usize; 2], n: usize, rng: &mut Rng) -> Vec<f32> {
        let he = (2.0 / fan_in as f64).sqrt();
        let glorot = (2.0 / (fan_in + fan_out) as f64).sqrt();
        match self {
            Self::Pytorch => uniform(1.0 / (fan_in as f64).sqrt(), n, rng),
            Self::KaimingNormal => normal(he, n, rng),
            Self::KaimingUniform => uniform(3f64.sqrt() * he, n, rng),
            Self::Xavier => uniform(3f64.sqrt() * glorot, n, rng),
            Self::XavierNormal => normal(glorot, n, rng),
        }
    }
}

/// Fan-in and fan-out of a weight in PyTorch's layout.
fn fans(info: &ParamInfo) -> [usize; 2] {
    let receptive: usize = info.shape[2..].iter().product();
    [info.shape[1] * receptive, info.shape[0] * receptive]
}

fn uniform(bound: f64, n: usize, rng: &mut Rng) -> Vec<f32> {
    (0..n).map(|_| ((2.0 * rng.random::<f64>() - 1.0) * bound) as f32).collect()
}

fn normal(deviation: f64, n: usize, rng: &mut Rng) -> Vec<f32> {
    (0..n).map(|_| (Distribution::<f64>::sample(&StandardNormal, rng) * deviation) as f32).collect()
}
