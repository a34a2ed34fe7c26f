//! The network zoo: the networks that pruning papers are written on, under
//! PyTorch's names.
//!
//! A network is written down once, as a [`Graph`](sapwood_core::Graph) of layers
//! (one file each under `zoo/`). The one design decision follows from it: [`Net`]
//! runs any such graph, and the anatomy, the view of each layer's input, the
//! names in a weight file and the connections that structural passes need are
//! all read off the same graph, so that they cannot disagree.
//!
//! ```
//! use sapwood_backend::{DeviceSpec, Seed};
//! use sapwood_models::{Init, Spec};
//!
//! let spec = Spec::named("resnet-20").unwrap();
//! let graph = spec.graph().unwrap();
//! assert_eq!(graph.anatomy(spec.input).unwrap().params(), 272_474);
//!
//! let device = DeviceSpec::CPU.resolve().unwrap();
//! let net = Init::default().apply(spec.net(&device).unwrap(), Seed(1));
//! # let _ = net;
//! ```

mod agreement;
mod coded_file;
mod compute;
mod constant;
mod conv;
mod conventions;
mod curve;
mod error;
mod folded;
mod freezing;
mod image_size;
mod infer;
mod init;
mod integers;
mod layers;
mod module;
mod net;
mod new_head;
mod note;
mod onnx_ends;
mod onnx_file;
mod onnx_writing;
mod params;
mod problem;
mod python;
mod pytorch;
mod reading;
mod safetensors_file;
mod spec;
mod stated;
mod steps;
mod value;
mod weights;
mod zeros;
mod zoo;

pub use coded_file::content;
pub use conv::{Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d};
pub use conventions::read_config;
pub use error::Error;
pub use folded::fold;
pub use infer::infer;
pub use init::{INITS, Init, InitEntry, NormScale, WeightInit};
pub use integers::{Integers, pack_integers};
pub use layers::{BatchNorm, Embedding, GroupNorm, LayerNorm, Linear, Position, Prelu};
pub use net::Net;
pub use note::Note;
pub use onnx_ends::OnnxEnds;
pub use onnx_file::files_beside;
pub use onnx_writing::{OnnxWriting, OnnxWritten, to_onnx, to_quantized_onnx};
pub use problem::{Alike, Problem, Unlike};
pub use python::{PythonModule, to_pytorch};
pub use reading::{Checkpoint, Fitted, Reading, Rename, Shapes, StateDict, Wants, Zeros, read_masks};
pub use sapwood_onnx::Form as OnnxForm;
pub use spec::{Padding, Shortcut, Spec};
pub use value::Value;
pub use weights::{Opened, open, open_bytes, pack};
pub use zeros::{FreeZeros, LayerZeros};
pub use zoo::{MODELS, Model, names};
