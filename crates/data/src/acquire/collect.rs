//! From whatever folder a user or a package has to the layout on the disk.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;

use super::{Progress, Report, tfjs};
use crate::{Entry, Error, Layout, kind::kind};

/// How many folders deep the files may lie.
const DEPTH: usize = 6;

/// Finds the files of a data set anywhere below a folder, compressed or not, and writes them under their official
/// names: returns which was made of which. Other data sets may lie there with files of the same names.
pub(crate) fn collect(
    row: &Entry,
    from: PathBuf,
    to: &Path,
    report: &mut Report<'_>,
) -> Result<BTreeMap<String, PathBuf>, Error> {
    let wanted: Vec<&str> = match row.layout {
        Layout::None | Layout::Folders | Layout::Arrays => vec![],
        Layout::Idx(files) => files.to_vec(),
        Layout::Cifar { train, test, .. } => train.iter().copied().chain([test]).collect(),
    };
    let folders = folders(row.name, &from, &wanted)?;
    // Of one name the first: it is written last.
    let found: Files = folders.iter().rev().flat_map(Files::clone).collect();
    let pictures = wanted.iter().any(|file| tfjs::has(file, &found)) && !found.contains_key(wanted[0]);
    if pictures {
        tfjs::convert(row, &found, to, report)?;
        return Ok(BTreeMap::new());
    }
    let mut made_of = BTreeMap::new();
    for file in wanted {
        let path = folders.iter().find_map(|files| among(files, file)).ok_or_else(|| Error::Missing {
            name: row.name.into(),
            problem: format!(
                "expected the file {file} or {file}.gz here or in a folder below{}",
                instead(row, &found)
            ),
            path: from.clone(),
        })?;
        let bytes = fs::read(path).map_err(Error::file("read", path))?;
        report(Progress { label: file, done: 0, total: Some(bytes.len() as u64) });
        let bytes = match bytes.as_slice() {
            [0x1f, 0x8b, ..] => {
                let mut plain = Vec::new();
                MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).map_err(|error| {
                    Error::Format {
                        what: "gzip file",
                        problem: error.to_string(),
                        path: path.clone(),
                        source: Some(error.into()),
                    }
                })?;
                plain
            }
            _ => bytes,
        };
        if let Some(problem) = other_kind(row, file, &bytes) {
            return Err(Error::Format {
                what: "file of this data set",
                problem,
                path: path.clone(),
                source: None,
            });
        }
        write(&to.join(file), &bytes)?;
        made_of.insert(file.to_string(), path.clone());
        report(Progress { label: file, done: bytes.len() as u64, total: Some(bytes.len() as u64) });
    }
    Ok(made_of)
}

/// What there is in place of the files, if that is known.
fn instead(row: &Entry, found: &BTreeMap<String, PathBuf>) -> &'static str {
    let python = ["data_batch_1", "train"].iter().any(|name| found.contains_key(*name))
        && ["batches.meta", "meta", "test_batch", "test"].iter().any(|name| found.contains_key(*name));
    match row.layout {
        Layout::Cifar { .. } if python => ", found the version for Python: get the binary version",
        _ if found.is_empty() => ", found no file",
        _ => "",
    }
}

/// Why a file cannot be what its name says, told by its first bytes and its size.
fn other_kind(row: &Entry, file: &str, bytes: &[u8]) -> Option<String> {
    let (expected, fits) = match row.layout {
        Layout::Idx([_, one, _, other]) => {
            let labels = file == one || file == other;
            let expected = if labels { "a list of labels (IDX)" } else { "an array of images (IDX)" };
            (expected, bytes.starts_with(&[0, 0, 8, if labels { 1 } else { 3 }]))
        }
        Layout::Cifar { label_bytes, .. } => {
            let record = label_bytes + row.shape.unwrap_or_default().iter().product::<usize>();
            ("CIFAR's binary records", !bytes.is_empty() && bytes.len().is_multiple_of(record))
        }
        Layout::None | Layout::Folders | Layout::Arrays => return None,
    };
    let found = kind(bytes).filter(|_| !fits)?;
    Some(format!("expected {expected}, found {found}"))
}

/// The files of one folder by their names.
type Files = BTreeMap<String, PathBuf>;

/// The file of this name, packed or not.
fn among<'a>(files: &'a Files, file: &str) -> Option<&'a PathBuf> {
    // Some copies write a dot where the original has a dash.
    let dotted = file.replacen("-idx", ".idx", 1);
    let names = [file.to_string(), format!("{file}.gz"), dotted.clone(), format!("{dotted}.gz")];
    names.iter().find_map(|name| files.get(name))
}

/// The files of a folder and of those below it. First come folders within one that has the data set's name, of these
/// those with all files that are wanted, and of these the nearest, in the order of paths.
fn folders(name: &str, from: &Path, wanted: &[&str]) -> Result<Vec<Files>, Error> {
    let mut folders = Vec::new();
    let mut level = vec![(from.to_path_buf(), false)];
    for _ in 0..=DEPTH {
        let mut below = Vec::new();
        for (folder, is_named) in level {
            let entries = fs::read_dir(&folder).map_err(Error::file("read the folder", &folder))?;
            let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
            paths.sort();
            let mut files = Files::new();
            for path in paths {
                let called = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if path.is_dir() {
                    below.push((path, is_named || letters(&called) == letters(name)));
                } else {
                    files.insert(called, path);
                }
            }
            let is_whole = wanted.iter().all(|file| among(&files, file).is_some());
            folders.push(((!is_named, !is_whole), files));
        }
        level = below;
    }
    folders.sort_by_key(|(last, _)| *last);
    Ok(folders.into_iter().map(|(_, files)| files).collect())
}

/// What is left of `Fashion_MNIST` and `fashion-mnist` alike.
fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Writes one file of a folder that is published whole, so that it need not be
/// renamed itself.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Error::file("make the folder", folder))?;
    }
    let written = File::create(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(Error::file("write", path))
}
