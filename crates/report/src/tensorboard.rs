//! Curves for TensorBoard: event files, written without TensorFlow.
//!
//! An [`EventFile`] is a value: a wall time and scalars, each with a tag and a
//! step. [`EventFile::to_bytes`] turns it into a file. Nothing in here reads a clock
//! or writes to a disk, so equal values give equal bytes.
//!
//! The format is two small ones inside each other, and both are written out here
//! rather than taken from a generator: the records of TensorFlow's `TFRecord` files,
//! and in each record one `Event` of `tensorflow/core/util/event.proto`. Of its
//! fields a curve needs six.
//!
//! ```
//! use sapwood_report::tensorboard::{EventFile, FILE_NAME};
//!
//! let folder = tempfile::tempdir()?;
//! let mut events = EventFile::new(1_767_225_600.0);
//! for (step, loss) in [(0, 2.3), (100, 0.4)] {
//!     events.scalar("train/loss", step, loss);
//! }
//! std::fs::write(folder.path().join(FILE_NAME), events.to_bytes())?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! `tensorboard --logdir` then shows each folder that holds such a file as one run.

mod message;
mod record;

use message::Message;

/// A name under which TensorBoard finds an event file: it looks for `tfevents`.
pub const FILE_NAME: &str = "events.out.tfevents";

/// The version of the format, which the first event of a file states.
const VERSION: &str = "brain.Event:2";

/// The scalars of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct EventFile {
    wall_time: f64,
    scalars: Vec<Scalar>,
}

/// One point of one curve.
#[derive(Clone, Debug, PartialEq)]
struct Scalar {
    tag: String,
    step: usize,
    value: f32,
}

impl EventFile {
    /// A file without scalars, whose events all happen at `wall_time`, in seconds
    /// since 1970 (UTC).
    pub fn new(wall_time: f64) -> Self {
        Self { wall_time, scalars: Vec::new() }
    }

    /// Adds a point to the curve called `tag`.
    ///
    /// TensorBoard groups curves by what stands before the first `/` of their tags.
    /// Steps count anything, iterations as a rule, and may come in any order. The
    /// format holds the value as a 32-bit float, to which it is rounded; NaN and
    /// infinities are kept.
    pub fn scalar(&mut self, tag: impl Into<String>, step: usize, value: f64) {
        self.scalars.push(Scalar { tag: tag.into(), step, value: value as f32 });
    }

    /// The file: an event that states the version, then one event for each scalar, in
    /// the order in which they were added.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        record::append(&mut out, &self.event(0).text(3, VERSION).into_bytes());
        for scalar in &self.scalars {
            let value = Message::default().text(1, &scalar.tag).float(2, scalar.value);
            let summary = Message::default().message(1, value);
            record::append(&mut out, &self.event(scalar.step).message(5, summary).into_bytes());
        }
        out
    }

    /// What all events begin with.
    fn event(&self, step: usize) -> Message {
        Message::default().double(1, self.wall_time).int64(2, step as u64)
    }
}

#[cfg(test)]
mod tests;
