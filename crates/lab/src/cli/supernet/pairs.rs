//! `supernet pairs`

use std::{io::Write, path::PathBuf};

use clap::Args;
use sapwood_backend::Seed;
use sapwood_supernet::Supernet;

use super::{
    super::{DataRoot, OnDevice, bar::Bar},
    Weights,
};
use crate::{
    DataConfig, Datasets, Error,
    report::{Cell, Table},
    supernet::{Judge, Pairs},
};

/// Judge random sub-networks, so that `search` can predict the others; the same command goes on
#[derive(Args)]
pub(super) struct Collect {
    #[command(flatten)]
    weights: Weights,
    /// The data set on whose test split they are judged: see `data list`
    #[arg(long)]
    data: String,
    /// How many
    #[arg(long, default_value_t = 200, value_name = "N")]
    count: usize,
    /// Training images that statistics are taken of
    #[arg(long, default_value_t = 2000, value_name = "N")]
    calibration: usize,
    /// Which networks: the seed of the sample
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where they are written, or lie already: CSV
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    root: DataRoot,
    #[command(flatten)]
    device: OnDevice,
}

impl Collect {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let device = self.device.resolve()?;
        let (_, supernet) = Supernet::open(&self.weights.weights, self.weights.space.as_deref(), &device)?;
        let datasets = Datasets::below(&self.root.data_root);
        let data = DataConfig::named(&self.data);
        let judge = Judge::new(&data, self.calibration, Seed(self.seed), &datasets, &device)?;
        let which = (self.count, Seed(self.seed));
        let pairs = Pairs::collect(&supernet, &judge, which, &self.out, &Bar::default())?;
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
