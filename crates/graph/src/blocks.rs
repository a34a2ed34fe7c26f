//! The parts of a network that follow one another.

use std::fmt::Write as _;

use crate::{AvgPool, Dims, Entry, Error, Graph, Node, Op, Resize, Shape};

impl Graph {
    /// Cuts the network at an input size into parts, each of which reads nothing but the part
    /// before it: a residual block is one part, layers in a row are as many as there are
    /// convolutions and linear layers in it. Run one after the other they compute what the
    /// network does, so their costs add up to its. A network of several inputs or outputs is one part.
    ///
    /// # Errors
    /// Those of [`Graph::dims_for`].
    pub fn blocks(&self, input: Shape) -> Result<Vec<Graph>, Error> {
        let ends = self.block_ends();
        if ends.len() == 1 {
            return Ok(vec![self.clone().taking(input)?]);
        }
        let dims = self.dims_for(input)?;
        let begins = std::iter::once(1).chain(ends.iter().map(|end| end + 1));
        Ok(begins.zip(&ends).map(|(first, last)| self.part(first, *last, dims[first - 1])).collect())
    }

    /// The last node of each part that [`Graph::blocks`] cuts the network into.
    pub fn block_ends(&self) -> Vec<usize> {
        let nodes = self.nodes();
        if self.entries().len() != 1 || self.ends() != [nodes.len() - 1] {
            return vec![nodes.len() - 1];
        }
        let mut last_use: Vec<usize> = (0..nodes.len()).collect();
        for (id, node) in nodes.iter().enumerate() {
            node.inputs.iter().for_each(|input| last_use[*input] = id);
        }
        // True where no later node reads a value from before this node.
        let alone = |id: usize| (0..id).all(|earlier| last_use[earlier] <= id);
        let begins =
            |id: usize| nodes.get(id).is_some_and(|node| node.op.has_weights() || used_twice(nodes, id - 1));
        (1..nodes.len()).filter(|id| id + 1 == nodes.len() || alone(*id) && begins(id + 1)).collect()
    }

    /// The nodes from `first` to `last`, where what stands before them is the input.
    fn part(&self, first: usize, last: usize, input: Dims) -> Graph {
        let mut nodes = vec![Node { name: "input".into(), op: Op::Input, inputs: vec![] }];
        for node in &self.nodes()[first..=last] {
            let inputs = node.inputs.iter().map(|id| (id + 1).saturating_sub(first)).collect();
            nodes.push(Node { name: node.name.clone(), op: node.op, inputs });
        }
        // Only what reads the network's own input may read tokens.
        let integers = first == 1 && self.entries()[0].integers;
        let (entry, end) = (Entry { name: "input".into(), dims: input, integers }, nodes.len() - 1);
        Graph::new(nodes, vec![entry], vec![end])
    }

    /// What is computed, whatever the layers are called: equal for parts that cost the same.
    /// `24x16x16 conv 72 k1 s1 p0 g1; batch_norm; relu`
    pub fn signature(&self) -> String {
        let [c, h, w] = self.input();
        let mut text = format!("{c}x{h}x{w}");
        for (id, node) in self.nodes().iter().enumerate().skip(1) {
            text += if id == 1 { " " } else { "; " };
            text += &operation(&node.op);
            // What is read, if it is not the node before.
            if node.inputs != [id - 1] {
                for input in &node.inputs {
                    let _ = write!(text, " @{input}");
                }
            }
        }
        text
    }
}

fn used_twice(nodes: &[Node], id: usize) -> bool {
    1 < nodes.iter().filter(|node| node.inputs.contains(&id)).count()
}

fn operation(op: &Op) -> String {
    let kind = op.kind();
    let biased = |bias: bool| if bias { " bias" } else { "" };
    match op {
        Op::Conv(c) => {
            let (groups, extra) =
                (c.groups, c.transposed.map_or(String::new(), |extra| format!(" o{extra}")));
            format!("{kind} {} {} g{groups}{extra}{}", c.outputs, c.window(), biased(c.bias))
        }
        Op::Linear { outputs, bias, places, .. } => {
            format!("linear {outputs}{}{}", if *places { " places" } else { "" }, biased(*bias))
        }
        Op::LayerNorm { last: true, .. } => "layer_norm last".into(),
        Op::GroupNorm { groups, .. } => format!("group_norm {groups}"),
        Op::Constant { dims, .. } | Op::Reshape(dims) | Op::Expand(dims) => format!("{kind} {dims}"),
        Op::Embedding { entries, width } => format!("embedding {entries} {width}"),
        Op::Attention { heads } => format!("attention {heads}"),
        Op::Activation(activation) => format!("{activation:?}").to_lowercase(),
        Op::Softmax { axis, .. } | Op::Concat { axis } => format!("{kind} {axis}"),
        Op::MaxPool(window) => format!("max_pool {window}"),
        Op::AvgPool(pool) if *pool == AvgPool::touching(pool.window.kernel) => {
            format!("avg_pool k{}", pool.window.kernel)
        }
        Op::AvgPool(pool) => {
            format!("avg_pool {}{}", pool.window, if pool.count_padding { " counted" } else { "" })
        }
        Op::Resize(resize) if *resize == Resize::bilinear(resize.size) => {
            format!("resize {}x{}", resize.size.h, resize.size.w)
        }
        Op::Resize(resize) => format!("{resize:?}").to_lowercase(),
        Op::Wrap { padding } => format!("wrap {padding}"),
        Op::Pad(pad) => format!("pad {:?} {:?} {:?}", pad.before, pad.after, pad.with).to_lowercase(),
        Op::Reduce { axes, keep, .. } => format!("{kind} {axes:?}{}", if *keep { " kept" } else { "" }),
        Op::Transpose { order } => format!("transpose {order:?}"),
        Op::Slice(slice) => format!("slice {} {}+{}*{}", slice.axis, slice.start, slice.length, slice.step),
        Op::Subsample { stride, channels } => format!("subsample {channels} s{stride}"),
        _ => kind.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Conv;

    #[test]
    fn a_residual_block_is_one_part_and_equal_parts_are_called_alike() {
        let mut g = Graph::builder([3, 8, 8]);
        let mut x = g.conv("stem", g.input(), Conv::new(4, 3).same());
        for block in ["a", "b"] {
            let y = g.conv(&format!("{block}.conv1"), x, Conv::new(8, 1));
            let y = g.relu(y);
            let y = g.conv(&format!("{block}.conv2"), y, Conv::new(4, 1));
            x = g.add(y, x);
        }
        let x = g.global_avg_pool(x);
        g.linear("fc", x, 2);
        let graph = g.finish().unwrap();
        let blocks = graph.blocks([3, 8, 8]).unwrap();
        let signatures: Vec<String> = blocks.iter().map(Graph::signature).collect();
        let block = "4x8x8 conv 8 k1 s1 p0 g1 bias; relu; conv 4 k1 s1 p0 g1 bias; add @3 @0";
        assert_eq!(
            signatures,
            [
                "3x8x8 conv 4 k3 s1 p1 g1 bias",
                block,
                &format!("{block}; global_avg_pool"),
                "4x1x1 linear 2 bias"
            ]
        );
        let macs = |graph: &Graph| graph.anatomy(graph.input()).unwrap().macs();
        assert_eq!(blocks.iter().map(macs).sum::<u64>(), macs(&graph));
    }

    #[test]
    fn parts_take_what_the_network_takes() {
        let mut g = Graph::builder([3, 8, 8]);
        g.conv("conv", g.input(), Conv::new(4, 3));
        let one = g.finish().unwrap().blocks([3, 16, 16]).unwrap();
        assert_eq!((one.len(), one[0].input()), (1, [3, 16, 16]));

        let tokens = Entry { name: "tokens".into(), dims: Dims::rows(7), integers: true };
        let mut g = Graph::builder_of(vec![tokens]);
        let x = g.embedding("table", g.input(), 50, 4);
        g.linear_at_places("fc", x, 2);
        let parts = g.finish().unwrap().blocks([7, 1, 1]).unwrap();
        let integers = parts.iter().map(|part| part.entries()[0].integers);
        assert_eq!(integers.collect::<Vec<_>>(), [true, false]);
    }
}
