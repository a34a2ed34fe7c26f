//! Constants that make inputs of images.

use std::collections::BTreeSet;

use sapwood_graph::{Dims, Node, Op};

/// Lets the numbers learn nothing that scale, shift or pad images before the first layer, such as a mean that is
/// subtracted: they say how stored values become inputs, and are none of the network's. A number for each channel is one.
pub(super) fn hold_still(nodes: &mut [Node], dims: &[Dims], needed: &BTreeSet<usize>) {
    let is_constant = |node: &Node| matches!(node.op, Op::Constant { .. });
    let mut images: BTreeSet<usize> = BTreeSet::new();
    let mut still = Vec::new();
    for at in needed {
        let Node { op, inputs, .. } = &nodes[*at];
        let makes_images = match op {
            Op::Input => dims[*at].rank() == 4 && dims[*at].batch() == Some(0),
            Op::Add
            | Op::Binary(_)
            | Op::Pad(_)
            | Op::Slice(_)
            | Op::Concat { .. }
            | Op::Transpose { .. } => {
                inputs.iter().any(|input| images.contains(input))
                    && inputs.iter().all(|input| images.contains(input) || is_constant(&nodes[*input]))
            }
            _ => false,
        };
        if makes_images {
            images.insert(*at);
            still.extend(inputs.iter().copied().filter(|input| is_constant(&nodes[*input])));
        }
    }
    for at in still {
        let sides = dims[at].sizes().iter().filter(|size| 1 < **size).count();
        if let Op::Constant { learnt, .. } = &mut nodes[at].op {
            *learnt &= 1 < sides;
        }
    }
}
