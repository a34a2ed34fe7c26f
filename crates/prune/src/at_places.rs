//! What becomes of the outputs of layers at places.

use std::collections::BTreeSet;

use sapwood_core::{
    Bits, Graph, Op,
    graph::{Groups, Side, Slot},
};
use sapwood_shrink::Error as Shrinking;

use crate::{Error, MaskSet};

/// Of layers on the last of several dimensions, such as those on tokens, which outputs kept weights make and read. Paths
/// lead from place to place of such values and tell their channels not apart, so this follows from the channels that go
/// together.
pub(crate) struct AtPlaces {
    groups: Groups,
    /// The channels that a layer reads with a kept weight, that a product adds over, or that have to stay.
    read: BTreeSet<Slot>,
}

impl AtPlaces {
    /// Looks at masks of weights that are as long as the graph's. None where no layer at places has any.
    pub(crate) fn of(graph: &Graph, masks: &MaskSet) -> Result<Option<Self>, Error> {
        let is_masked = |name: &str| masks.get(&format!("{name}.weight").into()).is_some();
        let at_places = |op: &Op| matches!(op, Op::Linear { places: true, .. });
        if !graph.nodes().iter().any(|node| at_places(&node.op) && is_masked(&node.name)) {
            return Ok(None);
        }
        let groups = Groups::of(graph).map_err(Shrinking::Graph)?;
        let mut read = BTreeSet::new();
        for axis in groups.axes().iter().filter(|axis| axis.side == Side::Reads) {
            let kept = masks.get(&axis.path).zip(shape(&graph.nodes()[axis.node].op));
            let mut seen = vec![kept.is_none(); axis.slots.len()];
            if let Some((mask, shape)) = kept {
                let inner: usize = shape[axis.axis + 1..].iter().product();
                let kept = (0..mask.len()).filter(|at| mask.get(*at));
                kept.for_each(|at| seen[at / inner % axis.slots.len()] = true);
            }
            read.extend(axis.slots.iter().zip(seen).filter(|(_, seen)| *seen).map(|(slot, _)| *slot));
        }
        let dims = graph.dims()?;
        for node in graph.nodes().iter().filter(|node| node.op == Op::MatMul) {
            let over = node.inputs.first().and_then(|x| groups.at(*x, dims[*x].rank().checked_sub(1)?));
            read.extend(over.unwrap_or_default());
        }
        for (group, of) in groups.iter().enumerate() {
            let stays = (0..of.units()).filter(|unit| !of.is_free(*unit));
            read.extend(stays.map(|unit| Slot { group: group as u32, unit: unit as u32 }));
        }
        Ok(Some(Self { groups, read }))
    }

    /// For each output of a layer with this mask whether a kept weight makes it, and whether it is read.
    pub(crate) fn outputs(&self, node: usize, mask: &Bits) -> Vec<[bool; 2]> {
        let mut axes = self.groups.axes().iter();
        let made = axes.find(|axis| {
            axis.node == node && axis.side == Side::Makes && axis.path.as_str().ends_with(".weight")
        });
        let slots = made.map_or(&[][..], |axis| &axis.slots);
        let inputs = mask.len() / slots.len().max(1);
        let of = |(output, slot): (usize, &Slot)| {
            let mut weights = output * inputs..(output + 1) * inputs;
            [weights.any(|at| mask.get(at)), self.read.contains(slot)]
        };
        slots.iter().enumerate().map(of).collect()
    }
}

/// The shape of a layer's weight.
fn shape(op: &Op) -> Option<Vec<usize>> {
    match op {
        Op::Conv(spec) => Some(spec.weight()),
        Op::Linear { inputs, outputs, .. } => Some(vec![*outputs, *inputs]),
        _ => None,
    }
}
