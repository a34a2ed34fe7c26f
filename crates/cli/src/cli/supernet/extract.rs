//! `supernet extract`

use std::{io::Write, path::PathBuf};

use clap::Args;
use sapwood_core::write_atomic;
use sapwood_lab::supernet::pack_cut;

use super::{JudgedBy, Judging, Weights, genome_of};
use crate::Error;

/// Cut a sub-network out: a weight file that every other command takes
#[derive(Args)]
pub(super) struct Extract {
    #[command(flatten)]
    weights: Weights,
    /// The sub-network: max, min, JSON, words as in 'd.0=1 e.0=0.5', or a file with one of these
    #[arg(long)]
    arch: String,
    #[command(flatten)]
    by: JudgedBy,
    /// Where to write it
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Extract {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let Judging { supernet, images, trained_on, .. } = self.by.open(&self.weights)?;
        let family = supernet.family();
        let genome = genome_of(family, &self.arch)?;
        let net = images.judge().cut(&supernet, &genome)?;
        write_atomic(&self.out, &pack_cut(family, &genome, &net, trained_on.as_ref())?)?;
        let judged = images.judge().of_blocking(&net, family, &genome, &sapwood_lab::Silent)?;
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
