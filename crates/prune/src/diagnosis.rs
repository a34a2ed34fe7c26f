//! What masks do to a network, layer by layer.

use sapwood_core::{Graph, Op, ParamPath};
use serde::{Deserialize, Serialize};

use crate::{
    Error, MaskSet, Warning,
    at_places::AtPlaces,
    flow::{Flow, effective},
};

/// What masks leave of a network whose graph is known: what is kept, and what of that
/// still does anything.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// The convolutions and linear layers that have masks, in the order in which they run. Masks of biases and scales, which
    /// go with whole channels, do not count here: how many there are depends on where channels went.
    pub layers: Vec<LayerHealth>,
    /// The masks without weights that lie on no path from the input to an output.
    pub effective: MaskSet,
    /// What a user should know.
    pub warnings: Vec<Warning>,
}

/// One layer that has a mask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerHealth {
    /// Its weight.
    pub path: ParamPath,
    /// All weights.
    pub total: usize,
    /// Kept weights.
    pub kept: usize,
    /// Kept weights on a path from the input to an output.
    pub effective: usize,
    /// Output channels.
    pub outputs: usize,
    /// Those of them through which no path leads. Of a layer on the last of several dimensions those that no kept weight
    /// makes or that nothing reads: what is cut off further away is not seen.
    pub dead_outputs: usize,
    /// Whether the network's input still reaches the layer.
    pub reached: bool,
    /// Whether the layer still reaches an output of the network.
    pub needed: bool,
}

impl Diagnosis {
    /// Looks at masks in a graph. A parameter without a mask is dense.
    ///
    /// # Errors
    /// Those of [`effective`].
    pub fn of(graph: &Graph, masks: &MaskSet) -> Result<Self, Error> {
        let (flow, effective) = (Flow::of(graph, masks)?, effective(graph, masks)?);
        let at_places = AtPlaces::of(graph, masks)?;
        let (mut layers, mut filters) = (Vec::new(), Vec::new());
        for (id, node) in graph.nodes().iter().enumerate().filter(|(_, node)| node.op.has_weights()) {
            let path = ParamPath::from(format!("{}.weight", node.name));
            let (Some(mask), Some(input)) = (masks.get(&path), node.inputs.first()) else { continue };
            let (reached, needed) = (flow.reached[*input].contains(&true), flow.needed[id].contains(&true));
            // Of each output whether the input reaches it, and whether it reaches an output of the network.
            let outputs: Vec<[bool; 2]> = match (node.op, &at_places) {
                (Op::Linear { places: true, .. }, Some(at_places)) => {
                    let outputs = at_places.outputs(id, mask).into_iter();
                    outputs.map(|[made, read]| [reached && made, needed && read]).collect()
                }
                _ => flow.reached[id].iter().zip(&flow.needed[id]).map(|(a, b)| [*a, *b]).collect(),
            };
            // What neither comes from the input nor goes on to an output is gone as a channel.
            let lost = outputs.iter().filter(|[reached, needed]| reached != needed).count();
            filters.push((&node.name[..], lost, outputs.len()));
            layers.push(LayerHealth {
                total: mask.len(),
                kept: mask.count_ones(),
                effective: effective.get(&path).map_or(0, |mask| mask.count_ones()),
                outputs: outputs.len(),
                dead_outputs: outputs.iter().filter(|ends| ends.contains(&false)).count(),
                reached,
                needed,
                path,
            });
        }
        let reached = graph.ends().iter().any(|end| flow.reached[*end].contains(&true));
        let warnings = warnings(reached, &filters, masks, &layers);
        Ok(Self { layers, effective, warnings })
    }

    /// The fraction of weights that are gone or do nothing.
    pub fn effective_sparsity(&self) -> f64 {
        let sum = |of: fn(&LayerHealth) -> usize| self.layers.iter().map(of).sum::<usize>();
        let (total, effective) = (sum(|layer| layer.total), sum(|layer| layer.effective));
        (total - effective) as f64 / total.max(1) as f64
    }
}

/// `filters` are for each layer those that have lost their paths on one side, and all.
fn warnings(
    reached: bool,
    filters: &[(&str, usize, usize)],
    masks: &MaskSet,
    layers: &[LayerHealth],
) -> Vec<Warning> {
    let mut warnings = masks.warnings();
    if masks.kept() == 0 {
        return warnings;
    }
    if !reached {
        warnings.push(Warning::Disconnected);
    }
    let kept: usize = layers.iter().map(|layer| layer.kept).sum();
    let weights: usize = layers.iter().map(|layer| layer.kept - layer.effective).sum();
    if weights > 0 {
        warnings.push(Warning::Ineffective { weights, kept });
    }
    if let Some((most, 1.., _)) = filters.iter().max_by_key(|(_, lost, _)| *lost) {
        let of = filters.iter().map(|(.., all)| all).sum();
        let filters = filters.iter().map(|(_, lost, _)| lost).sum();
        warnings.push(Warning::DeadFilters { filters, of, most: (*most).into() });
    }
    warnings
}
