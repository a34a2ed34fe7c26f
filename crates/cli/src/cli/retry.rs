//! `retry`

use std::io::Write;

use clap::Args;
use sapwood_lab::study::forgive;
use sapwood_prune::Criteria;

use super::studies::StartedStudy;
use crate::Error;

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
    pub(super) fn run(self, criteria: &Criteria, out: &mut dyn Write) -> Result<(), Error> {
        let (plan, folder) = self.study.open(criteria)?;
        let forgiven = forgive(&plan, &folder)?;
        writeln!(out, "{forgiven} failed runs will be tried again by the next `run`")?;
        Ok(())
    }
}
