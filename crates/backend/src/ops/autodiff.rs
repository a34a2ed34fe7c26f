//! The operations under autodiff: each is one node with its own backward pass.

use burn::backend::{
    Autodiff,
    autodiff::{
        NodeId,
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind},
    },
    ops::ConvOptions,
    tensor::FloatTensor,
};

use super::extension::TrainingOps;

#[derive(Debug)]
struct Convolve;

impl<B: TrainingOps> Backward<B, 2> for Convolve {
    type State = (NodeId, NodeId, ConvOptions<2>);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, saved: &mut Checkpointer) {
        let [to_x, to_weight] = ops.parents;
        let dy = grads.consume::<B>(&ops.node);
        let (x, weight, options) = ops.state;
        let x: FloatTensor<B> = saved.retrieve_node_output(x);
        let weight: FloatTensor<B> = saved.retrieve_node_output(weight);
        if let Some(node) = to_x {
            let dx = B::convolve_input_gradient(x.clone(), weight.clone(), dy.clone(), options.clone());
            grads.register::<B>(node.id, dx);
        }
        if let Some(node) = to_weight {
            grads.register::<B>(node.id, B::convolve_weight_gradient(x, weight, dy, options));
        }
    }
}

#[derive(Debug)]
struct ConvolveWithBias;

impl<B: TrainingOps> Backward<B, 3> for ConvolveWithBias {
    type State = (NodeId, NodeId, NodeId, ConvOptions<2>);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, saved: &mut Checkpointer) {
        let [to_x, to_weight, to_bias] = ops.parents;
        let dy = grads.consume::<B>(&ops.node);
        let (x, weight, bias, options) = ops.state;
        let x: FloatTensor<B> = saved.retrieve_node_output(x);
        let weight: FloatTensor<B> = saved.retrieve_node_output(weight);
        let bias: FloatTensor<B> = saved.retrieve_node_output(bias);
        if let Some(node) = to_x {
            let dx = B::convolve_input_gradient(x.clone(), weight.clone(), dy.clone(), options.clone());
            grads.register::<B>(node.id, dx);
        }
        if let Some(node) = to_weight {
            let dw = B::convolve_weight_gradient(x.clone(), weight, dy.clone(), options);
            grads.register::<B>(node.id, dw);
        }
        if let Some(node) = to_bias {
            grads.register::<B>(node.id, B::convolve_bias_gradient(x, bias, dy));
        }
    }
}

#[derive(Debug)]
struct Normalize;

impl<B: TrainingOps> Backward<B, 3> for Normalize {
    type State = (NodeId, NodeId, FloatTensor<B>, FloatTensor<B>, f64);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, saved: &mut Checkpointer) {
        let [to_x, to_gamma, to_beta] = ops.parents;
        let dy = grads.consume::<B>(&ops.node);
        let (x, gamma, mean, variance, epsilon) = ops.state;
        let x: FloatTensor<B> = saved.retrieve_node_output(x);
        let gamma: FloatTensor<B> = saved.retrieve_node_output(gamma);
        let (dx, dgamma, dbeta) = B::normalize_gradients(x, gamma, mean, variance, dy, epsilon);
        for (node, gradient) in [(to_x, dx), (to_gamma, dgamma), (to_beta, dbeta)] {
            if let Some(node) = node {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}

impl<B: TrainingOps, C: CheckpointStrategy> TrainingOps for Autodiff<B, C> {
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        match Convolve.prepare::<C>([x.node(), weight.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let state = (prep.checkpoint(&x), prep.checkpoint(&weight), options.clone());
                prep.finish(state, B::convolve(x.into_primitive(), weight.into_primitive(), options))
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(B::convolve(x.into_primitive(), weight.into_primitive(), options))
            }
        }
    }

    fn convolve_with_bias(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node(), bias.node()];
        match ConvolveWithBias.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let saved = (prep.checkpoint(&x), prep.checkpoint(&weight), prep.checkpoint(&bias));
                let state = (saved.0, saved.1, saved.2, options.clone());
                let (x, weight, bias) = (x.into_primitive(), weight.into_primitive(), bias.into_primitive());
                prep.finish(state, B::convolve_with_bias(x, weight, bias, options))
            }
            OpsKind::UnTracked(prep) => {
                let (x, weight, bias) = (x.into_primitive(), weight.into_primitive(), bias.into_primitive());
                prep.finish(B::convolve_with_bias(x, weight, bias, options))
            }
        }
    }

    fn normalize(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let nodes = [x.node(), gamma.node(), beta.node()];
        // Statistics are constants to whoever reads them.
        let constant = |statistic: FloatTensor<B>| FloatTensor::<Self>::new(statistic);
        match Normalize.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let (saved_x, saved_gamma) = (prep.checkpoint(&x), prep.checkpoint(&gamma));
                let (x, gamma, beta) = (x.into_primitive(), gamma.into_primitive(), beta.into_primitive());
                let (output, mean, variance) = B::normalize(x, gamma, beta, epsilon);
                let state = (saved_x, saved_gamma, mean.clone(), variance.clone(), epsilon);
                (prep.finish(state, output), constant(mean), constant(variance))
            }
            OpsKind::UnTracked(prep) => {
                let (x, gamma, beta) = (x.into_primitive(), gamma.into_primitive(), beta.into_primitive());
                let (output, mean, variance) = B::normalize(x, gamma, beta, epsilon);
                (prep.finish(output), constant(mean), constant(variance))
            }
        }
    }
}
