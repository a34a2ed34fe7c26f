//! Bits that differ from layer to layer, on the command line.

use std::io::Write;

use burn::prelude::Device;
use clap::Args;
use sapwood_backend::block_on;
use sapwood_models::Net;
use sapwood_quant::{Assignment, Budget, Examples, Ptq, Sensitivity, weight_scheme};
use sapwood_report::{Cell, Table};
use sapwood_search::{Method, kendall_tau};

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

impl Mixed {
    fn bound(&self) -> Result<Bound, Error> {
        match (self.budget, self.max_drop) {
            (_, Some(points)) if !(0.0..=100.0).contains(&points) => {
                Err(Error::Usage("`--max-drop` is a number of points from 0 to 100".into()))
            }
            (Some(budget), _) => Ok(Bound::Budget(budget)),
            (None, Some(points)) => Ok(Bound::Points(points)),
            (None, None) => Err(Error::Usage("`--mixed` wants `--budget` or `--max-drop`".into())),
        }
    }

    /// The bits of layers, which are told, with how far what decided them can be trusted.
    pub(super) fn apply(
        &self,
        net: &Net,
        ptq: Ptq,
        (examples, seed): (Examples<'_>, u64),
        device: &Device,
        out: &mut dyn Write,
    ) -> Result<Ptq, Error> {
        if !self.mixed {
            return Ok(ptq);
        }
        let bound = self.bound()?;
        if self.searcher != "greedy" {
            Method::named(&self.searcher)?;
        }
        let all = block_on(Sensitivity::of(net, &ptq, &self.mixed_bits, examples, device))?;
        if all.layers.is_empty() {
            return Err(Error::Usage("`--mixed` finds no layer whose bits are open".into()));
        }
        let bits = match bound {
            Bound::Budget(budget) if self.searcher == "greedy" => all.greedy(budget)?,
            Bound::Budget(budget) => all.searched(budget, &self.searcher, EVALUATIONS, seed)?,
            Bound::Points(points) => block_on(all.within_points(net, &ptq, points, examples, device))?,
        };
        write!(out, "{}", table(&all, &bits).to_text())?;
        let [bytes, operations] = [Budget::BYTES, Budget::OPERATIONS].map(|budget| all.cost(budget, &bits));
        writeln!(
            out,
            "weights with their scales take {} bytes, and {} bit operations for an example",
            Cell::count(bytes as u64).text(),
            Cell::count(operations as u64).text()
        )?;
        let tried = block_on(all.tried(net, &ptq, MEASURED, examples, device))?;
        let [predicted, measured]: [Vec<f64>; 2] = [
            tried.iter().map(|tried| tried.predicted).collect(),
            tried.iter().map(|tried| tried.measured).collect(),
        ];
        let tau = kendall_tau(&predicted, &measured);
        // Choices that are all alike have no order.
        if tau.is_finite() {
            writeln!(
                out,
                "the sum of single costs ranks {} choices as what was measured does: Kendall's tau {tau:.3}",
                tried.len()
            )?;
        }
        let mut of_layers = ptq.of_layers;
        for (layer, at) in all.layers.iter().zip(&bits) {
            of_layers.insert(layer.layer.clone(), weight_scheme(layer.costs[*at].bits, ptq.weights.per())?);
        }
        Ok(Ptq { of_layers, ..ptq })
    }
}

/// What each layer costs with the bits that it could have, and which it was given.
fn table(all: &Sensitivity, bits: &Assignment) -> Table {
    let mut table = Table::new(["layer", "weights", "MACs", "bits", "SQNR (dB)", "loss", "KL", "chosen"]);
    for (layer, chosen) in all.layers.iter().zip(bits) {
        for (at, cost) in layer.costs.iter().enumerate() {
            table.row([
                layer.layer.as_str().into(),
                Cell::count(layer.weights as u64),
                Cell::count(layer.macs),
                Cell::count(cost.bits as u64),
                Cell::fixed(cost.signal_to_noise, 1),
                Cell::written(cost.loss, format!("{:+.5}", cost.loss)),
                Cell::written(cost.divergence, format!("{:.2e}", cost.divergence)),
                if at == *chosen { "*" } else { "" }.into(),
            ]);
        }
    }
    table
}
