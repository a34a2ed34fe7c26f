//! What comes out of a network.

use burn::tensor::Tensor;

/// What comes out of a network: logits that a [`Target`](crate::Target) is compared with.
///
/// A network with several heads implements it for a type of its own, whose rows are those of the
/// head that is evaluated; an objective of its own can learn from the others.
pub trait Output: Clone {
    /// The logits, a row for each target: for each example, or for each token of each example.
    ///
    /// # Shapes
    /// `[rows, K]`: one logit per class, or one per value of a dense target.
    fn rows(self) -> Tensor<2>;
}

/// # Shapes
/// `[N, K]`: a row for each example.
impl Output for Tensor<2> {
    fn rows(self) -> Self {
        self
    }
}

/// # Shapes
/// `[N, T, K]`: a row for each of the `T` tokens of each example.
impl Output for Tensor<3> {
    fn rows(self) -> Tensor<2> {
        self.flatten(0, 1)
    }
}
