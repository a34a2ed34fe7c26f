//! `cargo xtask bench growth`: time and memory of a search by its number of evaluations.

use std::{
    path::Path,
    process::{Command, ExitCode},
    time::Instant,
};

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use sapwood_benches::{exit_code, peak_memory};
use sapwood_search::{Genome, Goal, Problem, Random, Search, ofa_mbv3};

/// Search a published space at random, with more and more evaluations, each in a process of its own
#[derive(Parser)]
#[command(name = "cargo xtask bench growth", bin_name = "cargo xtask bench growth", max_term_width = 100)]
struct Options {
    /// Numbers of evaluations
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "10000,100000,1000000,10000000")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    evaluations: Vec<u64>,
    /// Only this many, here
    #[arg(long, hide = true)]
    only: Option<u64>,
}

fn main() -> ExitCode {
    exit_code(Options::parse().run())
}

impl Options {
    fn run(self) -> Result<()> {
        if let Some(evaluations) = self.only {
            return search(evaluations);
        }
        println!("evaluations, seconds, microseconds each, peak memory in bytes");
        for evaluations in self.evaluations {
            let mut child = Command::new(std::env::current_exe()?);
            let status = child.args(["--only", &evaluations.to_string()]).status();
            if !status.context("cannot start a process of its own")?.success() {
                bail!("the search with {evaluations} evaluations failed");
            }
        }
        Ok(())
    }
}

/// What a network costs is summed up from its choices: next to nothing beside the searcher.
fn search(evaluations: u64) -> Result<()> {
    let space = ofa_mbv3(&[128, 160, 192, 224])?;
    let goal = Goal::new(["max sum".parse()?], [])?;
    let mut search = Search::new(space, goal, Random::default(), 1);
    let mut sum = |genomes: &[Genome]| -> Result<Vec<Vec<f64>>, Problem> {
        let of = |genome: &Genome| genome.positions().iter().map(|position| f64::from(*position)).sum();
        Ok(genomes.iter().map(|genome| vec![of(genome)]).collect())
    };
    let begun = Instant::now();
    search.run(usize::try_from(evaluations)?, &mut sum)?;
    let seconds = begun.elapsed().as_secs_f64();
    let found = search.history().len() as u64;
    if found != evaluations {
        bail!("expected {evaluations} evaluations, found {found}");
    }
    let bytes = peak_memory(Path::new("/proc/self/status"));
    let bytes = bytes.map_or_else(|| "unknown".into(), |bytes| bytes.to_string());
    println!("{evaluations}, {seconds:.3}, {:.3}, {bytes}", seconds * 1e6 / evaluations as f64);
    Ok(())
}
