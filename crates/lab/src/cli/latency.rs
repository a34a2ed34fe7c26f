//! `latency`

use std::{io::Write, path::PathBuf};

use clap::{Args, Subcommand};
use sapwood_search::{LatencyTable, kendall_tau};

use super::{OnDevice, architectures, bar::Bar};
use crate::{
    Error,
    latency::{Stopwatch, draw, predicted, today},
    report::{Cell, Table},
    statistics::{median, spearman},
};

/// Measure how long the networks of a space take on this device
#[derive(Args)]
pub(super) struct Latency {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Build(Build),
    Check(Check),
}

impl Latency {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        match self.command {
            Command::Build(command) => command.run(out),
            Command::Check(command) => command.run(out),
        }
    }
}

/// What is timed, and how.
#[derive(Args)]
struct What {
    /// The space: see `list spaces`
    #[arg(long)]
    space: String,
    /// Input shape, as in 3x32x32 [default: the space's usual one]
    #[arg(long, value_parser = super::shape::parse, value_name = "CxHxW")]
    input: Option<[usize; 3]>,
    /// Runs that count, at least
    #[arg(long, default_value_t = 20, value_name = "N")]
    runs: usize,
    /// Seconds for each network or block, at least
    #[arg(long, default_value_t = 0.05, value_name = "S")]
    seconds: f64,
    #[command(flatten)]
    device: OnDevice,
}

impl What {
    fn stopwatch(&self, batch: usize) -> Result<Stopwatch, Error> {
        if batch == 0 || self.runs == 0 || !(0.0..=3600.0).contains(&self.seconds) {
            let problem = "expected `--batch` and `--runs` from 1 up, and `--seconds` from 0 to 3600";
            return Err(Error::Usage(problem.into()));
        }
        let (device, place) = (self.device.resolve()?, self.device.device.clone());
        Ok(Stopwatch { device, place, date: today(), batch, runs: self.runs, seconds: self.seconds })
    }
}

/// Time every block of a space, and write the table
#[derive(Args)]
struct Build {
    #[command(flatten)]
    what: What,
    /// Images at a time
    #[arg(long, default_value_t = 1, value_name = "N")]
    batch: usize,
    /// What the device is called in the table
    #[arg(long, default_value = "this machine")]
    name: String,
    /// Where the table is written, as TOML
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Build {
    fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let family = architectures::named(&self.what.space, self.what.input)?;
        let table = self.what.stopwatch(self.batch)?.table(&family, &self.name, &Bar::default())?;
        sapwood_core::write_atomic(&self.out, table.to_toml()?.as_bytes())?;
        let (blocks, fixed) = (table.blocks.len(), table.fixed_ms);
        writeln!(out, "{blocks} blocks, fixed cost {fixed:.4} ms: {}", self.out.display())?;
        Ok(())
    }
}

/// Time random networks and compare them with what a table predicts
#[derive(Args)]
struct Check {
    #[command(flatten)]
    what: What,
    /// The table
    #[arg(long, value_name = "FILE")]
    table: PathBuf,
    /// How many networks
    #[arg(long, default_value_t = 60, value_name = "N")]
    networks: usize,
}

/// Networks of the check are others than those that the fixed cost was fitted to.
const FIRST: u64 = 1 << 32;

impl Check {
    fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let text = std::fs::read_to_string(&self.table).map_err(Error::file("read", &self.table))?;
        let table = LatencyTable::from_toml(&text)
            .map_err(|error| Error::Content { problem: error.to_string(), path: self.table.clone() })?;
        let family =
            architectures::named(table.for_space(&self.what.space)?.space.as_str(), self.what.input)?;
        let stopwatch = self.what.stopwatch(table.batch)?;
        let (mut told, mut measured, mut again) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..self.networks as u64 {
            let genome = draw(&family, FIRST + number);
            let graph = family.graph(&genome)?;
            told.push(predicted(&table, &family, &genome)?);
            measured.push(stopwatch.time(&graph)?.ms);
            again.push(stopwatch.time(&graph)?.ms);
        }
        let mut shown = Table::new(["compared", "Spearman", "Kendall tau", "median error %"]);
        for (what, found) in [("table and measurement", &told), ("measurement and its repetition", &again)] {
            shown.row([
                Cell::from(what),
                Cell::fixed(spearman(found, &measured), 3),
                Cell::fixed(kendall_tau(found, &measured), 3),
                Cell::fixed(100.0 * error(found, &measured), 2),
            ]);
        }
        write!(out, "{}", shown.to_text())?;
        Ok(())
    }
}

/// The median of relative errors.
fn error(found: &[f64], expected: &[f64]) -> f64 {
    let errors: Vec<f64> = found.iter().zip(expected).map(|(a, b)| (a / b - 1.0).abs()).collect();
    median(&errors)
}
