//! `export`

use std::{io::Write, path::PathBuf};

use clap::Args;
use sapwood_backend::{DeviceSpec, block_on};
use sapwood_core::{ModuleState, State, write_atomic};
use sapwood_models::to_onnx;
use sapwood_report::Cell;

use super::{integers::refuse, weight_file::WeightFile};
use crate::Error;

/// Write a network as ONNX, for other programs to run
///
/// The file takes any number of examples of the network's input size, `input`, and gives `logits`. Masked weights are
/// zeros in it. It is read back and compared, layers and every weight, before it is written.
#[derive(Args)]
pub(super) struct Export {
    #[command(flatten)]
    network: WeightFile,
    /// The version of ONNX's operations, 17 to 22
    #[arg(long, value_name = "N", default_value_t = 18)]
    opset: i64,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Export {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let opened = self.network.open(&DeviceSpec::CPU.resolve()?)?;
        refuse(&opened, "written as ONNX")?;
        let state = block_on(State::read(&opened.net))?;
        let bytes = to_onnx(&opened.spec, opened.trained_on.as_ref(), &state, self.opset)?;
        write_atomic(&self.out, &bytes)?;
        let [c, h, w] = opened.spec.input;
        writeln!(
            out,
            "{} at {c}x{h}x{w} as ONNX, opset {}: {} bytes, read back and equal",
            opened.spec.model,
            self.opset,
            Cell::count(bytes.len() as u64).text()
        )?;
        Ok(())
    }
}
