//! What a network is.

use burn::{module::Module, tensor::Tensor};

use crate::{Graph, Pass};

/// A Burn module with a forward pass from images (or boards) to outputs.
///
/// # Example
/// A network of one's own needs one method:
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
///     fn forward(&self, input: Tensor<4>, _pass: &mut Pass<'_>) -> Tensor<2> {
///         self.fc.forward(input.flatten(1, 3))
///     }
/// }
/// ```
pub trait Network: Module {
    /// Runs the network.
    ///
    /// # Shapes
    /// - `input`: `[N, C, H, W]`
    /// - returns: `[N, K]`, logits: one per class, or one per cell of the board
    ///   for a dense target
    fn forward(&self, input: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<2>;
}

/// A network that shows how its layers connect, and each layer's input to the
/// [`Tap`](crate::Tap) of a pass.
pub trait Observed: Network {
    /// The layers and their connections.
    fn graph(&self) -> &Graph;
}
