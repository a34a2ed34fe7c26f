//! How far the answers of two networks are from each other.

use std::collections::{BTreeMap, BTreeSet};

use burn::prelude::Device;
use sapwood_backend::read;
use sapwood_core::{ModuleState, Network, Observed, Output as _, ParamPath, Pass, Target, loss};
use sapwood_graph::{Points, grids};

use crate::{Agreement, Error, Examples, Made, Rounded, Rows, rows::largest};

/// The outputs of a network on some examples.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    rows: Rows,
    /// The mean loss.
    pub loss: f64,
    /// The share of examples whose class has the largest output; `None` without classes.
    pub top1: Option<f64>,
}

impl Answers {
    /// Of a network in evaluation.
    ///
    /// # Errors
    /// Examples that the network does not take; targets that are not its.
    pub async fn of<N: Network>(network: &N, examples: Examples<'_>, device: &Device) -> Result<Self, Error> {
        let (network, device) = (network.valid(), device.clone().inner());
        let (mut logits, mut outputs, mut losses, mut count) = (Vec::new(), 0, 0.0, 0);
        let mut right = Some(0usize);
        for batch in examples.batches() {
            let batch = batch?;
            let rows = network.forward(batch.input(&device)?, &mut Pass::evaluate()).rows();
            outputs = rows.dims()[1];
            let mean = read(loss(rows.clone(), batch.target(), 0.0)?).await?;
            losses += mean.iter::<f64>().sum::<f64>() * batch.len() as f64;
            count += batch.len();
            let first = logits.len();
            logits.extend(read(rows).await?.iter::<f64>());
            right = match (right, batch.target()) {
                (Some(right), Target::Class(classes)) => {
                    let rows = logits[first..].chunks(outputs.max(1)).zip(classes);
                    Some(right + rows.filter(|(row, class)| largest(row) == Some(**class as usize)).count())
                }
                _ => None,
            };
        }
        let share = |count_of: usize| count_of as f64 / count.max(1) as f64;
        let rows = Rows::new(logits, outputs);
        Ok(Self { rows, loss: losses / count.max(1) as f64, top1: right.map(share) })
    }

    /// [`Rows::agreement`].
    pub fn agreement(&self, other: &Self) -> f64 {
        self.rows.agreement(&other.rows)
    }

    /// [`Rows::agrees`].
    pub fn agrees(&self, other: &Self, is_answer: bool) -> Agreement {
        self.rows.agrees(&other.rows, is_answer)
    }

    /// [`Rows::signal_to_noise`].
    pub fn signal_to_noise(&self, other: &Self) -> f64 {
        self.rows.signal_to_noise(&other.rows)
    }

    /// [`Rows::divergence`].
    pub fn divergence(&self, other: &Self) -> f64 {
        self.rows.divergence(&other.rows)
    }
}

/// What it costs to quantise one layer alone: its weights and its input.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerCost {
    /// The layer.
    pub layer: String,
    /// How many integers lie between the least and the largest of its weights, these and 0 among them.
    pub levels: u64,
    /// The power of the network's outputs over that of their change, in decibels.
    pub signal_to_noise: f64,
    /// By how much the loss rises.
    pub loss: f64,
    /// The divergence of the outputs' softmax.
    pub divergence: f64,
}

/// Quantises one layer after the other, each alone (section 2 of Nagel et al. 2021 calls it the sensitivity).
///
/// # Errors
/// As for [`Answers::of`].
pub async fn layer_costs<N: Observed>(
    network: &N,
    made: &Made,
    examples: Examples<'_>,
    device: &Device,
) -> Result<Vec<LayerCost>, Error> {
    let float = Answers::of(network, examples, device).await?;
    let state = sapwood_core::State::read(network).await?;
    let grids = grids(network.graph(), &made.ranges, made.calibrated.activations)?;
    let points = Points::of(network.graph(), &BTreeSet::new());
    let mut costs = Vec::new();
    for layer in points.layers() {
        let path = ParamPath::from(format!("{layer}.weight"));
        let Some(quantized) = made.quantized.get(&path) else { continue };
        let mut alone = state.clone();
        alone.0.insert(path, quantized.dequantized());
        let dynamic: BTreeSet<String> = made.calibrated.dynamic.get(layer).into_iter().cloned().collect();
        let input = points.input_of(layer).filter(|_| dynamic.is_empty());
        let input = input.and_then(|node| Some((node, *grids.get(&node)?)));
        let alone =
            Rounded::new(alone.write(network.clone())?, input.into_iter().collect::<BTreeMap<_, _>>());
        let alone = alone.with_dynamic(dynamic);
        let answers = Answers::of(&alone, examples, device).await?;
        let integers = quantized.values().iter::<i64>();
        let (least, most) = integers.fold((0, 0), |(a, b): (i64, i64), q| (a.min(q), b.max(q)));
        costs.push(LayerCost {
            layer: layer.into(),
            levels: (most - least + 1) as u64,
            signal_to_noise: float.signal_to_noise(&answers),
            loss: answers.loss - float.loss,
            divergence: float.divergence(&answers),
        });
    }
    Ok(costs)
}

/// Refuses a quantised network that answers otherwise than the float one more often than it may, with the layers that
/// cost most.
///
/// # Errors
/// [`Error::Disagrees`].
pub fn alarm(agreement: Agreement, least: f64, costs: &[LayerCost]) -> Result<(), Error> {
    if agreement.share() >= least {
        return Ok(());
    }
    const WORST: usize = 3;
    let mut sorted: Vec<&LayerCost> = costs.iter().collect();
    sorted.sort_by(|a, b| price(b.divergence).total_cmp(&price(a.divergence)));
    let said = |cost: &&LayerCost| format!("`{}` ({:.1} dB)", cost.layer, cost.signal_to_noise);
    let worst = sorted.iter().take(WORST).map(said).collect::<Vec<_>>().join(", ");
    Err(Error::Disagrees { agreement, least, worst })
}

/// A divergence that can be compared: what is not a number costs more than all that is.
pub fn price(divergence: f64) -> f64 {
    if divergence.is_nan() { f64::INFINITY } else { divergence }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alarm_names_what_costs_most() {
        let cost = |layer: &str, divergence: f64| LayerCost {
            layer: layer.into(),
            levels: 255,
            signal_to_noise: 20.0,
            loss: 0.0,
            divergence,
        };
        // As x86 makes what is not a number: with a sign.
        let costs = [cost("a", 0.1), cost("b", 3.0), cost("c", -f64::NAN), cost("d", 0.2)];
        assert!(alarm(Agreement::Answers(0.99), 0.95, &costs).is_ok());
        assert!(
            alarm(Agreement::Power(0.9), 0.95, &costs)
                .unwrap_err()
                .to_string()
                .contains("90.00 % of the power")
        );
        let error = alarm(Agreement::Answers(0.5), 0.95, &costs).unwrap_err().to_string();
        assert!(error.contains("50.00 %") && error.contains("95.00 %"), "{error}");
        assert!(error.ends_with("most is lost in `c` (20.0 dB), `b` (20.0 dB), `d` (20.0 dB)"), "{error}");
    }
}
