//! What a network is on paper: layers and how they connect, what they cost, what their parameters
//! are called, which of them go together and what their values are, and the files that hold all that.
//!
//! The principal type is [`Graph`], an acyclic graph of layers; the values of its parameters are a
//! [`State`] of [`Array`]s, which a [`StateFile`] keeps with masks and metadata. The design decision
//! behind them is that nothing here computes a network, and that this crate depends on no tensor
//! library and of Sapwood's crates on `codec` alone: what reads, measures or changes a network on paper
//! compiles in seconds, in a browser too. A file comes in two forms with the same content, safetensors
//! and entropy-coded ([`StateFile::to_coded`]); whoever reads one reads the other.
//!
//! Everything that is keyed by a parameter is keyed by its [`ParamPath`], which is the name that
//! PyTorch gives it, and a mask ([`Bits`]) has one bit per weight in PyTorch's layout. [`Channels`]
//! says which dimensions of which layers run over the same channels, so that these can be permuted,
//! or taken out, only together.
//!
//! A parameter may also be [`Quantized`]: integers with scales. How they are to be chosen is a
//! [`Scheme`], and between which bounds values were seen are [`Ranges`]; both are computed elsewhere. The numbers
//! that integers stand for are a [`Grid`], and [`Folding`] takes batch normalisation into weights.
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
mod array;
mod bits;
mod blocks;
mod builder;
mod bytes;
mod calibrated;
mod channels;
mod dims;
mod dtype;
mod durable;
mod ends;
mod error;
mod exceptions;
mod file_error;
mod finite;
mod folding;
mod graph;
mod grid;
mod groups;
mod half;
mod head;
mod identity;
mod names;
mod number;
mod op;
mod packed;
mod path;
mod points;
mod preprocess;
mod quantized;
mod quantized_network;
mod ranges;
mod ranked;
mod scheme;
mod state;
mod state_file;
mod trained_on;
mod value_names;
mod values;
mod window;
mod written;

pub use activation::{Activation, Factor};
pub use anatomy::{Anatomy, Layer};
pub use array::Array;
pub use bits::{Bits, Masks};
pub use builder::{Conv, GraphBuilder, Wire};
pub use calibrated::Calibrated;
pub use channels::{Axis, Channels};
pub use dims::{Dims, Shape};
pub use dtype::DType;
pub use durable::{is_temporary, seal, sweep, unseal, write_atomic};
pub use ends::Entry;
pub use error::{Error, Mismatch};
pub use exceptions::{Except, Exceptions};
pub use file_error::{Cause, FileError};
pub use folding::{Folded, Folding, norm_factors};
pub use graph::{Graph, Node};
pub use grid::Grid;
pub use groups::{Group, Groups, ParamAxis, Side, Slot};
pub use half::{BF16, F16};
pub use head::Head;
pub use identity::{canonical_json, identity};
pub use names::{UnknownName, few, nearest};
pub use number::Number;
pub use op::{
    AvgPool, Binary, ConvSpec, Interpolation, Op, Pad, PadMode, Places, Reduction, Resize, Slice, Unary,
};
pub use packed::Packed;
pub use path::ParamPath;
pub use points::Points;
pub use preprocess::{Filter, Fit, ImageFit, Order, Preprocess};
pub use quantized::Quantized;
pub use quantized_network::{QuantizedNetwork, grids};
pub use ranges::{Histogram, Range, Ranges};
pub use ranked::{MOST_DIMENSIONS, Ranked};
pub use sapwood_codec::{Code, Positions};
pub use scheme::{Per, Scheme, Symmetry};
pub use state::State;
pub use state_file::{CodedFile, Coding, Piece, StateFile};
pub use trained_on::TrainedOn;
pub use values::Values;
pub use window::{Pads, Pair, Window};
