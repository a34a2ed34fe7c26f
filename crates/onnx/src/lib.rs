//! Networks on paper from ONNX files and back.

mod error;
mod export;
mod import;
mod note;
mod proto;

pub use error::{Error, Unsupported};
pub use export::{Options, export};
pub use import::{Imported, import, is_one};
pub use note::Note;

/// The first opset that is read.
pub const FIRST_OPSET: i64 = 7;
/// The last opset that is read.
pub const LAST_OPSET: i64 = 22;

/// The number that a decimal means: ONNX holds 1e-5 in f32, which is another number in f64.
fn decimal(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}
