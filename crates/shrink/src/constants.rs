//! Which channels are one number at every place, whatever comes into the network.
//!
//! A filter that is masked away leaves a constant behind: its bias, or what a normalisation makes of zero. The constant
//! goes through what follows, and where zeros are added around planes it is no constant any more. Channels may run over
//! several dimensions of a value, as where a network mixes its tokens too; constants are known for each by itself.

mod rules;

use sapwood_graph::{Dims, Graph, Groups, Op, State};

use rules::Walk;

/// For each index of a dimension the number that all values there are, if they are one.
type Axis = Vec<Option<f64>>;

/// For each dimension of each node's output that runs over channels the constants of these.
#[derive(Clone, Debug, PartialEq)]
pub struct Constants {
    found: Vec<Vec<Axis>>,
    dims: Vec<Dims>,
}

impl Constants {
    /// Sends constants through a network.
    pub fn of(graph: &Graph, groups: &Groups, state: &State) -> Self {
        // What does not fit together has no groups either.
        let dims = graph.dims().unwrap_or_default();
        let mut all = Self { found: Vec::with_capacity(dims.len()), dims };
        for node in 0..all.dims.len() {
            let mut found = Walk { graph, groups, state, before: &all }.node(node);
            found.resize(all.dims[node].rank(), Axis::new());
            for (dim, axis) in found.iter_mut().enumerate() {
                axis.resize(groups.at(node, dim).map_or(0, <[_]>::len), None);
            }
            all.found.push(found);
        }
        all
    }

    /// The constants of the channels that a dimension of a node's output runs over; nothing where it runs over none.
    pub fn at(&self, node: usize, dim: usize) -> &[Option<f64>] {
        self.found.get(node).and_then(|axes| axes.get(dim)).map_or(&[], Vec::as_slice)
    }

    /// Whether all that a node gives is known to be zero.
    pub(crate) fn are_zeros(&self, node: usize) -> bool {
        let is_zero = |axis: &Axis| !axis.is_empty() && axis.iter().all(|constant| *constant == Some(0.0));
        self.found.get(node).is_some_and(|axes| axes.iter().any(is_zero))
    }

    /// The constants of what each weight of a convolution's or linear layer's output reads, in the order of its inputs.
    pub(crate) fn read(&self, graph: &Graph, node: usize) -> Axis {
        let node = &graph.nodes()[node];
        let Some(input) = node.inputs.first().copied() else { return Axis::new() };
        match node.op {
            Op::Linear { places: false, .. } => self.in_a_row(input),
            Op::Linear { .. } => self.at(input, self.dims[input].rank() - 1).to_vec(),
            _ => self.at(input, 1).to_vec(),
        }
    }

    /// The constants of all values of an example in one row: a value is one where its index in any dimension is.
    fn in_a_row(&self, node: usize) -> Axis {
        let sizes = self.dims[node].sizes();
        let behind = |dim: usize| sizes[dim + 1..].iter().product::<usize>();
        let known = (1..sizes.len()).map(|dim| (self.at(node, dim), behind(dim)));
        let known: Vec<(&[Option<f64>], usize)> = known.filter(|(axis, _)| !axis.is_empty()).collect();
        let count = if known.is_empty() { 0 } else { behind(0) };
        let of = |at: usize| known.iter().find_map(|(axis, behind)| axis[at / behind % axis.len()]);
        (0..count).map(of).collect()
    }
}
