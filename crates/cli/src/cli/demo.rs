//! `demo`

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;
use sapwood_core::write_atomic;

use super::{bar::Bar, on_device::OnDevice};
use crate::Error;

const REPLICATES: u64 = 3;
const EPOCHS: usize = 20;

/// Train, prune, shrink, quantise and pack small networks on embedded data, and report
///
/// Takes half a minute on two cores and needs no download.
#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(super) struct Demo {
    /// Runs of each kind
    #[arg(long, default_value_t = REPLICATES)]
    replicates: u64,
    /// Epochs of each training
    #[arg(long, default_value_t = EPOCHS)]
    epochs: usize,
    /// The page to write
    #[arg(long, default_value = "runs/demo/report.html", value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    device: OnDevice,
}

impl Demo {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let device = self.device.resolve()?;
        // Better now than after a minute of work.
        if self.epochs == 0 {
            return Err(Error::Usage("`--epochs` must be at least 1".into()));
        }
        if self.replicates == 0 {
            return Err(Error::Usage("`--replicates` must be at least 1".into()));
        }
        let sparsities = ["0.5", "0.8", "0.9", "0.95", "0.98", "0.99"];
        let demo = sapwood_lab::Demo {
            sparsities: sparsities.into_iter().map(str::parse).collect::<Result<_, _>>()?,
            replicates: self.replicates,
            epochs: self.epochs,
        };
        can_write(&self.out)?;
        let outcome = demo.run(&device, &self.command(), &Bar::default())?;
        let html = outcome.report.to_html().map_err(Error::report)?;
        write_atomic(&self.out, html.as_bytes())?;
        writeln!(out, "{}", outcome.forms.to_text())?;
        write!(out, "{}", outcome.table.to_text())?;
        writeln!(out, "report: {}", self.out.display())?;
        Ok(())
    }

    /// The command that makes the page again.
    fn command(&self) -> String {
        let mut text = "sapwood demo".to_string();
        if self.replicates != REPLICATES {
            text += &format!(" --replicates {}", self.replicates);
        }
        if self.epochs != EPOCHS {
            text += &format!(" --epochs {}", self.epochs);
        }
        if self.device.device != "cpu" {
            text += &format!(" --device {}", self.device.device);
        }
        text
    }
}

/// Tries, before long work, whether its result can be written, and leaves nothing
/// but the folders on the way.
fn can_write(path: &Path) -> Result<(), Error> {
    if path.exists() {
        File::options().append(true).open(path).map_err(Error::file("write", path))?;
        return Ok(());
    }
    write_atomic(path, b"")?;
    std::fs::remove_file(path).map_err(Error::file("write", path))
}
