//! A latency table as an option names it.

use std::{fs, path::Path};

use sapwood_search::LatencyTable;

use crate::Error;

/// Reads one; of a published table it says how to make one of it.
pub(super) fn read_table(path: &Path) -> Result<LatencyTable, Error> {
    let text = fs::read_to_string(path).map_err(Error::file("read", path))?;
    LatencyTable::from_toml(&text).map_err(|error| {
        let published = LatencyTable::from_yaml(&text, "", "", 1).is_ok();
        let hint = if published { " (a published table, of which `latency import` makes one)" } else { "" };
        Error::Content { problem: format!("{error}{hint}"), path: path.into() }
    })
}
