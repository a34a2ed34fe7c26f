//! Quantisation of a trained network.

use std::collections::{BTreeMap, BTreeSet};

use burn::prelude::Device;
use sapwood_core::{ModuleState, Observed, ParamPath, State};
use sapwood_graph::{
    Array, Calibrated, DType, Graph, Grid, Op, Per, Points, Quantized, QuantizedNetwork, Ranges, Scheme,
    Symmetry, few, grids,
};

use crate::{
    Error, Examples, LayerInputs, RangeMethod, Rounded, Rounding, grids_of, room::Room, weight_scheme,
    weights::suited,
};

/// How a trained network is quantised: what is left is to run it on examples.
///
/// Batch normalisation should have been folded into the weights first
/// ([`Folding`](sapwood_graph::Folding)): what is left of it computes in floating point.
#[derive(Clone, Debug)]
pub struct Ptq {
    /// The weights of convolutions and linear layers, as if all were `[out, in, ...]`: dimension 0 stands for the outputs
    /// of a transposed convolution too (with groups of several inputs it has one scale), and groups of more inputs than
    /// a layer has are a scale for each output. Masked ones stay 0.
    pub weights: Scheme,
    /// The values that these read.
    pub activations: Scheme,
    /// The weights of some layers, where they differ.
    pub of_layers: BTreeMap<String, Scheme>,
    /// How the bounds of values are chosen.
    pub ranges: RangeMethod,
    /// How the integers of weights are chosen.
    pub rounding: Rounding,
    /// Whether biases make up for what the quantised layer gives in the mean (Nagel et al. 2019, section 4.2).
    pub correct_bias: bool,
    /// Layers that compute in floating point.
    pub float: BTreeSet<String>,
    /// Linear layers whose inputs are rounded row by row, between the bounds of each
    /// ([`on_own_grids`](crate::on_own_grids)): nothing has to be known of them before.
    pub dynamic: BTreeSet<String>,
}

impl Default for Ptq {
    /// 8 bits: weights for each output channel from -127 to 127, values from 0 to 255 between their extremes.
    fn default() -> Self {
        let usual =
            |scheme: Result<Scheme, Error>| scheme.unwrap_or_else(|_| unreachable!("8 bits can be had"));
        Self {
            weights: usual(weight_scheme(8, Per::Axis(0))),
            activations: usual(Scheme::new(DType::U8, Symmetry::Affine).map_err(Error::from)),
            of_layers: BTreeMap::new(),
            ranges: RangeMethod::default(),
            rounding: Rounding::default(),
            correct_bias: false,
            float: BTreeSet::new(),
            dynamic: BTreeSet::new(),
        }
    }
}

/// A quantised network, on paper.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// The weights that are integers.
    pub quantized: BTreeMap<ParamPath, Quantized>,
    /// The parameters that are not: biases, and those of what computes in floating point.
    pub rest: State,
    /// The bounds of the values that are rounded.
    pub ranges: Ranges,
    /// How all that was decided.
    pub calibrated: Calibrated,
    /// Layers with the nearest integers where others were asked for, which look at what a layer sees: their weights are
    /// multiplied with no columns of it ([`LayerInputs`]).
    pub nearest: Vec<String>,
    /// Layers of which no bias makes up for what they give in the mean, where that was asked for: they have none,
    /// what they see is not known either, or 32 bits have no room for the bias that would.
    pub uncorrected: Vec<String>,
}

impl Ptq {
    /// Quantises a network.
    ///
    /// # Errors
    /// Examples that the network does not take, or on which it computes what is not finite; a scheme that a layer
    /// cannot have.
    pub async fn quantize<N: Observed>(
        &self,
        network: &N,
        examples: Examples<'_>,
        device: &Device,
    ) -> Result<Made, Error> {
        let points = self.points(network)?;
        let ranges = self.ranges.ranges(network, &points, examples, self.activations, device).await?;
        let grids = grids(network.graph(), &ranges, self.activations)?;
        let mut rest = State::read(network).await?;
        let mut quantized = BTreeMap::new();
        let (mut nearest, mut uncorrected) = (Vec::new(), Vec::new());
        // All parameters so far: of layers that are quantised the numbers that their integers stand for.
        let mut so_far = rest.clone();
        let rounds = |name: &str| self.dynamic.contains(name) || points.layers().any(|layer| layer == name);
        for node in network.graph().nodes().iter().filter(|node| rounds(&node.name)) {
            let layer = &node.name;
            let path = ParamPath::from(format!("{layer}.weight"));
            let bias_path = ParamPath::from(format!("{layer}.bias"));
            let Some(weight) = rest.0.remove(&path) else { continue };
            let wrong = |error: Error| Error::Layer { layer: layer.into(), problem: error.to_string() };
            let asked = self.of_layers.get(layer).copied().unwrap_or(self.weights);
            let scheme = suited(asked, &node.op).map_err(wrong)?;
            let found = grids_of(&weight, scheme).map_err(wrong)?;
            let input = points.input_of(layer).and_then(|node| grids.get(&node));
            let room = input.map(|input| Room { input, weight: &weight, op: &node.op });
            let with_room = |bias: Option<&Array>, found: Vec<Grid>| match room {
                Some(room) => room.grown(bias, found).map_err(wrong),
                None => Ok(found),
            };
            let found = with_room(rest.0.get(&bias_path), found)?;
            let inputs = match self.rounding.needs_inputs() || self.correct_bias {
                false => None,
                true => {
                    let behind = Rounded::new(so_far.write(network.clone())?, grids.clone());
                    let behind = behind.with_dynamic(self.dynamic.clone());
                    LayerInputs::of(network, &behind, (layer, &node.op), self.rounding, examples, device)
                        .await?
                }
            };
            let rounding = if inputs.is_none() { Rounding::Nearest } else { self.rounding };
            if rounding != self.rounding {
                nearest.push(layer.clone());
            }
            let integers = rounding.round(&weight, scheme, &found, inputs.as_ref()).map_err(wrong)?;
            let numbers = integers.dequantized();
            match (&inputs, rest.0.get(&bias_path)) {
                _ if !self.correct_bias => {}
                (Some(inputs), Some(bias)) => {
                    let corrected = inputs.corrected([&weight, &numbers], bias)?;
                    // One that the sums have no room for stays as it was.
                    match with_room(Some(&corrected), found.clone())? == found {
                        false => uncorrected.push(layer.clone()),
                        true => {
                            rest.0.insert(bias_path.clone(), corrected.clone());
                            so_far.0.insert(bias_path, corrected);
                        }
                    }
                }
                _ => uncorrected.push(layer.clone()),
            }
            tracing::debug!(layer, bits = scheme.dtype().bits(), %rounding, "layer quantised");
            so_far.0.insert(path.clone(), numbers);
            quantized.insert(path, integers);
        }
        let calibrated = Calibrated {
            activations: self.activations,
            rounding: self.rounding.to_string(),
            ranges: self.ranges.to_string(),
            dynamic: self.dynamic.clone(),
            examples: examples.number(),
            digest: examples.digest()?,
        };
        Ok(Made { quantized, rest, ranges, calibrated, nearest, uncorrected })
    }

    /// Which values it rounds.
    ///
    /// # Errors
    /// An exception that is no layer with weights.
    pub fn points<N: Observed>(&self, network: &N) -> Result<Points, Error> {
        let all = Points::of(network.graph(), &BTreeSet::new());
        let layers: Vec<&str> = all.layers().collect();
        let mut asked = self.float.iter().chain(&self.dynamic).chain(self.of_layers.keys());
        if let Some(unknown) = asked.find(|layer| !layers.contains(&layer.as_str())) {
            return Err(Error::NoLayer { pattern: unknown.clone(), layers: few(&layers) });
        }
        let nodes = network.graph().nodes().iter();
        if let Some(node) = nodes
            .clone()
            .find(|node| self.dynamic.contains(&node.name) && !matches!(node.op, Op::Linear { .. }))
        {
            let problem =
                "the rows of what it reads are no rows of a linear layer, so it has no dynamic bounds".into();
            return Err(Error::Layer { layer: node.name.clone(), problem });
        }
        Ok(Points::of(network.graph(), &self.float.union(&self.dynamic).cloned().collect()))
    }
}

impl Made {
    /// What was asked for and could not be had, a line each.
    pub fn notes(&self) -> Vec<String> {
        let rounding = &self.calibrated.rounding;
        let nearest = format!(
            "{rounding} cannot round these layers, so they have the nearest integers: {}",
            few(&self.nearest)
        );
        let uncorrected = format!("bias correction does not reach these layers: {}", few(&self.uncorrected));
        let notes = [(nearest, &self.nearest), (uncorrected, &self.uncorrected)];
        notes.into_iter().filter(|(_, layers)| !layers.is_empty()).map(|(note, _)| note).collect()
    }

    /// All parameters, the integers as the numbers that they stand for.
    pub fn state(&self) -> State {
        let numbers = self.quantized.iter().map(|(path, value)| (path.clone(), value.dequantized()));
        State(self.rest.0.clone().into_iter().chain(numbers).collect())
    }

    /// The network of integers, of the graph of the one that was quantised.
    ///
    /// # Errors
    /// A scheme that has no grid between the bounds.
    pub fn integers(&self, graph: &Graph) -> Result<QuantizedNetwork, Error> {
        let (weights, rest) = (self.quantized.clone(), self.rest.clone());
        Ok(QuantizedNetwork::between(graph.clone(), weights, rest, &self.ranges, &self.calibrated)?)
    }

    /// The network that computes what the integers mean.
    ///
    /// # Errors
    /// Another network than the one that was quantised.
    pub fn network<N: Observed>(&self, network: N) -> Result<Rounded<N>, Error> {
        let network = self.state().write(network)?;
        let rounded = Rounded::between(network, &self.ranges, self.calibrated.activations)?;
        Ok(rounded.with_dynamic(self.calibrated.dynamic.clone()))
    }
}
