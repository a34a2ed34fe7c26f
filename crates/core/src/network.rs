//! What a network is.

use burn::module::Module;

use crate::{Graph, Input, Output, Pass};

/// A Burn module with a forward pass from inputs to outputs: from images or boards, tokens, or
/// several tensors to logits.
///
/// # Example
/// A network of one's own says what goes in and what comes out, and needs one method:
///
/// ```
/// use burn::{module::Module, nn::{Linear, LinearConfig}, tensor::Tensor};
/// use sapwood_core::{Network, Pass};
///
/// #[derive(Module, Debug)]
/// struct Softmax {
///     fc: Linear,
/// }
///
/// impl Network for Softmax {
///     type Input = Tensor<4>;
///     type Output = Tensor<2>;
///
///     fn forward(&self, input: Tensor<4>, _pass: &mut Pass<'_>) -> Tensor<2> {
///         self.fc.forward(input.flatten(1, 3))
///     }
/// }
/// ```
pub trait Network: Module {
    /// What goes in: `Tensor<4>` for images `[N, C, H, W]`, `Tensor<2, Int>` for tokens `[N, T]`,
    /// or a pair of inputs.
    type Input: Input;

    /// What comes out: `Tensor<2>` for logits `[N, K]`, one per class or one per value of a dense
    /// target; `Tensor<3>` for logits `[N, T, K]` of each token.
    type Output: Output;

    /// Runs the network.
    fn forward(&self, input: Self::Input, pass: &mut Pass<'_>) -> Self::Output;
}

/// A network that shows how its layers connect, and each layer's input to the
/// [`Tap`](crate::Tap) of a pass.
pub trait Observed: Network {
    /// The layers and their connections.
    fn graph(&self) -> &Graph;
}
