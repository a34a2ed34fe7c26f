//! What each layer costs with fewer bits.

use std::collections::BTreeSet;

use burn::prelude::Device;
use sapwood_core::{Anatomy, ModuleState, Observed, ParamPath, State};
use sapwood_graph::{Array, Op, Points, Quantized, Scheme};

use super::{Assignment, Budget};
use crate::{
    Answers, Error, Examples, Ptq, bits_of, compared::price, grids_of, nearest, weight_scheme,
    weights::suited,
};

/// What it costs to give the weights of one layer few bits, each layer alone and all else in floating point (section
/// 4 of HAQ, Wang et al. 2019, measures it in the same way).
#[derive(Clone, Debug, PartialEq)]
pub struct Sensitivity {
    /// The layers, in the order of the network.
    pub layers: Vec<LayerSensitivity>,
    /// What the layers take whose bits are not open.
    pub settled: Settled,
}

/// What weights take whose bits are not open.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Settled {
    /// Bytes of integers with their scales, or of numbers.
    pub bytes: usize,
    /// Bit operations for one example; numbers have 32 bits.
    pub operations: f64,
}

/// That of one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSensitivity {
    /// The layer.
    pub layer: String,
    /// Its weights.
    pub weights: usize,
    /// Its multiply-accumulates for one example.
    pub macs: u64,
    /// What bits cost, the most bits first.
    pub costs: Vec<BitCost>,
}

/// What a layer costs with this number of bits.
#[derive(Clone, Debug, PartialEq)]
pub struct BitCost {
    /// The bits.
    pub bits: usize,
    /// The bytes that its weights then take, with their scales.
    pub bytes: usize,
    /// The power of the network's outputs over that of their change, in decibels.
    pub signal_to_noise: f64,
    /// By how much the loss rises.
    pub loss: f64,
    /// The divergence of the outputs' softmax.
    pub divergence: f64,
}

impl Sensitivity {
    /// Of a network, for these bits. Layers that a [`Ptq`] leaves in floating point, whose inputs it rounds row by row, or
    /// to which it gives bits of their own, are settled.
    ///
    /// # Errors
    /// Bits that weights cannot have; as for [`Answers::of`].
    pub async fn of<N: Observed>(
        network: &N,
        ptq: &Ptq,
        bits: &[usize],
        examples: Examples<'_>,
        device: &Device,
    ) -> Result<Self, Error> {
        let mut bits = bits.to_vec();
        bits.sort_unstable_by(|a, b| b.cmp(a));
        bits.dedup();
        let float = Answers::of(network, examples, device).await?;
        let state = State::read(network).await?;
        let flat = || [examples.shape().0.iter().flatten().product(), 1, 1];
        let shape = examples.shape().image().unwrap_or_else(flat);
        let anatomy = network.graph().anatomy(shape)?;
        let (mut layers, mut settled) = (Vec::new(), Settled::default());
        let open: BTreeSet<String> = ptq.points(network)?.layers().map(String::from).collect();
        let all = Points::of(network.graph(), &BTreeSet::new());
        for layer in all.layers() {
            let path = ParamPath::from(format!("{layer}.weight"));
            let Some(weight) = state.0.get(&path) else { continue };
            let Some(node) = network.graph().nodes().iter().find(|node| node.name == layer) else { continue };
            let macs = macs_of(&anatomy, layer);
            let own = ptq.of_layers.get(layer);
            if own.is_some() || !open.contains(layer) {
                let scheme = own.copied().unwrap_or(ptq.weights);
                let (bytes, bits) = match ptq.float.contains(layer) {
                    true => (4 * weight.len(), 32),
                    false => (bytes(&rounded(weight, scheme, &node.op)?), bits_of(scheme)),
                };
                settled.bytes += bytes;
                settled.operations += macs as f64 * f64::from(bits);
                continue;
            }
            let mut costs = Vec::new();
            for bits in &bits {
                let quantized = rounded(weight, weight_scheme(*bits, ptq.weights.per())?, &node.op)?;
                let mut alone = state.clone();
                alone.0.insert(path.clone(), quantized.dequantized());
                let answers = Answers::of(&alone.write(network.clone())?, examples, device).await?;
                costs.push(BitCost {
                    bits: *bits,
                    bytes: bytes(&quantized),
                    signal_to_noise: float.signal_to_noise(&answers),
                    loss: answers.loss - float.loss,
                    divergence: float.divergence(&answers),
                });
            }
            layers.push(LayerSensitivity { layer: layer.into(), weights: weight.len(), macs, costs });
        }
        Ok(Self { layers, settled })
    }

    /// What an assignment will cost: the sum of what its layers cost alone. It is infinite where one of these is no number.
    pub fn predicted(&self, bits: &Assignment) -> f64 {
        self.layers.iter().zip(bits).map(|(layer, at)| price(layer.costs[*at].divergence)).sum()
    }

    /// What of a budget an assignment takes, with what is settled.
    pub fn cost(&self, budget: Budget, bits: &Assignment) -> f64 {
        let open: f64 = self.layers.iter().zip(bits).map(|(layer, at)| budget.cost(layer, *at)).sum();
        open + budget.of(self.settled)
    }
}

/// A layer's weight as the nearest integers.
pub(super) fn rounded(weight: &Array, asked: Scheme, op: &Op) -> Result<Quantized, Error> {
    let scheme = suited(asked, op)?;
    nearest(weight, scheme, &grids_of(weight, scheme)?)
}

/// What integers take in a file, with their scales: 3 bits take 4, and 5 to 7 take 8.
fn bytes(weight: &Quantized) -> usize {
    (weight.values().len() * weight.dtype().bits()).div_ceil(8) + 4 * weight.scale().len()
}

/// A layer's multiply-accumulates for one example.
fn macs_of(anatomy: &Anatomy, layer: &str) -> u64 {
    anatomy.layers.iter().find(|other| other.name == layer).map_or(0, |other| other.macs)
}
