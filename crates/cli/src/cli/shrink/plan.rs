//! The table of groups.

use std::io::Write;

use sapwood_core::graph::{Group, Groups, Side};
use sapwood_lab::few;
use sapwood_report::{Cell, Table};
use sapwood_shrink::{Cost, Removal};
use serde::Serialize;

use crate::Error;

#[derive(Serialize)]
struct Json<'a> {
    groups: Vec<Row<'a>>,
    before: Cost,
    after: Cost,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_written: Option<u64>,
}

#[derive(Serialize)]
pub(in crate::cli) struct Row<'a> {
    name: &'a str,
    makes: &'a [String],
    reads: Vec<&'a str>,
    before: usize,
    after: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    whole: Option<&'a str>,
}

/// The channels of all groups.
pub(super) fn channels(groups: &Groups) -> usize {
    groups.iter().map(|group| group.channels).sum()
}

/// Those that leave.
pub(super) fn gone(groups: &Groups, removal: &Removal) -> usize {
    (0..groups.len()).map(|at| removal.channels(groups, at)).sum()
}

pub(in crate::cli) fn rows<'a>(groups: &'a Groups, removal: &Removal) -> Vec<Row<'a>> {
    let row = |(at, group): (usize, &'a Group)| {
        let reads = groups.axes_of(at).filter(|axis| axis.side == Side::Reads).map(|axis| axis.path.layer());
        Row {
            name: &group.name,
            makes: &group.makers,
            reads: reads.collect(),
            before: group.channels,
            after: group.channels - removal.channels(groups, at),
            whole: group.whole(),
        }
    };
    groups.iter().enumerate().map(row).collect()
}

pub(in crate::cli) fn table(groups: &Groups, removal: &Removal, out: &mut dyn Write) -> Result<(), Error> {
    let mut table = Table::new(["made by", "read by", "channels", "after", "why it stays whole"]);
    for row in rows(groups, removal) {
        let made = if row.makes.is_empty() { row.name.to_string() } else { few(row.makes) };
        let counts = [row.before, row.after].map(|n| Cell::count(n as u64));
        let read = few(&row.reads.iter().map(|name| name.to_string()).collect::<Vec<_>>());
        let ends = [made.into(), read.into()].into_iter().chain(counts);
        table.row(ends.chain([row.whole.unwrap_or_default().into()]));
    }
    write!(out, "{}", table.to_text())?;
    Ok(())
}

pub(super) fn json(
    groups: &Groups,
    removal: &Removal,
    (before, after, bytes_written): (Cost, Cost, Option<u64>),
    out: &mut dyn Write,
) -> Result<(), Error> {
    let json = Json { groups: rows(groups, removal), before, after, bytes_written };
    writeln!(out, "{}", crate::cli::json::lines(&json)?)?;
    Ok(())
}
