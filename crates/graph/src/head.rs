//! The last layer of a network, which gives each class a number.

use crate::{Activation, Error, Graph, Node, Op};

/// Where a network ends and its features begin: the layer whose outputs are the classes.
///
/// A network for other classes is the same one with another head; what is trained on features that were
/// computed once is the head alone (a linear probe).
///
/// ```
/// use sapwood_graph::{Conv, Graph};
///
/// let mut g = Graph::builder([3, 8, 8]);
/// let x = g.conv("conv", g.input(), Conv::new(4, 3));
/// let x = g.global_avg_pool(x);
/// g.linear("fc", x, 10);
/// let graph = g.finish()?;
///
/// let head = graph.head()?;
/// assert_eq!(head.layer(), "fc");
/// assert_eq!(head.features()?.outputs()?, 4);
/// assert_eq!(head.with_outputs(7)?.outputs()?, 7);
/// # Ok::<(), sapwood_graph::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    graph: &'a Graph,
    /// The layer.
    at: usize,
    /// What goes out, once what makes it probabilities is taken off.
    end: usize,
}

impl Graph {
    /// The head of a network with one output.
    ///
    /// # Errors
    /// [`Error::Graph`] names the node behind which no layer can be found that gives each class its number.
    pub fn head(&self) -> Result<Head<'_>, Error> {
        let refuse = |layer: &str, problem: &str| {
            Err(Error::Graph { layer: layer.into(), problem: format!("no head is found: {problem}") })
        };
        let [last] = *self.ends() else { return refuse("output", "the network has several outputs") };
        let dims = self.dims()?;
        let (mut at, mut end) = (last, last);
        loop {
            let node = &self.nodes()[at];
            match node.op {
                Op::Linear { .. } => return Ok(Head { graph: self, at, end }),
                Op::Conv(spec) if spec.groups == 1 && spec.transposed.is_none() => {
                    return Ok(Head { graph: self, at, end });
                }
                // A loss is taken of what goes into it.
                Op::Softmax { .. } | Op::Activation(Activation::Sigmoid) if at == end => {
                    (at, end) = (node.inputs[0], node.inputs[0]);
                }
                Op::Activation(_) | Op::GlobalAvgPool | Op::Flatten | Op::Reduce { .. } | Op::AvgPool(_) => {
                    at = node.inputs[0];
                }
                Op::Reshape(_) if dims[at].values() == dims[node.inputs[0]].values() => at = node.inputs[0],
                op => {
                    let problem = format!("`{}` is neither a linear layer nor a convolution", op.kind());
                    return refuse(&node.name, &problem);
                }
            }
        }
    }
}

impl Head<'_> {
    /// The layer's name.
    pub fn layer(&self) -> &str {
        &self.graph.nodes()[self.at].name
    }

    /// The same network with this number of outputs, without a softmax or a sigmoid behind them.
    ///
    /// # Errors
    /// [`Error::Graph`] where the network ends with another activation, or what follows the layer does not go on with
    /// another number.
    pub fn with_outputs(&self, outputs: usize) -> Result<Graph, Error> {
        let end = &self.graph.nodes()[self.end];
        if let Op::Activation(activation) = end.op {
            let kind = activation.name();
            let problem =
                format!("new outputs would go through `{kind}`, and no loss is taken of that: take it off");
            return Err(Error::Graph { layer: end.name.clone(), problem });
        }
        let before = self.classes();
        let mut nodes = self.graph.nodes()[..=self.at.max(self.end)].to_vec();
        match &mut nodes[self.at].op {
            Op::Linear { outputs: found, .. } => *found = outputs,
            Op::Conv(spec) => spec.outputs = outputs,
            _ => {}
        }
        for node in &mut nodes[self.at + 1..] {
            if let Op::Reshape(to) = &mut node.op {
                // The first one of that size: the product of all is as many times what it was.
                let classes = (0..to.rank()).find(|dim| to.number(*dim) == Some(before));
                *to = classes.map_or(*to, |dim| to.resized(dim, outputs));
            }
        }
        let graph = Graph::of_parts(nodes, self.graph.entries().to_vec(), vec![self.end])?;
        match graph.outputs()? {
            found if found == outputs => Ok(graph),
            found => Err(Error::Graph {
                layer: self.layer().into(),
                problem: format!("with {outputs} outputs the network would have {found}"),
            }),
        }
    }

    /// The network up to the layer: what it reads goes out.
    ///
    /// # Errors
    /// [`Error::Graph`] where the layer reads the network's input.
    pub fn features(&self) -> Result<Graph, Error> {
        let read = self.graph.nodes()[self.at].inputs[0];
        Graph::of_parts(self.graph.nodes()[..=read].to_vec(), self.graph.entries().to_vec(), vec![read])
    }

    /// The layer and what follows, on features of the shape that [`Head::features`] gives.
    ///
    /// # Errors
    /// [`Error::Graph`] where what follows reads more than the layer.
    pub fn alone(&self) -> Result<Graph, Error> {
        let dims = self.graph.dims()?;
        let read = self.graph.nodes()[self.at].inputs[0];
        let features = dims[read];
        let entry = crate::Entry { name: "features".into(), dims: features, integers: false };
        let mut nodes = vec![Node { name: "features".into(), op: Op::Input, inputs: Vec::new() }];
        let mut place = std::collections::BTreeMap::from([(read, 0)]);
        for (id, node) in self.graph.nodes().iter().enumerate().take(self.end + 1).skip(self.at) {
            let inputs: Option<Vec<usize>> = node.inputs.iter().map(|id| place.get(id).copied()).collect();
            // Nodes of other branches stand between in a graph's order.
            let Some(inputs) = inputs else { continue };
            place.insert(id, nodes.len());
            nodes.push(Node { inputs, ..node.clone() });
        }
        let refuse =
            || Error::Graph { layer: self.layer().into(), problem: "it is no head of its own".into() };
        let end = *place.get(&self.end).ok_or_else(refuse)?;
        Graph::of_parts(nodes, vec![entry], vec![end])
    }

    /// The number of classes.
    fn classes(&self) -> usize {
        match self.graph.nodes()[self.at].op {
            Op::Linear { outputs, .. } => outputs,
            Op::Conv(spec) => spec.outputs,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Conv, Dims};

    fn backbone() -> (crate::GraphBuilder, crate::Wire) {
        let mut g = Graph::builder([3, 8, 8]);
        let x = g.conv("conv", g.input(), Conv::new(4, 3).padding(1));
        (g, x)
    }

    #[test]
    fn a_head_is_found_behind_what_follows_it() {
        let (mut g, x) = backbone();
        let x = g.conv("classifier", x, Conv::new(10, 1));
        let x = g.relu(x);
        let x = g.global_avg_pool(x);
        let x = g.reshape(x, Dims::rows(10));
        g.softmax(x, 1);
        let graph = g.finish().unwrap();
        let head = graph.head().unwrap();
        assert_eq!(head.layer(), "classifier");
        let other = head.with_outputs(3).unwrap();
        assert_eq!(other.outputs().unwrap(), 3);
        assert!(other.nodes().iter().all(|node| !matches!(node.op, Op::Softmax { .. })));
        assert_eq!(head.features().unwrap().shapes([3, 8, 8]).unwrap().last(), Some(&[4, 8, 8]));
        let alone = head.alone().unwrap();
        assert_eq!((alone.input(), alone.outputs().unwrap()), ([4, 8, 8], 10));
    }

    #[test]
    fn other_classes_than_one_leave_the_batch_as_it_is() {
        let single = |to: Dims| {
            let (mut g, x) = backbone();
            let x = g.global_avg_pool(x);
            let x = g.conv("head", x, Conv::new(1, 1));
            g.reshape(x, to);
            g.finish().unwrap()
        };
        let other = single(Dims::rows(1)).head().unwrap().with_outputs(7).unwrap();
        assert_eq!(other.dims().unwrap().last(), Some(&Dims::rows(7)));
        // Squeezed there is no dimension for classes.
        let squeezed = single(Dims::with_batch(&[1], 0).unwrap());
        assert!(squeezed.head().unwrap().with_outputs(7).is_err());
    }

    #[test]
    fn of_activations_at_the_end_a_sigmoid_goes_with_the_old_head_and_others_are_refused() {
        for (activation, goes) in [(Activation::Sigmoid, true), (Activation::Tanh, false)] {
            let (mut g, x) = backbone();
            let x = g.global_avg_pool(x);
            let x = g.linear("fc", x, 10);
            g.activation(x, activation);
            let graph = g.finish().unwrap();
            match graph.head().unwrap().with_outputs(3) {
                Ok(other) => assert!(goes && matches!(other.nodes()[other.ends()[0]].op, Op::Linear { .. })),
                Err(error) => assert!(!goes && error.to_string().contains("`tanh`"), "{error}"),
            }
        }
    }

    #[test]
    fn what_has_no_head_is_named() {
        let (mut g, x) = backbone();
        let y = g.relu(x);
        g.add(x, y);
        let error = g.finish().unwrap().head().unwrap_err().to_string();
        assert!(error.contains("`add` is neither"), "{error}");
        let (g, x) = backbone();
        let error = g.finish_with(&[x, x]).unwrap().head().unwrap_err().to_string();
        assert!(error.contains("several outputs"), "{error}");
    }
}
