//! From a graph's nodes to layers: with `plain`, the one place that knows what operations a graph has.

mod by_channel;
mod constants;
mod images;
mod parameters;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use sapwood_graph::{Dims, Graph, Grid, Op, State};
use sapwood_kernels::infer::Plain;

use self::{
    by_channel::affine,
    constants::Constants,
    images::{at_pixels, of_images},
    parameters::parameter,
};
pub(crate) use self::{
    by_channel::by_channel,
    words::{curve, opposite, window},
};
use crate::{
    Error,
    each::each,
    heads::{Heads, heads},
    layer::{Kind, Layer, unturned},
    places::{are_pixels, by_pixels, channels_last, is_turned},
    plain::{constant, linear_of_rounded, plain},
    tight::tight,
};

/// The layers whose values a node's layer reads, and how its own comes about; none where there is no kernel for it.
type Made<'a> = (Vec<usize>, Option<Kind<'a>>);

/// The layers of a network, one for each node of its graph up to the one whose value goes out. Values of nodes with
/// grids are rounded when they are there; linear layers of these names round what they read, row by row, as those that
/// have no bounds of their own are computed. Threads count the weights.
pub(crate) fn lower<'a>(
    graph: &Graph,
    state: &'a State,
    (grids, rows): (&BTreeMap<usize, Grid>, &BTreeSet<String>),
    threads: usize,
) -> Result<Vec<Layer<'a>>, Error> {
    let dims = graph.dims()?;
    let end = end(graph, &dims)?;
    let by_pixels = by_pixels(graph, &dims, end + 1);
    let network = Network { graph, state, dims, by_pixels, grids, rows };
    let (mut layers, mut constants) = (Vec::with_capacity(end + 1), Constants::default());
    for id in 0..=end {
        let made = network.made(id, &layers, &constants)?;
        let made = constants.fold(made, network.numbers(id), grids.contains_key(&id));
        layers.push(network.layer(id, made));
    }
    network.refuse_without_kernel(&layers)?;
    count_weights(&mut layers, threads);
    Ok(layers)
}

/// The node whose value goes out. What comes in and what goes out are images one behind the other.
fn end(graph: &Graph, dims: &[Dims]) -> Result<usize, Error> {
    let refuse = |what: String| Err(Error::NoKernel(vec![what]));
    let [end] = graph.ends()[..] else { return refuse(format!("{} outputs", graph.ends().len())) };
    let entry = graph.entries().first().map(|entry| ("input", entry.dims));
    for (what, dims) in entry.into_iter().chain([("output", dims[end])]) {
        if dims.pieces() != Some(1) {
            return refuse(format!("an {what} {dims} whose batch is not in front"));
        }
    }
    Ok(end)
}

/// Counts the weights that are there.
fn count_weights(layers: &mut [Layer<'_>], threads: usize) {
    let there = each(threads, layers, |layer| match &layer.kind {
        Kind::Conv(conv) => conv.count(),
        _ => 0,
    });
    for (layer, there) in layers.iter_mut().zip(there) {
        if let Kind::Conv(conv) = &mut layer.kind {
            conv.there = there;
        }
    }
}

/// A network, and what is known of its values before there are layers.
struct Network<'n, 'a> {
    graph: &'n Graph,
    state: &'a State,
    dims: Vec<Dims>,
    /// Which values lie pixel by pixel.
    by_pixels: Vec<bool>,
    /// What values are rounded to.
    grids: &'n BTreeMap<usize, Grid>,
    /// The linear layers that round what they read.
    rows: &'n BTreeSet<String>,
}

impl<'a> Network<'_, 'a> {
    /// What a node's layer reads, and of which kind it is: one layer for what several nodes write down, or the node's own.
    fn made(&self, id: usize, layers: &[Layer<'a>], constants: &Constants) -> Result<Made<'a>, Error> {
        let inputs = &self.graph.nodes()[id].inputs;
        if inputs.iter().chain([&id]).any(|&value| self.dims[value].values() == 0) {
            return Ok((inputs.clone(), None));
        }
        if let Some(Heads { heads, parts }) = heads(self.graph, &self.by_pixels, self.grids, id) {
            let kind = Kind::Attention(heads, parts.map(|(_, first)| first));
            return Ok((parts.map(|(value, _)| value).to_vec(), Some(kind)));
        }
        if let Some((value, kind)) = self.line(id, layers)? {
            return Ok((vec![value], Some(kind)));
        }
        let reads = self.reads(id);
        let kind = self.kind(id, &reads, constants)?;
        Ok((reads, kind))
    }

    /// The line of each channel that a sum or product with a constant is, and the value that it is of; none where no kernel
    /// of pixels makes that value.
    fn line(&self, id: usize, layers: &[Layer<'a>]) -> Result<Option<(usize, Kind<'a>)>, Error> {
        let by_pixels = self.by_pixels[id];
        let Some([value, constant]) = by_channel(self.graph, &self.dims, id, by_pixels) else {
            return Ok(None);
        };
        let is_of_pixels = layers[unturned(layers, value)].kind.is_of_pixels();
        if !is_of_pixels || self.by_pixels[value] != by_pixels || self.grids.contains_key(&constant) {
            return Ok(None);
        }
        let nodes = self.graph.nodes();
        let numbers = parameter(self.state, &nodes[constant].name, "", self.dims[constant].sizes())?;
        Ok(Some((value, affine(&nodes[id].op, &numbers, layers[value].channels))))
    }

    /// The values that a node reads: who reads all values of an image reads them as they lie, if nothing happens to them on
    /// the way.
    fn reads(&self, id: usize) -> Vec<usize> {
        let nodes = self.graph.nodes();
        let inputs = &nodes[id].inputs;
        if let Op::Linear { places: false, .. } = nodes[id].op
            && let Op::Flatten = nodes[inputs[0]].op
            && !self.grids.contains_key(&inputs[0])
            && !self.by_pixels[nodes[inputs[0]].inputs[0]]
        {
            return nodes[inputs[0]].inputs.clone();
        }
        inputs.clone()
    }

    /// How a node's value comes about of those that it reads; none where there is no kernel for it.
    fn kind(&self, id: usize, reads: &[usize], constants: &Constants) -> Result<Option<Kind<'a>>, Error> {
        let (node, found) = (&self.graph.nodes()[id], &self.dims[id]);
        let read: Vec<&Dims> = reads.iter().map(|&value| &self.dims[value]).collect();
        let values = |name: &str, shape: &[usize]| parameter(self.state, &node.name, name, shape);
        let around = || reads.iter().copied().chain([id]);
        let lie = || around().map(|value| (self.by_pixels[value], &self.dims[value]));
        match node.op {
            Op::Input if id > 0 || self.graph.entries()[0].integers => return Ok(None),
            Op::Input => return Ok(Some(Kind::Input)),
            Op::Constant { dims, .. } => {
                let own = values("", dims.sizes())?;
                return Ok(Some(Kind::Plain("constant", constant(own.into()))));
            }
            Op::Linear { .. } if self.rows.contains(&node.name) => {
                let function = linear_of_rounded(&node.op, &values)?;
                return Ok(function.map(|function| Kind::Plain("linear of rounded rows", function)));
            }
            Op::Linear { places: true, .. } if are_pixels(lie()) && !constants.have(reads) => {
                return at_pixels(&node.op, &values);
            }
            _ => {}
        }
        // By a kernel of images, by one of numbers in any dimensions, or by none.
        let is_alike = lie().all(|(by_pixels, _)| by_pixels == self.by_pixels[id]);
        let of_images = if is_alike { of_images(&node.op, &read, found, &values)? } else { None };
        if let Some(kind) = of_images {
            return Ok(Some(kind));
        }
        if let Some(kind) = tight(&node.op, &read, found, &values)? {
            return Ok(Some(kind));
        }
        if reads.len() > Plain::MOST {
            return Ok(None);
        }
        let function = plain(&node.op, &read, found, &values)?;
        Ok(function.map(|function| Kind::Plain(node.op.kind(), function)))
    }

    /// How many numbers a value has.
    fn numbers(&self, id: usize) -> usize {
        self.dims[id].sizes().iter().product()
    }

    /// A node's layer, with where its value lies.
    fn layer(&self, id: usize, (inputs, kind): Made<'a>) -> Layer<'a> {
        let (dims, by_pixels) = (&self.dims[id], self.by_pixels[id]);
        let [channels, height, width] = match channels_last(dims) {
            Some(shape) if by_pixels => shape,
            _ => dims.image(),
        };
        // Attention may have taken the place of what is turned, or a constant.
        let is_own = matches!(kind, Some(Kind::Plain(..))) && !inputs.is_empty();
        Layer {
            name: self.graph.nodes()[id].name.clone(),
            kind: kind.unwrap_or(Kind::Gone),
            inputs,
            channels,
            size: [height, width],
            by_pixels,
            is_turned: is_own && is_turned(self.graph, &self.dims, &self.by_pixels, id),
        }
    }

    /// Names all nodes for which there is no kernel, once each: operations without a name of their own are called alike.
    fn refuse_without_kernel(&self, layers: &[Layer<'a>]) -> Result<(), Error> {
        let mut without_kernel = Vec::new();
        for (node, layer) in self.graph.nodes().iter().zip(layers) {
            let lacks = format!("`{}` ({})", node.name, node.op.kind());
            if matches!(layer.kind, Kind::Gone) && !without_kernel.contains(&lacks) {
                without_kernel.push(lacks);
            }
        }
        if without_kernel.is_empty() { Ok(()) } else { Err(Error::NoKernel(without_kernel)) }
    }
}
