//! The archives that `torch.save` has written since PyTorch 1.6.
//!
//! All lies below one folder of any name: `data.pkl`, the storages as `data/KEY`,
//! `byteorder` where the writer knew of it. Records are stored as they are, but
//! whoever packs an archive again may have compressed them.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    io::{Cursor, Read},
};

use zip::{
    CompressionMethod, ZipArchive,
    read::{ArchiveOffset, Config},
    result::ZipError,
};

use super::{Container, Storages};
use crate::pytorch::{Problem, tensor::Budget};

const PROGRAM: &str = "data.pkl";

/// Whether a file begins as a ZIP archive does.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    [&b"PK\x03\x04"[..], b"PK\x05\x06", b"PK\x06\x06"].iter().any(|start| bytes.starts_with(start))
}

/// An archive whose records are read when they are asked for, each once.
pub(in crate::pytorch) struct Archive<'a> {
    bytes: &'a [u8],
    zip: ZipArchive<Cursor<&'a [u8]>>,
    /// What all names begin with: `` or `NAME/`.
    folder: String,
    big_endian: bool,
    records: BTreeMap<String, Result<Cow<'a, [u8]>, String>>,
    /// What compressed records may have.
    budget: Budget,
}

pub(super) fn open(bytes: &[u8]) -> Result<Container<'_>, Problem> {
    // Nothing stands before the archive: to find out, the library looks for the directory where PyTorch's
    // ZIP64 records, which belong to no directory, may make it see one that begins with its second entry.
    let config = Config { archive_offset: ArchiveOffset::Known(0) };
    let zip = ZipArchive::with_config(config, Cursor::new(bytes)).map_err(|error| match error {
        ZipError::InvalidArchive(_) if !has_end(bytes) => {
            Problem::Cut("the directory at the end of the archive is missing".into())
        }
        error => Problem::Damaged(error.to_string()),
    })?;
    let programs = zip.file_names_raw().filter_map(|name| std::str::from_utf8(name).ok());
    let programs = programs.filter(|name| *name == PROGRAM || name.ends_with("/data.pkl"));
    let Some(program) = programs.min_by_key(|name| name.len()) else {
        let first = zip.file_names_raw().next().map(|name| String::from_utf8_lossy(name).into_owned());
        let first = first.map(|name| format!(" (it begins with `{name}`)")).unwrap_or_default();
        return Err(Problem::Other(format!("a ZIP archive without a `data.pkl`{first}: unpack it first")));
    };
    let folder = program[..program.len() - PROGRAM.len()].to_string();
    let has = |name: &str| zip.file_names_raw().any(|found| found == format!("{folder}{name}").as_bytes());
    if has("constants.pkl") {
        return Err(Problem::Other("a TorchScript archive: save `model.state_dict()` instead".into()));
    }
    let ordered = has("byteorder");
    let mut archive = Archive {
        bytes,
        zip,
        folder,
        big_endian: false,
        records: BTreeMap::new(),
        budget: Budget::of(bytes.len()),
    };
    if ordered {
        archive.big_endian = match archive.record("byteorder").map(<[u8]>::trim_ascii) {
            Ok(b"little") => false,
            Ok(b"big") => true,
            Ok(other) => {
                let found = String::from_utf8_lossy(other).into_owned();
                return Err(Problem::Damaged(format!("its byte order is `{found}`")));
            }
            Err(problem) => return Err(Problem::Damaged(problem)),
        };
    }
    archive.record(PROGRAM).map_err(Problem::Damaged)?;
    let program = archive.records.remove(PROGRAM).transpose().map_err(Problem::Damaged)?;
    Ok(Container { program: program.unwrap_or_default(), storages: Storages::Zip(archive) })
}

/// Whether the record that ends every archive is there: before a comment of up to 64 KiB.
fn has_end(bytes: &[u8]) -> bool {
    let last = &bytes[bytes.len().saturating_sub(22 + (1 << 16))..];
    last.windows(4).any(|window| window == b"PK\x05\x06")
}

impl Archive<'_> {
    pub(super) fn big_endian(&self) -> bool {
        self.big_endian
    }

    /// The content of a record, checked; or what is wrong with it.
    pub(super) fn record(&mut self, name: &str) -> Result<&[u8], String> {
        if !self.records.contains_key(name) {
            let found = self.read(name);
            self.records.insert(name.into(), found);
        }
        match self.records.get(name) {
            Some(Ok(bytes)) => Ok(bytes),
            Some(Err(problem)) => Err(problem.clone()),
            None => Err(format!("the record `{name}` was not read")),
        }
    }
}

impl<'a> Archive<'a> {
    fn read(&mut self, name: &str) -> Result<Cow<'a, [u8]>, String> {
        let wrong = |problem: &str| format!("the record `{name}` of the archive {problem}");
        let index = self.zip.index_for_name(&format!("{}{name}", self.folder));
        let index = index.ok_or_else(|| wrong("is missing"))?;
        let unusable = |error: ZipError| wrong(&format!("cannot be used ({error})"));
        let record = self.zip.by_index_raw(index).map_err(unusable)?;
        if record.encrypted() {
            return Err(wrong("is encrypted"));
        }
        if record.compression() == CompressionMethod::Stored {
            let (start, len, sum) = (record.data_start(), record.size(), record.crc32());
            let slice = start.and_then(|start| {
                let (start, len) = (usize::try_from(start).ok()?, usize::try_from(len).ok()?);
                self.bytes.get(start..start.checked_add(len)?)
            });
            let slice = slice.ok_or_else(|| wrong("goes on after the end of the file"))?;
            // `torch.serialization.set_crc32_options(False)` writes zero.
            if sum != 0 && crc32fast::hash(slice) != sum {
                return Err(wrong("is damaged: it does not have its checksum"));
            }
            return Ok(Cow::Borrowed(slice));
        }
        drop(record);
        let record = self.zip.by_index(index).map_err(unusable)?;
        let len = record.size();
        self.budget
            .take(usize::try_from(len).unwrap_or(usize::MAX))
            .map_err(|problem| wrong(&format!("is {problem}")))?;
        let mut content = Vec::new();
        let read = record.take(len.saturating_add(1)).read_to_end(&mut content);
        match read {
            Ok(read) if read as u64 == len => Ok(Cow::Owned(content)),
            Ok(_) => Err(wrong("is longer than it says")),
            Err(error) => Err(wrong(&format!("cannot be used ({error})"))),
        }
    }
}
