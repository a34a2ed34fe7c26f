//! What was found, in one line.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::walk::PassedOver;
use crate::{Error, Split};

/// What one split of a folder holds: printed by commands, so that nothing is left out in silence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Which split.
    pub split: Split,
    /// Images per class, in the order of the classes; of those that lie in no class, under a name without letters.
    pub classes: Vec<(String, usize)>,
    /// Files that are no images, or none that can be read here.
    pub passed_over: PassedOver,
    /// Images that cannot be read, each with the reason; they are not among those of the classes.
    pub unreadable: Vec<(PathBuf, String)>,
    /// What else has to be said, such as which folder was taken for the split.
    pub notes: Vec<String>,
}

impl Summary {
    /// Refuses training images of which a class has none that can be read.
    pub(super) fn check(&self, folder: &Path) -> Result<(), Error> {
        let empty = self.classes.iter().find(|(_, images)| *images == 0 && self.split == Split::Train);
        let Some((class, _)) = empty else { return Ok(()) };
        let problem = match class.is_empty() {
            true => "no image can be read".into(),
            false => format!("no image of class `{class}` can be read"),
        };
        Err(Error::Folder { problem, path: folder.into() })
    }

    /// All images together.
    pub fn images(&self) -> usize {
        self.classes.iter().map(|(_, images)| images).sum()
    }
}

/// `1 image`, `2 images`
pub(super) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

impl fmt::Display for Summary {
    /// `train: 80 images: circle 40, square 40; 20 files passed over: 12 heic, 8 txt`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const FEW: usize = 8;
        let is_plain = matches!(self.classes.as_slice(), [(name, _)] if name.is_empty());
        let rest = if is_plain { " without classes" } else { ": " };
        write!(f, "{}: {}{rest}", self.split, count(self.images(), "image"))?;
        for (at, (class, images)) in self.classes.iter().filter(|_| !is_plain).take(FEW).enumerate() {
            let name = class.replace(char::is_control, " ");
            write!(f, "{}{name} {images}", if at > 0 { ", " } else { "" })?;
        }
        if let Some(more) = self.classes.len().checked_sub(FEW + 1) {
            let least = self.classes.iter().map(|(_, images)| *images).min().unwrap_or_default();
            let most = self.classes.iter().map(|(_, images)| *images).max().unwrap_or_default();
            write!(f, " and {} more classes, {least} to {most} images each", more + 1)?;
        }
        if self.passed_over.total() > 0 {
            write!(f, "; {} passed over: {}", count(self.passed_over.total(), "file"), self.passed_over)?;
        }
        if !self.unreadable.is_empty() {
            write!(f, "; {} left out that cannot be read", count(self.unreadable.len(), "image"))?;
        }
        self.notes.iter().try_for_each(|note| write!(f, "; {note}"))
    }
}
