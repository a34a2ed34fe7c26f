//! What a network is on paper: layers and how they connect, what they cost, what their parameters
//! are called and which of them go together, and how files are written whole.
//!
//! The principal type is [`Graph`], an acyclic graph of layers. The design decision behind it is
//! that nothing here computes a network, and that this crate depends on no tensor library and on no
//! other crate of Sapwood: what reads, measures or changes a network on paper compiles in seconds,
//! in a browser too.
//!
//! Everything that is keyed by a parameter is keyed by its [`ParamPath`], which is the name that
//! PyTorch gives it, and a mask ([`Bits`]) has one bit per weight in PyTorch's layout. [`Channels`]
//! says which dimensions of which layers run over the same channels, so that these can be permuted,
//! or taken out, only together.
//!
//! ```
//! use sapwood_graph::{Channels, Graph};
//!
//! let mut g = Graph::builder([1, 28, 28]);
//! let x = g.input();
//! let x = g.flatten(x);
//! let x = g.linear("fc1", x, 300);
//! let x = g.relu(x);
//! g.linear("fc2", x, 10);
//! let graph = g.finish().unwrap();
//! assert_eq!(graph.anatomy([1, 28, 28]).unwrap().params(), 784 * 300 + 300 + 300 * 10 + 10);
//!
//! let channels = Channels::of([&graph]);
//! let hidden = channels.iter().find(|set| !set.tied).unwrap();
//! assert_eq!(hidden.axes.iter().map(|axis| axis.layer.as_str()).collect::<Vec<_>>(), ["fc1", "fc2"]);
//! ```

mod activation;
mod anatomy;
mod bits;
mod blocks;
mod builder;
mod channels;
mod durable;
mod error;
mod file_error;
mod graph;
mod identity;
mod names;
mod path;
mod trained_on;

pub use activation::Activation;
pub use anatomy::{Anatomy, Layer};
pub use bits::{Bits, Masks};
pub use builder::{Conv, GraphBuilder, Wire};
pub use channels::{Axis, Channels};
pub use durable::{seal, sweep, unseal, write_atomic};
pub use error::{Error, Mismatch};
pub use file_error::{Cause, FileError};
pub use graph::{ConvSpec, Graph, Node, Op, Shape};
pub use identity::{canonical_json, identity};
pub use names::{UnknownName, nearest};
pub use path::ParamPath;
pub use trained_on::TrainedOn;
