//! `verify`

mod found;
mod inputs;
mod other;

use std::{fmt::Display, io::Write, path::PathBuf};

use burn::{
    prelude::Device,
    tensor::{Tensor, TensorData},
};
use clap::Args;
use sapwood_backend::{block_on, read};
use sapwood_core::{Network, Observed as _, Pass, Shape};
use sapwood_lab::{Reporter, rounded};
use sapwood_models::Opened;
use sapwood_quant::{Examples, Rows};

use self::{
    found::{Differing, Found, percent},
    inputs::Inputs,
};
use super::{
    bar::{Bar, note},
    engine::{Engine, EngineChoice},
    on_device::OnDevice,
    weight_file::WeightFile,
};
use crate::Error;

/// Tell whether two files of a network give the same answers
///
/// Both are given the same inputs: the test split of a data set, made as the network of --weights takes its images, those
/// of a file, or else numbers drawn from the standard normal distribution. Outputs are compared by their places: the
/// share of examples whose largest output is the same (of networks that give no classes, the share of the outputs' power
/// that is not that of their differences), and how far the outputs of each example are apart, as the norm of the
/// difference over that of the outputs of --weights (where it is 0, over the root mean square of all examples' norms).
/// With --exact a file without integers is computed in floating point, if the other one has some.
#[derive(Args)]
pub(super) struct Verify {
    #[command(flatten)]
    network: WeightFile,
    /// The file that is compared: safetensors, what `pack` or PyTorch's `torch.save` wrote, or ONNX, also in integers
    #[arg(long, value_name = "FILE")]
    with: PathBuf,
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    engine: EngineChoice,
    /// End with exit code 2 where less than this share of the examples has the same class, as in 99%; of networks that
    /// give no classes, where less than this share of the outputs' power is the same
    #[arg(long, value_name = "SHARE", value_parser = bound)]
    least_agreement: Option<Bound>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: OnDevice,
}

/// A share, which may be written in percent.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let share = match text.strip_suffix('%') {
        Some(percent) => percent.parse::<f64>().map(|percent| percent / 100.0),
        None => text.parse(),
    };
    let share = share.ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| format!("expected a share from 0 to 1, as in 0.99 or 99%, found `{text}`"))
}

/// A share, and how it was written.
#[derive(Clone)]
struct Bound {
    share: f64,
    written: String,
}

fn bound(text: &str) -> Result<Bound, String> {
    Ok(Bound { share: share(text)?, written: text.into() })
}

impl Verify {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let device = self.engine.device(&self.device)?;
        let one = self.network.open(&device)?;
        let other = other::open(&self.with, one.spec.input, &device)?;
        one.net.check_rows()?;
        other.net.check_rows().map_err(|error| self.wrong(error))?;
        let source = self.inputs.source(&one)?;
        let shape = source.shape().image().unwrap_or(one.spec.input);
        let [outputs, height, width] = self.outputs(&one, &other, shape)?;
        let examples = Examples::new(&*source, self.inputs.most())?;
        let engines = self.engines([&one, &other], shape)?;
        other::tell(&one, &other, &self.with);
        let rounds_values =
            |opened: &&Opened| opened.integers.as_ref().is_some_and(|integers| !integers.grids.is_empty());
        if self.inputs.are_drawn() && [&one, &other].iter().any(rounds_values) {
            note(
                "note: inputs are drawn from the standard normal distribution, which integers cut off where they were calibrated \
                 for others: `--data` gives some of the kind that the network is for",
            );
        }
        let [one, other] = rows([&one, &other], engines, examples, &device)?;
        let found = Found::of(&one, &other, height * width == 1 && outputs > 1);
        self.tell(&found, out)
    }

    /// An error of the file that is compared.
    fn wrong(&self, problem: impl Display) -> Error {
        Error::Content { problem: problem.to_string(), path: self.with.clone() }
    }

    /// The shape of an output of both: networks with others, or that do not take the same inputs, are refused.
    fn outputs(&self, one: &Opened, other: &Opened, input: Shape) -> Result<Shape, Error> {
        let graphs = [one, other].map(|opened| opened.net.graph());
        let tokens = graphs.map(|graph| graph.entries()[0].integers);
        if tokens[0] != tokens[1] {
            return Err(self.wrong("one of the networks takes integers, and the other one numbers"));
        }
        // Tokens are compared with the table of `--weights` when they are read.
        let tables = graphs.map(|graph| graph.tokens().first().copied().unwrap_or(usize::MAX));
        if tables[1] < tables[0] {
            let expected = match tables[0] {
                usize::MAX => "no table".into(),
                entries => format!("a table of {entries} entries or more"),
            };
            let problem = format!(
                "expected {expected} for its tokens, as in the network of `--weights`, found one of {} entries",
                tables[1]
            );
            return Err(self.wrong(problem));
        }
        let expected = one.spec.output(input)?;
        let found = other.spec.output(input).map_err(|error| self.wrong(error))?;
        if expected != found {
            let problem =
                format!("expected outputs of {expected:?}, as those of `--weights`, found {found:?}");
            return Err(self.wrong(problem));
        }
        Ok(expected)
    }

    /// The engines of both. Beside one that computes with integers alone, the tensor library computes a network that has
    /// none.
    fn engines(&self, both: [&Opened; 2], shape: Shape) -> Result<[Option<Engine>; 2], Error> {
        let engine = |at: usize| self.engine.engine(both[at], shape);
        let beside = |first: usize, second: usize| -> Result<_, Error> {
            let first = engine(first)?;
            let second = if matches!(first, Some(Engine::Exact(_))) { None } else { engine(second)? };
            Ok((first, second))
        };
        Ok(match both.map(|opened| opened.integers.is_some()) {
            [true, false] => {
                let (one, other) = beside(0, 1)?;
                [one, other]
            }
            [false, true] => {
                let (other, one) = beside(1, 0)?;
                [one, other]
            }
            _ => [engine(0)?, engine(1)?],
        })
    }

    fn tell(&self, found: &Found, out: &mut dyn Write) -> Result<(), Error> {
        let (agreed, what) = found.agreed();
        if self.json {
            writeln!(out, "{}", super::json::line(found)?)?;
        } else {
            let [most, mean] = [found.largest_distance, found.mean_distance];
            writeln!(out, "{} examples {}: {} {what}", found.examples, self.inputs.whose(), percent(agreed))?;
            writeln!(out, "outputs are {most:.2e} of their norm apart at most, {mean:.2e} in the mean")?;
            for Differing { example, class, with } in &found.differing {
                writeln!(out, "example {example}: class {class}, with {} {with}", self.with.display())?;
            }
        }
        let least = self.least_agreement.as_ref().filter(|least| agreed < least.share);
        let Some(Bound { written, .. }) = least else { return Ok(()) };
        Err(Error::Usage(format!("{} {what}, less than {written}", percent(agreed))))
    }
}

/// What both give for the examples.
fn rows(
    both: [&Opened; 2],
    mut engines: [Option<Engine>; 2],
    examples: Examples<'_>,
    device: &Device,
) -> Result<[Rows; 2], Error> {
    let (nets, mut values) = (both.map(rounded), [Vec::new(), Vec::new()]);
    let bar = Bar::default();
    bar.begin("comparing", examples.number() as u64);
    for batch in examples.batches() {
        let batch = batch?;
        for ((engine, net), values) in engines.iter_mut().zip(&nets).zip(&mut values) {
            let input: Tensor<4> = batch.input(device)?;
            let rows = match engine {
                Some(engine) => engine.forward(input, device)?,
                None => net.forward(input, &mut Pass::evaluate()),
            };
            let rows: TensorData = block_on(read(rows))?;
            values.extend(rows.iter::<f64>());
        }
        bar.advance(batch.len() as u64);
    }
    bar.end();
    let rows = values.map(|values| {
        let each = values.len() / examples.number();
        Rows::new(values, each)
    });
    if let Some(at) = rows.iter().position(|rows| !rows.are_finite()) {
        let problem = format!("outputs of the network of `{}` are not finite", ["--weights", "--with"][at]);
        return Err(Error::Usage(problem));
    }
    Ok(rows)
}
