//! Training with rounding: the integers that come of it.

use std::collections::BTreeMap;

use sapwood_core::{ModuleState as _, Observed, State};
use sapwood_graph::{Array, Grid, Op, Per, Quantized, Range, Scheme, grids};

use super::factors;
use crate::{
    Error, FakeQuantized, Made,
    lsq::LEAST,
    nearest,
    room::Room,
    weights::{OF_ZEROS, of_integers},
};

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
