//! `describe`

use std::{io::Write, path::PathBuf};

use clap::Args;
use sapwood_core::{Anatomy, Layer, Masks, Pair, Shape, TrainedOn};
use sapwood_lab::few;
use sapwood_models::{FreeZeros, Spec};
use sapwood_report::{Cell, Table};
use serde::Serialize;

use super::{
    architectures,
    model_shape::ModelShape,
    shape,
    weight_file::{Reading, free_zeros},
};
use crate::Error;

/// Print a network's layers with their parameters and multiply-accumulates, and what masks keep
#[derive(Args)]
pub(super) struct Describe {
    /// The network: see `list models`
    #[arg(long, required_unless_present_any = ["weights", "space"])]
    model: Option<String>,
    /// The space of a sub-network: see `list spaces`
    #[arg(long, conflicts_with_all = ["model", "weights", "width", "shortcut", "overcompleteness", "steps", "boundary"])]
    space: Option<String>,
    /// The sub-network: max, min, JSON, words as in 'd.0=1 e.0=0.5', or a file with one of these
    #[arg(long, requires = "space", default_value = "max")]
    arch: String,
    /// Sub-networks, one in each line: JSON, or CSV with a column for each choice
    #[arg(long, requires = "space", conflicts_with = "arch", value_name = "FILE")]
    arch_list: Option<PathBuf>,
    /// The network in this file
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// Input shape, as in 3x32x32 [default: the network's usual one]
    #[arg(long, value_parser = shape::parse, value_name = "CxHxW")]
    input: Option<Shape>,
    /// Number of classes [default: the network's usual one]
    #[arg(long, conflicts_with = "weights")]
    classes: Option<usize>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    shape: ModelShape,
}

#[derive(Serialize)]
struct Json<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    architecture: Option<&'a serde_json::Value>,
    input: Shape,
    params: u64,
    weights: u64,
    kept: u64,
    /// Weights that are zero and have no mask.
    #[serde(skip_serializing_if = "Option::is_none")]
    zeros: Option<usize>,
    macs: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    trained_on: Option<&'a TrainedOn>,
    layers: Vec<JsonLayer<'a>>,
}

/// A layer, with what masks keep of its weights where there are masks, and its zeros where a layer has many.
#[derive(Serialize)]
struct JsonLayer<'a> {
    #[serde(flatten)]
    layer: &'a Layer,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zeros: Option<usize>,
}

impl Describe {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        if self.weights.is_none() {
            self.reading.none()?;
        }
        let mut trained_on = None;
        let (spec, masks, zeros) = match (&self.weights, &self.model) {
            (None, _) if let Some(space) = &self.space => {
                let family = architectures::named(space, self.input, self.classes)?;
                if let Some(path) = &self.arch_list {
                    return architectures::list(&family, path, self.json, out);
                }
                let (genome, graph) = architectures::layers(&family, &self.arch)?;
                let mut spec = Spec::of_layers(space.as_str(), graph)?;
                spec.architecture = Some(family.space().to_json(&genome));
                (spec, Masks::new(), FreeZeros::default())
            }
            (Some(path), model) => {
                let opened = self.reading.open(path, model.as_deref(), &cpu()?)?;
                trained_on = opened.trained_on;
                (opened.spec, opened.masks, opened.zeros)
            }
            (None, model) => {
                let usual = self.shape.apply(Spec::named(model.as_deref().unwrap_or_default())?, None)?;
                let (input, classes) = (usual.input, usual.classes);
                let spec = usual.fit(self.input.unwrap_or(input), self.classes.unwrap_or(classes));
                (spec, Masks::new(), FreeZeros::default())
            }
        };
        let input = self.input.unwrap_or(spec.input);
        // Says which network does not take it.
        spec.output(input)?;
        let anatomy = spec.graph()?.anatomy(input)?;
        let all_kept: u64 = anatomy.layers.iter().map(|layer| kept(layer, &masks)).sum();
        if self.json {
            let json = Json {
                model: &spec.model,
                architecture: spec.architecture.as_ref(),
                input: anatomy.input,
                params: anatomy.params(),
                weights: anatomy.weights(),
                kept: all_kept,
                zeros: (!zeros.is_empty()).then(|| zeros.zeros()),
                macs: anatomy.macs(),
                trained_on: trained_on.as_ref(),
                layers: anatomy
                    .layers
                    .iter()
                    .map(|layer| JsonLayer {
                        layer,
                        kept: (!masks.is_empty()).then(|| kept(layer, &masks)),
                        zeros: zeros_of(layer, &zeros),
                    })
                    .collect(),
            };
            writeln!(out, "{}", super::json::lines(&json)?)?;
        } else {
            write!(out, "{}", table(&anatomy, &masks, &zeros).to_text())?;
            let [c, h, w] = anatomy.input;
            writeln!(
                out,
                "{} at {c}x{h}x{w}: {} parameters, {} prunable weights, {} MACs",
                spec.model,
                anatomy.params(),
                anatomy.weights(),
                anatomy.macs()
            )?;
            if let Some(trained_on) = &trained_on {
                writeln!(out, "{}", said(trained_on))?;
            }
            if !masks.is_empty() {
                let sparsity = 100.0 * (1.0 - all_kept as f64 / anatomy.weights().max(1) as f64);
                writeln!(out, "{all_kept} of {} weights kept: {sparsity:.2} % removed", anatomy.weights())?;
            }
            if let Some(line) = free_zeros(&zeros) {
                writeln!(out, "{line}: {:.2} %", 100.0 * zeros.zeros() as f64 / zeros.of.max(1) as f64)?;
            }
        }
        Ok(())
    }
}

/// What a network was trained on, and how its images become inputs, where somebody said that.
fn said(trained_on: &TrainedOn) -> String {
    let TrainedOn { data, classes, input: [c, h, w], .. } = trained_on;
    let data = if data.is_empty() { "data that it does not name" } else { data };
    let classes = match classes.len() {
        0 => String::new(),
        n => format!(": {n} classes, {}", few(classes)),
    };
    let images = trained_on.preprocess().map(|how| format!("\nimages at {c}x{h}x{w}: {how}"));
    format!("trained on {data}{classes}{}", images.unwrap_or_default())
}

fn cpu() -> Result<burn::prelude::Device, Error> {
    Ok(sapwood_backend::DeviceSpec::CPU.resolve()?)
}

/// The prunable weights of a layer that its mask keeps; all, where it has none.
fn kept(layer: &Layer, masks: &Masks) -> u64 {
    let mask = masks.get(format!("{}.weight", layer.name).as_str());
    mask.filter(|_| layer.weights > 0).map_or(layer.weights, |mask| mask.count_ones() as u64)
}

/// The weights of a layer that are zero and have no mask, where it is among those that were looked at.
fn zeros_of(layer: &Layer, zeros: &FreeZeros) -> Option<usize> {
    let path = format!("{}.weight", layer.name);
    zeros.layers.iter().find(|zeros| zeros.path.as_str() == path).map(|found| found.zeros)
}

fn table(anatomy: &Anatomy, masks: &Masks, zeros: &FreeZeros) -> Table {
    let columns = ["layer", "kind", "output", "kernel", "stride", "groups", "parameters", "MACs"];
    let masked = (!masks.is_empty()).then_some("kept");
    let zero = (!zeros.is_empty()).then_some("zero");
    let mut table = Table::new(columns.into_iter().chain(masked).chain(zero));
    for layer in &anatomy.layers {
        let [c, h, w] = layer.output;
        let side = |pair: Pair| match pair.square() {
            Some(n) => Cell::count(n as u64),
            None => pair.to_string().into(),
        };
        let sizes = [side(layer.kernel), side(layer.stride), Cell::count(layer.groups as u64)];
        let costs = [layer.params, layer.macs].map(Cell::count);
        let names = [layer.name.as_str().into(), layer.kind.into(), format!("{c}x{h}x{w}").into()];
        let kept = masked.map(|_| Cell::count(kept(layer, masks)));
        let zeros =
            zero.map(|_| zeros_of(layer, zeros).map_or_else(Cell::none, |zeros| Cell::count(zeros as u64)));
        table.row(names.into_iter().chain(sizes).chain(costs).chain(kept).chain(zeros));
    }
    table
}
