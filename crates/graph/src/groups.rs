//! Which channels of a network leave it together, index by index.
//!
//! Whoever takes a channel out of a layer takes it out of all that reads it, and of all that is added to it. Groups
//! are found by sending the indices of each dimension through the operations (Fang et al. 2023, *DepGraph*,
//! section 3.2, where layers are nodes and whole dimensions go together; here single indices do).

mod classes;
mod factors;
mod found;
mod joins;
mod layers;
mod moved;
#[cfg(test)]
mod tests;
mod trace;
mod zeros;

use crate::{Error, Graph, ParamPath};

/// One unit of one group: what a single index of a dimension belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// The group, by its position.
    pub group: u32,
    /// The unit of the group.
    pub unit: u32,
}

/// What a dimension of a parameter is to the channels that run over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The layer makes them.
    Makes,
    /// The layer reads them, and others leave it.
    Reads,
    /// They go through it, channel by channel: normalisation, depthwise convolution.
    Follows,
}

/// A dimension of a parameter or buffer that runs over channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamAxis {
    /// The parameter.
    pub path: ParamPath,
    /// The node that it belongs to.
    pub node: usize,
    /// The dimension, in PyTorch's layout.
    pub axis: usize,
    /// What it is to the channels.
    pub side: Side,
    /// For each index what it belongs to.
    pub slots: Vec<Slot>,
}

/// Channels of which a unit leaves from everywhere or from nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The first layer that makes them.
    pub name: String,
    /// How many channels its units have together: see [`Group::width`].
    pub channels: usize,
    /// All layers that make them.
    pub makers: Vec<String>,
    /// For each unit why it must stay, if it must: a clause about the channels.
    pub stays: Vec<Option<String>>,
    axes: Vec<usize>,
    floors: Vec<Vec<u32>>,
    widths: Vec<usize>,
}

impl Group {
    /// The number of units.
    pub fn units(&self) -> usize {
        self.stays.len()
    }

    /// How many channels a unit has in the first layer that makes it. They are several where the groups of a convolution or
    /// the heads of an attention keep one width, and none where only an operation makes it, as zeros beside channels.
    pub fn width(&self, unit: usize) -> usize {
        self.widths.get(unit).copied().unwrap_or_default()
    }

    /// Whether a unit may leave.
    pub fn is_free(&self, unit: usize) -> bool {
        self.stays.get(unit).is_some_and(Option::is_none)
    }

    /// Why nothing of it may leave, if nothing may.
    pub fn whole(&self) -> Option<&str> {
        match self.units() {
            1 if self.is_free(0) => Some("it has a single unit"),
            _ => self.stays.iter().map(Option::as_deref).collect::<Option<Vec<_>>>()?.first().copied(),
        }
    }

    /// Sets of units of each of which one must stay: a layer, a slice or a part of a concatenation would be empty.
    pub fn floors(&self) -> &[Vec<u32>] {
        &self.floors
    }
}

/// The groups of a network. Every index of every dimension that has any belongs to exactly one unit of one group.
///
/// ```
/// use sapwood_graph::{Conv, Graph, Groups};
///
/// let mut g = Graph::builder([3, 8, 8]);
/// let x = g.conv("stem", g.input(), Conv::new(16, 3).same());
/// let y = g.conv("conv1", x, Conv::new(32, 3).same());
/// let y = g.relu(y);
/// let y = g.conv("conv2", y, Conv::new(16, 3).same());
/// let x = g.add(x, y);
/// let x = g.flatten(x);
/// g.linear("fc", x, 10);
/// let groups = Groups::of(&g.finish().unwrap()).unwrap();
/// let said: Vec<_> = groups.iter().map(|group| (group.makers.join(" + "), group.units())).collect();
/// assert_eq!(said, [("stem + conv2".into(), 16), ("conv1".into(), 32), ("fc".into(), 10)]);
/// assert_eq!(groups[2].whole(), Some("they go out of the network"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    groups: Vec<Group>,
    axes: Vec<ParamAxis>,
    values: Vec<Vec<Option<Vec<Slot>>>>,
}

impl Groups {
    /// The groups of a network, in the order in which their channels arise.
    ///
    /// # Errors
    /// [`Error::Graph`] names the first node whose inputs do not fit.
    pub fn of(graph: &Graph) -> Result<Self, Error> {
        found::groups(graph)
    }

    /// Makes all channels of a group stay, for a reason of the caller's: a clause about them.
    ///
    /// # Panics
    /// If there is no such group.
    pub fn keep(&mut self, group: usize, reason: &str) {
        let stays = self.groups[group].stays.iter_mut().filter(|stays| stays.is_none());
        stays.for_each(|stays| *stays = Some(reason.into()));
    }

    /// Every dimension of a parameter or buffer that runs over channels.
    pub fn axes(&self) -> &[ParamAxis] {
        &self.axes
    }

    /// The dimensions that run over channels of a group.
    pub fn axes_of(&self, group: usize) -> impl Iterator<Item = &ParamAxis> {
        self.groups[group].axes.iter().map(|at| &self.axes[*at])
    }

    /// What the indices of a dimension of a node's output belong to; none of a dimension that no removal touches.
    pub fn at(&self, node: usize, dim: usize) -> Option<&[Slot]> {
        self.values.get(node)?.get(dim)?.as_deref()
    }
}

impl std::ops::Deref for Groups {
    type Target = [Group];

    fn deref(&self) -> &[Group] {
        &self.groups
    }
}
