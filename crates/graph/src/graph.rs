//! How the layers of a network connect.

use serde::{Deserialize, Serialize};

use crate::{Dims, Entry, Error, GraphBuilder, Op, Shape};

/// A layer or operation and where its inputs come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// The layer's path (`layer1.0.conv1`), or the operation's name.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// The nodes that it reads, by position; all earlier than itself.
    pub inputs: Vec<usize>,
}

/// A network as a directed acyclic graph of layers, in an order in which they can be run.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    nodes: Vec<Node>,
    /// One for each node that is an input, in their order.
    entries: Vec<Entry>,
    outputs: Vec<usize>,
}

/// The most values that an output may have.
const MOST_VALUES: u128 = 1 << 40;

impl Graph {
    /// Begins a network on images of this shape.
    pub fn builder(input: Shape) -> GraphBuilder {
        GraphBuilder::new(vec![Entry::images(input)])
    }

    /// Begins a network with these inputs.
    pub fn builder_of(entries: Vec<Entry>) -> GraphBuilder {
        GraphBuilder::new(entries)
    }

    pub(crate) fn new(nodes: Vec<Node>, entries: Vec<Entry>, outputs: Vec<usize>) -> Self {
        Self { nodes, entries, outputs }
    }

    /// The nodes, in an order in which they can be run.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node of this name, if there is one.
    ///
    /// ```
    /// use sapwood_graph::Graph;
    ///
    /// let mut g = Graph::builder([1, 28, 28]);
    /// let x = g.flatten(g.input());
    /// g.linear("fc", x, 10);
    /// let graph = g.finish()?;
    /// assert!(graph.node("fc").is_some_and(|node| node.op.has_weights()));
    /// assert_eq!(graph.node("fc2"), None);
    /// # Ok::<(), sapwood_graph::Error>(())
    /// ```
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// What goes in, in the order of the nodes that are inputs.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The nodes whose values go out.
    pub fn ends(&self) -> &[usize] {
        &self.outputs
    }

    /// For each input, the number of entries of the smallest table that its tokens are looked up in; [`usize::MAX`]
    /// where nothing looks them up as they come.
    pub fn tokens(&self) -> Vec<usize> {
        let read_by = |input: usize| {
            let tables = self.nodes.iter().filter(|node| node.inputs.first() == Some(&input));
            let entries = tables.filter_map(|node| match node.op {
                Op::Embedding { entries, .. } => Some(entries),
                _ => None,
            });
            entries.min().unwrap_or(usize::MAX)
        };
        (0..self.nodes.len()).filter(|at| matches!(self.nodes[*at].op, Op::Input)).map(read_by).collect()
    }

    /// The first input for which the network was built, as channels, height and width.
    pub fn input(&self) -> Shape {
        self.entries.first().map_or([1; 3], |entry| entry.dims.image())
    }

    /// The dimensions that leave each node, for the inputs for which the network was built.
    ///
    /// # Errors
    /// [`Error::Graph`] names the first node whose inputs do not fit.
    pub fn dims(&self) -> Result<Vec<Dims>, Error> {
        self.dims_at(&self.entries.iter().map(|entry| entry.dims).collect::<Vec<_>>())
    }

    /// The dimensions that leave each node, for other inputs.
    ///
    /// # Errors
    /// [`Error::Graph`] names the first node whose inputs do not fit.
    pub fn dims_at(&self, entries: &[Dims]) -> Result<Vec<Dims>, Error> {
        let mut entries = entries.iter();
        let mut found: Vec<Dims> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let refuse = |problem| Error::Graph { layer: node.name.clone(), problem };
            let inputs: Vec<Dims> = match node.op {
                Op::Input => entries.next().into_iter().copied().collect(),
                _ => node.inputs.iter().map(|id| found[*id]).collect(),
            };
            let dims = match node.op {
                Op::Constant { .. } => node.op.shape(&[]),
                _ => node.op.shape(&inputs),
            };
            let dims = dims.map_err(refuse)?;
            // Beyond this no count of weights or arithmetic would fit its number.
            if MOST_VALUES < dims.values() {
                return Err(refuse(format!("its output of {dims} is too large for any machine")));
            }
            found.push(dims);
        }
        Ok(found)
    }

    /// The dimensions that leave each node, for examples of this shape in its first input.
    ///
    /// # Errors
    /// [`Error::Graph`] where they cannot go in, or names the first node whose inputs do not fit, or that reads as many
    /// values in another order than those for which the network was built.
    pub fn dims_for(&self, input: Shape) -> Result<Vec<Dims>, Error> {
        let mut entries: Vec<Dims> = self.entries.iter().map(|entry| entry.dims).collect();
        if let Some(entry) = self.entries.first() {
            entries[0] = entry.fit(input).ok_or_else(|| Error::Graph {
                layer: entry.name.clone(),
                problem: format!("expected examples for {}, found {input:?}", entry.dims),
            })?;
        }
        let found = self.dims_at(&entries)?;
        if entries.first() != self.entries.first().map(|entry| &entry.dims) {
            self.check_order(&self.dims()?, &found)?;
        }
        Ok(found)
    }

    /// Refuses dimensions in which a node that reads values in their order gets those of other places: of what has several
    /// sides in one and the other, all have to be the same.
    fn check_order(&self, built: &[Dims], found: &[Dims]) -> Result<(), Error> {
        let sides = |dims: &Dims| -> Vec<usize> {
            dims.example().unwrap_or_default().iter().copied().filter(|side| *side != 1).collect()
        };
        for node in &self.nodes {
            let reads_in_order =
                matches!(node.op, Op::Flatten | Op::Reshape(_) | Op::Linear { places: false, .. });
            let Some(read) = node.inputs.first().filter(|_| reads_in_order) else { continue };
            let [own, other] = [&built[*read], &found[*read]].map(sides);
            let is_row = own.len() <= 1 || other.len() <= 1;
            if own != other && !is_row && own.iter().product::<usize>() == other.iter().product::<usize>() {
                return Err(Error::Graph {
                    layer: node.name.clone(),
                    problem: format!(
                        "it reads all values of {} in their order, found {}: give examples for {}",
                        built[*read], found[*read], self.entries[0].dims
                    ),
                });
            }
        }
        Ok(())
    }

    /// The same network, built for examples of this shape in its first input.
    ///
    /// # Errors
    /// As [`dims_for`](Self::dims_for).
    pub fn taking(mut self, input: Shape) -> Result<Self, Error> {
        self.dims_for(input)?;
        if let Some(entry) = self.entries.first_mut() {
            entry.dims = entry.fit(input).unwrap_or(entry.dims);
        }
        Ok(self)
    }

    /// [`Graph::dims_for`] as channels, height and width.
    ///
    /// # Errors
    /// Those of [`Graph::dims_for`].
    pub fn shapes(&self, input: Shape) -> Result<Vec<Shape>, Error> {
        Ok(self.dims_for(input)?.iter().map(Dims::image).collect())
    }

    /// The number of values of the first output per example, at the inputs for which the network was built.
    ///
    /// # Errors
    /// Those of [`Graph::dims`].
    pub fn outputs(&self) -> Result<usize, Error> {
        let dims = self.dims()?;
        Ok(self.outputs.first().map_or(0, |end| dims[*end].values() as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_all_values_in_their_order_takes_them_in_no_other_shape() {
        let mut g = Graph::builder([3, 6, 5]);
        let x = g.relu(g.input());
        let x = g.flatten(x);
        g.linear("fc", x, 2);
        let graph = g.finish().unwrap();
        for row in [[90, 1, 1], [3, 6, 5], [1, 1, 90]] {
            assert!(graph.dims_for(row).is_ok(), "{row:?}");
        }
        for other in [[6, 5, 3], [3, 5, 6], [1, 9, 10]] {
            let error = graph.dims_for(other).unwrap_err().to_string();
            assert!(error.contains("in their order"), "{error}");
        }
        // A row is made of whatever has its values, and `[H, W]` is `[1, H, W]`.
        let of = |input: Shape| {
            let mut g = Graph::builder(input);
            let x = g.flatten(g.input());
            g.linear("fc", x, 2);
            g.finish().unwrap()
        };
        assert!(of([90, 1, 1]).dims_for([1, 9, 10]).is_ok());
        assert!(of([9, 1, 10]).dims_for([1, 9, 10]).is_ok());
    }
}
