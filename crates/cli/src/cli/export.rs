//! `export`

use std::{fs, io::Write, path::PathBuf};

use clap::{Args, ValueEnum};
use sapwood_backend::{DeviceSpec, block_on};
use sapwood_core::{ModuleState, State, write_atomic};
use sapwood_models::{Opened, PythonModule, to_onnx, to_pytorch};
use sapwood_report::Cell;

use super::{integers::refuse, weight_file::WeightFile};
use crate::Error;

/// Write a network as ONNX or as a module of PyTorch, for other programs to run
///
/// An ONNX file takes any number of examples of the network's input size, `input`, and gives `logits`. A module of PyTorch
/// is a folder with `net.py` and the state dict `net.pt`: `from net import load`. Masked weights are zeros. What was
/// made is read back and compared, every weight and of ONNX the layers, before it is written.
#[derive(Args)]
pub(super) struct Export {
    #[command(flatten)]
    network: WeightFile,
    /// What is written
    #[arg(long, value_enum, default_value_t = Form::Onnx)]
    form: Form,
    /// The version of ONNX's operations, 17 to 22 [default: 18]
    #[arg(long, value_name = "N")]
    opset: Option<i64>,
    /// The file to write, or the folder of a module
    #[arg(long, value_name = "FILE|FOLDER")]
    out: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Onnx,
    Pytorch,
}

impl Form {
    fn done(self) -> &'static str {
        match self {
            Self::Onnx => "written as ONNX",
            Self::Pytorch => "written for PyTorch",
        }
    }
}

impl Export {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        if self.form == Form::Pytorch && self.opset.is_some() {
            return Err(Error::Usage("`--opset` belongs to `--form onnx`: leave it out".into()));
        }
        let opened = self.network.open(&DeviceSpec::CPU.resolve()?)?;
        refuse(&opened, self.form.done())?;
        let state = block_on(State::read(&opened.net))?;
        let [c, h, w] = opened.spec.input;
        let said = format!("{} at {c}x{h}x{w} as", opened.spec.model);
        let count = |bytes: &[u8]| Cell::count(bytes.len() as u64).text().to_string();
        match self.form {
            Form::Onnx => {
                let opset = self.opset.unwrap_or(18);
                let bytes = to_onnx(&opened.spec, opened.trained_on.as_ref(), &state, opset)?;
                write_atomic(&self.out, &bytes)?;
                let bytes = count(&bytes);
                writeln!(out, "{said} ONNX, opset {opset}: {bytes} bytes, read back and equal")?;
            }
            Form::Pytorch => {
                let module = self.module(&opened, &state)?;
                let bytes = count(&module.state_dict);
                writeln!(
                    out,
                    "{said} a module of PyTorch: {} lines and {bytes} bytes of weights, read back and equal",
                    module.source.lines().count()
                )?;
            }
        }
        Ok(())
    }

    fn module(&self, opened: &Opened, state: &State) -> Result<PythonModule, Error> {
        let module = to_pytorch(&opened.spec, opened.trained_on.as_ref(), state)?;
        fs::create_dir_all(&self.out).map_err(Error::file("write", &self.out))?;
        write_atomic(&self.out.join(PythonModule::STATE_DICT), &module.state_dict)?;
        write_atomic(&self.out.join(PythonModule::SOURCE), module.source.as_bytes())?;
        Ok(module)
    }
}
