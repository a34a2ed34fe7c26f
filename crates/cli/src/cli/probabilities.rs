//! What outputs say about classes.

use burn::tensor::{
    Tensor,
    activation::{sigmoid, softmax},
};
use sapwood_core::{
    Observed as _, Shape,
    graph::{Activation, Op},
};
use sapwood_models::Opened;

use crate::Error;

/// How outputs become probabilities.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Probabilities {
    /// Of the cells of a board, each for itself.
    OfCells,
    /// They are some, each for itself: a sigmoid made them.
    Themselves,
    /// Of classes, one of which is right.
    OfClasses,
}

impl Probabilities {
    /// Of a network, for examples of this shape; none where it gives a single number, or numbers at places.
    pub(super) fn of(opened: &Opened, shape: Shape) -> Result<Option<Self>, Error> {
        let graph = opened.net.graph();
        let end = graph.ends().first().and_then(|end| graph.nodes().get(*end));
        let [classes, height, width] = opened.spec.output(shape)?;
        Ok(match end.map(|node| &node.op) {
            _ if opened.spec.model == "life-net" => Some(Self::OfCells),
            Some(Op::Activation(Activation::Sigmoid)) => Some(Self::Themselves),
            _ if height * width == 1 && classes > 1 => Some(Self::OfClasses),
            _ => None,
        })
    }

    /// Those of these outputs.
    pub(super) fn among(self, outputs: Tensor<2>) -> Tensor<2> {
        match self {
            Self::OfCells => sigmoid(outputs),
            Self::Themselves => outputs,
            Self::OfClasses => softmax(outputs, 1),
        }
    }
}
