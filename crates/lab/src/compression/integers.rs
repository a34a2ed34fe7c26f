//! The network in integers of 8 bits, where these are good enough.

use std::path::{Path, PathBuf};

use sapwood_backend::block_on;
use sapwood_core::{ModuleState as _, Observed as _, graph::QuantizedNetwork};
use sapwood_data::Loader;
use sapwood_models::{Net, OnnxForm, Spec, fold, to_quantized_onnx};
use sapwood_quant::{Examples, Gptq, LayerCost, Made, Ptq, Rounding, layer_costs, price};

use super::{
    files::{INTEGERS, INTEGERS_ONNX, write},
    form::{Form, Judge},
    stage::{OPSET, Stage},
    verdict::Verdict,
};
use crate::{Error, TrainConfig, few, integers_file, lines};

/// Training examples of which the bounds of values are taken.
const EXAMPLES: usize = 512;

/// Those of them with which each layer is tried alone.
const TRIED: usize = 128;

/// What tables call it.
const NAME: &str = "in int8";

/// Makes integers, the nearest and then those of GPTQ with corrected biases, and writes the first that are good enough.
/// Where neither are, the layers that cost most go back to floating point, as few as are enough, and no more than have half
/// of the weights. Otherwise the better ones are told of and nothing is written.
pub(super) fn made(
    stage: &Stage,
    config: &TrainConfig,
    judge: &Judge<'_>,
    is_enough: impl Fn(&Form) -> bool,
    folder: &Path,
) -> Result<(Option<Form>, Vec<PathBuf>), Error> {
    let (spec, state) = fold(&stage.spec, &stage.state()?)?;
    let net = state.write(spec.net(judge.conditions.device)?)?;
    let source = judge.labelled(config.plain_source(judge.conditions.datasets)?)?;
    let maker = Maker { stage, spec, net, source, judge, is_enough };
    let ways = [(Rounding::Nearest, false), (Rounding::Gptq(Gptq::default()), true)];
    let mut better: Option<Candidate> = None;
    for (rounding, correct_bias) in ways {
        let ptq = Ptq { rounding, correct_bias, ..Ptq::default() };
        let Some(found) = maker.candidate(ptq)? else { break };
        if found.form.verdict.is_within() {
            return maker.written(found, folder);
        }
        // Of equals the first.
        better = match better {
            Some(before) if found.form.deciding <= before.form.deciding => Some(before),
            _ => Some(found),
        };
    }
    let Some(better) = better else {
        lines::note(judge.conditions.reporter, "note: no integers are written");
        return Ok((None, Vec::new()));
    };
    match maker.with_floats(&better)? {
        Some(found) => maker.written(found, folder),
        None => Ok((Some(better.form), Vec::new())),
    }
}

/// Integers that were made in one way.
struct Candidate {
    ptq: Ptq,
    made: Made,
    network: QuantizedNetwork,
    file: Vec<u8>,
    form: Form,
}

/// What makes them.
struct Maker<'a, F> {
    stage: &'a Stage,
    /// Its layers, batch normalisation in the weights before it, and their values.
    spec: Spec,
    net: Net,
    /// Training examples with the labels that the outputs have.
    source: Loader,
    judge: &'a Judge<'a>,
    is_enough: F,
}

impl<F: Fn(&Form) -> bool> Maker<'_, F> {
    /// Those of one way; none where it cannot be gone, which is told.
    fn candidate(&self, ptq: Ptq) -> Result<Option<Candidate>, Error> {
        let (reporter, device) = (self.judge.conditions.reporter, self.judge.conditions.device);
        let examples = Examples::new(&self.source, EXAMPLES)?;
        let made = block_on(ptq.quantize(&self.net, examples, device));
        let network = made.and_then(|made| Ok((made.integers(self.net.graph())?, made)));
        let float: Vec<String> = ptq.float.iter().cloned().collect();
        let except = if float.is_empty() { String::new() } else { format!(" except {}", few(&float)) };
        let what = format!("int8, {}{except}", ptq.rounding);
        let Some((network, made)) = self.or_none(network, &what) else { return Ok(None) };
        // What can be had of a way is the same with fewer layers.
        if ptq.float.is_empty() {
            made.notes().iter().for_each(|note| lines::note(reporter, format_args!("note: {note}")));
        }
        let file = self.file(&made)?;
        let mut form = self.judge.form(NAME, &file)?;
        form.verdict = Verdict::of_loss((self.is_enough)(&form));
        form.float_layers = Some(float);
        let right = form.deciding;
        let verdict = if form.verdict.is_within() { "enough" } else { "not enough" };
        lines::note(reporter, format_args!("{what}: {right:.2} % of the examples that decide, {verdict}"));
        Ok(Some(Candidate { ptq, made, network, file, form }))
    }

    /// What came of a quantisation; where it is an error, that is told behind these words.
    fn or_none<T>(&self, found: Result<T, sapwood_quant::Error>, what: &str) -> Option<T> {
        found
            .inspect_err(|error| {
                lines::note(self.judge.conditions.reporter, format_args!("note: {what}: {error}"));
            })
            .ok()
    }

    /// The network of these integers, as a file.
    fn file(&self, made: &Made) -> Result<Vec<u8>, Error> {
        let (trained_on, masks) = (self.stage.trained_on.as_ref(), self.stage.masks.clone());
        Ok(integers_file(made.clone(), &self.spec, trained_on, masks)?.to_bytes()?)
    }

    /// The same with the layers in floating point that cost most, about as few as are enough: their number is sought by
    /// halving, as if accuracy rose with it. None where half of the weights are not enough.
    fn with_floats(&self, all: &Candidate) -> Result<Option<Candidate>, Error> {
        let (reporter, device) = (self.judge.conditions.reporter, self.judge.conditions.device);
        let examples = Examples::new(&self.source, EXAMPLES)?.at_most(TRIED);
        let costs = block_on(layer_costs(&self.net, &all.made, examples, device));
        let Some(costs) = self.or_none(costs, "no integers") else { return Ok(None) };
        let order = costliest(&costs, |layer| {
            let weights = all.made.quantized.get(format!("{layer}.weight").as_str());
            weights.map_or(0, |weights| weights.values().len())
        });
        let with = |layers: usize| -> Result<Option<Candidate>, Error> {
            let float = order[..layers].iter().cloned().collect();
            let found = self.candidate(Ptq { float, ..all.ptq.clone() })?;
            Ok(found.filter(|found| found.form.verdict.is_within()))
        };
        let most = if order.is_empty() { None } else { with(order.len())? };
        let Some(mut enough) = most else {
            let why = match order.is_empty() {
                true => "too much is lost, and every layer has more than half of the weights",
                false => {
                    "too much is lost also where the layers that cost most, with up to half of the weights, stay in floating \
                     point"
                }
            };
            lines::note(reporter, format_args!("note: no integers: {why}"));
            return Ok(None);
        };
        let (mut short, mut reached) = (0, order.len());
        while 1 < reached - short {
            let middle = (short + reached) / 2;
            match with(middle)? {
                Some(found) => (reached, enough) = (middle, found),
                None => short = middle,
            }
        }
        Ok(Some(enough))
    }

    /// Writes them, also as ONNX where that can be.
    fn written(&self, found: Candidate, folder: &Path) -> Result<(Option<Form>, Vec<PathBuf>), Error> {
        let mut files = vec![write(folder, INTEGERS, &found.file)?];
        let form = (OnnxForm::Qdq, OPSET);
        match to_quantized_onnx(&self.spec, self.stage.trained_on.as_ref(), &found.network, form) {
            Ok(bytes) => files.push(write(folder, INTEGERS_ONNX, &bytes)?),
            Err(error) => lines::note(
                self.judge.conditions.reporter,
                format_args!("note: no ONNX file of the integers: {error}"),
            ),
        }
        Ok((Some(found.form), files))
    }
}

/// The layers, those that cost most first, as far as all of them together have no more than half of the weights: one that
/// has too many is passed over.
fn costliest(costs: &[LayerCost], weights: impl Fn(&str) -> usize) -> Vec<String> {
    let mut sorted: Vec<&LayerCost> = costs.iter().collect();
    sorted.sort_by(|a, b| price(b.divergence).total_cmp(&price(a.divergence)));
    let mut left = costs.iter().map(|cost| weights(&cost.layer)).sum::<usize>() / 2;
    let fits = |cost: &&LayerCost| match left.checked_sub(weights(&cost.layer)) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    sorted.into_iter().filter(fits).map(|cost| cost.layer.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_costs_most_goes_back_first_up_to_half_of_the_weights() {
        let costs = [("a", 0.1), ("b", 3.0), ("c", f64::NAN), ("d", 0.2), ("e", 0.3)];
        let costs = costs.map(|(layer, divergence)| LayerCost {
            layer: layer.into(),
            levels: 255,
            signal_to_noise: 20.0,
            loss: 0.0,
            divergence,
        });
        let weights = |layer: &str| match layer {
            "a" => 10,
            "b" => 60,
            "c" => 20,
            "d" => 20,
            _ => 10,
        };
        // 60 of 120: behind `c` there is no room for `b`.
        assert_eq!(costliest(&costs, weights), ["c", "e", "d", "a"]);
        // 50 of 101.
        let weights = |layer: &str| if layer == "c" { 21 } else { 20 };
        assert_eq!(costliest(&costs, weights), ["c", "b"]);
        assert!(costliest(&costs[..1], |_| 5).is_empty());
    }
}
