//! A network compiled for this processor.

use std::sync::Arc;

use sapwood_kernels::infer::Program;

use crate::{Error, Runtime, Session};

/// A network compiled for this processor: each layer with its kernel and each value with its place. It can be
/// sent to other threads and shared by them, each with a [`Session`] of its own.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) program: Program,
    pub(crate) runtime: Runtime,
    /// Of each step, and of what comes in and goes out.
    pub(crate) labels: Vec<Label>,
    /// What the values of as many images as are computed together need at least.
    least: usize,
}

/// What a step is.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub(crate) layer: String,
    pub(crate) kernel: String,
    pub(crate) products: Products,
}

/// Multiply-accumulates of an image.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Products {
    /// All that the layer has.
    pub(crate) all: usize,
    /// Those that its kernel makes: without weights that are zero, where it leaves them out.
    pub(crate) made: usize,
    pub(crate) are_bytes: bool,
}

impl Label {
    pub(crate) fn of(layer: &str, kernel: &str, products: Products) -> Self {
        Self { layer: layer.into(), kernel: kernel.into(), products }
    }
}

impl Plan {
    pub(crate) fn new(program: Program, runtime: Runtime, labels: Vec<Label>, least: usize) -> Self {
        Self { inner: Arc::new(Inner { program, runtime, labels, least }) }
    }

    /// What answers: with memory and threads of its own.
    ///
    /// # Errors
    /// Where the system has no more threads.
    pub fn session(&self) -> Result<Session, Error> {
        Session::new(self.inner.clone())
    }

    /// Which kernel computes which layer, in the order in which they run.
    pub fn kernels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.inner.labels.iter().map(|label| (label.layer.as_str(), label.kernel.as_str()))
    }

    /// Whether a layer leaves out weights that are zero.
    pub fn skips_zeros(&self) -> bool {
        self.inner.labels.iter().any(|label| label.products.made < label.products.all)
    }

    /// Numbers of an image that come in, and that go out.
    pub fn sizes(&self) -> [usize; 2] {
        self.inner.program.sizes()
    }

    /// How many images are computed together, at most.
    pub fn images(&self) -> usize {
        self.inner.program.images()
    }

    /// Bytes that a session has for values, and how many no plan could do with less of.
    pub fn memory(&self) -> [usize; 2] {
        [self.inner.program.floats(), self.inner.least].map(|numbers| numbers * size_of::<f32>())
    }
}
