//! `supernet pairs`

use std::{io::Write, path::PathBuf};

use clap::Args;
use sapwood_backend::Seed;

use super::{super::bar::Bar, JudgedBy, Weights};
use crate::{
    Error,
    report::{Cell, Table},
    supernet::{Pairs, Sample},
};

/// Judge random sub-networks, so that `search` can predict the others; the same command goes on
#[derive(Args)]
pub(super) struct Collect {
    #[command(flatten)]
    weights: Weights,
    #[command(flatten)]
    by: JudgedBy,
    /// How many
    #[arg(long, default_value_t = 200, value_name = "N")]
    count: usize,
    /// How many are judged at once, each on a thread by itself; the file is the same for any number
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    workers: u16,
    /// Where they are written, or lie already: CSV
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Collect {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let (supernet, judge) = self.by.open(&self.weights)?;
        let weights = self.weights.naming.digest(&self.weights.weights)?;
        let origin = format!("{}, weights {}, {}", supernet.family().name(), weights, self.by.text());
        let sample = Sample { count: self.count, seed: Seed(self.by.seed), origin };
        let pairs =
            Pairs::collect_with(self.workers.into(), &supernet, &judge, &sample, &self.out, &Bar::default())?;
        let (_, chosen) = pairs.predictor(supernet.family(), 0)?;
        let mut table = Table::new(["predictor", "RMSE, points", "Kendall tau"]);
        for each in &chosen.all {
            let name = sapwood_search::Predictor::name(&each.kind);
            let tau = Cell::fixed(each.quality.tau, 3);
            table.row([Cell::from(name), Cell::fixed(100.0 * each.quality.rmse, 3), tau]);
        }
        write!(out, "{}", table.to_text())?;
        writeln!(
            out,
            "{} networks, cross-validated in five folds: {}",
            pairs.pairs.len(),
            self.out.display()
        )?;
        Ok(())
    }
}
