//! Which units leave.

use sapwood_graph::{Bits, Groups, Masks, ParamPath, Side, Slot, State};

use crate::{Error, floors};

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

    /// The number of channels that leave a group, of which a unit may be several.
    pub fn channels(&self, groups: &Groups, group: usize) -> usize {
        let slot = |unit: usize| Slot { group: group as u32, unit: unit as u32 };
        let leaving = (0..groups[group].units()).filter(|unit| self.has(slot(*unit)));
        leaving.map(|unit| groups[group].width(unit)).sum()
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
    /// [`Error::Stays`], [`Error::Emptied`], [`Error::OtherGroups`] and [`Error::OtherUnits`].
    pub fn check(&self, groups: &Groups) -> Result<(), Error> {
        if groups.len() != self.leaves.len() {
            return Err(Error::OtherGroups { expected: groups.len(), found: self.leaves.len() });
        }
        for (group, leaves) in groups.iter().zip(&self.leaves) {
            if group.units() != leaves.len() {
                return Err(Error::OtherUnits {
                    group: group.name.clone(),
                    expected: group.units(),
                    found: leaves.len(),
                });
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

    /// The free units of which masks keep nothing: of all that makes, reads or follows them and has a mask. A unit that
    /// only parameters without masks have stays.
    pub fn of_masks(
        groups: &Groups,
        masks: &Masks,
        shape: impl Fn(&ParamPath) -> Option<Vec<usize>>,
    ) -> Self {
        let units = || groups.iter().map(|group| vec![false; group.units()]);
        let (mut masked, mut kept): (Vec<_>, Vec<_>) = (units().collect(), units().collect());
        for axis in groups.axes() {
            let (Some(mask), Some(shape)) = (masks.get(&axis.path), shape(&axis.path)) else { continue };
            let inner: usize = shape[axis.axis + 1..].iter().product();
            for at in 0..mask.len() {
                let Slot { group, unit } = axis.slots[at / inner % axis.slots.len()];
                let seen: &mut Vec<Vec<bool>> = if mask.get(at) { &mut kept } else { &mut masked };
                seen[group as usize][unit as usize] = true;
            }
        }
        let mut found = Self::none(groups);
        for (at, group) in groups.iter().enumerate() {
            let gone = |unit: usize| masked[at][unit] && !kept[at][unit] && group.is_free(unit);
            (0..group.units()).filter(|unit| gone(*unit)).for_each(|unit| found.take(at, unit));
        }
        found
    }

    /// As many units of each group, in another order: the first of `order` that may leave.
    pub fn redrawn(&self, groups: &Groups, order: impl Fn(usize) -> Vec<usize>) -> Self {
        let mut found = Self::none(groups);
        for at in 0..groups.len() {
            let order = floors::leaving(groups, at, order(at));
            order.into_iter().take(self.of(at)).for_each(|unit| found.take(at, unit));
        }
        found
    }

    /// The masks of a network in which the same channels are zero: all that makes them and, if asked, all
    /// that reads them. Buffers have none.
    pub fn masks(&self, groups: &Groups, state: &State, reading: bool) -> Masks {
        self.masks_of_shapes(groups, reading, |path| state.0.get(path).map(|value| value.shape().to_vec()))
    }

    /// The same for parameters of which only the shapes are known.
    pub fn masks_of_shapes(
        &self,
        groups: &Groups,
        reading: bool,
        shape: impl Fn(&ParamPath) -> Option<Vec<usize>>,
    ) -> Masks {
        let mut masks = Masks::new();
        for axis in groups.axes() {
            let running = axis.path.as_str().contains(".running_");
            let (false, Some(shape)) = (running || (axis.side == Side::Reads && !reading), shape(&axis.path))
            else {
                continue;
            };
            if !axis.slots.iter().any(|slot| self.has(*slot)) {
                continue;
            }
            let inner: usize = shape[axis.axis + 1..].iter().product();
            let count = shape.iter().product();
            let mask = masks.entry(axis.path.clone()).or_insert_with(|| Bits::ones(count));
            for at in 0..count {
                if self.has(axis.slots[at / inner % axis.slots.len()]) {
                    mask.set(at, false);
                }
            }
        }
        masks
    }
}
