//! Initial weights, by name.

use burn::{
    module::Module,
    prelude::Device,
    tensor::{Tensor, TensorData},
};
use rand::RngExt as _;
use rand_distr::{Distribution, StandardNormal};
use sapwood_backend::{Rng, Seed, Stream};
use sapwood_core::{Layout, ParamInfo, Role, UnknownName, map};
use serde::{Deserialize, Serialize};

use crate::{Error, Net, net::Layer, zoo::LEARNT};

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
/// +-1/sqrt(fan-in) of their layer; the shift of normalisation is zero. Class tokens and positions under the
/// names of the zoo's transformers are normal with deviation 0.02, as those who published such drew them; what else
/// belongs to no layer stays what it is.
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
    ///
    /// # Errors
    /// [`Error::Unknown`] for a name that is not in [`INITS`].
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
            Role::Other if LEARNT.contains(&info.path.as_str()) => Some(normal(0.02, n, rng)),
            Role::Buffer | Role::Step | Role::Other => None,
        }
    }
}

impl Net {
    /// Whether it has numbers that are no weights of a layer: [`Op::Constant`](sapwood_core::Op::Constant).
    pub fn has_constants(&self) -> bool {
        self.layers.iter().any(|layer| matches!(layer, Layer::Constant(_)))
    }

    /// The same layers with new weights. Constants keep their numbers, also those that are learnt: what is computed
    /// with them, nobody could draw.
    pub fn redrawn(&self, init: Init, seed: Seed, device: &Device) -> Self {
        let drawn = init.apply(Self::new((*self.graph).clone(), device), seed);
        let pairs = drawn.layers.into_iter().zip(&self.layers);
        let layers = pairs.map(|(drawn, given)| match given {
            Layer::Constant(_) => given.clone(),
            _ => drawn,
        });
        Self { layers: layers.collect(), ..drawn }
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

#[cfg(test)]
mod tests {
    use sapwood_backend::{DeviceSpec, block_on};
    use sapwood_core::{Binary, Graph, ModuleState as _, State};

    use super::*;
    use crate::Spec;

    #[test]
    fn tokens_and_positions_are_drawn_with_a_network_and_kept_where_one_is_drawn_anew() {
        let device = DeviceSpec::CPU.resolve().unwrap();
        for (model, token, positions) in
            [("vit-tiny", "cls_token", "pos_embed"), ("vit-b-16", "class_token", "encoder.pos_embedding")]
        {
            let spec = Spec { width: 0.01, ..Spec::named(model).unwrap() };
            let net = Init::default().apply(spec.net(&device).unwrap(), Seed(1));
            let [before, after] = [net.clone(), net.redrawn(Init::default(), Seed(2), &device)]
                .map(|net| block_on(State::read(&net)).unwrap().0);
            let mean_square = |path: &str| {
                let values = &before[path];
                values.iter::<f64>().map(|x| x * x).sum::<f64>() / values.len() as f64
            };
            assert!((mean_square(positions) / 4e-4 - 1.0).abs() < 0.1, "{model}");
            assert!((mean_square(token) / 4e-4 - 1.0).abs() < 0.9, "{model}");
            assert!(before[token] == after[token] && before[positions] == after[positions], "{model}");
        }
    }

    #[test]
    fn constants_keep_their_numbers_where_weights_are_drawn_anew() {
        let device = DeviceSpec::CPU.resolve().unwrap();
        let mut g = Graph::builder([1, 2, 2]);
        let x = g.flatten(g.input());
        let x = g.linear("fc1", x, 4);
        let tenth = g.constant("tenth", &[], false);
        let x = g.binary(x, tenth, Binary::Mul);
        let factors = g.constant("factors", &[4], true);
        let x = g.binary(x, factors, Binary::Mul);
        g.linear("fc2", x, 3);
        let net = Net::new(g.finish().unwrap(), &device);
        assert!(net.has_constants());
        let net = map(net, Layout::Torch, |_, zeros| zeros + 0.1);
        let [before, after] = [net.clone(), net.redrawn(Init::default(), Seed(1), &device)]
            .map(|net| block_on(State::read(&net)).unwrap().0);
        for (path, value) in &before {
            assert_eq!(after[path] == *value, !path.as_str().starts_with("fc"), "{path}");
        }
    }
}
