//! `supernet pairs`

use std::{io::Write, path::PathBuf};

use clap::Args;
use sapwood_backend::Seed;
use sapwood_deploy::{Pairs, Sample};
use sapwood_report::{Cell, Table};

use super::{super::bar::Bar, JudgedBy, Judging, Weights};
use crate::Error;

/// Judge random or listed sub-networks, so that `search` can predict the others; the same command goes on
#[derive(Args)]
pub(super) struct Collect {
    #[command(flatten)]
    weights: Weights,
    #[command(flatten)]
    by: JudgedBy,
    /// How many
    #[arg(long, default_value_t = 200, value_name = "N")]
    count: usize,
    /// These instead: CSV with a column for each choice (as in d,w.0,w.1) or a column `architecture`, or a JSON object in
    /// each line
    #[arg(long, value_name = "FILE", conflicts_with = "count")]
    arch_list: Option<PathBuf>,
    /// How many are judged at once, each on a thread by itself; the file is the same for any number
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    workers: u16,
    /// Where they are written, or lie already: CSV, or in a file .json or .jsonl a JSON object in each
    /// line
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Collect {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let Judging { supernet, images, data, .. } = self.by.open(&self.weights)?;
        let weights = self.weights.naming.digest(&self.weights.weights)?;
        let origin = format!("{}, weights {}, {}", supernet.family().name(), weights, self.by.text(&data));
        let listed = |path: &PathBuf| Pairs::read_networks(supernet.family(), path);
        let listed = self.arch_list.as_ref().map(listed).transpose()?;
        let sample = Sample { count: self.count, listed, seed: Seed(self.by.seed), origin };
        let pairs = Pairs::collect_with(
            self.workers.into(),
            &supernet,
            &images.judge(),
            &sample,
            &self.out,
            &Bar::default(),
        )?;
        let (number, folds) = (pairs.pairs.len(), Pairs::FOLDS);
        if number < folds {
            writeln!(
                out,
                "{number} networks, and a predictor takes {folds} or more: {}",
                self.out.display()
            )?;
            return Ok(());
        }
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
