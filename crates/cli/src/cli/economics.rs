//! `economics`

use std::io::Write;

use clap::Args;
use sapwood_lab::deployment::Economics;
use sapwood_ledger::published::OFA_TABLE_1;

use crate::Error;

/// Tell what networks for many devices cost, by the published table of once-for-all networks
///
/// A study of your own (`search EXPERIMENT`) tells the same of what it measured itself.
#[derive(Args)]
pub(super) struct Prices {
    /// For how many devices
    #[arg(long, value_delimiter = ',', default_value = "1,3,10,40", value_name = "N,N,...")]
    devices: Vec<u64>,
    /// The row that is compared with all others
    #[arg(long, default_value = "OFA")]
    of: String,
    /// Dollars for an hour of a GPU [default: the table's 3.06]
    #[arg(long, value_name = "DOLLARS", value_parser = price)]
    money_per_hour: Option<f64>,
}

impl Prices {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let names = OFA_TABLE_1.iter().map(|row| row.name);
        let unknown = || Error::Usage(sapwood_core::UnknownName::new("row", &self.of, names).to_string());
        let first = OFA_TABLE_1.iter().find(|row| row.name == self.of).ok_or_else(unknown)?;
        let others = OFA_TABLE_1.iter().filter(|row| row.name != self.of);
        let approaches = std::iter::once(first).chain(others).map(|row| row.approach());
        let economics = Economics::published(approaches.collect::<Result<_, _>>()?);
        let economics = match self.money_per_hour {
            Some(money) => economics.priced(money),
            None => economics,
        };
        write!(out, "{}", economics.table(&self.devices).to_text())?;
        for verdict in economics.verdicts() {
            writeln!(out, "{verdict}")?;
        }
        Ok(())
    }
}

fn price(text: &str) -> Result<f64, String> {
    let price = text.parse::<f64>().ok().filter(|price| price.is_finite() && 0.0 <= *price);
    price.ok_or_else(|| "expected a number from 0 up".into())
}
