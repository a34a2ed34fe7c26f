//! `devices`

use std::io::Write;

use clap::Args;
use sapwood_backend::DeviceSpec;

use crate::Error;

/// List the devices that this build can reach on this machine
#[derive(Args)]
pub(super) struct Devices {}

impl Devices {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        for spec in DeviceSpec::compiled().flat_map(DeviceSpec::present) {
            writeln!(out, "{spec}")?;
        }
        Ok(())
    }
}
