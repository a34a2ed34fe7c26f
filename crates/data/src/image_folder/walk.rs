//! The images of a class, however deep they lie, and what else lies there.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
};

use super::names::{form, name, shown};
use crate::{Error, image_file::EXTENSIONS};

/// How many files were passed over, by what they are: the ends of their names, mostly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PassedOver(BTreeMap<String, usize>);

impl PassedOver {
    /// All of them together.
    pub fn total(&self) -> usize {
        self.0.values().sum()
    }

    /// What they are, with their numbers, in the order of their names.
    pub fn kinds(&self) -> impl Iterator<Item = (&str, usize)> {
        self.0.iter().map(|(kind, number)| (kind.as_str(), *number))
    }

    pub(super) fn add(&mut self, kind: impl Into<String>, number: usize) {
        *self.0.entry(kind.into()).or_default() += number;
    }

    pub(super) fn join(&mut self, other: &Self) {
        other.kinds().for_each(|(kind, number)| self.add(kind, number));
    }
}

impl fmt::Display for PassedOver {
    /// `12 heic, 8 txt`: the most frequent first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const FEW: usize = 6;
        let mut kinds: Vec<_> = self.kinds().collect();
        kinds.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
        for (at, (kind, number)) in kinds.iter().take(FEW).enumerate() {
            write!(f, "{}{number} {kind}", if at > 0 { ", " } else { "" })?;
        }
        let rest: usize = kinds.iter().skip(FEW).map(|(_, number)| number).sum();
        if rest > 0 {
            write!(f, ", {rest} others")?;
        }
        Ok(())
    }
}

/// What lies directly in a folder: folders and others, each by name, without what is hidden.
pub(super) struct Inside {
    pub(super) folders: Vec<PathBuf>,
    pub(super) others: Vec<PathBuf>,
}

impl Inside {
    pub(super) fn of(folder: &Path) -> Result<Self, Error> {
        let refused = || Error::file("read the folder", folder);
        let entries: Result<Vec<_>, _> =
            fs::read_dir(folder).map_err(refused())?.map(|entry| entry.map(|entry| entry.path())).collect();
        let mut paths = entries.map_err(refused())?;
        paths.retain(|path| !is_hidden(path));
        // Computers differ in how they write letters with accents: the order is that of what they mean.
        paths.sort_by_cached_key(|path| (form(&name(path.file_name().unwrap_or_default())), path.clone()));
        let (folders, others) = paths.into_iter().partition(|path| path.is_dir());
        Ok(Self { folders, others })
    }
}

/// What notebooks, desktops and archives leave behind: neither classes nor images.
fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let left_behind = ["__MACOSX", "Thumbs.db", "ehthumbs.db", "desktop.ini"];
    name.starts_with('.') || left_behind.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// The images below a folder in the order of their paths, and what was passed over.
///
/// Links are followed; a folder that a link leads to once more, as in a circle, is not entered again.
/// `entered` has the folders of other classes, by where they really lie.
///
/// # Errors
/// A folder that cannot be read; one that lies in another class too, since an image is of one class.
pub(super) fn images(
    folder: &Path,
    entered: &mut BTreeMap<PathBuf, PathBuf>,
) -> Result<(Vec<PathBuf>, PassedOver), Error> {
    let (mut found, mut passed) = (Vec::new(), PassedOver::default());
    let mut open = vec![folder.to_path_buf()];
    // Folders before links to them, wherever both lie, so that images have their own paths.
    let mut links = Vec::new();
    while let Some(next) = open.pop().or_else(|| links.pop()) {
        let place = fs::canonicalize(&next).map_err(Error::file("read the folder", &next))?;
        match entered.get(&place) {
            Some(class) if class == folder => {
                passed.add("links to folders that are read anyway", 1);
                continue;
            }
            Some(class) => {
                let class = shown(&name(class.file_name().unwrap_or_default()));
                let problem = format!("its images are also in class {class}: expected each in one class");
                return Err(Error::Folder { problem, path: next });
            }
            None => drop(entered.insert(place, folder.to_path_buf())),
        }
        let inside = Inside::of(&next)?;
        for folder in inside.folders.into_iter().rev() {
            if folder.is_symlink() { links.push(folder) } else { open.push(folder) }
        }
        for path in inside.others {
            match kind(&path) {
                None => found.push(path),
                Some(kind) => passed.add(kind, 1),
            }
        }
    }
    found.sort();
    Ok((found, passed))
}

/// What a file is that is no image: `None` for one that seems to be one.
pub(super) fn kind(path: &Path) -> Option<String> {
    match fs::metadata(path) {
        Err(_) if path.is_symlink() => return Some("links that lead nowhere".into()),
        Ok(metadata) if !metadata.is_file() => return Some("special files".into()),
        _ => {}
    }
    let extension = path.extension().map(|end| end.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some(end) if EXTENSIONS.contains(&end) => None,
        Some(end) => Some(end.replace(|c: char| c.is_control(), "?")),
        None => Some("without an extension".into()),
    }
}
