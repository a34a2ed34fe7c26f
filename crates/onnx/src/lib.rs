//! Networks on paper from ONNX files and back.
//!
//! The principal functions are [`import`] (with [`Importer`] for weights beside the file and inputs of open size), which makes a [`Graph`](sapwood_graph::Graph) and a
//! [`State`](sapwood_graph::State) of a file's bytes, and [`export`], which makes bytes of these. Nothing
//! here runs a network or knows a tensor library: what is computed while a file is read are shapes, the way
//! exporters write down that an image is to be flattened.
//!
//! The design decision is that a file is either read as exactly the network that it is, or not at all. Every
//! operation has a function of its own (`import/operations.rs` is the table), which says of each attribute that
//! it has read it: one that nobody read is refused like an operation that nobody knows, and all that is refused
//! is one [`Error::Unsupported`], before anything is made. Layers and activations that exporters take apart are recognised
//! and put together where the last operation of their formula is read (`import/curves.rs`, `import/norms.rs`): who prunes or
//! quantises has to see a layer. What has another form here than in the file is a [`Note`].
//!
//! Quantised files are read in both of ONNX's forms and in what ONNX Runtime adds to them ([`Imported::integers`]), and
//! written in either ([`export_quantized`]). An operation on integers is the operation on numbers, between where integers
//! become numbers and where numbers become integers (`import/integers.rs`), so that everything that is known of numbers
//! is known of integers; [`Imported::state`] has what they stand for. Where a value is rounded is a node until all is
//! read (`import/rounding.rs`), and then the grid of the value that it rounds (`import/settle.rs`).
//!
//! Layers are called as in PyTorch: after their parameters, or else after the module for which PyTorch's
//! exporter names a node. The other way round a layer gives its name to its node and parameters, and what only ONNX
//! needs (a flattening in front of a linear layer) has none, so that an export is read as the graph that it was
//! made of.
//!
//! ```
//! use sapwood_graph::{Array, Conv, Graph, State};
//! use sapwood_onnx::{Options, export, import};
//!
//! let mut g = Graph::builder([3, 8, 8]);
//! let x = g.conv("stem", g.input(), Conv::new(4, 3).same().no_bias());
//! let x = g.relu(x);
//! let x = g.global_avg_pool(x);
//! g.linear("fc", x, 2);
//! let graph = g.finish().unwrap();
//! let state = State(
//!     [
//!         ("stem.weight".into(), Array::from_fn([4, 3, 3, 3], |at| at as f32)),
//!         ("fc.weight".into(), Array::from_fn([2, 4], |at| at as f32)),
//!         ("fc.bias".into(), Array::from_fn([2], |at| at as f32)),
//!     ]
//!     .into(),
//! );
//!
//! let bytes = export(&graph, &state, &Options::default()).unwrap();
//! let found = import(&bytes).unwrap();
//! assert_eq!((found.graph, found.state), (graph, state));
//! ```

mod classes;
mod error;
mod export;
mod import;
mod note;
mod proto;
mod signs;
mod turned;

pub use error::{Error, Unsupported};
pub use export::{Form, Options, Weights, export, export_quantized};
pub use import::{Imported, Importer, Integers, files_beside, import, is_one};
pub use note::Note;

/// The first opset that is read.
pub const FIRST_OPSET: i64 = 7;
/// The last opset that is read.
pub const LAST_OPSET: i64 = 22;
/// The first version of the operations that is written.
pub(crate) const FIRST_WRITTEN: i64 = 17;

/// Where ONNX Runtime's own operations are.
const CONTRIBUTED: &str = "com.microsoft";

/// What files that are written here say of their origin.
const PRODUCER: &str = "sapwood";

/// The number that a decimal means: ONNX holds 1e-5 in f32, which is another number in f64.
fn decimal(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}
