//! `pack`

use std::{io::Write, path::PathBuf};

use clap::{Args, ValueEnum};
use sapwood_backend::{DeviceSpec, block_on};
use sapwood_core::{
    CodedFile, StateFile, graph,
    graph::{Coding, Piece},
    write_atomic,
};
use sapwood_models::{Reading, content};
use sapwood_report::{Cell, Table};

use super::weight_file::hinted_among;
use crate::Error;

/// Write a weight file in few bytes: every tensor entropy-coded, to the bit
///
/// What masks have removed costs next to nothing, and so do weights that few values are left of: see `cluster`. Every
/// command opens the file like any other. It is read back and compared before it is written.
#[derive(Args)]
pub(super) struct Pack {
    /// safetensors, what PyTorch's `torch.save` wrote, or ONNX
    #[arg(value_name = "FILE")]
    weights: PathBuf,
    /// The network, where neither the file nor names and shapes in it tell
    #[arg(long)]
    model: Option<String>,
    /// The other way round: write safetensors
    #[arg(long, conflicts_with_all = ["code", "positions"])]
    unpack: bool,
    /// In this code, instead of whatever is shortest for each tensor: to see what another way costs
    #[arg(long, value_enum)]
    code: Option<Code>,
    /// With positions of what is not zero said in this way
    #[arg(long, value_enum)]
    positions: Option<Positions>,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Code {
    /// As many bits for each symbol as the largest one needs
    Raw,
    /// Canonical Huffman codes
    Huffman,
    /// Asymmetric numeral systems with fixed frequencies
    Rans,
    /// Binary arithmetic coding that learns from neighbours
    Adaptive,
}

#[derive(Clone, Copy, ValueEnum)]
enum Positions {
    /// A zero is a symbol like others
    Inline,
    /// The number of zeros before each value that is none
    Gaps,
    /// A bit for each value
    Bitmap,
    /// A decision for each value: of the adaptive code
    Coder,
}

impl From<Code> for graph::Code {
    fn from(code: Code) -> Self {
        match code {
            Code::Raw => Self::Raw,
            Code::Huffman => Self::Huffman,
            Code::Rans => Self::Rans,
            Code::Adaptive => Self::Adaptive,
        }
    }
}

impl From<Positions> for graph::Positions {
    fn from(positions: Positions) -> Self {
        match positions {
            Positions::Inline => Self::Inline,
            Positions::Gaps => Self::Gaps,
            Positions::Bitmap => Self::Bitmap,
            Positions::Coder => Self::Coder,
        }
    }
}

impl Pack {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let reading = Reading::of(self.model.as_deref());
        let device = DeviceSpec::CPU.resolve()?;
        let read = content(&self.weights, &reading, &device);
        let file = block_on(read).map_err(|error| hinted_among(error, &["--model"]))?;
        if self.unpack {
            let bytes = file.to_bytes()?;
            write_atomic(&self.out, &bytes)?;
            writeln!(out, "{} bytes of safetensors", Cell::count(bytes.len() as u64).text())?;
            return Ok(());
        }
        let coding = Coding { code: self.code.map(Into::into), positions: self.positions.map(Into::into) };
        let coded = file.to_coded_in(coding)?;
        if StateFile::from_bytes(&coded.bytes)? != file {
            let problem = "the packed file is not read as what it was made of: report this".into();
            return Err(Error::Content { problem, path: self.weights });
        }
        write_atomic(&self.out, &coded.bytes)?;
        write!(out, "{}", table(&coded).to_text())?;
        writeln!(out, "{}", line(&coded))?;
        Ok(())
    }
}

fn table(coded: &CodedFile) -> Table {
    let columns = [
        "tensor",
        "values",
        "not zero",
        "distinct",
        "code",
        "codes",
        "positions",
        "tables",
        "rest",
        "bits",
        "bound",
    ];
    let mut table = Table::new(columns);
    let bits = |bits: f64, values: usize| Cell::fixed(bits / values.max(1) as f64, 3);
    for piece in &coded.pieces {
        let name = match &piece.tensors[..] {
            [first, others @ ..] if !others.is_empty() => format!("{first} and {} more", others.len()),
            tensors => tensors.iter().map(ToString::to_string).collect(),
        };
        let counts = [piece.values, piece.nonzero, piece.distinct].map(|n| Cell::count(n as u64));
        let bytes = [piece.codes, piece.positions, piece.tables, piece.rest].map(|n| Cell::count(n as u64));
        let bits = [bits(8.0 * piece.bytes() as f64, piece.values), bits(piece.bound, piece.values)];
        let code = Cell::from(piece.code.as_str());
        let cells = [name.as_str().into()].into_iter().chain(counts).chain([code]).chain(bytes).chain(bits);
        table.row(cells);
    }
    let sum = |of: fn(&Piece) -> usize| coded.pieces.iter().map(of).sum::<usize>();
    let parts = [sum(|piece| piece.codes), sum(|piece| piece.positions), sum(|piece| piece.tables)];
    let rest = coded.bytes.len() - parts.iter().sum::<usize>();
    let (values, bound) = (sum(|piece| piece.values), coded.pieces.iter().map(|piece| piece.bound).sum());
    let counts = [values, sum(|piece| piece.nonzero)].map(|n| Cell::count(n as u64));
    let bytes = parts.into_iter().chain([rest]).map(|n| Cell::count(n as u64));
    let bits = [bits(8.0 * coded.bytes.len() as f64, values), bits(bound, values)];
    let none = [Cell::none(), Cell::none()];
    table.row(["all, with the header".into()].into_iter().chain(counts).chain(none).chain(bytes).chain(bits));
    table
}

fn line(coded: &CodedFile) -> String {
    let values: usize = coded.pieces.iter().map(|piece| piece.values).sum();
    let count = |n: usize| Cell::count(n as u64).text().to_string();
    let bytes = coded.bytes.len();
    let times = 4.0 * values as f64 / bytes as f64;
    format!(
        "{} bytes for {} values: {times:.1} times less than 4 bytes each; read back and equal",
        count(bytes),
        count(values)
    )
}
