//! A benchmark table as `tabular:FILE.csv` names it.

use std::path::Path;

use sapwood_search::Table as Benchmark;

use crate::Error;

/// A benchmark table, named after its file.
pub(super) fn read(path: &Path) -> Result<Benchmark, Error> {
    let text = std::fs::read_to_string(path).map_err(Error::file("read", path))?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    Benchmark::parse(&name, &text)
        .map_err(|error| Error::Content { problem: error.to_string(), path: path.into() })
}
