//! A network of integers.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Activation, Calibrated, Error, Graph, Grid, Op, ParamPath, Quantized, Ranges, Scheme, State};

/// A network whose weights are integers and whose values are rounded to grids, as a file says it: what computes with
/// integers is made of it, and what writes them elsewhere.
#[derive(Clone, Debug)]
pub struct QuantizedNetwork {
    /// Its operations, with normalisations folded where the layer before them has integers.
    pub graph: Graph,
    /// The weights that are integers.
    pub weights: BTreeMap<ParamPath, Quantized>,
    /// The parameters that are not: biases, and those of what computes in floating point.
    pub rest: State,
    /// The grids on which values lie, by the nodes that they leave.
    pub grids: BTreeMap<usize, Grid>,
    /// Linear layers whose inputs are rounded row by row, between the bounds of each.
    pub dynamic: BTreeSet<String>,
}

impl QuantizedNetwork {
    /// A network whose values lie between the bounds that were seen.
    ///
    /// # Errors
    /// A scheme that has no grid between the bounds.
    pub fn between(
        graph: Graph,
        weights: BTreeMap<ParamPath, Quantized>,
        rest: State,
        ranges: &Ranges,
        calibrated: &Calibrated,
    ) -> Result<Self, Error> {
        let grids = grids(&graph, ranges, calibrated.activations)?;
        Ok(Self { graph, weights, rest, grids, dynamic: calibrated.dynamic.clone() })
    }

    /// The grid of what leaves a node: its own, or that of the ReLU or ReLU6 which alone reads it, since the two are
    /// computed together.
    pub fn grid_of(&self, node: usize) -> Option<&Grid> {
        let behind = || {
            let nodes = self.graph.nodes().iter().enumerate();
            let mut readers = nodes.filter(|(_, reader)| reader.inputs.contains(&node));
            let (at, reader) = readers.next().filter(|_| !self.graph.ends().contains(&node))?;
            let is_clip = matches!(reader.op, Op::Activation(Activation::Relu | Activation::Relu6));
            self.grids.get(&at).filter(|_| is_clip && readers.next().is_none())
        };
        self.grids.get(&node).or_else(behind)
    }
}

/// The grids between the bounds of values, by the nodes that they leave.
///
/// # Errors
/// A scheme that has no grid between the bounds.
pub fn grids(graph: &Graph, ranges: &Ranges, scheme: Scheme) -> Result<BTreeMap<usize, Grid>, Error> {
    let names = graph.value_names();
    let ranged = names.iter().enumerate().filter_map(|(at, name)| Some((at, ranges.get(name)?)));
    ranged.map(|(at, range)| Ok((at, scheme.grid(range.min(), range.max())?))).collect()
}
