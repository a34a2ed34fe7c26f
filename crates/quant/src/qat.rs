//! Training with rounding: how it begins.

mod integers;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use burn::{
    module::Param,
    prelude::Device,
    tensor::{Tensor, TensorData},
};
use sapwood_core::{ModuleState, Observed, ParamPath, State};
use sapwood_graph::{Calibrated, Folded, Folding, Per, Points, Ranges, Scheme, norm_factors};

use crate::{
    Error, Examples, FakeQuantized, Ptq, RangeMethod,
    fake_quantized::{Grids, ValueGrid, WeightGrid},
    lsq::{first_step, gradient_scale},
    weights::suited,
};

/// How a network is trained with rounding: what it is made into before, and what it becomes afterwards.
///
/// ```no_run
/// # async fn example<N: sapwood_core::Observed>(
/// #     network: N,
/// #     recipe: sapwood_train::Recipe,
/// #     train: &dyn sapwood_core::Source,
/// #     device: &burn::prelude::Device,
/// # ) -> Result<(), Box<dyn std::error::Error>> {
/// use sapwood_quant::{Examples, Qat, Rounds};
/// use sapwood_train::Trainer;
///
/// let network = Qat::default().begin(network, Examples::new(train, 512)?, device).await?;
/// let rounds = Rounds { frozen_from: 3000 };
/// let trained = Trainer::new(recipe, device).objective(rounds).run(network, train).await?;
/// let made = trained.network.integers().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Qat {
    /// The weights of convolutions and linear layers, as in [`Ptq`]: symmetric, with a scale for each output or one for
    /// all.
    pub weights: Scheme,
    /// The values that these read.
    pub activations: Scheme,
    /// The weights of some layers, where they differ.
    pub of_layers: BTreeMap<String, Scheme>,
    /// Layers that compute in floating point.
    pub float: BTreeSet<String>,
    /// How the bounds are chosen with which values begin.
    pub ranges: RangeMethod,
}

impl Default for Qat {
    /// That of [`Ptq`].
    fn default() -> Self {
        let Ptq { weights, activations, of_layers, ranges, float, .. } = Ptq::default();
        Self { weights, activations, of_layers, float, ranges }
    }
}

impl Qat {
    /// A network that rounds, with the weights of one that does not. Values begin between the bounds that examples give
    /// (the paper would begin with `2 mean |v| / sqrt(Q)`), and keep the zero points of these.
    ///
    /// # Errors
    /// As for [`Ptq::quantize`]; weights with other scales than one for each output or one for all.
    pub async fn begin<N: Observed>(
        &self,
        network: N,
        examples: Examples<'_>,
        device: &Device,
    ) -> Result<FakeQuantized<N>, Error> {
        let bounds = self.bounds(&network, examples, device).await?;
        self.begin_between(&bounds, network, examples, device).await
    }

    /// The bounds that examples give, with which values begin. Their last digits follow from what computes them.
    ///
    /// # Errors
    /// As for [`Qat::begin`].
    pub async fn bounds<N: Observed>(
        &self,
        network: &N,
        examples: Examples<'_>,
        device: &Device,
    ) -> Result<Ranges, Error> {
        let ptq = Ptq { float: self.float.clone(), of_layers: self.of_layers.clone(), ..Ptq::default() };
        ptq.points(network)?;
        let points = Points::before_folding(network.graph(), &self.float);
        self.ranges.ranges(network, &points, examples, self.activations, device).await
    }

    /// [`Qat::begin`] with bounds that these examples gave before, be it at another level or on another device.
    ///
    /// # Errors
    /// As for [`Qat::begin`]; bounds of another network's values.
    pub async fn begin_between<N: Observed>(
        &self,
        bounds: &Ranges,
        network: N,
        examples: Examples<'_>,
        device: &Device,
    ) -> Result<FakeQuantized<N>, Error> {
        let graph = network.graph();
        let points = Points::before_folding(graph, &self.float);
        let (dims, folding) = (graph.dims().map_err(Error::from)?, Folding::of(graph));
        let (mut steps, mut first) = (Vec::new(), Vec::new());
        let mut step = |name: String, values: usize, high: f64, begins: Vec<f32>| {
            steps.push((name, gradient_scale(values, high)));
            first.push(begins);
            steps.len() - 1
        };
        let mut values = BTreeMap::new();
        for (node, name) in points.own() {
            let unseen = || Error::Layer {
                layer: name.into(),
                problem:
                    "its value is computed together with others and cannot be rounded: run each node alone"
                        .into(),
            };
            let range = bounds.get(name).ok_or_else(unseen)?;
            let grid = self.activations.grid(range.min(), range.max())?;
            let (zero_point, integers) = (grid.zero_point(), grid.integers());
            let mut value = ValueGrid { name: name.into(), zero_point, integers, step: 0 };
            let each: usize = dims[node].sizes().iter().product();
            value.step = step(format!("{name}.step"), each, value.bounds()[1], vec![grid.scale()]);
            values.insert(node, value);
        }
        let state = State::read(&network).await?;
        let mut weights = BTreeMap::new();
        for layer in points.layers() {
            let path = ParamPath::from(format!("{layer}.weight"));
            let Some(weight) = state.0.get(&path) else { continue };
            let wrong = |problem: String| Error::Layer { layer: layer.into(), problem };
            let asked = self.of_layers.get(layer).copied().unwrap_or(self.weights);
            if !matches!(asked.per(), Per::Axis(0) | Per::Tensor) {
                let problem = "training with rounding knows a scale for each output or one for all: `channel` or `tensor`";
                return Err(wrong(problem.into()));
            }
            let node = graph.nodes().iter().find(|node| node.name == layer);
            let scheme = node.map_or(Ok(asked), |node| suited(asked, &node.op))?;
            let high = *scheme.integers().end() as f64;
            let numbers: Vec<f64> = weight.iter().collect();
            if let Some(found) = numbers.iter().find(|w| !w.is_finite()) {
                return Err(wrong(format!("a weight is {found}, and no step fits that")));
            }
            let factors = factors(&state, folding.pairs(), layer);
            let begins: Vec<f32> = match scheme.per() {
                Per::Tensor => {
                    let inner = (numbers.len() / weight.shape()[0].max(1)).max(1);
                    let factor = |at: usize| factors.as_ref().map_or(1.0, |factors| factors[at / inner]);
                    let folded = numbers.iter().enumerate().map(|(at, w)| w * factor(at));
                    vec![first_step(folded, high) as f32]
                }
                per => {
                    let outputs: usize = per.scales(weight.shape())?.iter().product();
                    let (mut of_outputs, place) = (vec![Vec::new(); outputs], per.places(weight.shape()));
                    numbers.iter().enumerate().for_each(|(at, w)| of_outputs[place(at)].push(*w));
                    of_outputs.into_iter().map(|all| first_step(all.into_iter(), high) as f32).collect()
                }
            };
            let each = numbers.len() / begins.len().max(1);
            let grid = WeightGrid {
                layer: layer.into(),
                scheme,
                step: step(format!("{path}.step"), each, high, begins),
                outer: outer(weight.shape(), scheme.per()),
                input: points.input_of(layer),
            };
            weights.insert(path, grid);
        }
        let calibrated = Calibrated {
            activations: self.activations,
            rounding: "learnt".into(),
            ranges: "learnt".into(),
            dynamic: BTreeSet::new(),
            examples: examples.number(),
            digest: examples.digest()?,
        };
        let on = Grids { folding, steps, weights, values, activations: self.activations, calibrated };
        let steps = first.into_iter().map(|begins| {
            let size = begins.len();
            Param::from_tensor(Tensor::<1>::from_data(TensorData::new(begins, [size]), device))
        });
        Ok(FakeQuantized { steps: steps.collect(), network, on: Arc::new(on) })
    }
}

/// How often the outputs of a weight lie one behind the other.
fn outer(shape: &[usize], per: Per) -> usize {
    match per {
        Per::Axis(axis) => shape[..axis].iter().product(),
        _ => 1,
    }
}

/// `gamma / sqrt(variance + epsilon)` of the normalisation that is folded into a layer, if there is one.
fn factors(state: &State, pairs: &[Folded], layer: &str) -> Option<Vec<f64>> {
    let pair = pairs.iter().find(|pair| pair.layer == layer)?;
    let part = |name: &str| state.parameter(&pair.norm, name);
    let (gamma, variance) = (part("weight")?, part("running_var")?);
    Some(norm_factors(gamma.iter::<f64>(), variance.iter::<f64>(), pair.epsilon))
}
