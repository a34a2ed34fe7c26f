//! `retry`

use std::io::Write;

use clap::Args;

use super::studies::StartedStudy;
use crate::{Error, Lab, study::forgive};

/// Let runs that have failed be tried again by the next `run`
#[derive(Args)]
pub(super) struct Retry {
    #[command(flatten)]
    study: StartedStudy,
    /// Those that ended with an error
    #[arg(long, required = true)]
    failed: bool,
}

impl Retry {
    pub(super) fn run(self, lab: &Lab, out: &mut dyn Write) -> Result<(), Error> {
        let (plan, folder) = self.study.open(lab)?;
        let forgiven = forgive(&plan, &folder)?;
        writeln!(out, "{forgiven} failed runs will be tried again by the next `run`")?;
        Ok(())
    }
}
