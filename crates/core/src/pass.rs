//! What accompanies a forward pass.

use burn::tensor::Tensor;

use crate::Moments;

/// Which statistics batch normalisation uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// The running ones: evaluation.
    Running,
    /// Those of the batch: training.
    Batch,
}

/// Somebody who looks at the inputs of layers as they pass, and may replace them (PyTorch's
/// forward pre-hook), and at the values of a graph. What an implementation does not define
/// replaces nothing.
pub trait Tap {
    /// The layer at this path (`layer1.0.conv1`) is about to see this input; what is returned it
    /// sees instead.
    ///
    /// # Shapes
    /// `[N, C, H, W]` and the same. Linear layers see `[N, C, 1, 1]`, with a row for each place where they
    /// read the last of several dimensions; layers over one spatial dimension see `[N, C, 1, L]`.
    fn input(&mut self, layer: &str, input: Tensor<4>) -> Tensor<4> {
        let _ = layer;
        input
    }

    /// This has left the node at this place of the network's graph; what is returned all that read it see
    /// instead. Of nodes that are computed together only what leaves the last is shown.
    ///
    /// # Shapes
    /// As of inputs.
    fn value(&mut self, node: usize, value: Tensor<4>) -> Tensor<4> {
        let _ = node;
        value
    }
}

/// How a forward pass is run, who watches it, and what it leaves behind.
///
/// A network never changes in a forward pass. Batch statistics that training
/// wants to keep are left in the pass; [`absorb`](crate::absorb) adds them to the
/// network's running ones, and whoever does not call it has changed nothing.
pub struct Pass<'a> {
    norm: Norm,
    tap: Option<&'a mut dyn Tap>,
    moments: Vec<Moments>,
}

impl Pass<'static> {
    /// A pass for evaluation.
    pub fn evaluate() -> Self {
        Self::new(Norm::Running)
    }

    /// A pass for training.
    pub fn train() -> Self {
        Self::new(Norm::Batch)
    }

    /// A pass with these statistics.
    pub fn new(norm: Norm) -> Self {
        Pass { norm, tap: None, moments: Vec::new() }
    }
}

impl Pass<'_> {
    /// The same pass, watched.
    pub fn with_tap<'b>(self, tap: &'b mut dyn Tap) -> Pass<'b> {
        Pass { norm: self.norm, tap: Some(tap), moments: self.moments }
    }

    /// Which statistics a normalisation layer should use.
    pub fn norm(&self) -> Norm {
        self.norm
    }

    /// Called by a layer before it runs: with its input, and for what it is to see.
    ///
    /// # Shapes
    /// The tap sees rank 4: dimensions of size 1 follow those that are there, and beyond the
    /// fourth all lie in the last.
    pub fn show<const D: usize>(&mut self, layer: &str, input: Tensor<D>) -> Tensor<D> {
        let Some(tap) = &mut self.tap else { return input };
        let dims = input.dims();
        tap.input(layer, input.reshape(shown(dims))).reshape(dims)
    }

    /// Called by a network that shows its graph: with what has left a node, and for what is to be read.
    ///
    /// # Shapes
    /// As for [`Pass::show`].
    pub fn pass_on<const D: usize>(&mut self, node: usize, value: Tensor<D>) -> Tensor<D> {
        let Some(tap) = &mut self.tap else { return value };
        let dims = value.dims();
        tap.value(node, value.reshape(shown(dims))).reshape(dims)
    }

    /// Called by a normalisation layer that used the batch's statistics.
    pub fn leave(&mut self, moments: Moments) {
        self.moments.push(moments);
    }

    /// The batch statistics that were left, in the order of the layers.
    pub fn into_moments(self) -> Vec<Moments> {
        self.moments
    }
}

/// The shape in which a tap sees what has this one.
fn shown<const D: usize>(dims: [usize; D]) -> [usize; 4] {
    let mut shown = [1; 4];
    dims.iter().enumerate().for_each(|(at, size)| shown[at.min(3)] *= size);
    shown
}
