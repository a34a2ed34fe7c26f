//! `export`

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use sapwood_backend::{DeviceSpec, block_on};
use sapwood_core::{ModuleState, Observed as _, State, write_atomic};
use sapwood_models::{OnnxForm, OnnxWriting, Opened, PythonModule, to_pytorch};
use sapwood_report::Cell;

use super::{integers::refuse, weight_file::WeightFile};
use crate::Error;

/// Write a network as ONNX, in numbers or in integers, or as a module of PyTorch, for other programs to run
///
/// An ONNX file takes any number of examples of the network's input size, `input`, and gives `logits`. Of a network that
/// came from an ONNX file it has that one's names of inputs and outputs, the softmax at its end, and, unless the network is
/// one for other classes by now, what it says of itself. A module of PyTorch is a folder with `net.py` and the state dict
/// `net.pt`: `from net import load`. Masked weights are zeros. What was made is read back before it is written, and is the
/// same, every weight and of ONNX the layers; or, where ONNX says layers otherwise, gives the same answers to drawn inputs,
/// within 1e-5, and with integers within 1e-2.
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
    /// Store the weights of convolutions, linear layers and tables in 16 bits: what runs the file computes in f32, which
    /// ONNX's Cast makes of them
    #[arg(long)]
    half: bool,
    /// Leave out the softmax that stood at the end of the network's own ONNX file
    #[arg(long)]
    logits: bool,
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
        self.check()?;
        let opened = self.network.open(&DeviceSpec::CPU.resolve()?)?;
        let integers = self.form.integers();
        match (self.form, &opened.integers) {
            (Form::Pytorch, _) => refuse(&opened, "written for PyTorch")?,
            (Form::Onnx, Some(integers)) => {
                let what = match integers.quantized.len() {
                    0 => "the file rounds values to integers: write it".into(),
                    weights => format!("the file has {weights} weights as integers: write them"),
                };
                return Err(Error::Usage(format!("{what} with `--form qdq`, or with `--form qoperator`")));
            }
            _ => {}
        }
        if self.logits && !opened.spec.onnx.softmax {
            let problem = "`--logits` leaves out the softmax at the end of the ONNX file that a network came from, and this one \
                           has none: leave it out";
            return Err(Error::Usage(problem.into()));
        }
        let state = block_on(State::read(&opened.net))?;
        let [c, h, w] = opened.spec.input;
        let said = format!("{} at {c}x{h}x{w} as", opened.spec.model);
        let count = |bytes: &[u8]| Cell::count(bytes.len() as u64).text().to_string();
        let usual = OnnxWriting::default();
        let how =
            OnnxWriting { opset: self.opset.unwrap_or(usual.opset), half: self.half, logits: self.logits };
        let trained_on = opened.trained_on.as_ref();
        let written = match (self.form, integers) {
            (_, Some(form)) => {
                let found = opened.integers.as_ref().ok_or_else(|| {
                    let problem =
                        "the file has no integers: make some with `quantize`, or leave `--form` out";
                    Error::Usage(problem.into())
                })?;
                let network = found.network(opened.net.graph().clone(), state);
                how.write_quantized(&opened.spec, trained_on, &network, form).map_err(by_opset)?
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
            (_, None) => how.write(&opened.spec, trained_on, &state).map_err(by_opset)?,
        };
        write_atomic(&self.out, &written.bytes)?;
        let kind = if integers.is_some() { "ONNX in integers" } else { "ONNX" };
        let rounded = if self.half { ", weights in 16 bits" } else { "" };
        let ends = if opened.spec.onnx.softmax && !self.logits { ", with a softmax at its end" } else { "" };
        let compared = match (written.is_equal, integers) {
            (true, None) => "read back and equal",
            (true, Some(_)) => "integers read back and equal",
            (false, _) => "read back with the same answers to drawn inputs",
        };
        let bytes = count(&written.bytes);
        writeln!(out, "{said} {kind}, opset {}{rounded}{ends}: {bytes} bytes, {compared}", how.opset)?;
        Ok(())
    }

    /// Refuses options that say nothing of the form that is written.
    fn check(&self) -> Result<(), Error> {
        let is_onnx = self.form != Form::Pytorch;
        for (option, given, fits, to) in [
            ("--opset", self.opset.is_some(), is_onnx, "ONNX"),
            ("--logits", self.logits, is_onnx, "ONNX"),
            ("--half", self.half, self.form == Form::Onnx, "`--form onnx`"),
        ] {
            if given && !fits {
                return Err(Error::Usage(format!("`{option}` belongs to {to}: leave it out")));
            }
        }
        let other = match is_onnx {
            true if self.out.is_dir() => {
                Some("expected the name of a file to write, found a folder: give a file in it")
            }
            false if self.out.is_file() => {
                Some("expected a folder for a module of PyTorch, found a file: give another name")
            }
            _ => None,
        };
        if let Some(problem) = other {
            return Err(Error::Content { problem: format!("`--out`: {problem}"), path: self.out.clone() });
        }
        if is_onnx {
            return Ok(());
        }
        if self.out.extension().is_some_and(|end| ["pt", "pth", "py"].iter().any(|name| end == *name)) {
            let problem =
                "a module of PyTorch is a folder, with `net.py` and `net.pt` in it: give `--out` its name";
            return Err(Error::Usage(problem.into()));
        }
        match foreign(&self.out) {
            None => Ok(()),
            Some(path) => {
                let problem =
                    "a file that no such command has written would be written over: choose another folder";
                Err(Error::Content { problem: problem.into(), path })
            }
        }
    }

    fn module(&self, opened: &Opened, state: &State) -> Result<PythonModule, Error> {
        let module = to_pytorch(&opened.spec, opened.trained_on.as_ref(), state)?;
        fs::create_dir_all(&self.out).map_err(Error::file("write", &self.out))?;
        // First the text, which says whose both are: also a command that was killed in between can be given again.
        write_atomic(&self.out.join(PythonModule::SOURCE), module.source.as_bytes())?;
        write_atomic(&self.out.join(PythonModule::STATE_DICT), &module.state_dict)?;
        Ok(module)
    }
}

/// A file of a folder that a module would replace, unless the folder holds one of ours, whose text says so first.
fn foreign(folder: &Path) -> Option<PathBuf> {
    let [source, state_dict] = [PythonModule::SOURCE, PythonModule::STATE_DICT].map(|name| folder.join(name));
    match PythonModule::is_ours(&fs::read(&source).unwrap_or_default()) {
        true => None,
        false => [source, state_dict].into_iter().find(|path| path.exists()),
    }
}

/// The error, with the option that lets ONNX say what it first says in a later version of its operations.
fn by_opset(error: sapwood_models::Error) -> Error {
    let later = match &error {
        sapwood_models::Error::Onnx(error) => error.later_opset(),
        _ => None,
    };
    match later {
        Some(opset) => Error::Usage(format!("{error}: add `--opset {opset}`")),
        None => error.into(),
    }
}
