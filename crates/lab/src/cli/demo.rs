//! `demo`

use std::path::PathBuf;

use clap::Args;
use sapwood_core::write_atomic;

use super::{OnDevice, bar::Bar};
use crate::Error;

/// Train, prune and retrain a small network on embedded data, and report
///
/// Takes a minute or two on two cores and needs no download.
#[derive(Args)]
pub(super) struct Demo {
    /// Runs of each kind
    #[arg(long, default_value_t = 3)]
    replicates: u64,
    /// Epochs of each training
    #[arg(long, default_value_t = 20)]
    epochs: usize,
    /// The page to write
    #[arg(long, default_value = "runs/demo/report.html", value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    device: OnDevice,
}

impl Demo {
    pub(super) fn run(self) -> Result<(), Error> {
        let device = self.device.resolve()?;
        if self.replicates == 0 {
            return Err(Error::Usage("`--replicates` must be at least 1".into()));
        }
        let sparsities = ["0.5", "0.8", "0.9", "0.95", "0.98", "0.99"];
        let demo = crate::Demo {
            sparsities: sparsities.into_iter().map(str::parse).collect::<Result<_, _>>()?,
            replicates: self.replicates,
            epochs: self.epochs,
        };
        let outcome = demo.run(&device, "cargo xtask demo", &Bar::default())?;
        let html = outcome.report.to_html().map_err(|error| Error::Report(error.to_string()))?;
        write_atomic(&self.out, html.as_bytes())?;
        print!("{}", outcome.table.to_text());
        println!("report: {}", self.out.display());
        Ok(())
    }
}
