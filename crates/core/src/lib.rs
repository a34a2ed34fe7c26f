//! The nouns that all of Sapwood shares: what a network is, a parameter's path,
//! a batch, a step of training, a graph of layers and its anatomy.
//!
//! The principal trait is [`Network`]: a Burn module with a forward pass. The
//! design decision behind it is that a forward pass is a pure function. What a
//! layer wants to leave behind (batch-normalisation statistics) or to show (its
//! input) goes through the [`Pass`] that is handed in, so that scoring or
//! probing a network can never change it.
//!
//! Everything that is keyed by a parameter is keyed by its [`ParamPath`], which
//! is the name that PyTorch gives it, and everything that is flat (masks, scores,
//! ties) follows PyTorch's layout, also where Burn's is transposed.
//!
//! ```
//! use sapwood_core::Graph;
//!
//! let mut g = Graph::builder([1, 28, 28]);
//! let x = g.input();
//! let x = g.flatten(x);
//! let x = g.linear("fc1", x, 300);
//! let x = g.relu(x);
//! g.linear("fc2", x, 10);
//! let anatomy = g.finish().unwrap().anatomy([1, 28, 28]).unwrap();
//! assert_eq!(anatomy.params(), 784 * 300 + 300 + 300 * 10 + 10);
//! ```

mod batch;
mod error;
mod example_shape;
mod freezing;
mod gradients;
mod host;
mod input;
mod loss;
mod moments;
mod network;
mod output;
mod params;
mod pass;
mod reporter;
mod source;
mod state;
mod statistics;
mod step;
mod unfold;

/// What a network is without a tensor library; all of it is named here too.
pub use sapwood_graph as graph;

pub use batch::{Batch, BatchInput, Target, Values};
pub use error::Error;
pub use example_shape::ExampleShape;
pub use freezing::freeze;
pub use gradients::{Gradients, gradients};
pub use host::{array, array_of, tensor_data};
pub use input::{Input, InputsLeft};
pub use loss::{loss, soft_labels};
pub use moments::{Moments, absorb};
pub use network::{Network, Observed};
pub use output::Output;
pub use params::{Layout, ParamInfo, Role, compose, infos, map, tensors};
pub use pass::{Norm, Pass, Tap};
pub use reporter::{Reporter, Silent};
pub use sapwood_graph::{
    Activation, Anatomy, Array, AvgPool, Axis, Binary, Bits, Cause, Channels, CodedFile, Conv, ConvSpec,
    Dims, Entry, Except, Exceptions, Factor, FileError, Filter, Fit, Graph, GraphBuilder, ImageFit,
    Interpolation, Layer, Masks, Mismatch, Node, Op, Order, Pad, PadMode, Pads, Pair, ParamPath, Places,
    Preprocess, Ranked, Reduction, Resize, Shape, Slice, State, StateFile, TrainedOn, Unary, UnknownName,
    Window, Wire, canonical_json, identity, is_temporary, nearest, seal, sweep, unseal, write_atomic,
};
pub use source::{Source, SourceError};
pub use state::ModuleState;
pub use statistics::reestimate;
pub use step::Step;
pub use unfold::{as_convolution, unfold, unfold_in_parts};
