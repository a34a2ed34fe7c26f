//! From roundings to the grids of values.

use std::collections::{BTreeMap, BTreeSet};

use sapwood_graph::{Activation, Grid, Node, Op};

/// The grids of a network's values, and what is not simply one of them.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// By the nodes whose values lie on them.
    pub(super) grids: BTreeMap<usize, Grid>,
    /// Nodes that stay and round: what they read is read without that too, or lies on another grid.
    pub(super) apart: Vec<usize>,
}

/// The nodes that ends depend on, and all inputs.
pub(super) fn needed(nodes: &[Node], ends: &[usize]) -> BTreeSet<usize> {
    let mut needed: BTreeSet<usize> = (0..nodes.len()).filter(|node| nodes[*node].op == Op::Input).collect();
    let mut todo = ends.to_vec();
    while let Some(node) = todo.pop() {
        if needed.insert(node) {
            todo.extend(&nodes[node].inputs);
        }
    }
    needed
}

/// For each needed node, those that read it.
pub(super) fn readers(nodes: &[Node], needed: &BTreeSet<usize>) -> Vec<Vec<usize>> {
    let mut readers = vec![Vec::new(); nodes.len()];
    for at in needed {
        nodes[*at].inputs.iter().for_each(|input| readers[*input].push(*at));
    }
    readers
}

/// Takes the nodes out that only round, where all that read a value read it rounded to one grid.
pub(super) fn settle(nodes: &mut [Node], ends: &mut [usize], roundings: &BTreeMap<usize, Grid>) -> Settled {
    let mut found = Settled::default();
    if roundings.is_empty() {
        return found;
    }
    let before = needed(nodes, ends);
    let readers_of = readers(nodes, &before);
    let mut instead: Vec<usize> = (0..nodes.len()).collect();
    for at in &before {
        let (roundings_of, others): (Vec<usize>, Vec<usize>) =
            readers_of[*at].iter().partition(|reader| roundings.contains_key(reader));
        let Some(first) = roundings_of.first().map(|rounding| roundings[rounding]) else { continue };
        let own = roundings.get(at);
        let alone =
            others.is_empty() && !ends.contains(at) && roundings_of.iter().all(|one| roundings[one] == first);
        for rounding in roundings_of {
            match (own == Some(&roundings[&rounding]), alone && own.is_none()) {
                // Twice is as often as once.
                (true, _) => instead[rounding] = instead[*at],
                (_, true) => {
                    found.grids.insert(*at, first);
                    instead[rounding] = *at;
                }
                _ => {
                    found.grids.insert(rounding, roundings[&rounding]);
                    found.apart.push(rounding);
                }
            }
        }
    }
    for node in nodes.iter_mut() {
        node.inputs.iter_mut().for_each(|input| *input = instead[*input]);
    }
    ends.iter_mut().for_each(|end| *end = instead[*end]);
    let after = needed(nodes, ends);
    let readers_of = readers(nodes, &after);
    move_ahead(nodes, (&after, &readers_of, ends), &mut found.grids);
    drop_carried(nodes, (&after, &readers_of, ends), &found.apart, &mut found.grids);
    found
}

/// What only moves or picks numbers may do so after they are rounded: grids go to where they come from.
fn move_ahead(
    nodes: &[Node],
    (needed, readers, ends): (&BTreeSet<usize>, &[Vec<usize>], &[usize]),
    grids: &mut BTreeMap<usize, Grid>,
) {
    for at in needed.iter().rev() {
        let &[before] = &nodes[*at].inputs[..] else { continue };
        let picks = matches!(
            nodes[*at].op,
            Op::MaxPool(_) | Op::Flatten | Op::Reshape(_) | Op::Transpose { .. } | Op::Slice(_)
        );
        if picks
            && !grids.contains_key(&before)
            && readers[before].len() == 1
            && !ends.contains(&before)
            && let Some(grid) = grids.remove(at)
        {
            grids.insert(before, grid);
        }
    }
}

/// Takes away the grids of values that lie on them by what they are made of.
fn drop_carried(
    nodes: &[Node],
    (needed, readers, ends): (&BTreeSet<usize>, &[Vec<usize>], &[usize]),
    apart: &[usize],
    grids: &mut BTreeMap<usize, Grid>,
) {
    let mut lies: BTreeMap<usize, Grid> = BTreeMap::new();
    for at in needed {
        let own = grids.get(at).copied();
        let Some(before) = nodes[*at].inputs.first().copied() else {
            lies.extend(own.map(|grid| (*at, grid)));
            continue;
        };
        let carried = lies.get(&before).copied();
        let same = own.is_some() && own == carried && !apart.contains(at);
        match nodes[*at].op {
            op if op.is_carrier() => {
                if same {
                    grids.remove(at);
                }
                lies.extend(own.or(carried).map(|grid| (*at, grid)));
            }
            // What an activation alone reads is rounded behind it; else it gives numbers of its input's grid.
            Op::Activation(activation @ (Activation::Relu | Activation::Relu6)) if same => {
                let computed = !matches!(nodes[before].op, Op::Input | Op::Activation(_));
                let alone = readers[before].len() == 1 && !ends.contains(&before);
                if alone && computed && grids.contains_key(&before) {
                    grids.remove(&before);
                } else if activation == Activation::Relu {
                    grids.remove(at);
                }
                lies.extend(own.map(|grid| (*at, grid)));
            }
            _ => lies.extend(own.map(|grid| (*at, grid))),
        }
    }
}
