//! Channels leave.

use std::collections::BTreeMap;

use sapwood_graph::{Array, Graph, Groups, Masks, ParamAxis, ParamPath, State};

use crate::{Error, Removal, layers, take};

/// What is left.
#[derive(Clone, Debug, PartialEq)]
pub struct Shrunk {
    /// The layers.
    pub graph: Graph,
    /// Their values.
    pub state: State,
    /// The masks of what is left.
    pub masks: Masks,
}

/// Takes channels out of a network, its values and its masks.
///
/// # Errors
/// What [`Removal::check`] refuses; values that are not the network's.
pub fn shrink(graph: &Graph, state: &State, masks: &Masks, removal: &Removal) -> Result<Shrunk, Error> {
    let surgery = Surgery::new(graph, &Groups::of(graph)?, removal)?;
    Ok(Shrunk { state: surgery.state(state)?, masks: surgery.masks(masks, state)?, graph: surgery.graph })
}

/// A removal on its way: what it makes of the layers, and of any values that have the parameters' shapes.
#[derive(Clone, Debug)]
pub struct Surgery {
    /// The layers that are left.
    pub graph: Graph,
    /// For each parameter the places of its dimensions that stay, and their number before.
    cuts: BTreeMap<ParamPath, Vec<(usize, usize, Vec<usize>)>>,
}

impl Surgery {
    /// Prepares a removal.
    ///
    /// # Errors
    /// What [`Removal::check`] refuses.
    pub fn new(graph: &Graph, groups: &Groups, removal: &Removal) -> Result<Self, Error> {
        removal.check(groups)?;
        let mut cuts: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for ParamAxis { path, axis, slots, .. } in groups.axes() {
            let kept = removal.kept(slots);
            if kept.len() < slots.len() {
                cuts.entry(path.clone()).or_default().push((*axis, slots.len(), kept));
            }
        }
        Ok(Self { graph: layers::graph(graph, groups, removal)?, cuts })
    }

    /// What is left of values under the names of parameters: the parameters themselves, or what an optimiser
    /// remembers of each.
    ///
    /// # Errors
    /// [`Error::Misshapen`] and [`Error::Packed`].
    pub fn state(&self, state: &State) -> Result<State, Error> {
        let cut = |(path, value): (&ParamPath, &Array)| {
            let mut value = value.clone();
            for (axis, before, kept) in self.cuts.get(path).into_iter().flatten() {
                check(path, value.shape(), *axis, *before)?;
                let taken = take::take(&value, *axis, kept);
                value = taken.ok_or_else(|| Error::Packed { path: path.clone() })?;
            }
            Ok((path.clone(), value))
        };
        state.0.iter().map(cut).collect::<Result<_, Error>>().map(State)
    }

    /// What is left of masks of values: of those that still mask something.
    ///
    /// # Errors
    /// [`Error::Misshapen`].
    pub fn masks(&self, masks: &Masks, state: &State) -> Result<Masks, Error> {
        let mut found = Masks::new();
        for (path, mask) in masks {
            let mut shape =
                state.0.get(path).map_or_else(|| vec![mask.len()], |value| value.shape().to_vec());
            let mut mask = mask.clone();
            for (axis, before, kept) in self.cuts.get(path).into_iter().flatten() {
                check(path, &shape, *axis, *before)?;
                mask = take::take_bits(&mask, &shape, *axis, kept);
                shape[*axis] = kept.len();
            }
            // One that masks nothing any more would only take room.
            if mask.count_ones() < mask.len() {
                found.insert(path.clone(), mask);
            }
        }
        Ok(found)
    }
}

fn check(path: &ParamPath, shape: &[usize], axis: usize, expected: usize) -> Result<(), Error> {
    match shape.get(axis) == Some(&expected) {
        true => Ok(()),
        false => Err(Error::Misshapen { path: path.clone(), axis, expected, found: shape.to_vec() }),
    }
}
