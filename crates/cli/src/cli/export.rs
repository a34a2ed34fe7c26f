//! `export`

use std::{fs, io::Write, path::PathBuf};

use clap::{Args, ValueEnum};
use sapwood_backend::{DeviceSpec, block_on};
use sapwood_core::{ModuleState, Observed as _, State, write_atomic};
use sapwood_models::{OnnxForm, Opened, PythonModule, to_onnx, to_pytorch, to_quantized_onnx};
use sapwood_report::Cell;

use super::{integers::refuse, weight_file::WeightFile};
use crate::Error;

/// Write a network as ONNX, in numbers or in integers, or as a module of PyTorch, for other programs to run
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
    /// ONNX
    Onnx,
    /// ONNX of a network of integers: numbers between QuantizeLinear and DequantizeLinear, for any program
    Qdq,
    /// ONNX of a network of integers: QLinearConv and others, for ONNX Runtime
    Qoperator,
    /// A module of PyTorch
    Pytorch,
}

impl Form {
    /// How ONNX says that a network computes with integers, where it does in this form.
    fn integers(self) -> Option<OnnxForm> {
        match self {
            Self::Qdq => Some(OnnxForm::Qdq),
            Self::Qoperator => Some(OnnxForm::QOperator),
            Self::Onnx | Self::Pytorch => None,
        }
    }
}

impl Export {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        if self.form == Form::Pytorch && self.opset.is_some() {
            return Err(Error::Usage("`--opset` belongs to ONNX: leave it out".into()));
        }
        let opened = self.network.open(&DeviceSpec::CPU.resolve()?)?;
        let integers = self.form.integers();
        match (self.form, &opened.integers) {
            (Form::Pytorch, _) => refuse(&opened, "written for PyTorch")?,
            (Form::Onnx, Some(integers)) => {
                return Err(Error::Usage(format!(
                    "the file has {} weights as integers: write them with `--form qdq`, or with `--form qoperator`",
                    integers.quantized.len()
                )));
            }
            _ => {}
        }
        let state = block_on(State::read(&opened.net))?;
        let [c, h, w] = opened.spec.input;
        let said = format!("{} at {c}x{h}x{w} as", opened.spec.model);
        let count = |bytes: &[u8]| Cell::count(bytes.len() as u64).text().to_string();
        let (opset, trained_on) = (self.opset.unwrap_or(18), opened.trained_on.as_ref());
        let bytes = match (self.form, integers) {
            (_, Some(form)) => {
                let found = opened.integers.as_ref().ok_or_else(|| {
                    let problem =
                        "the file has no integers: make some with `quantize`, or leave `--form` out";
                    Error::Usage(problem.into())
                })?;
                let network = found.network(opened.net.graph().clone(), state);
                to_quantized_onnx(&opened.spec, trained_on, &network, (form, opset)).map_err(by_opset)?
            }
            (Form::Pytorch, None) => {
                let module = self.module(&opened, &state)?;
                let bytes = count(&module.state_dict);
                writeln!(
                    out,
                    "{said} a module of PyTorch: {} lines and {bytes} bytes of weights, read back and equal",
                    module.source.lines().count()
                )?;
                return Ok(());
            }
            (_, None) => to_onnx(&opened.spec, trained_on, &state, opset)?,
        };
        write_atomic(&self.out, &bytes)?;
        let kind = if integers.is_some() { "ONNX in integers" } else { "ONNX" };
        writeln!(out, "{said} {kind}, opset {opset}: {} bytes, read back and equal", count(&bytes))?;
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

/// The error, with the option that lets ONNX say what it first says in a later version of its operations.
fn by_opset(error: sapwood_models::Error) -> Error {
    match error.to_string() {
        said if said.contains("from opset 21 on") => Error::Usage(format!("{said}: add `--opset 21`")),
        _ => error.into(),
    }
}
