//! Branches that are zero are taken out whole.

use std::collections::BTreeSet;

use sapwood_graph::{Graph, Groups, Masks, Node, Op, ParamPath, State};

use crate::{Constants, Error, Shrunk};

/// Removes each residual branch whose output is zero everywhere, with all its layers, and reads the other summand instead:
/// what is left gives the same outputs. Also returns the names of the layers that left.
///
/// # Errors
/// Layers that do not fit one another.
pub fn without_zero_branches(
    graph: &Graph,
    state: &State,
    masks: &Masks,
) -> Result<(Shrunk, Vec<String>), Error> {
    let groups = Groups::of(graph)?;
    let constants = Constants::of(graph, &groups, state);
    let dims = graph.dims()?;
    let nodes = graph.nodes();
    // What no input changes is no branch: a constant that is learnt may be zero only now.
    let zero = |node: usize| dims[node].batch().is_some() && constants.are_zeros(node);
    let mut instead: Vec<usize> = (0..nodes.len()).collect();
    for (id, node) in nodes.iter().enumerate().filter(|(_, node)| node.op == Op::Add) {
        let [a, b] = [node.inputs[0], node.inputs[1]];
        let other = match (zero(a), zero(b)) {
            (_, true) if dims[a] == dims[id] => a,
            (true, false) if dims[b] == dims[id] => b,
            _ => continue,
        };
        instead[id] = instead[other];
    }
    let read = |id: usize| nodes[id].inputs.iter().map(|input| instead[*input]);
    let ends: Vec<usize> = graph.ends().iter().map(|end| instead[*end]).collect();
    let mut needed: BTreeSet<usize> = ends.iter().copied().collect();
    for id in (0..nodes.len()).rev() {
        match needed.contains(&id) {
            true => needed.extend(read(id)),
            false if nodes[id].op == Op::Input => {
                needed.insert(id);
            }
            false => {}
        }
    }
    let place = |id: usize| needed.range(..id).count();
    let left = needed.iter().map(|id| Node {
        name: nodes[*id].name.clone(),
        op: nodes[*id].op,
        inputs: read(*id).map(place).collect(),
    });
    let left: Vec<Node> = left.collect();
    let ends = ends.into_iter().map(place).collect();
    let layers: BTreeSet<String> = left.iter().map(|node| node.name.clone()).collect();
    let gone = nodes.iter().filter(|node| node.op.has_parameters() && !layers.contains(&node.name));
    let gone = gone.map(|node| node.name.clone()).collect();
    let graph = Graph::of_parts(left, graph.entries().to_vec(), ends)?;
    let mut state = state.clone();
    // A constant has the name of its layer.
    let stays = |path: &ParamPath| layers.contains(path.layer()) || layers.contains(path.as_str());
    state.0.retain(|path, _| stays(path));
    let masks = masks.iter().filter(|(path, _)| stays(path));
    let masks = masks.map(|(path, mask)| (path.clone(), mask.clone())).collect();
    Ok((Shrunk { graph, state, masks }, gone))
}
