//! One suite of tests for every device: what it is made of.
//!
//! The tests themselves (`tests/conformance.rs`) run on the devices that the
//! variable `SAPWOOD_DEVICES` names (`cpu,vulkan:0`), or on `cpu`. They compare
//! with PyTorch's answers, which lie in `expected/` and were written by the
//! scripts in `benches/pytorch`, so that no Python is needed here.
//!
//! The one design decision: weights and inputs are not stored but made, by
//! [`fill`], from the name of each tensor, in the same way here and in Python.
//!
//! ```
//! let values = sapwood_conformance::uniform("conv1.weight", 3);
//! assert!(values.iter().all(|u| (0.0..1.0).contains(u)));
//! ```

mod approximation;
mod devices;
mod expected;
mod expected_scores;
mod fill;
mod promises;

pub use approximation::{distance, relative_distance};
pub use devices::{Workload, devices, workload};
pub use expected::{
    Answers, Case, Checkpoint, FillCheck, Logits, Options, Series, checkpoints, folder, logits, training,
};
pub use expected_scores::{ExpectedScores, Kept, PrunedCase, ScoreCase, TensorDigest, scores};
pub use fill::{batch, board, fill, fnv1a, uniform};
pub use promises::criterion_keeps_its_promises;
