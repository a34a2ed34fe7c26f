//! `devices`

use std::io::Write;

use clap::Args;
use sapwood_backend::DeviceSpec;
use sapwood_lab::{Error as Lab, speed};
use sapwood_report::{Cell, Table};

use crate::Error;

/// List the devices that this build can reach on this machine, and how fast each is
#[derive(Args)]
pub(super) struct Devices {
    /// How long each is timed; 0 for not at all
    #[arg(long, default_value_t = 1.0, value_name = "S")]
    seconds: f64,
}

impl Devices {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        if !(0.0..=3600.0).contains(&self.seconds) {
            return Err(Error::Usage("expected `--seconds` from 0 to 3600".into()));
        }
        let mut table = Table::new(["device", "GFLOP/s in matrix products"]);
        for spec in DeviceSpec::compiled().flat_map(DeviceSpec::present) {
            let speed = match self.seconds {
                0.0 => Cell::none(),
                // One that does not work must not hide the others.
                seconds => {
                    match spec.resolve().map_err(Lab::from).and_then(|on| speed::products(&on, seconds)) {
                        Ok(speed) => Cell::number((speed / 1e8).round() / 10.0),
                        Err(error) => Cell::from(error.to_string()),
                    }
                }
            };
            table.row([Cell::from(spec.to_string()), speed]);
        }
        write!(out, "{}", table.to_text())?;
        let levels = sapwood_backend::levels().collect::<Vec<_>>().join(", ");
        writeln!(out, "cpu: level {} of {levels}; `--level` takes another", sapwood_backend::level())?;
        for (api, feature) in DeviceSpec::left_out() {
            writeln!(out, "{api}: not compiled in, `--features {feature}` brings it")?;
        }
        Ok(())
    }
}
