//! The file that is compared.

use std::path::Path;

use burn::prelude::Device;
use sapwood_core::Shape;
use sapwood_models::{Error as Models, Opened, Problem, Reading};

use super::super::{bar::note, weight_file::hinted_among};
use crate::Error;

/// Opens it. Where an ONNX file leaves the size of an example open, that is the one of the other network.
pub(super) fn open(path: &Path, input: Shape, device: &Device) -> Result<Opened, Error> {
    let open = |example| Reading { example, ..Reading::of(None) }.open(path, device);
    let opened = match open(None) {
        Err(Models::Weights { ref problem, .. }) if matches!(**problem, Problem::OpenSize(_)) => {
            open(Some(input))
        }
        opened => opened,
    };
    opened.map_err(|error| hinted_among(error, &[]))
}

/// Tells what should be known of it, and of an end that one file alone has.
pub(super) fn tell(one: &Opened, other: &Opened, path: &Path) {
    for line in &other.notes {
        note(&format!("note: {line}: {}", path.display()));
    }
    let (with, without) = match [one, other].map(|opened| opened.spec.onnx.softmax) {
        [true, false] => ("--weights", "--with"),
        [false, true] => ("--with", "--weights"),
        _ => return,
    };
    note(&format!(
        "note: the ONNX file of the network of `{with}` ends with a softmax, and that of `{without}` with none: logits are \
         compared"
    ));
}
