//! What should be known of how a file was read.

use std::fmt;

use sapwood_graph::few;

/// Something of which a network here has another form than the file. One line each.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The softmax at the end is left out.
    Softmax,
    /// Images have their channels last.
    ChannelsLast,
    /// The file drops values in training.
    Dropout,
    /// The file normalises by the statistics of a batch.
    Training,
    /// Padding that keeps the size was left to who runs the file.
    Same,
    /// Convolutions have taken in the normalisation that followed them.
    Folded,
    /// Values are rounded to integers.
    Rounded,
    /// Minus infinities in what is added before a softmax are finite numbers.
    Masks,
    /// Outputs are integers.
    Levels,
    /// Weights are computed of others, which are gone.
    Computed,
    /// These single numbers learn in training, since they lie among the file's tensors.
    Single(Vec<String>),
    /// Layers share these tensors in the file, and have one each here.
    Shared(Vec<String>),
    /// These values are rounded for some of those that read them only, or twice.
    Apart(Vec<String>),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = match self {
            Self::Softmax => "the softmax at the end of the ONNX file is left out: outputs are logits",
            Self::ChannelsLast => {
                "images of the ONNX file have their channels last: here these come first, as [N, C, H, W]"
            }
            Self::Dropout => "the ONNX file drops values in training: no network here does",
            Self::Training => {
                "batch normalisation of the ONNX file is in training mode: evaluation here uses its running statistics, which such \
                 an export may have moved"
            }
            Self::Same => {
                "padding of the ONNX file that depends on the size of the input is that for its own size"
            }
            Self::Folded => {
                "batch normalisation is folded into convolutions of the ONNX file: its statistics are gone, and training has none"
            }
            Self::Rounded => {
                "values of the ONNX file are rounded to integers: what computes in floating point leaves that out"
            }
            Self::Masks => {
                "minus infinities that the ONNX file adds before a softmax are -1e30 here, of which softmax leaves nothing either"
            }
            Self::Levels => {
                "outputs of the ONNX file are integers: here they are the numbers for which these stand"
            }
            Self::Computed => {
                "weights of the ONNX file are computed of others: here they are weights themselves, and training changes them alone"
            }
            Self::Single(numbers) => {
                return write!(
                    f,
                    "single numbers among the tensors of the ONNX file learn in training, unless they are frozen: {}",
                    few(numbers)
                );
            }
            Self::Shared(tensors) => {
                return write!(
                    f,
                    "several layers of the ONNX file share tensors: here each has its own, so that training and pruning move them \
                     apart: {}",
                    few(tensors)
                );
            }
            Self::Apart(values) => {
                return write!(
                    f,
                    "values of the ONNX file are rounded twice, or for some of their readers only: {}",
                    few(values)
                );
            }
        };
        f.write_str(said)
    }
}
