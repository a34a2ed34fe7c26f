//! What can go wrong.

use sapwood_graph::ParamPath;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The graph or its values are not what they should be.
    #[error(transparent)]
    Graph(#[from] sapwood_graph::Error),
    /// A parameter that a layer needs.
    #[error("the network needs values for `{0}`, and there are none: give all values of the network")]
    Missing(ParamPath),
    /// A parameter of another shape.
    #[error("expected {expected:?} values of `{path}`, found {found:?}: give the values of this network")]
    Shape {
        /// The parameter.
        path: ParamPath,
        /// The shape that the layer has.
        expected: Vec<usize>,
        /// The shape that was given.
        found: Vec<usize>,
    },
    /// Layers that no kernel computes.
    #[error("there is no kernel for {}: run the network by another engine", .0.join(", "))]
    NoKernel(Vec<String>),
    /// A layer that is not computed with integers.
    #[error("layer `{layer}`: {problem}")]
    Layer {
        /// The layer.
        layer: String,
        /// Why not.
        problem: String,
    },
    /// An input of another size.
    #[error("expected {expected} numbers for each image, found {found} in all: give whole images")]
    Input {
        /// Numbers of an image.
        expected: usize,
        /// Numbers that were given.
        found: usize,
    },
    /// The system has no more threads.
    #[error("the system gives no {threads} threads: ask for fewer")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}
