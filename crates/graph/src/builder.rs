//! Writing a network down, layer by layer.

use crate::{
    Activation, AvgPool, Binary, ConvSpec, Dims, Entry, Error, Graph, Node, Op, Pad, Pads, Pair, Ranked,
    Reduction, Resize, Shape, Slice, Unary, Window,
};

/// The output of a layer, to be handed to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire(usize);

/// How a convolution is asked for; its input channels follow from its input.
#[derive(Clone, Copy, Debug)]
pub struct Conv(ConvSpec);

impl Conv {
    /// A kernel of this height and width, stride 1, no padding, one group, with bias.
    pub fn new(outputs: usize, kernel: impl Into<Pair>) -> Self {
        Self(ConvSpec { bias: true, ..ConvSpec::new(0, outputs, kernel) })
    }

    /// With this stride.
    pub fn stride(self, stride: impl Into<Pair>) -> Self {
        Self(ConvSpec { stride: stride.into(), ..self.0 })
    }

    /// With these numbers of zeros around the planes.
    pub fn padding(self, padding: impl Into<Pads>) -> Self {
        Self(ConvSpec { padding: padding.into(), ..self.0 })
    }

    /// With the padding that keeps the size at stride 1.
    pub fn same(self) -> Self {
        let reach = |kernel: usize, dilation: usize| dilation * (kernel.saturating_sub(1)) / 2;
        let [h, w] = [reach(self.0.kernel.h, self.0.dilation.h), reach(self.0.kernel.w, self.0.dilation.w)];
        self.padding([h, w, h, w])
    }

    /// With this distance between the places of the kernel.
    pub fn dilation(self, dilation: impl Into<Pair>) -> Self {
        Self(ConvSpec { dilation: dilation.into(), ..self.0 })
    }

    /// In this number of groups.
    pub fn groups(self, groups: usize) -> Self {
        Self(ConvSpec { groups, ..self.0 })
    }

    /// Without bias.
    pub fn no_bias(self) -> Self {
        Self(ConvSpec { bias: false, ..self.0 })
    }

    /// Transposed, with these rows and columns added to what goes out.
    pub fn transposed(self, more: impl Into<Pair>) -> Self {
        Self(ConvSpec { transposed: Some(more.into()), ..self.0 })
    }
}

/// Collects the layers of a network. The first thing that does not fit is kept
/// and reported by [`GraphBuilder::finish`], so that a network reads as a plain
/// sequence of layers.
#[derive(Debug)]
pub struct GraphBuilder {
    nodes: Vec<Node>,
    entries: Vec<Entry>,
    dims: Vec<Dims>,
    problem: Option<Error>,
}

impl GraphBuilder {
    pub(crate) fn new(entries: Vec<Entry>) -> Self {
        let input = |entry: &Entry| Node { name: entry.name.clone(), op: Op::Input, inputs: vec![] };
        let (nodes, dims) =
            (entries.iter().map(input).collect(), entries.iter().map(|entry| entry.dims).collect());
        Self { nodes, entries, dims, problem: None }
    }

    /// The network's first input.
    pub fn input(&self) -> Wire {
        Wire(0)
    }

    /// One of the network's inputs.
    pub fn entry(&self, number: usize) -> Wire {
        Wire(number)
    }

    /// The dimensions on a wire.
    pub fn dims(&self, wire: Wire) -> Dims {
        self.dims[wire.0]
    }

    /// The same as channels, height and width.
    pub fn shape(&self, wire: Wire) -> Shape {
        self.dims(wire).image()
    }

    /// A convolution over the one or two spatial dimensions of its input.
    pub fn conv(&mut self, name: &str, x: Wire, conv: Conv) -> Wire {
        let (inputs, spatial) = (self.shape(x)[0], self.dims(x).rank().saturating_sub(2));
        self.push(name, Op::Conv(ConvSpec { inputs, spatial, ..conv.0 }), &[x])
    }

    /// A fully connected layer with bias on all values of an example.
    pub fn linear(&mut self, name: &str, x: Wire, outputs: usize) -> Wire {
        let inputs = self.shape(x).iter().product();
        self.push(name, Op::Linear { inputs, outputs, bias: true, places: false }, &[x])
    }

    /// A fully connected layer with bias on the last dimension.
    pub fn linear_at_places(&mut self, name: &str, x: Wire, outputs: usize) -> Wire {
        let inputs = self.last(x);
        self.push(name, Op::Linear { inputs, outputs, bias: true, places: true }, &[x])
    }

    /// Batch normalisation with PyTorch's defaults: epsilon 1e-5, momentum 0.1.
    pub fn batch_norm(&mut self, name: &str, x: Wire) -> Wire {
        self.batch_norm_with(name, x, 1e-5)
    }

    /// Batch normalisation with this epsilon and momentum 0.1.
    pub fn batch_norm_with(&mut self, name: &str, x: Wire, epsilon: f64) -> Wire {
        let channels = self.shape(x)[0];
        self.push(name, Op::BatchNorm { channels, epsilon, momentum: 0.1 }, &[x])
    }

    /// Normalisation of each place over its channels, with epsilon 1e-6, as is usual in vision
    /// transformers.
    pub fn layer_norm(&mut self, name: &str, x: Wire) -> Wire {
        let channels = self.shape(x)[0];
        self.push(name, Op::LayerNorm { channels, epsilon: 1e-6, last: false }, &[x])
    }

    /// Normalisation of each place over the last dimension, with this epsilon.
    pub fn layer_norm_last(&mut self, name: &str, x: Wire, epsilon: f64) -> Wire {
        self.push(name, Op::LayerNorm { channels: self.last(x), epsilon, last: true }, &[x])
    }

    /// Normalisation over groups of channels, with epsilon 1e-5.
    pub fn group_norm(&mut self, name: &str, x: Wire, groups: usize) -> Wire {
        let channels = self.shape(x)[0];
        self.push(name, Op::GroupNorm { groups, channels, epsilon: 1e-5 }, &[x])
    }

    /// A value that no input changes.
    ///
    /// A constant without a batch of at most six dimensions is what a graph can hold; others are refused.
    pub fn constant(&mut self, name: &str, sizes: &[usize], learnt: bool) -> Wire {
        match Dims::fixed(sizes) {
            Some(dims) => self.push(name, Op::Constant { dims, learnt }, &[]),
            None => {
                self.refuse(name, format!("it would have {} dimensions", sizes.len()));
                Wire(0)
            }
        }
    }

    /// A row of a learnt table for each integer.
    pub fn embedding(&mut self, name: &str, x: Wire, entries: usize, width: usize) -> Wire {
        self.push(name, Op::Embedding { entries, width }, &[x])
    }

    /// The input with a learnt value added to each channel of each place.
    pub fn position(&mut self, name: &str, x: Wire) -> Wire {
        self.push(name, Op::Position(self.shape(x)), &[x])
    }

    /// Attention between places, in this number of heads.
    pub fn attention(&mut self, [queries, keys, values]: [Wire; 3], heads: usize) -> Wire {
        self.push("attention", Op::Attention { heads }, &[queries, keys, values])
    }

    /// `max(x, 0)`
    pub fn relu(&mut self, x: Wire) -> Wire {
        self.activation(x, Activation::Relu)
    }

    /// A non-linearity.
    pub fn activation(&mut self, x: Wire, activation: Activation) -> Wire {
        self.push(activation.name(), Op::Activation(activation), &[x])
    }

    /// Max pooling.
    pub fn max_pool(&mut self, x: Wire, kernel: usize, stride: usize, padding: usize) -> Wire {
        self.push("max_pool", Op::MaxPool(Window::new(kernel, stride).padding(padding)), &[x])
    }

    /// The mean of windows that touch.
    pub fn avg_pool(&mut self, x: Wire, kernel: usize) -> Wire {
        self.push("avg_pool", Op::AvgPool(AvgPool::touching(kernel)), &[x])
    }

    /// The input in another height and width, bilinearly; the input itself where it has them.
    pub fn resize(&mut self, x: Wire, size: [usize; 2]) -> Wire {
        match self.shape(x)[1..] == size {
            true => x,
            false => self.push("resize", Op::Resize(Resize::bilinear(size)), &[x]),
        }
    }

    /// The rows and columns of the opposite edges on every side.
    pub fn wrap(&mut self, x: Wire, padding: usize) -> Wire {
        self.push("wrap", Op::Wrap { padding }, &[x])
    }

    /// The mean over height and width.
    pub fn global_avg_pool(&mut self, x: Wire) -> Wire {
        self.push("global_avg_pool", Op::GlobalAvgPool, &[x])
    }

    /// All values of an example in one row.
    pub fn flatten(&mut self, x: Wire) -> Wire {
        self.push("flatten", Op::Flatten, &[x])
    }

    /// `a + b`
    pub fn add(&mut self, a: Wire, b: Wire) -> Wire {
        self.push("add", Op::Add, &[a, b])
    }

    /// `x`, each channel times its factor.
    pub fn scale(&mut self, x: Wire, factors: Wire) -> Wire {
        self.push("scale", Op::Scale, &[x, factors])
    }

    /// Several values one behind the other in a dimension.
    pub fn concat(&mut self, inputs: &[Wire], axis: usize) -> Wire {
        self.push("concat", Op::Concat { axis }, inputs)
    }

    /// Some places of a dimension.
    pub fn slice(&mut self, x: Wire, slice: Slice) -> Wire {
        self.push("slice", Op::Slice(slice), &[x])
    }

    /// The same values in other dimensions.
    pub fn reshape(&mut self, x: Wire, to: Dims) -> Wire {
        self.push("reshape", Op::Reshape(to), &[x])
    }

    /// The dimensions in another order.
    pub fn transpose(&mut self, x: Wire, order: &[usize]) -> Wire {
        match Ranked::new(order) {
            Some(order) => self.push("transpose", Op::Transpose { order }, &[x]),
            None => {
                self.refuse("transpose", format!("{order:?} has more dimensions than a value"));
                x
            }
        }
    }

    /// A figure over some dimensions, of which 1 is left if they are kept.
    pub fn reduce(&mut self, x: Wire, to: Reduction, axes: &[usize], keep: bool) -> Wire {
        match Ranked::new(axes) {
            Some(axes) => self.push(to.name(), Op::Reduce { to, axes, keep }, &[x]),
            None => {
                self.refuse(to.name(), format!("{axes:?} are more dimensions than a value has"));
                x
            }
        }
    }

    /// Values added around each dimension.
    pub fn pad(&mut self, x: Wire, pad: Pad) -> Wire {
        self.push("pad", Op::Pad(pad), &[x])
    }

    /// A function of each value.
    pub fn unary(&mut self, x: Wire, function: Unary) -> Wire {
        self.push(function.name(), Op::Unary(function), &[x])
    }

    /// A function of two inputs.
    pub fn binary(&mut self, a: Wire, b: Wire, function: Binary) -> Wire {
        self.push(function.name(), Op::Binary(function), &[a, b])
    }

    /// The product of matrices.
    pub fn matmul(&mut self, a: Wire, b: Wire) -> Wire {
        self.push("matmul", Op::MatMul, &[a, b])
    }

    /// `exp(x) / sum exp(x)` over a dimension.
    pub fn softmax(&mut self, x: Wire, axis: usize) -> Wire {
        self.push("softmax", Op::Softmax { axis, log: false }, &[x])
    }

    /// Any other operation.
    pub fn op(&mut self, name: &str, op: Op, inputs: &[Wire]) -> Wire {
        self.push(name, op, inputs)
    }

    /// The parameter-free shortcut: see [`Op::Subsample`].
    pub fn subsample(&mut self, x: Wire, stride: usize, channels: usize) -> Wire {
        self.push("subsample", Op::Subsample { stride, channels }, &[x])
    }

    /// The network, ending with the layer that was added last.
    ///
    /// # Errors
    /// [`Error::Graph`] names the first layer that does not fit.
    pub fn finish(self) -> Result<Graph, Error> {
        let last = Wire(self.nodes.len() - 1);
        self.finish_with(&[last])
    }

    /// The network, of which these values go out.
    ///
    /// # Errors
    /// [`Error::Graph`] names the first layer that does not fit.
    pub fn finish_with(self, outputs: &[Wire]) -> Result<Graph, Error> {
        match self.problem {
            Some(problem) => Err(problem),
            None => Ok(Graph::new(self.nodes, self.entries, outputs.iter().map(|wire| wire.0).collect())),
        }
    }

    fn push(&mut self, name: &str, op: Op, inputs: &[Wire]) -> Wire {
        let dims: Vec<Dims> = inputs.iter().map(|wire| self.dims(*wire)).collect();
        let dims = op.shape(&dims).unwrap_or_else(|problem| {
            self.refuse(name, problem);
            dims.first().copied().unwrap_or(self.dims[0])
        });
        self.nodes.push(Node { name: name.into(), op, inputs: inputs.iter().map(|wire| wire.0).collect() });
        self.dims.push(dims);
        Wire(self.nodes.len() - 1)
    }

    /// The size of the last dimension.
    fn last(&self, x: Wire) -> usize {
        self.dims(x).sizes().last().copied().unwrap_or(1)
    }

    fn refuse(&mut self, layer: &str, problem: String) {
        self.problem.get_or_insert(Error::Graph { layer: layer.into(), problem });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_layer_that_does_not_fit_is_named() {
        let mut g = Graph::builder([1, 4, 4]);
        let x = g.conv("conv1", g.input(), Conv::new(8, 5));
        g.conv("conv2", x, Conv::new(8, 9));
        let error = g.finish().unwrap_err().to_string();
        assert_eq!(error, "layer `conv1`: its 5x5 window is larger than its 4x4 input");
    }
}
