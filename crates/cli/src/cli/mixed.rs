//! Bits that differ from layer to layer, on the command line.

use std::io::Write;

use burn::prelude::Device;
use clap::Args;
use sapwood_backend::block_on;
use sapwood_models::Net;
use sapwood_quant::{
    Assignment, BitCost, Budget, Examples, LayerSensitivity, Ptq, Sensitivity, weight_scheme,
};
use sapwood_report::{Cell, Table};
use sapwood_search::{Method, kendall_tau};
use serde::Serialize;

use super::json;
use crate::Error;

/// Options of `quantize` under which each layer has bits of its own.
#[derive(Args)]
pub(super) struct Mixed {
    /// Give each layer bits of its own, within --budget or --max-drop; layers that --layer-bits, --except or --dynamic
    /// name keep theirs
    #[arg(long)]
    mixed: bool,
    /// What the weights of all these layers may take, also of those that keep their bits: bytes with their scales as in
    /// 500kB, or multiply-accumulates times bits as in 2Gbops (32 bits where --except leaves numbers)
    #[arg(long, value_name = "SIZE", requires = "mixed", conflicts_with = "max_drop")]
    budget: Option<Budget>,
    /// By how many percentage points the share of right answers may fall, on the examples by which layers are judged:
    /// one of 128 of them is 0.78 points
    #[arg(long, value_name = "POINTS", requires = "mixed")]
    max_drop: Option<f64>,
    /// The bits to choose from
    #[arg(long, value_name = "BITS", value_delimiter = ',', default_values_t = [8, 4, 2], requires = "mixed")]
    mixed_bits: Vec<usize>,
    /// Who chooses within a budget: greedy, or random, regularised-evolution, evolution, nsga2, local-search or linas
    #[arg(long, value_name = "NAME", default_value = "greedy", requires = "budget")]
    searcher: String,
}

/// What a searcher may look at, and assignments that are measured.
const EVALUATIONS: usize = 5000;
const MEASURED: usize = 12;

/// What ends the choice.
enum Bound {
    /// What the weights may cost.
    Budget(Budget),
    /// The points of accuracy that may be lost.
    Points(f64),
}

/// What was asked for, and what ends the choice.
pub(super) struct Asked<'a> {
    options: &'a Mixed,
    bound: Bound,
}

/// The bits that layers were given, and how far what decided them can be trusted.
#[derive(Serialize)]
pub(super) struct Chosen {
    layers: Vec<Layer>,
    /// What all weights take with their scales.
    bytes: u64,
    /// For one example.
    bit_operations: u64,
    /// How many choices were measured.
    tried: usize,
    /// Between their sums of single costs and what was measured; choices that are all alike have no order, and none.
    #[serde(skip_serializing_if = "Option::is_none")]
    kendall_tau: Option<f64>,
}

#[derive(Serialize)]
struct Layer {
    layer: String,
    weights: usize,
    macs: u64,
    /// Those that it was given.
    bits: usize,
    costs: Vec<Cost>,
}

/// What a layer alone costs with this number of bits.
#[derive(Serialize)]
struct Cost {
    bits: usize,
    bytes: usize,
    /// In decibels; left out where that is infinite.
    #[serde(skip_serializing_if = "json::is_no_number")]
    signal_to_noise: f64,
    loss: f64,
    divergence: f64,
}

impl Mixed {
    /// What was asked for, if layers are to have bits of their own.
    pub(super) fn asked(&self) -> Result<Option<Asked<'_>>, Error> {
        if !self.mixed {
            return Ok(None);
        }
        let bound = match (self.budget, self.max_drop) {
            (_, Some(points)) if !(0.0..=100.0).contains(&points) => {
                return Err(Error::Usage("`--max-drop` is a number of points from 0 to 100".into()));
            }
            (Some(budget), _) => Bound::Budget(budget),
            (None, Some(points)) => Bound::Points(points),
            (None, None) => {
                return Err(Error::Usage("`--mixed` wants `--budget` or `--max-drop`".into()));
            }
        };
        if self.searcher != "greedy" {
            Method::named(&self.searcher)?;
        }
        Ok(Some(Asked { options: self, bound }))
    }
}

impl Asked<'_> {
    /// What makes integers with the bits that layers were given, and how these were chosen.
    pub(super) fn choose(
        &self,
        net: &Net,
        ptq: Ptq,
        (examples, seed): (Examples<'_>, u64),
        device: &Device,
    ) -> Result<(Ptq, Chosen), Error> {
        let Mixed { mixed_bits, searcher, .. } = self.options;
        let all = block_on(Sensitivity::of(net, &ptq, mixed_bits, examples, device))?;
        if all.layers.is_empty() {
            return Err(Error::Usage("`--mixed` finds no layer whose bits are open".into()));
        }
        let bits = match self.bound {
            Bound::Budget(budget) if searcher == "greedy" => all.greedy(budget)?,
            Bound::Budget(budget) => all.searched(budget, searcher, EVALUATIONS, seed)?,
            Bound::Points(points) => block_on(all.within_points(net, &ptq, points, examples, device))?,
        };
        let tried = block_on(all.tried(net, &ptq, MEASURED, examples, device))?;
        let [predicted, measured]: [Vec<f64>; 2] = [
            tried.iter().map(|tried| tried.predicted).collect(),
            tried.iter().map(|tried| tried.measured).collect(),
        ];
        let tau = kendall_tau(&predicted, &measured);
        let chosen = Chosen::of(&all, &bits, (tried.len(), tau));
        let mut of_layers = ptq.of_layers;
        for layer in &chosen.layers {
            of_layers.insert(layer.layer.clone(), weight_scheme(layer.bits, ptq.weights.per())?);
        }
        Ok((Ptq { of_layers, ..ptq }, chosen))
    }
}

impl Chosen {
    fn of(all: &Sensitivity, bits: &Assignment, (tried, tau): (usize, f64)) -> Self {
        let layer = |(layer, at): (&LayerSensitivity, &usize)| Layer {
            layer: layer.layer.clone(),
            weights: layer.weights,
            macs: layer.macs,
            bits: layer.costs[*at].bits,
            costs: layer.costs.iter().map(Cost::of).collect(),
        };
        let cost = |budget| all.cost(budget, bits) as u64;
        Self {
            layers: all.layers.iter().zip(bits).map(layer).collect(),
            bytes: cost(Budget::BYTES),
            bit_operations: cost(Budget::OPERATIONS),
            tried,
            kendall_tau: Some(tau).filter(|tau| tau.is_finite()),
        }
    }

    pub(super) fn tell(&self, out: &mut dyn Write) -> Result<(), Error> {
        write!(out, "{}", self.table().to_text())?;
        writeln!(
            out,
            "weights with their scales take {} bytes, and {} bit operations for an example",
            Cell::count(self.bytes).text(),
            Cell::count(self.bit_operations).text()
        )?;
        if let Some(tau) = self.kendall_tau {
            let tried = self.tried;
            writeln!(
                out,
                "the sum of single costs ranks {tried} choices as what was measured does: Kendall's tau {tau:.3}"
            )?;
        }
        Ok(())
    }

    /// What each layer costs with the bits that it could have, and which it was given.
    fn table(&self) -> Table {
        let mut table = Table::new(["layer", "weights", "MACs", "bits", "SQNR (dB)", "loss", "KL", "chosen"]);
        for layer in &self.layers {
            for cost in &layer.costs {
                table.row([
                    layer.layer.as_str().into(),
                    Cell::count(layer.weights as u64),
                    Cell::count(layer.macs),
                    Cell::count(cost.bits as u64),
                    Cell::fixed(cost.signal_to_noise, 1),
                    Cell::written(cost.loss, format!("{:+.5}", cost.loss)),
                    Cell::written(cost.divergence, format!("{:.2e}", cost.divergence)),
                    if cost.bits == layer.bits { "*" } else { "" }.into(),
                ]);
            }
        }
        table
    }
}

impl Cost {
    fn of(cost: &BitCost) -> Self {
        let BitCost { bits, bytes, signal_to_noise, loss, divergence } = *cost;
        Self { bits, bytes, signal_to_noise, loss, divergence }
    }
}
