//! Training with rounding.

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
use sapwood_graph::{
    Array, Calibrated, Folding, Grid, Op, Per, Points, Quantized, Range, Ranges, Scheme, grids, norm_factors,
};

use crate::{
    Error, Examples, FakeQuantized, Made, Ptq, RangeMethod,
    fake_quantized::{Grids, ValueGrid, WeightGrid},
    lsq::{LEAST, first_step, gradient_scale},
    nearest,
    room::Room,
    weights::{OF_ZEROS, of_integers, suited},
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
fn factors(state: &State, pairs: &[sapwood_graph::Folded], layer: &str) -> Option<Vec<f64>> {
    let pair = pairs.iter().find(|pair| pair.layer == layer)?;
    let part = |name: &str| state.parameter(&pair.norm, name);
    let (gamma, variance) = (part("weight")?, part("running_var")?);
    Some(norm_factors(gamma.iter::<f64>(), variance.iter::<f64>(), pair.epsilon))
}

impl<N: Observed> FakeQuantized<N> {
    /// What it is on paper, with its normalisations folded: the integers with their scales, and the bounds of its values.
    ///
    /// # Errors
    /// Parameters that are not finite.
    pub async fn integers(&self) -> Result<Made, Error> {
        let on = &*self.on;
        let mut state = State::read(self).await?;
        let mut steps = Vec::with_capacity(on.steps.len());
        for (name, _) in &on.steps {
            let values = state.0.remove(name.as_str()).map(|values| values.iter::<f32>().collect::<Vec<_>>());
            let values = values.unwrap_or_default();
            if let Some(found) = values.iter().find(|step| !step.is_finite()) {
                return Err(Error::NotFinite { value: name.clone(), found: *found });
            }
            steps.push(values.into_iter().map(|step| step.abs().max(LEAST as f32)).collect::<Vec<_>>());
        }
        let mut ranges = BTreeMap::new();
        for grid in on.values.values() {
            let step = f64::from(steps[grid.step][0]);
            let [min, max] = grid.bounds().map(|q| (q * step) as f32);
            ranges.insert(grid.name.clone(), Range::of(min, max)?);
        }
        let mut rest = on.folding.fold(&state)?;
        let grids = grids(on.folding.graph(), &ranges, on.activations)?;
        let by_name: BTreeMap<&str, &Grid> = {
            let names = on.values.values().map(|value| &value.name[..]);
            let all = on.folding.graph().value_names();
            let at = |name: &str| all.iter().position(|other| other == name);
            names.filter_map(|name| Some((name, grids.get(&at(name)?)?))).collect()
        };
        let mut quantized = BTreeMap::new();
        for (path, grid) in &on.weights {
            let (Some(weight), true) = (state.0.get(path), rest.0.remove(path).is_some()) else { continue };
            let wrong = |error: Error| Error::Layer { layer: grid.layer.clone(), problem: error.to_string() };
            let factors = factors(&state, on.folding.pairs(), &grid.layer);
            let integers = folded(weight, grid.scheme, &steps[grid.step], factors).map_err(wrong)?;
            let bias = rest.0.get(format!("{}.bias", grid.layer).as_str());
            let input = grid.input.and_then(|node| by_name.get(&on.values.get(&node)?.name[..]).copied());
            let op = on.folding.graph().node(&grid.layer).map(|node| &node.op);
            let integers = match input.zip(op) {
                Some((input, op)) => with_room(integers, grid.scheme, (input, op), bias).map_err(wrong)?,
                None => integers,
            };
            quantized.insert(path.clone(), integers);
        }
        let calibrated = on.calibrated.clone();
        Ok(Made { quantized, rest, ranges, calibrated, nearest: Vec::new(), uncorrected: Vec::new() })
    }
}

/// The integers of a layer's weights with the factor of a normalisation in them.
fn folded(
    weight: &Array,
    scheme: Scheme,
    steps: &[f32],
    factors: Option<Vec<f64>>,
) -> Result<Quantized, Error> {
    let (low, high) = scheme.integers().into_inner();
    let inner = (weight.len() / weight.shape().first().copied().unwrap_or(1).max(1)).max(1);
    let factor = |output: usize| factors.as_ref().map_or(1.0, |factors| factors[output]);
    let on = |x: f32, step: f32| (x / step).round_ties_even().clamp(low as f32, high as f32) as i32;
    let values = weight.iter::<f32>().enumerate();
    let (scales, integers): (Vec<f32>, Vec<i32>) = match steps {
        [step] if scheme.per() == Per::Tensor => {
            let of_row = |at: usize, w: f32| (f64::from(w) * factor(at / inner)) as f32;
            (vec![*step], values.map(|(at, w)| on(of_row(at, w), *step)).collect())
        }
        steps => {
            let scale = |(output, step): (usize, &f32)| (f64::from(*step) * factor(output).abs()) as f32;
            let scales: Vec<f32> = steps.iter().enumerate().map(scale).collect();
            let place = scheme.per().places(weight.shape());
            let integer = |(at, w): (usize, f32)| match scales[place(at)].is_normal() {
                // A factor below 0 turns the signs.
                true => on(w, steps[place(at)]) * if factor(place(at)) < 0.0 { -1 } else { 1 },
                false => 0,
            };
            let integers = values.map(integer).collect();
            // Of zeros, as `grids_of` has it.
            let normal = scales.iter().copied().filter(|scale| scale.is_normal());
            let least = normal.reduce(f32::min).unwrap_or(OF_ZEROS);
            let scales = scales.iter().map(|scale| if scale.is_normal() { *scale } else { least });
            (scales.collect(), integers)
        }
    };
    let integers_of = [low as i32, high as i32];
    let grids = scales.into_iter().map(|scale| Grid::new(scale, 0, integers_of));
    of_integers(weight.shape(), integers, scheme, &grids.collect::<Result<Vec<_>, _>>()?)
}

/// The same integers, unless their scales are so small that sums have no room in 32 bits: then the nearest with larger ones.
fn with_room(
    integers: Quantized,
    scheme: Scheme,
    (input, op): (&Grid, &Op),
    bias: Option<&Array>,
) -> Result<Quantized, Error> {
    let (low, high) = scheme.integers().into_inner();
    let grid = |scale: f32| Grid::new(scale, 0, [low as i32, high as i32]);
    let grids: Vec<Grid> = integers.scale().iter::<f32>().map(grid).collect::<Result<_, _>>()?;
    let numbers = integers.dequantized();
    let grown = Room { input, weight: &numbers, op }.grown(bias, grids.clone())?;
    match grown == grids {
        true => Ok(integers),
        false => nearest(&numbers, scheme, &grown),
    }
}
