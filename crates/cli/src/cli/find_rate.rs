//! `train --find-rate`

use std::io::Write;

use sapwood_report::{Cell, Table};
use sapwood_train::{RangeTest, Tried};

use crate::Error;

/// About how many rows the table has, from the lowest rate to the highest that was borne.
const ROWS: usize = 20;

/// Writes what a range test found.
pub(super) fn write(tried: &[Tried], out: &mut dyn Write) -> Result<(), Error> {
    let mut table = Table::new(["learning rate", "loss"]);
    let every = tried.len().div_ceil(ROWS).max(1);
    let last = tried.len().saturating_sub(1);
    let shown = tried.iter().enumerate().filter(|(at, _)| at % every == 0 || *at == last);
    for (_, Tried { learning_rate, loss }) in shown {
        table.row([Cell::written(*learning_rate, format!("{learning_rate:.1e}")), Cell::fixed(*loss, 3)]);
    }
    write!(out, "{}", table.to_text())?;
    match RangeTest::suggestion(tried) {
        Some(rate) => writeln!(
            out,
            "the loss falls most steeply at {rate:.1e}: begin with that, or with up to 10 times as much"
        )?,
        None => writeln!(
            out,
            "the loss falls at no rate from 1e-6 to 1: try another optimiser, or check the data"
        )?,
    }
    Ok(())
}
