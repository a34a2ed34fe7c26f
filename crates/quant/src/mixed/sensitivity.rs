//! What each layer costs with fewer bits.

use burn::prelude::Device;
use sapwood_core::{ModuleState, Observed, ParamPath, State};

use super::{Assignment, Budget};
use crate::{Answers, Error, Examples, Ptq, grids_of, nearest, weight_scheme};

/// What it costs to give the weights of one layer few bits, each layer alone and all else in floating point (section
/// 4 of HAQ, Wang et al. 2019, measures it in the same way).
#[derive(Clone, Debug, PartialEq)]
pub struct Sensitivity {
    /// The layers, in the order of the network.
    pub layers: Vec<LayerSensitivity>,
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
    /// The power of the network's outputs over that of their change, in decibels.
    pub signal_to_noise: f64,
    /// By how much the loss rises.
    pub loss: f64,
    /// The divergence of the outputs' softmax.
    pub divergence: f64,
}

impl Sensitivity {
    /// Of a network, for these bits. Layers that a [`Ptq`] leaves in floating point, or to which it gives bits of their
    /// own, are left out.
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
        let mut layers = Vec::new();
        for layer in ptq.points(network)?.layers().filter(|layer| !ptq.of_layers.contains_key(*layer)) {
            let path = ParamPath::from(format!("{layer}.weight"));
            let Some(weight) = state.0.get(&path) else { continue };
            let macs = anatomy.layers.iter().find(|other| other.name == layer).map_or(0, |other| other.macs);
            let mut costs = Vec::new();
            for bits in &bits {
                let scheme = weight_scheme(*bits, ptq.weights.per())?;
                let mut alone = state.clone();
                alone
                    .0
                    .insert(path.clone(), nearest(weight, scheme, &grids_of(weight, scheme)?)?.dequantized());
                let answers = Answers::of(&alone.write(network.clone())?, examples, device).await?;
                costs.push(BitCost {
                    bits: *bits,
                    signal_to_noise: float.signal_to_noise(&answers),
                    loss: answers.loss - float.loss,
                    divergence: float.divergence(&answers),
                });
            }
            layers.push(LayerSensitivity { layer: layer.into(), weights: weight.len(), macs, costs });
        }
        Ok(Self { layers })
    }

    /// What an assignment will cost: the sum of what its layers cost alone.
    pub fn predicted(&self, bits: &Assignment) -> f64 {
        self.layers.iter().zip(bits).map(|(layer, at)| layer.costs[*at].divergence).sum()
    }

    /// What of a budget an assignment takes.
    pub fn cost(&self, budget: Budget, bits: &Assignment) -> f64 {
        self.layers.iter().zip(bits).map(|(layer, at)| budget.cost(layer, layer.costs[*at].bits)).sum()
    }
}
