//! How a file is written.

use std::collections::{BTreeMap, BTreeSet};

/// How a file is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The version of the operations, from 17 to [`crate::LAST_OPSET`]. Most readers know 18.
    pub opset: i64,
    /// How the weights of convolutions, linear layers and tables are stored. All else is in f32, and so is what is
    /// computed with them.
    pub weights: Weights,
    /// What the outputs are called. Those that it does not name are `logits` if there is one, and else `output_0`
    /// and so on.
    pub outputs: Vec<String>,
    /// Whether a softmax stands behind the one output, over the classes of a classifier. It belongs to the file alone:
    /// [`crate::import`] leaves it out again.
    pub softmax: bool,
    /// The inputs of images whose channels come last in the file: it brings them to the front first, and
    /// [`crate::import`] leaves that out again.
    pub channels_last: BTreeSet<String>,
    /// The inputs of integers that have 32 bits in the file; those of others have 64.
    pub int32: BTreeSet<String>,
    /// What the file is to say of itself, for whoever reads it: [`crate::Imported::metadata`].
    pub metadata: BTreeMap<String, String>,
}

/// How weights are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weights {
    /// In 32 bits.
    #[default]
    F32,
    /// Rounded to 16 bits, which halves the file.
    F16,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            opset: 18,
            weights: Weights::F32,
            outputs: Vec::new(),
            softmax: false,
            channels_last: BTreeSet::new(),
            int32: BTreeSet::new(),
            metadata: BTreeMap::new(),
        }
    }
}

impl Options {
    /// What an output is called, of so many.
    pub fn output(&self, at: usize, of: usize) -> String {
        match self.outputs.get(at) {
            Some(name) => name.clone(),
            None if of == 1 => "logits".into(),
            None => format!("output_{at}"),
        }
    }
}

/// How a file says that a network computes with integers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Operations on numbers, between `QuantizeLinear` and `DequantizeLinear` where ONNX Runtime's quantiser puts them:
    /// whoever runs it puts integers in their place, or runs it as it stands.
    #[default]
    Qdq,
    /// Operations on integers (`QLinearConv`, and `QGemm` and others of ONNX Runtime's own), which no other program may
    /// know.
    QOperator,
}
