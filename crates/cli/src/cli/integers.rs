//! Networks whose weight file has integers, on the command line.

use sapwood_models::Opened;

use crate::Error;

/// Refuses integers where they would be lost.
pub(super) fn refuse(opened: &Opened, done: &str) -> Result<(), Error> {
    match &opened.integers {
        None => Ok(()),
        Some(integers) => Err(Error::Usage(format!(
            "the file has {} weights as integers, which cannot be {done} yet: use the one that it was made of",
            integers.quantized.len()
        ))),
    }
}
