//! `supernet eval`

use std::io::Write;

use clap::Args;
use sapwood_backend::{Seed, Stream};
use sapwood_report::{Cell, Table};
use sapwood_search::Genome;
use sapwood_supernet::Family;

use super::{JudgedBy, Judging, Weights, genome_of};
use crate::Error;

/// Tell how good sub-networks are, each with statistics of its own
#[derive(Args)]
#[group(id = "which", required = true, multiple = false, args = ["arch", "sample", "corners"])]
pub(super) struct Eval {
    #[command(flatten)]
    weights: Weights,
    /// A sub-network: max, min, JSON, words as in 'd.0=1 e.0=0.5', or a file with one of these
    #[arg(long)]
    arch: Option<String>,
    /// N sub-networks at random, each with the same chance
    #[arg(long, value_name = "N")]
    sample: Option<usize>,
    /// Those in which each list of choices is at its smallest or its largest
    #[arg(long)]
    corners: bool,
    #[command(flatten)]
    by: JudgedBy,
    /// Print JSON lines
    #[arg(long)]
    json: bool,
}

impl Eval {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let Judging { supernet, images, .. } = self.by.open(&self.weights)?;
        let mut table = Table::new(["network", "parameters", "MACs", "top-1 %", "loss"]);
        for genome in self.genomes(supernet.family())? {
            let judged = images.judge().judge_blocking(&supernet, &genome)?;
            if self.json {
                writeln!(out, "{}", crate::cli::json::line(&judged)?)?;
                continue;
            }
            table.row([
                Cell::from(supernet.family().space().text(&genome)),
                Cell::count(judged.params),
                Cell::count(judged.macs),
                Cell::fixed(100.0 * judged.top1, 2),
                Cell::number(judged.loss),
            ]);
        }
        if !self.json {
            write!(out, "{}", table.to_text())?;
        }
        Ok(())
    }

    fn genomes(&self, family: &Family) -> Result<Vec<Genome>, Error> {
        if let Some(arch) = &self.arch {
            return Ok(vec![genome_of(family, arch)?]);
        }
        if self.corners {
            return Ok(family.corners()?);
        }
        let sample = |number: usize| {
            let mut rng = Seed(self.by.seed).stream(Stream::Data, number as u64);
            Ok(family.at_full_resolution(&family.space().sample(&mut rng))?)
        };
        (0..self.sample.unwrap_or(0)).map(sample).collect()
    }
}
