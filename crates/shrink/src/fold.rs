//! Constants of channels that leave go into biases.

use sapwood_graph::{Array, DType, Graph, Groups, Masks, Node, Op, ParamPath, State};

use crate::{Dead, Error, Shrunk, Surgery};

impl Dead {
    /// Takes the dead channels out. What is left gives the same outputs in evaluation; a layer without a bias gets
    /// one where a constant has to go into it.
    ///
    /// # Errors
    /// What [`shrink`](crate::shrink) refuses; [`Error::Taken`] where another value has the name of a bias that a layer gets.
    pub fn remove(
        &self,
        graph: &Graph,
        groups: &Groups,
        state: &State,
        masks: &Masks,
    ) -> Result<Shrunk, Error> {
        let mut state = state.clone();
        let mut nodes = graph.nodes().to_vec();
        for (node, added) in &self.folds {
            let Node { name, op, .. } = &mut nodes[*node];
            let had_bias = op.has_bias();
            let outputs = match op {
                Op::Conv(spec) => {
                    spec.bias = true;
                    spec.outputs
                }
                Op::Linear { bias, outputs, .. } => {
                    *bias = true;
                    *outputs
                }
                _ => continue,
            };
            let path = ParamPath::of(name, "bias");
            let kind = state.parameter(name, "weight").map(Array::dtype);
            let before: Vec<f64> = match state.0.get(&path) {
                Some(bias) if had_bias => bias.iter().collect(),
                Some(_) => return Err(Error::Taken { layer: name.clone(), path }),
                None => vec![0.0; outputs],
            };
            let after =
                before.iter().enumerate().map(|(at, bias)| bias + added.get(at).copied().unwrap_or(0.0));
            let after: Vec<f64> = after.collect();
            let after = Array::new([outputs], after)?;
            state.0.insert(path, if kind == Some(DType::F64) { after } else { after.cast::<f32>() });
        }
        let graph = Graph::of_parts(nodes, graph.entries().to_vec(), graph.ends().to_vec())?;
        // The layers are the same, but some have a bias now.
        let groups = if self.folds.is_empty() { groups.clone() } else { Groups::of(&graph)? };
        let surgery = Surgery::new(&graph, &groups, &self.removal)?;
        let (state_left, masks) = (surgery.state(&state)?, surgery.masks(masks, &state)?);
        Ok(Shrunk { graph: surgery.graph, state: state_left, masks })
    }
}
