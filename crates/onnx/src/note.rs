//! What should be known of how a file was read.

use std::fmt;

/// Something of which a network here has another form than the file. One line each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The softmax at the end is left out.
    Softmax,
    /// The file drops values in training.
    Dropout,
    /// Average pools that leave out a rest have none at the size of the file's input.
    AveragePool,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Softmax => "the softmax at the end of the ONNX file is left out: outputs are logits",
            Self::Dropout => "the ONNX file drops values in training: no network here does",
            Self::AveragePool => {
                "at other sizes of images than the ONNX file's, average pools take in the rest at the edge, which ONNX leaves out"
            }
        })
    }
}
