//! What was found, in one line.

use std::{fmt, path::PathBuf};

use super::walk::PassedOver;
use crate::Split;

/// What one split of a folder holds: printed by commands, so that nothing is left out in silence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Which split.
    pub split: Split,
    /// Images per class, in the order of the classes.
    pub classes: Vec<(String, usize)>,
    /// Files that are no images, or none that can be read here.
    pub passed_over: PassedOver,
    /// Images that cannot be read, each with the reason; they are not among those of the classes.
    pub unreadable: Vec<(PathBuf, String)>,
    /// What else has to be said, such as which folder was taken for the split.
    pub notes: Vec<String>,
}

impl Summary {
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
        write!(f, "{}: {}: ", self.split, count(self.images(), "image"))?;
        for (at, (class, images)) in self.classes.iter().take(FEW).enumerate() {
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
