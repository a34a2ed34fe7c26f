//! Writing a network down, layer by layer.

use crate::{Activation, ConvSpec, Error, Graph, Node, Op, Shape};

/// The output of a layer, to be handed to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire(usize);

/// How a convolution is asked for; its input channels follow from its input.
#[derive(Clone, Copy, Debug)]
pub struct Conv(ConvSpec);

impl Conv {
    /// A square kernel, stride 1, no padding, one group, with bias.
    pub fn new(outputs: usize, kernel: usize) -> Self {
        Self(ConvSpec { inputs: 0, outputs, kernel, stride: 1, padding: 0, groups: 1, bias: true })
    }

    /// With this stride.
    pub fn stride(self, stride: usize) -> Self {
        Self(ConvSpec { stride, ..self.0 })
    }

    /// With so many zeros on every side.
    pub fn padding(self, padding: usize) -> Self {
        Self(ConvSpec { padding, ..self.0 })
    }

    /// With the padding that keeps the size at stride 1.
    pub fn same(self) -> Self {
        self.padding(self.0.kernel / 2)
    }

    /// In so many groups.
    pub fn groups(self, groups: usize) -> Self {
        Self(ConvSpec { groups, ..self.0 })
    }

    /// Without bias.
    pub fn no_bias(self) -> Self {
        Self(ConvSpec { bias: false, ..self.0 })
    }
}

/// Collects the layers of a network. The first thing that does not fit is kept
/// and reported by [`GraphBuilder::finish`], so that a network reads as a plain
/// sequence of layers.
#[derive(Debug)]
pub struct GraphBuilder {
    nodes: Vec<Node>,
    shapes: Vec<Shape>,
    problem: Option<Error>,
}

impl GraphBuilder {
    pub(crate) fn new(input: Shape) -> Self {
        let nodes = vec![Node { name: "input".into(), op: Op::Input, inputs: vec![] }];
        Self { nodes, shapes: vec![input], problem: None }
    }

    /// The network's input.
    pub fn input(&self) -> Wire {
        Wire(0)
    }

    /// The shape on a wire.
    pub fn shape(&self, wire: Wire) -> Shape {
        self.shapes[wire.0]
    }

    /// A convolution.
    pub fn conv(&mut self, name: &str, x: Wire, conv: Conv) -> Wire {
        let inputs = self.shape(x)[0];
        self.push(name, Op::Conv(ConvSpec { inputs, ..conv.0 }), &[x])
    }

    /// A fully connected layer with bias.
    pub fn linear(&mut self, name: &str, x: Wire, outputs: usize) -> Wire {
        let inputs = self.shape(x).iter().product();
        self.push(name, Op::Linear { inputs, outputs, bias: true }, &[x])
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
        self.push(name, Op::LayerNorm { channels, epsilon: 1e-6 }, &[x])
    }

    /// The input with a learnt value added to each channel of each place.
    pub fn position(&mut self, name: &str, x: Wire) -> Wire {
        self.push(name, Op::Position(self.shape(x)), &[x])
    }

    /// Attention between places, in so many heads.
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
        self.push("max_pool", Op::MaxPool { kernel, stride, padding }, &[x])
    }

    /// The mean of windows that touch.
    pub fn avg_pool(&mut self, x: Wire, kernel: usize) -> Wire {
        self.push("avg_pool", Op::AvgPool { kernel }, &[x])
    }

    /// The input in another height and width, bilinearly; the input itself where it has them.
    pub fn resize(&mut self, x: Wire, size: [usize; 2]) -> Wire {
        match self.shape(x)[1..] == size {
            true => x,
            false => self.push("resize", Op::Resize { size }, &[x]),
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

    /// The parameter-free shortcut: see [`Op::Subsample`].
    pub fn subsample(&mut self, x: Wire, stride: usize, channels: usize) -> Wire {
        self.push("subsample", Op::Subsample { stride, channels }, &[x])
    }

    /// The network, ending with the layer that was added last.
    pub fn finish(self) -> Result<Graph, Error> {
        match self.problem {
            Some(problem) => Err(problem),
            None => Ok(Graph::new(self.nodes, self.shapes[0])),
        }
    }

    fn push(&mut self, name: &str, op: Op, inputs: &[Wire]) -> Wire {
        let shapes: Vec<Shape> = inputs.iter().map(|wire| self.shape(*wire)).collect();
        let shape = op.shape(&shapes).unwrap_or_else(|problem| {
            self.refuse(name, problem);
            shapes[0]
        });
        self.nodes.push(Node { name: name.into(), op, inputs: inputs.iter().map(|wire| wire.0).collect() });
        self.shapes.push(shape);
        Wire(self.nodes.len() - 1)
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
