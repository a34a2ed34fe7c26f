//! Which units leave.

use sapwood_graph::{Bits, Groups, Masks, Side, Slot, State};

use crate::Error;

/// Which units of which groups of a network leave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// For each group a bit for each unit; a set one leaves.
    leaves: Vec<Bits>,
}

impl Removal {
    /// Nothing.
    pub fn none(groups: &Groups) -> Self {
        Self { leaves: groups.iter().map(|group| Bits::zeros(group.units())).collect() }
    }

    /// Adds a unit of a group.
    ///
    /// # Panics
    /// If there is no such unit.
    pub fn take(&mut self, group: usize, unit: usize) {
        self.leaves[group].set(unit, true);
    }

    /// Whether what an index belongs to leaves.
    pub fn has(&self, slot: Slot) -> bool {
        self.leaves.get(slot.group as usize).is_some_and(|leaves| leaves.get(slot.unit as usize))
    }

    /// The number of units that leave a group.
    pub fn of(&self, group: usize) -> usize {
        self.leaves.get(group).map_or(0, Bits::count_ones)
    }

    /// The number of units that leave.
    pub fn units(&self) -> usize {
        self.leaves.iter().map(Bits::count_ones).sum()
    }

    /// The positions in a dimension that stay, for what its indices belong to.
    pub fn kept(&self, slots: &[Slot]) -> Vec<usize> {
        (0..slots.len()).filter(|at| !self.has(slots[*at])).collect()
    }

    /// Refuses units that have to stay, and groups of which nothing would be left.
    ///
    /// # Errors
    /// [`Error::Stays`], [`Error::Emptied`] and [`Error::OtherGroups`].
    pub fn check(&self, groups: &Groups) -> Result<(), Error> {
        if groups.len() != self.leaves.len() {
            return Err(Error::OtherGroups { expected: groups.len(), found: self.leaves.len() });
        }
        for (group, leaves) in groups.iter().zip(&self.leaves) {
            if group.units() != leaves.len() {
                return Err(Error::OtherGroups { expected: groups.len(), found: self.leaves.len() });
            }
            for unit in (0..leaves.len()).filter(|unit| leaves.get(*unit)) {
                if let Some(reason) = &group.stays[unit] {
                    return Err(Error::Stays { group: group.name.clone(), unit, reason: reason.clone() });
                }
            }
            if group.floors().iter().any(|floor| floor.iter().all(|unit| leaves.get(*unit as usize))) {
                return Err(Error::Emptied { group: group.name.clone() });
            }
        }
        Ok(())
    }

    /// The masks of a network in which the same channels are zero: all that makes them and, if asked, all
    /// that reads them. Buffers have none.
    pub fn masks(&self, groups: &Groups, state: &State, reading: bool) -> Masks {
        let mut masks = Masks::new();
        for axis in groups.axes() {
            let running = axis.path.as_str().contains(".running_");
            let (false, Some(value)) =
                (running || (axis.side == Side::Reads && !reading), state.0.get(&axis.path))
            else {
                continue;
            };
            if !axis.slots.iter().any(|slot| self.has(*slot)) {
                continue;
            }
            let inner: usize = value.shape()[axis.axis + 1..].iter().product();
            let mask = masks.entry(axis.path.clone()).or_insert_with(|| Bits::ones(value.len()));
            for at in 0..value.len() {
                if self.has(axis.slots[at / inner % axis.slots.len()]) {
                    mask.set(at, false);
                }
            }
        }
        masks
    }
}
