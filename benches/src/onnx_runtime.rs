//! ONNX Runtime, in a process of its own.

use std::{collections::BTreeMap, path::Path, process::Command};

use anyhow::Result;
use serde::Deserialize;
use serde_json::json;

use crate::peer::Process;

/// The script that answers: the command line's own.
const INFER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/cli/src/cli/profile/onnx_runtime.py");

/// An ONNX Runtime process with a file's network; it ends when this is dropped.
pub struct OnnxRuntime {
    process: Process,
    /// Its version.
    pub version: String,
    /// What the network answers.
    pub outputs: Vec<f64>,
}

/// What some runs took, in seconds.
#[derive(Debug, Deserialize)]
pub struct Burst {
    /// Of the network.
    pub seconds: Vec<f64>,
    /// Of a network of nothing.
    pub empty: Vec<f64>,
}

impl OnnxRuntime {
    /// Starts the script and opens a file in it.
    ///
    /// # Errors
    /// No such Python, no ONNX Runtime, or a file that it does not take.
    pub fn start(python: &str, file: &Path, threads: usize) -> Result<Self> {
        #[derive(Deserialize)]
        struct About {
            version: String,
            outputs: Vec<f64>,
        }
        let mut process = Process::start(Command::new(python).arg(INFER), python)?;
        let setup = json!({ "cmd": "setup", "file": file.to_string_lossy(), "threads": threads });
        let About { version, outputs } = process.ask(&setup)?;
        Ok(Self { process, version, outputs })
    }

    /// How many nodes of each kind of operation it runs of a file, once it is optimised.
    ///
    /// # Errors
    /// A file that it does not take.
    pub fn operators(&mut self, file: &Path, threads: usize) -> Result<BTreeMap<String, usize>> {
        self.process.ask(&json!({ "cmd": "operators", "file": file.to_string_lossy(), "threads": threads }))
    }

    /// The process's number.
    pub fn process_id(&self) -> u32 {
        self.process.child.id()
    }

    /// This number of runs one after the other.
    ///
    /// # Errors
    /// Where the process has ended.
    pub fn burst(&mut self, runs: usize) -> Result<Burst> {
        self.process.ask(&json!({ "cmd": "burst", "runs": runs }))
    }
}
