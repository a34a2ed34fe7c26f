//! One suite of tests for every device: what it is made of.
//!
//! Its [`CHECKS`] are written once. Tests (`tests/conformance/main.rs`) run each on the devices that
//! the variable `SAPWOOD_DEVICES` names (`cpu,vulkan:0`), or on `cpu`; the web page's crate
//! runs them in a browser. They compare with PyTorch's answers, which lie in `expected/` and were
//! written by the scripts in `benches/pytorch`, so that no Python is needed here. How near an
//! answer has to come, [`tolerances`] says for each device, and nothing else does.
//!
//! The one design decision: weights and inputs are not stored but made, by
//! [`fill`], from the name of each tensor, in the same way here and in Python.
//!
//! ```
//! let values = sapwood_conformance::uniform("conv1.weight", 3);
//! assert!(values.iter().all(|u| (0.0..1.0).contains(u)));
//! ```

mod approximation;
mod check;
mod checks;
mod devices;
mod expected;
mod expected_operations;
mod expected_scores;
mod fill;
mod operation_table;
mod promises;
mod tolerances;

pub use approximation::{distance, relative_distance};
pub use check::{Check, Findings, On, Outcome, Running};
pub use checks::CHECKS;
pub use devices::{Workload, devices, workload};
pub use expected::{
    Answers, Case, Checkpoint, FillCheck, Logits, OnnxFile, Options, Series, checkpoints, folder, logits,
    onnx_files, training,
};
pub use expected_operations::{Digest, OperationCase, Operations, operations};
pub use expected_scores::{ExpectedScores, Kept, PrunedCase, ScoreCase, TensorDigest, scores};
pub use fill::{batch, board, fill, fnv1a, uniform};
pub use operation_table::{Ability, OperationRow, operation_table};
#[cfg(not(target_family = "wasm"))]
pub use promises::criterion_keeps_its_promises;
pub use promises::keeps_its_promises;
pub use tolerances::{Tolerances, tolerances};
