//! `supernet extract`

use std::{io::Write, path::PathBuf};

use clap::Args;
use sapwood_backend::Seed;
use sapwood_core::write_atomic;
use sapwood_supernet::Supernet;

use super::{
    super::{DataRoot, OnDevice},
    Weights, genome_of,
};
use crate::{
    DataConfig, Datasets, Error,
    supernet::{Judge, pack_cut},
};

/// Cut a sub-network out: a weight file that every other command takes
#[derive(Args)]
pub(super) struct Extract {
    #[command(flatten)]
    weights: Weights,
    /// The sub-network: max, min, JSON, words as in 'd.0=1 e.0=0.5', or a file with one of these
    #[arg(long)]
    arch: String,
    /// The data set that its statistics are taken of: see `data list`
    #[arg(long)]
    data: String,
    /// Training images that they are taken of
    #[arg(long, default_value_t = 2000, value_name = "N")]
    calibration: usize,
    /// The seed of these images
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where to write it
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    root: DataRoot,
    #[command(flatten)]
    device: OnDevice,
}

impl Extract {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let device = self.device.resolve()?;
        let (_, supernet) = Supernet::open(&self.weights.weights, self.weights.space.as_deref(), &device)?;
        let family = supernet.family();
        let genome = genome_of(family, &self.arch)?;
        let datasets = Datasets::below(&self.root.data_root);
        let data = DataConfig::named(&self.data);
        let judge = Judge::new(&data, self.calibration, Seed(self.seed), &datasets, &device)?;
        let net = judge.cut(&supernet, &genome)?;
        write_atomic(&self.out, &pack_cut(family, &genome, &net)?)?;
        let judged = judge.of(&net, family, &genome, &crate::Silent)?;
        writeln!(
            out,
            "{}: {} parameters, {} MACs, top-1 {:.2} %",
            self.out.display(),
            judged.params,
            judged.macs,
            100.0 * judged.top1
        )?;
        Ok(())
    }
}
