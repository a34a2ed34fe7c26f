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
    /// Padding that keeps the size was left to who runs the file.
    Same,
    /// Convolutions have taken in the normalisation that followed them.
    Folded,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Softmax => "the softmax at the end of the ONNX file is left out: outputs are logits",
            Self::Dropout => "the ONNX file drops values in training: no network here does",
            Self::Same => "padding of the ONNX file that depends on the size of the input is that for its own size",
            Self::Folded => {
                "batch normalisation is folded into convolutions of the ONNX file: its statistics are gone, and training has none"
            }
        })
    }
}
