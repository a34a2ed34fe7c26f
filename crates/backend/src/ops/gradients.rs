//! The kernels under autodiff: each is one node with its own way back.

use std::{fmt::Debug, marker::PhantomData};

use burn::backend::{
    Autodiff, Backend, TensorMetadata,
    autodiff::{
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, NodeGuard, Ops, OpsKind},
    },
    tensor::FloatTensor,
};
use sapwood_kernels::{Activation, AdamWStep, Convolution, SgdStep};

use super::extension::{KernelGradients, Kernels, Maybe, Normalized, Scaled};

/// More parents than this no operation has.
const PARENTS: usize = 4;

/// The gradients of an operation's parents.
type Found<B> = [Option<FloatTensor<B>>; PARENTS];

/// What an operation keeps for its gradients.
trait WayBack<B: Backend>: Clone + Send + Debug + 'static {
    /// The gradients of those parents, in their order, that want one; of others too, where
    /// they come for nothing.
    fn back(self, dy: FloatTensor<B>, wanted: [bool; PARENTS]) -> Found<B>;
}

/// A node that goes back some way.
#[derive(Debug)]
struct Node<W>(PhantomData<fn() -> W>);

impl<B: Backend, W: WayBack<B>, const N: usize> Backward<B, N> for Node<W> {
    type State = W;

    fn backward(self, ops: Ops<W, N>, grads: &mut Gradients, _saved: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let parents = ops.parents.map(|parent| parent.map(|node| node.id));
        let wanted = std::array::from_fn(|i| parents.get(i).is_some_and(Option::is_some));
        for (parent, gradient) in parents.into_iter().zip(ops.state.back(dy, wanted)) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<B>(parent, gradient);
            }
        }
    }
}

/// The output of an operation as a node. What it keeps is dropped where no parent is tracked.
fn node<B: Backend, C: CheckpointStrategy, W: WayBack<B>, const N: usize>(
    parents: [NodeGuard; N],
    output: FloatTensor<B>,
    way: W,
) -> FloatTensor<Autodiff<B, C>> {
    match Node::<W>(PhantomData).prepare::<C>(parents).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish(way, output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}

#[derive(Clone, Debug)]
struct Convolved<B: Backend> {
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    sizes: Convolution,
}

impl<B: KernelGradients> WayBack<B> for Convolved<B> {
    fn back(self, dy: FloatTensor<B>, wanted: [bool; PARENTS]) -> Found<B> {
        let Self { x, weight, sizes } = self;
        [
            wanted[0].then(|| B::convolve_input_gradient(weight, dy.clone(), &sizes)),
            wanted[1].then(|| B::convolve_weight_gradient(x, dy.clone(), &sizes)),
            wanted[2].then(|| B::convolve_bias_gradient(dy)),
            None,
        ]
    }
}

/// The gradients of input, scale, shift and residual; the residual's is the output's where it has
/// none of its own.
fn found<B: Backend>(
    ([x, scale, shift], residual): ([FloatTensor<B>; 3], Option<FloatTensor<B>>),
    dy: FloatTensor<B>,
) -> Found<B> {
    [Some(x), Some(scale), Some(shift), Some(residual.unwrap_or(dy))]
}

impl<B: KernelGradients> WayBack<B> for Normalized<B> {
    fn back(self, dy: FloatTensor<B>, _wanted: [bool; PARENTS]) -> Found<B> {
        found::<B>(B::normalize_gradients(self, dy.clone()), dy)
    }
}

impl<B: KernelGradients> WayBack<B> for Scaled<B> {
    fn back(self, dy: FloatTensor<B>, _wanted: [bool; PARENTS]) -> Found<B> {
        found::<B>(B::affine_gradients(self, dy.clone()), dy)
    }
}

#[derive(Clone, Debug)]
struct Activated<B: Backend> {
    x: FloatTensor<B>,
    activation: Activation,
}

impl<B: KernelGradients> WayBack<B> for Activated<B> {
    fn back(self, dy: FloatTensor<B>, _wanted: [bool; PARENTS]) -> Found<B> {
        [Some(B::activate_gradient(self.x, dy, self.activation)), None, None, None]
    }
}

#[derive(Clone, Debug)]
struct Summed {
    times: usize,
}

impl<B: KernelGradients> WayBack<B> for Summed {
    fn back(self, dy: FloatTensor<B>, _wanted: [bool; PARENTS]) -> Found<B> {
        [Some(B::spread_last(dy, self.times)), None, None, None]
    }
}

#[derive(Clone, Debug)]
struct Spread;

impl<B: KernelGradients> WayBack<B> for Spread {
    fn back(self, dy: FloatTensor<B>, _wanted: [bool; PARENTS]) -> Found<B> {
        [Some(B::sum_last(dy)), None, None, None]
    }
}

#[derive(Clone, Debug)]
struct Multiplied<B: Backend> {
    left: FloatTensor<B>,
    right: FloatTensor<B>,
}

impl<B: KernelGradients> WayBack<B> for Multiplied<B> {
    fn back(self, dy: FloatTensor<B>, wanted: [bool; PARENTS]) -> Found<B> {
        let Self { left, right } = self;
        [
            wanted[0].then(|| B::product(dy.clone(), B::float_transpose(right))),
            wanted[1].then(|| B::product(B::float_transpose(left), dy)),
            None,
            None,
        ]
    }
}

impl<B: KernelGradients, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Maybe<Self>,
        sizes: Convolution,
    ) -> FloatTensor<Self> {
        let (to_x, to_weight) = (x.node(), weight.node());
        let bias = bias.get();
        let to_bias = bias.as_ref().map(|bias| bias.node());
        let (x, weight, bias) =
            (x.into_primitive(), weight.into_primitive(), bias.map(|b| b.into_primitive()));
        let way = Convolved::<B> { x: x.clone(), weight: weight.clone(), sizes: sizes.clone() };
        let output = B::convolve(x, weight, Maybe::of(bias), sizes);
        match to_bias {
            None => node::<B, C, _, 2>([to_x, to_weight], output, way),
            Some(to_bias) => node::<B, C, _, 3>([to_x, to_weight, to_bias], output, way),
        }
    }

    fn normalize(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        residual: Maybe<Self>,
        epsilon: f64,
        activation: Option<Activation>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let parents = [x.node(), gamma.node(), beta.node()];
        let residual = residual.get();
        let to_residual = residual.as_ref().map(|residual| residual.node());
        let [x, gamma, beta] = [x, gamma, beta].map(|tensor| tensor.into_primitive());
        let residual = residual.map(|residual| residual.into_primitive());
        let (output, mean, variance) = B::normalize(
            x.clone(),
            gamma.clone(),
            beta.clone(),
            Maybe::of(residual.clone()),
            epsilon,
            activation,
        );
        // Statistics are constants to whoever reads them.
        let constants = [mean.clone(), variance.clone()].map(FloatTensor::<Self>::new);
        let way = Normalized::<B> { x, gamma, beta, mean, variance, residual, epsilon, activation };
        let [mean, variance] = constants;
        (with_residual::<B, C, _>(parents, to_residual, output, way), mean, variance)
    }

    fn affine(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        residual: Maybe<Self>,
        activation: Option<Activation>,
    ) -> FloatTensor<Self> {
        let parents = [x.node(), scale.node(), shift.node()];
        let residual = residual.get();
        let to_residual = residual.as_ref().map(|residual| residual.node());
        let [x, scale, shift] = [x, scale, shift].map(|tensor| tensor.into_primitive());
        let residual = residual.map(|residual| residual.into_primitive());
        let output =
            B::affine(x.clone(), scale.clone(), shift.clone(), Maybe::of(residual.clone()), activation);
        let way = Scaled::<B> { x, scale, shift, residual, activation };
        with_residual::<B, C, _>(parents, to_residual, output, way)
    }

    fn activate(x: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self> {
        let parent = x.node();
        let x = x.into_primitive();
        let output = B::activate(x.clone(), activation);
        node::<B, C, _, 1>([parent], output, Activated::<B> { x, activation })
    }

    fn sum_last(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let parent = x.node();
        let x = x.into_primitive();
        let times = x.shape().last().copied().unwrap_or(1);
        node::<B, C, _, 1>([parent], B::sum_last(x), Summed { times })
    }

    fn spread_last(x: FloatTensor<Self>, times: usize) -> FloatTensor<Self> {
        let parent = x.node();
        node::<B, C, _, 1>([parent], B::spread_last(x.into_primitive(), times), Spread)
    }

    fn product(left: FloatTensor<Self>, right: FloatTensor<Self>) -> FloatTensor<Self> {
        let parents = [left.node(), right.node()];
        let [left, right] = [left, right].map(|tensor| tensor.into_primitive());
        let way = Multiplied::<B> { left: left.clone(), right: right.clone() };
        node::<B, C, _, 2>(parents, B::product(left, right), way)
    }

    // Optimisers step tensors that are not tracked: what they give is a leaf.
    fn sgd(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        momentum: FloatTensor<Self>,
        step: SgdStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let [weight, gradient, momentum] = [weight, gradient, momentum].map(|tensor| tensor.into_primitive());
        let (weight, momentum) = B::sgd(weight, gradient, momentum, step);
        (FloatTensor::<Self>::new(weight), FloatTensor::<Self>::new(momentum))
    }

    fn adamw(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        square: FloatTensor<Self>,
        step: AdamWStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let tensors = [weight, gradient, mean, square];
        let [weight, gradient, mean, square] = tensors.map(|tensor| tensor.into_primitive());
        let (weight, mean, square) = B::adamw(weight, gradient, mean, square, step);
        let [weight, mean, square] = [weight, mean, square].map(FloatTensor::<Self>::new);
        (weight, mean, square)
    }
}

fn with_residual<B: Backend, C: CheckpointStrategy, W: WayBack<B>>(
    [x, scale, shift]: [NodeGuard; 3],
    residual: Option<NodeGuard>,
    output: FloatTensor<B>,
    way: W,
) -> FloatTensor<Autodiff<B, C>> {
    match residual {
        None => node::<B, C, W, 3>([x, scale, shift], output, way),
        Some(residual) => node::<B, C, W, 4>([x, scale, shift, residual], output, way),
    }
}
