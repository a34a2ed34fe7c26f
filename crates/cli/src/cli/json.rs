//! Values as JSON, on standard output or to be hashed.

use sapwood_lab::Error as Lab;
use serde::Serialize;

use crate::Error;

/// A value in one line.
pub(super) fn line(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(unwritable)
}

/// A value in lines of its own for each part.
pub(super) fn lines(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string_pretty(value).map_err(unwritable)
}

/// Whether JSON has no number for it.
pub(super) fn is_no_number(value: &f64) -> bool {
    !value.is_finite()
}

fn unwritable(error: serde_json::Error) -> Error {
    Lab::Unwritable(error.into()).into()
}
