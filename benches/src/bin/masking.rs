//! `cargo xtask bench masking`: what masks add to a training step.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context as _, Result};
use clap::Parser;
use sapwood_benches::{
    Case, Effort, Load, Report, Row, Side, Threads, Training, Work, exit_code, interleave, machine, versions,
};

/// Time a training step with 90 % of the weights masked beside the same without masks
#[derive(Parser)]
#[command(name = "cargo xtask bench masking", bin_name = "cargo xtask bench masking", max_term_width = 100)]
struct Options {
    /// The networks
    #[arg(long, value_name = "A,B", value_delimiter = ',', default_value = "resnet-20,conv-4,vgg-16")]
    models: Vec<String>,
    /// Steps that count, on each side
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    /// No pair is begun later than this, but at least three are measured
    #[arg(long, value_name = "S", default_value_t = 60)]
    seconds_per_model: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    exit_code(Options::parse().run())
}

impl Options {
    fn run(self) -> Result<()> {
        let (threads, mut rows) = (Threads::of_pool(), Vec::new());
        let effort = Effort {
            steps: self.steps as usize,
            budget: Duration::from_secs(self.seconds_per_model),
            ..Effort::default()
        };
        for model in &self.models {
            let case = Case::new(model.trim(), None, Work::Train)?;
            // The peer is the same network without masks. Within one process whoever comes
            // first in a turn is some percent slower, so each comes first and last: A B B A.
            let (mut masked, mut dense) = (Training::start_masked(&case)?, Training::start(&case)?);
            let (mut dense_too, mut masked_too) = (Training::start(&case)?, Training::start_masked(&case)?);
            let before = Load::now(&[]);
            let mut turn: [&mut dyn Side; 4] = [&mut masked, &mut dense, &mut dense_too, &mut masked_too];
            let times = interleave(&mut turn, &effort).with_context(|| case.name())?;
            let mean = |a: usize, b: usize| -> Vec<f64> {
                times[a].iter().zip(&times[b]).map(|(a, b)| (a + b) / 2.0).collect()
            };
            let times = [mean(0, 3), mean(1, 2)];
            let foreign_load = before.zip(Load::now(&[])).map(|(then, now)| now.foreign_since(&then));
            let row = Row::new(&case, threads, &times).context("nothing was measured")?;
            eprintln!("{}", row.note());
            rows.push(Row { foreign_load, ..row });
        }
        let versions = format!("{}, peer the same without masks", versions());
        Report::new(machine(), versions, rows).print(self.json)
    }
}
