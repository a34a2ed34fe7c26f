//! Archives.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read, Seek},
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;

use super::{Progress, Report, mirror};
use crate::{Error, kind::kind};

/// The path itself if it is a folder; else what is in the archive, unpacked into
/// a new folder.
pub(crate) fn folder(path: &Path, into: &Path, report: &mut Report<'_>) -> Result<PathBuf, Error> {
    let metadata = fs::metadata(path).map_err(Error::file("read", path))?;
    if metadata.is_dir() {
        return Ok(path.to_path_buf());
    }
    fs::create_dir_all(into).map_err(Error::file("make the folder", into))?;
    let mut file = File::open(path).map_err(Error::file("read", path))?;
    let mut start = Vec::new();
    file.by_ref().take(262).read_to_end(&mut start).map_err(Error::file("read", path))?;
    file.rewind().map_err(Error::file("read", path))?;
    let label = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let bytes = Counted { inner: BufReader::new(file), label, done: 0, total: metadata.len(), report };
    let wrong =
        |problem: String| Error::Format { what: "archive", problem, path: path.to_path_buf(), source: None };
    let result = match start.as_slice() {
        [0x1f, 0x8b, ..] => files(MultiGzDecoder::new(bytes), into),
        [b'!', b'<', b'a', b'r', b'c', b'h', b'>', ..] => {
            let archive = fs::canonicalize(path).map_err(Error::file("read", path))?;
            let arguments = ["-x", &archive.to_string_lossy(), "."];
            return mirror::run("dpkg-deb", &arguments, into).map(|()| into.to_path_buf()).map_err(wrong);
        }
        [.., b'u', b's', b't', b'a', b'r'] => files(bytes, into),
        _ => {
            let found = kind(&start).map_or(String::new(), |found| format!(", found {found}"));
            return Err(wrong(format!("expected a folder, or a .tar, .tar.gz or .deb file{found}")));
        }
    };
    result.map(|()| into.to_path_buf()).map_err(|error| Error::Format {
        what: "archive",
        problem: error.to_string().replace('\n', " "),
        path: path.to_path_buf(),
        source: Some(error.into()),
    })
}

/// Unpacks the ordinary files of a tar archive; links and devices have no place
/// in a data set, and nothing is written outside of the folder.
fn files(bytes: impl Read, into: &Path) -> io::Result<()> {
    for entry in tar::Archive::new(bytes).entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_file() {
            entry.unpack_in(into)?;
        }
    }
    Ok(())
}

struct Counted<'a, 'b, R> {
    inner: R,
    label: String,
    done: u64,
    total: u64,
    report: &'a mut Report<'b>,
}

impl<R: Read> Read for Counted<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.done += count as u64;
        (self.report)(Progress { label: &self.label, done: self.done, total: Some(self.total) });
        Ok(count)
    }
}
