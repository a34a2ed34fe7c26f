//! What happens in a run, in a file beside it.

use std::{fs::File, io::Write as _, path::Path, time::Instant};

use crate::{Error, Reporter};

/// Passes everything on, and writes notes down with the seconds since it was opened.
pub(super) struct Log<'a> {
    file: File,
    opened: Instant,
    next: &'a dyn Reporter,
}

impl<'a> Log<'a> {
    pub(super) fn append(path: &Path, next: &'a dyn Reporter) -> Result<Self, Error> {
        let file =
            File::options().create(true).append(true).open(path).map_err(Error::file("write", path))?;
        Ok(Self { file, opened: Instant::now(), next })
    }
}

impl Reporter for Log<'_> {
    fn begin(&self, label: &str, total: u64) {
        self.next.begin(label, total);
    }

    fn advance(&self, units: u64) {
        self.next.advance(units);
    }

    fn note(&self, line: &str) {
        // A log that has no room left is no reason to give up the run.
        let _ = writeln!(&self.file, "{:9.3} s  {line}", self.opened.elapsed().as_secs_f64());
    }

    fn end(&self) {
        self.next.end();
    }
}
