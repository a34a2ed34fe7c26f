//! `latency`

use std::{io::Write, path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use sapwood_backend::{Seed, Stream};
use sapwood_deploy::latency::{
    Coverage, EnergyMeter, Engine, Imported, Measured, Stopwatch, Times, import, predicted,
};
use sapwood_lab::latency::{energy_meter, today};
use sapwood_report::{
    Cell, Table,
    statistics::{median, spearman},
};
use sapwood_search::{Genome, LatencyTable, kendall_tau};
use sapwood_supernet::Family;

use super::{
    architectures,
    bar::{Bar, note},
    latency_table::read_table,
    on_device::OnDevice,
    search::measured,
};
use crate::Error;

/// Measure how long the networks of a space take on this device, and what energy
#[derive(Args)]
pub(super) struct Latency {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Build(Build),
    Check(Check),
    Import(Import),
}

impl Latency {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        match self.command {
            Command::Build(command) => command.run(out),
            Command::Check(command) => command.run(out),
            Command::Import(command) => command.run(out),
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
    /// Number of classes [default: the space's usual one]
    #[arg(long, value_name = "N")]
    classes: Option<usize>,
    /// Rounds over everything, in each of which everything is run; 2 at least
    #[arg(long, default_value_t = 100, value_name = "N")]
    rounds: usize,
    /// Runs that count, in each round
    #[arg(long, default_value_t = 3, value_name = "N")]
    runs: usize,
    /// No further round is begun after this number of seconds
    #[arg(long, default_value_t = 240.0, value_name = "S")]
    seconds: f64,
    #[command(flatten)]
    device: OnDevice,
}

impl What {
    fn family(&self) -> Result<Family, Error> {
        architectures::named(&self.space, self.input, self.classes)
    }

    /// By the runtime where this number of threads of it is given.
    fn stopwatch(&self, batch: usize, runtime: Option<usize>) -> Result<Stopwatch, Error> {
        if batch == 0 || self.runs == 0 || self.rounds < 2 || !(0.0..=86_400.0).contains(&self.seconds) {
            let problem = "expected `--batch` and `--runs` from 1 up, `--rounds` from 2 up, and `--seconds` \
                           from 0 to 86400";
            return Err(Error::Usage(problem.into()));
        }
        let place = self.device.device.clone();
        let engine = match runtime {
            Some(_) if place != "cpu" => {
                return Err(Error::Usage(format!(
                    "the runtime runs on the CPU: leave `--device {place}` out"
                )));
            }
            Some(threads) => Engine::Runtime { threads },
            None => Engine::Burn { device: self.device.resolve()?, place },
        };
        let Self { rounds, runs, seconds, .. } = *self;
        Ok(Stopwatch { engine, date: today(), batch, rounds, runs, seconds })
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
    /// Time the networks as the runtime runs them on the CPU, as `predict` does, and not as training runs them
    #[arg(long)]
    runtime: bool,
    /// Threads of the runtime
    #[arg(long, default_value_t = 1, requires = "runtime", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    threads: u32,
    /// What the device is called in the table
    #[arg(long, default_value = "this machine")]
    name: String,
    /// Measure the energies of blocks too, where the device counts energy: it should do nothing else
    #[arg(long)]
    energy: bool,
    /// Seconds that a block runs between two looks at the counter, which advances in steps
    #[arg(long, default_value_t = 0.5, requires = "energy", value_name = "S")]
    energy_seconds: f64,
    /// Where the table is written, as TOML
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Build {
    fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let family = self.what.family()?;
        let runtime = self.runtime.then_some(self.threads as usize);
        let stopwatch = self.what.stopwatch(self.batch, runtime)?;
        // Better now than after everything was timed.
        let meter = self.energy.then(|| self.meter()).transpose()?;
        self.measure(&family, &stopwatch, meter, out)
    }

    /// Writes the table of times, and once energies are known the table of both: where these fail, the times are there.
    fn measure(
        &self,
        family: &Family,
        stopwatch: &Stopwatch,
        meter: Option<EnergyMeter>,
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        let mut table = stopwatch.table(family, &self.name, &Bar::default())?;
        sapwood_core::write_atomic(&self.out, table.to_toml()?.as_bytes())?;
        let (blocks, fixed, scale) = (table.blocks.len(), table.fixed_ms, table.scale_ms);
        writeln!(
            out,
            "{blocks} blocks, fixed cost {fixed:.4} ms, factor {scale:.3}: {}",
            self.out.display()
        )?;
        if let Some(mut meter) = meter {
            meter.add_to(&mut table, family, stopwatch, &Bar::default())?;
            sapwood_core::write_atomic(&self.out, table.to_toml()?.as_bytes())?;
        }
        Ok(())
    }

    fn meter(&self) -> Result<EnergyMeter, Error> {
        // No counter advances in less.
        if !(0.001..=60.0).contains(&self.energy_seconds) {
            return Err(Error::Usage("expected `--energy-seconds` from 0.001 to 60".into()));
        }
        Ok(energy_meter(&self.what.device.device, Duration::from_secs_f64(self.energy_seconds))?)
    }
}

/// Time random networks and compare them with what a table predicts, and with themselves
#[derive(Args)]
struct Check {
    #[command(flatten)]
    what: What,
    /// The table
    #[arg(long, value_name = "FILE")]
    table: PathBuf,
    /// How many networks; all are in memory at once
    #[arg(long, default_value_t = 60, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    networks: u32,
    /// Where what was predicted and measured of each network is written, as CSV
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Networks of the check are others than those that a table was measured and fitted with.
const FIRST: u64 = 1 << 32;

impl Check {
    fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let table = read_table(&self.table)?;
        table.for_space(&self.what.space)?;
        let family = self.what.family()?;
        // By what the table was made with.
        let runtime = Engine::is_runtime(&table.backend).then_some(table.threads);
        let stopwatch = self.what.stopwatch(table.batch, runtime)?;
        if !stopwatch.engine.is_that_of(&table) {
            let device = &table.device;
            let theirs = match (table.backend.as_str(), table.threads) {
                ("", _) => "the table does not say what computed".to_string(),
                // Their number is not known.
                (backend, 0) => format!("the table is of {device} ({backend})"),
                (backend, n) => format!("the table is of {device} ({backend}, {})", threads(n)),
            };
            let engine = &stopwatch.engine;
            note(&format!(
                "note: {theirs}, and this times {} ({})",
                engine.name(),
                threads(engine.threads())
            ));
        }
        let genomes = self.drawn(&family, &table)?;
        let told = genomes.iter().map(|genome| predicted(&table, &family, genome));
        let told: Vec<f64> = told.collect::<Result<_, _>>()?;
        let graphs = genomes.iter().map(|genome| family.graph(genome));
        let times = stopwatch.time_all(&graphs.collect::<Result<Vec<_>, _>>()?, &Bar::default())?;
        let measured: Vec<f64> = times.iter().map(|times| times.all().ms).collect();
        if let Some(file) = &self.out {
            let mut text = String::from("architecture,predicted_ms,measured_ms\n");
            for ((genome, told), measured) in genomes.iter().zip(&told).zip(&measured) {
                // An architecture is words and numbers: there is nothing to quote.
                text += &format!("{},{told:.4},{measured:.4}\n", family.space().text(genome));
            }
            sapwood_core::write_atomic(file, text.as_bytes())?;
        }
        let (one, other): (Vec<f64>, Vec<f64>) = times.iter().map(Times::halves).map(|[a, b]| (a, b)).unzip();
        let mut shown = Table::new(["compared", "Spearman", "Kendall tau", "median error %"]);
        for (what, found, expected) in
            [("table and measurement", &told, &measured), ("every second round and the others", &one, &other)]
        {
            shown.row([
                Cell::from(what),
                Cell::fixed(spearman(found, expected), 3),
                Cell::fixed(kendall_tau(found, expected), 3),
                Cell::fixed(100.0 * error(found, expected), 2),
            ]);
        }
        write!(out, "{}", shown.to_text())?;
        Ok(())
    }

    /// Random networks of the resolutions that the table has all blocks of.
    fn drawn(&self, family: &Family, table: &LatencyTable) -> Result<Vec<Genome>, Error> {
        let covered = Coverage::of(table, family, Measured::Times)?;
        let space = measured(family, table, &[covered], true)?;
        let draw = |number: u32| {
            let mut rng = Seed(0).stream(Stream::Data, FIRST + u64::from(number));
            Ok(family.space().adopt(&space, &space.sample(&mut rng))?)
        };
        (0..self.networks).map(draw).collect()
    }
}

/// Make a table of published ones: YAML or JSON, with a key for each block of ofa-mbv3 or
/// ofa-proxyless
///
/// Where a block has another time in another file, as the last layers have in the files of other
/// resolutions, both stay: a network is predicted by the file of its resolution. Which that is, the
/// blocks of a file say, not its name.
#[derive(Args)]
struct Import {
    /// The published tables of one device, a file for each resolution
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The space: see `list spaces`
    #[arg(long)]
    space: String,
    /// Input shape, as in 3x224x224 [default: the space's usual one]
    #[arg(long, value_parser = super::shape::parse, value_name = "CxHxW")]
    input: Option<[usize; 3]>,
    /// Images at a time, which the files do not say
    #[arg(long, default_value_t = 1, value_name = "N")]
    batch: usize,
    /// What the device is called in the table
    #[arg(long, default_value = "published", value_name = "NAME")]
    name: String,
    /// Where the table is written, as TOML
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Import {
    fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let family = architectures::named(&self.space, self.input, None)?;
        let read = |path: &PathBuf| -> Result<LatencyTable, Error> {
            let text = std::fs::read_to_string(path).map_err(Error::file("read", path))?;
            LatencyTable::from_yaml(&text, family.name(), &self.name, self.batch)
                .map_err(|error| Error::Content { problem: error.to_string(), path: path.clone() })
        };
        let tables = self.files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let Imported { table, resolutions, warnings } = import(tables, &family)?;
        sapwood_core::write_atomic(&self.out, table.to_toml()?.as_bytes())?;
        for warning in warnings {
            note(&format!("warning: {warning}"));
        }
        let mut said = format!("{} blocks", table.times().count());
        if !table.parts.is_empty() {
            said += &format!(" in {} parts", table.parts.len());
        }
        if !resolutions.is_empty() {
            said += &format!(", for resolution {}", resolutions.join(", "));
        }
        writeln!(out, "{said}: {}", self.out.display())?;
        Ok(())
    }
}

fn threads(n: usize) -> String {
    format!("{n} thread{}", if n == 1 { "" } else { "s" })
}

/// The median of relative errors.
fn error(found: &[f64], expected: &[f64]) -> f64 {
    let errors: Vec<f64> = found.iter().zip(expected).map(|(a, b)| (a / b - 1.0).abs()).collect();
    median(&errors)
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsString, io::sink};

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        build: Build,
    }

    #[test]
    fn times_stay_where_energies_fail() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("table.toml");
        let line = "build --space mlp --rounds 2 --runs 1 --seconds 0 --energy --out";
        let line = line.split(' ').map(OsString::from).chain([path.clone().into_os_string()]);
        let Line { build } = Line::parse_from(line);
        let (family, stopwatch) = (build.what.family().unwrap(), build.what.stopwatch(1, None).unwrap());
        let meter = EnergyMeter::new("cpu", || Err("it is gone".into()), Duration::ZERO);
        let failed = build.measure(&family, &stopwatch, Some(meter), &mut sink());
        assert!(failed.unwrap_err().to_string().contains("it is gone"));
        assert!(read_table(&path).unwrap().for_space("mlp").is_ok());
    }
}
