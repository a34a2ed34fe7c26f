//! What a network has become in integers, and what that costs.

use std::io::Write;

use sapwood_quant::{Agreement, LayerCost, Made, Ptq, bits_of};
use sapwood_report::{Cell, Table};
use serde::Serialize;

use crate::{
    Error,
    cli::{json, mixed::Chosen},
};

/// What was done before weights were rounded.
#[derive(Default, Serialize)]
pub(super) struct Prepared {
    /// The channels whose biases were absorbed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) absorbed_channels: Option<usize>,
    /// The pairs of layers between which channels were given equal ranges.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) equalised_pairs: Option<usize>,
    /// The bits that layers were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mixed: Option<Chosen>,
}

impl Prepared {
    pub(super) fn tell(&self, out: &mut dyn Write) -> Result<(), Error> {
        if let Some(channels) = self.absorbed_channels {
            writeln!(out, "the biases of {channels} channels are absorbed")?;
        }
        if let Some(pairs) = self.equalised_pairs {
            writeln!(out, "channels between layers have equal ranges, of {pairs} pairs")?;
        }
        self.mixed.as_ref().map_or(Ok(()), |chosen| chosen.tell(out))
    }
}

/// Of the whole network, and of each layer where it alone is quantised.
#[derive(Serialize)]
pub(super) struct Summary {
    #[serde(flatten)]
    prepared: Prepared,
    layers: Vec<Layer>,
    /// Calibration examples.
    examples: usize,
    /// The share of them with the answer of the float network, where it gives classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    same_answer: Option<f64>,
    /// The share of the outputs' power that is the same, where it gives none.
    #[serde(skip_serializing_if = "Option::is_none")]
    same_power: Option<f64>,
    loss_rise: f64,
    /// Of the file, once it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<usize>,
    /// Of its numbers in f32.
    bytes_in_f32: usize,
}

#[derive(Serialize)]
struct Layer {
    layer: String,
    weights: usize,
    bits: u32,
    levels: u64,
    /// In decibels; left out where that is infinite, as of a layer that loses nothing.
    #[serde(skip_serializing_if = "json::is_no_number")]
    signal_to_noise: f64,
    loss: f64,
    divergence: f64,
}

impl Summary {
    pub(super) fn new(
        prepared: Prepared,
        (ptq, made, costs): (&Ptq, &Made, &[LayerCost]),
        (agreement, loss_rise): (Agreement, f64),
        examples: usize,
        bytes_in_f32: usize,
    ) -> Self {
        let layer = |cost: &LayerCost| {
            let weights = made.quantized.get(format!("{}.weight", cost.layer).as_str());
            Layer {
                layer: cost.layer.clone(),
                weights: weights.map_or(0, |weights| weights.values().len()),
                bits: bits_of(*ptq.of_layers.get(&cost.layer).unwrap_or(&ptq.weights)),
                levels: cost.levels,
                signal_to_noise: cost.signal_to_noise,
                loss: cost.loss,
                divergence: cost.divergence,
            }
        };
        let (same_answer, same_power) = match agreement {
            Agreement::Answers(share) => (Some(share), None),
            Agreement::Power(share) => (None, Some(share)),
        };
        let layers = costs.iter().map(layer).collect();
        Self { prepared, layers, examples, same_answer, same_power, loss_rise, bytes: None, bytes_in_f32 }
    }

    /// Once a file of this number of bytes is written.
    pub(super) fn written(self, bytes: usize) -> Self {
        Self { bytes: Some(bytes), ..self }
    }

    pub(super) fn json(&self, out: &mut dyn Write) -> Result<(), Error> {
        Ok(writeln!(out, "{}", json::lines(self)?)?)
    }

    /// What the layers cost, and how far both networks agree.
    pub(super) fn costs(&self, out: &mut dyn Write) -> Result<(), Error> {
        write!(out, "{}", self.table().to_text())?;
        let (examples, rise) = (self.examples, self.loss_rise);
        if let Some(share) = self.same_answer {
            let (share, way) = (100.0 * share, if rise < 0.0 { "falls" } else { "rises" });
            let change = rise.abs();
            writeln!(
                out,
                "agrees with the float network on {share:.2} % of {examples} training examples; the loss {way} by {change:.4}"
            )?;
        }
        if let Some(share) = self.same_power {
            let share = 100.0 * share;
            writeln!(
                out,
                "keeps {share:.2} % of the power of the float network's outputs, on {examples} training examples"
            )?;
        }
        Ok(())
    }

    /// How large the file is.
    pub(super) fn size(&self, out: &mut dyn Write) -> Result<(), Error> {
        let Some(bytes) = self.bytes else { return Ok(()) };
        let count = |n: usize| Cell::count(n as u64).text().to_string();
        let share = bytes as f64 / self.bytes_in_f32.max(1) as f64;
        writeln!(
            out,
            "{} bytes, {share:.3} of the {} that its numbers take in f32",
            count(bytes),
            count(self.bytes_in_f32)
        )?;
        Ok(())
    }

    fn table(&self) -> Table {
        let mut table = Table::new(["layer", "weights", "bits", "levels", "SQNR (dB)", "loss", "KL"]);
        for layer in &self.layers {
            table.row([
                layer.layer.as_str().into(),
                Cell::count(layer.weights as u64),
                Cell::count(u64::from(layer.bits)),
                Cell::count(layer.levels),
                Cell::fixed(layer.signal_to_noise, 1),
                Cell::written(layer.loss, format!("{:+.5}", layer.loss)),
                Cell::written(layer.divergence, format!("{:.2e}", layer.divergence)),
            ]);
        }
        table
    }
}
