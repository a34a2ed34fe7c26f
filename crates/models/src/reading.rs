//! How a weight file is read, where there is a choice.

mod averaged;
mod candidates;
mod checkpoint;
mod fit;
mod guess;
mod masks;
mod naming;
mod places;
mod rename;
mod state_dict;
mod wants;

use std::path::PathBuf;

use sapwood_core::Shape;

pub(crate) use averaged::is_mask;
pub use checkpoint::{Checkpoint, Fitted};
pub use masks::read_masks;
pub use rename::Rename;
pub use state_dict::StateDict;
pub use wants::{Shapes, Wants};

pub(crate) use guess::guess;
pub(crate) use wants::{ByName, Known};

/// How a weight file is read. Nothing of it is needed for a file of ours, nor for one in which only
/// one network's weights lie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Which network it is, where the file does not say.
    pub model: Option<String>,
    /// Below which key of the file its weights lie, where several sets of them fit.
    pub key: Option<String>,
    /// What its layers are called here, where the file calls them otherwise.
    pub renames: Vec<Rename>,
    /// A file of its masks, where they do not lie beside the weights.
    pub masks: Option<PathBuf>,
    /// What becomes of weights that are zero and have no mask.
    pub zeros: Zeros,
    /// The size of an example, where an ONNX file leaves it open, in that one's order; `[C, 1, L]` and `[C, 1, 1]` of what
    /// is no image.
    pub example: Option<Shape>,
}

impl Reading {
    /// The network of this name, where the file does not say.
    pub fn of(model: Option<&str>) -> Self {
        Self { model: model.map(Into::into), ..Self::default() }
    }
}

/// What becomes of weights that are exactly zero and have no mask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zeros {
    /// They are weights like any other: training moves them.
    #[default]
    Free,
    /// They get masks.
    Masked,
}
