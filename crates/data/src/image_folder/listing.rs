//! Which files of a folder are which examples, before any of them is read.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    path::{Path, PathBuf},
};

use super::{
    names::{form, name, several, shown},
    photos::{self, Flaw},
    summary::{Summary, count},
    walk::{Inside, PassedOver, images, kind},
};
use crate::{Error, Split, image_file::FORMATS};

/// What the folder of a split may be called, the usual name first; without case.
const TRAIN: &[&str] = &["train", "training"];
const TEST: &[&str] = &["test", "testing", "val", "valid", "validation"];

/// One split of a folder of images.
pub(super) struct Listing {
    /// The names of all classes, those of the training split; none where images lie in no class.
    pub(super) classes: Vec<String>,
    /// Each image with the number of its class, by class and then by path.
    pub(super) files: Vec<(PathBuf, u32)>,
    /// The folder of the split.
    pub(super) folder: PathBuf,
    split: Split,
    passed_over: PassedOver,
    notes: Vec<String>,
}

impl Listing {
    /// # Errors
    /// Where there is no such split, a class of another split has no training images, or fewer than
    /// two classes have some.
    pub(super) fn of(root: &Path, split: Split) -> Result<Self, Error> {
        let (train, train_notes) = find(root, Split::Train)?;
        let (folder, notes) = match split {
            Split::Train => (train.clone(), train_notes),
            Split::Test => find(root, Split::Test)?,
        };
        let classes = classes(&train)?;
        let numbers: BTreeMap<String, u32> = (0..).zip(&classes).map(|(n, class)| (form(class), n)).collect();
        let inside = Inside::of(&folder)?;
        let mut passed_over = PassedOver::default();
        for path in &inside.others {
            passed_over.add(kind(path).unwrap_or_else(|| "beside the folders of the classes".into()), 1);
        }
        let (mut files, mut entered) = (Vec::new(), BTreeMap::new());
        for class in &inside.folders {
            let (found, passed) = images(class, &mut entered)?;
            passed_over.join(&passed);
            let name = name(class.file_name().unwrap_or_default());
            match numbers.get(&form(&name)) {
                _ if found.is_empty() && split == Split::Train => {
                    return Err(without_images(&name, &passed, class));
                }
                None if found.is_empty() => {}
                None => return Err(unknown(split, &name, &classes, class)),
                Some(number) => files.extend(found.into_iter().map(|file| (file, *number))),
            }
        }
        if files.is_empty() {
            let problem = format!("no class has an image here: expected {FORMATS}");
            return Err(Error::Folder { problem: problem + &also(&passed_over), path: folder });
        }
        // Two folders of one class, by different spellings, are one class.
        files.sort_by_key(|(_, class)| *class);
        Ok(Self { classes, files, folder, split, passed_over, notes })
    }

    /// The images that lie directly in the folder of the training split or, where there is none, in the folder itself, if
    /// no other folder lies beside them: they have no classes.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub(super) fn without_classes(root: &Path) -> Result<Option<Self>, Error> {
        let (folder, notes) = match find(root, Split::Train) {
            Ok(found) => found,
            Err(_) if root.is_dir() => {
                (root.into(), vec!["taken from the folder itself, as there is no `train`".into()])
            }
            Err(_) => return Ok(None),
        };
        let Inside { folders, others } = Inside::of(&folder)?;
        let (mut files, mut passed_over) = (Vec::new(), PassedOver::default());
        for path in others {
            match kind(&path) {
                None => files.push((path, 0)),
                Some(kind) => passed_over.add(kind, 1),
            }
        }
        let (classes, split) = (Vec::new(), Split::Train);
        let is_plain = folders.is_empty() && !files.is_empty();
        Ok(is_plain.then_some(Self { classes, files, folder, split, passed_over, notes }))
    }

    /// The shape of the first training image: of the first that can be read, where others may be left out.
    pub(super) fn first_shape(&self, root: &Path, skip_bad: bool) -> Result<[usize; 3], Error> {
        let train;
        let files = match self.split {
            Split::Train => &self.files,
            Split::Test => {
                train = Self::of(root, Split::Train)?.files;
                &train
            }
        };
        let mut first = None;
        for (path, _) in files {
            match photos::decoded(path) {
                Ok(image) => return Ok(image.shape()),
                Err(problem) => {
                    first.get_or_insert(Flaw::Unreadable(problem).error(path, 0));
                    if !skip_bad {
                        break;
                    }
                }
            }
        }
        Err(first.unwrap_or_else(|| Error::Folder {
            problem: "no image can be read".into(),
            path: self.folder.clone(),
        }))
    }

    /// What was found, if all of it can be read.
    pub(super) fn summary(&self) -> Summary {
        let mut classes: Vec<(String, usize)> = match self.classes.as_slice() {
            [] => vec![(String::new(), 0)],
            classes => classes.iter().map(|class| (class.clone(), 0)).collect(),
        };
        self.files.iter().for_each(|(_, class)| classes[*class as usize].1 += 1);
        Summary {
            split: self.split,
            classes,
            passed_over: self.passed_over.clone(),
            unreadable: Vec::new(),
            notes: self.notes.clone(),
        }
    }
}

/// The classes of a folder's training split, in the order of their folders' names.
pub(super) fn classes_of(root: &Path) -> Result<Vec<String>, Error> {
    classes(&find(root, Split::Train)?.0)
}

/// Whether there seems to be a training split.
pub(super) fn is_here(root: &Path) -> bool {
    find(root, Split::Train).is_ok_and(|(folder, _)| Inside::of(&folder).is_ok_and(|i| !i.folders.is_empty()))
}

fn classes(train: &Path) -> Result<Vec<String>, Error> {
    let Inside { folders, others } = Inside::of(train)?;
    let classes: Vec<String> =
        folders.iter().map(|folder| name(folder.file_name().unwrap_or_default())).collect();
    let wrong = |problem: String| Err(Error::Folder { problem, path: train.into() });
    let mut seen = BTreeMap::new();
    for class in &classes {
        if let Some(other) = seen.insert(form(class), class) {
            let [one, two] = [other, class].map(|name| shown(name));
            return wrong(format!("the classes {one} and {two} are one name in two spellings: join them"));
        }
    }
    match classes.as_slice() {
        [] => {
            let loose = others.iter().filter(|path| kind(path).is_none()).count();
            let found =
                if loose > 0 { format!("{}, in no folder", count(loose, "image")) } else { "none".into() };
            wrong(format!("expected one folder per class here, found {found}"))
        }
        [only] => {
            let below = Inside::of(&folders[0])?.folders;
            let names: Vec<String> = below.iter().filter_map(|path| Some(name(path.file_name()?))).collect();
            let hint = match names.is_empty() {
                true => String::new(),
                false => format!(
                    ", and the folders in it ({}) do not count as classes",
                    several(names.iter().map(String::as_str))
                ),
            };
            wrong(format!("there is one class alone, {}{hint}: expected two at least", shown(only)))
        }
        // In the spelling that networks know them by, whatever this computer's.
        _ => Ok(classes.iter().map(|class| form(class)).collect()),
    }
}

/// The folder of a split, and what is to be said of it.
fn find(root: &Path, split: Split) -> Result<(PathBuf, Vec<String>), Error> {
    let names = match split {
        Split::Train => TRAIN,
        Split::Test => TEST,
    };
    let usual = root.join(names[0]);
    let folders = if root.is_dir() { Inside::of(root)?.folders } else { Vec::new() };
    let is = |folder: &Path, name: &str| {
        let found = folder.file_name().unwrap_or_default();
        found == OsStr::new(name) || found.to_string_lossy().eq_ignore_ascii_case(name)
    };
    // The exact name first, then others in the order of the list.
    let mut candidates: Vec<&PathBuf> = folders.iter().filter(|folder| **folder == usual).collect();
    for name in names {
        candidates.extend(folders.iter().filter(|folder| is(folder, name) && **folder != usual));
    }
    let called = |folder: &Path| shown(&name(folder.file_name().unwrap_or_default()));
    let Some((folder, others)) = candidates.split_first() else { return Err(missing(root, split, &folders)) };
    let mut notes = Vec::new();
    if **folder != usual {
        notes.push(format!("taken from {}, as there is no `{}`", called(folder), names[0]));
    }
    notes.extend(others.iter().map(|other| format!("{} is there too and is not used", called(other))));
    Ok((folder.to_path_buf(), notes))
}

/// Neither `train` nor anything like it: what there is instead, and what to do.
fn missing(root: &Path, split: Split, folders: &[PathBuf]) -> Error {
    let usual = split.to_string();
    let names: Vec<String> = folders.iter().filter_map(|path| Some(name(path.file_name()?))).collect();
    let loose =
        Inside::of(root).map_or(0, |inside| inside.others.iter().filter(|path| kind(path).is_none()).count());
    let found = match names.is_empty() {
        true if loose > 0 => format!(", found {}, in no folder", count(loose, "image")),
        true => String::new(),
        false => format!(", found {}", several(names.iter().map(String::as_str))),
    };
    let flat = folders.iter().any(|folder| {
        Inside::of(folder).is_ok_and(|inside| inside.others.iter().any(|path| kind(path).is_none()))
    });
    let advice = match split {
        Split::Train if flat => {
            ": if these are the classes, move them into `train`, and a part of their images into `test`"
        }
        _ => "",
    };
    let problem = match split {
        Split::Train => {
            format!(
                "expected `train` and `test` here, with a folder of images per class in each{found}{advice}"
            )
        }
        Split::Test => {
            format!(
                "expected `test` (or `val`) here beside the training images, with a folder of images per class{found}"
            )
        }
    };
    Error::Missing { name: "image-folder".into(), problem, path: root.join(usual) }
}

fn without_images(class: &str, passed: &PassedOver, path: &Path) -> Error {
    let problem =
        format!("class {} has no image that can be read: expected {FORMATS}{}", shown(class), also(passed));
    Error::Folder { problem, path: path.into() }
}

fn also(passed: &PassedOver) -> String {
    if passed.total() > 0 { format!(", found {passed}") } else { ", found nothing".into() }
}

fn unknown(split: Split, class: &str, classes: &[String], path: &Path) -> Error {
    let problem = format!(
        "class {} of the {split} split has no folder among the training images, whose classes are {}",
        shown(class),
        several(classes.iter().map(String::as_str))
    );
    Error::Folder { problem, path: path.into() }
}
