//! What the data are, in 64 hexadecimal digits.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::{Dataset, Entry, Error, Labels, OpenOptions, Split, entry};

/// The names of the arrays, in the order of [`Digests`].
pub const PARTS: [&str; 4] = ["training images", "training labels", "test images", "test labels"];

/// SHA-256 of the decoded arrays of a data set: the bytes of the images
/// (`[N, C, H, W]`) and one byte per label or dense target, of both splits.
/// Compression, archive and file format do not enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digests<T>(pub [T; 4]);

/// The SHA-256 of the arrays of a data set on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What was found.
    pub digests: Digests<String>,
    /// Whether the catalogue says the same; if not, it says nothing: a difference
    /// is an error.
    pub checked: bool,
}

/// Compares a data set on the disk with the catalogue.
///
/// # Errors
/// Those of [`open`](fn@crate::open), for either split; [`Error::Digest`] for an array that is not the catalogue's.
pub fn verify(name: &str, root: &Path) -> Result<Verified, Error> {
    Verified::of(entry(name)?, root)
}

impl Verified {
    pub(crate) fn of(row: &Entry, root: &Path) -> Result<Self, Error> {
        let digests = Digests::of(row, root)?;
        digests.compare(row)?;
        Ok(Self { digests, checked: row.digests.is_some() })
    }
}

impl Digests<String> {
    /// The digests of a data set on the disk.
    fn of(row: &Entry, root: &Path) -> Result<Self, Error> {
        let split = |split| -> Result<[String; 2], Error> {
            Ok(digest(&(row.open)(row, split, root, &OpenOptions::default())?))
        };
        let [train_images, train_labels] = split(Split::Train)?;
        let [test_images, test_labels] = split(Split::Test)?;
        Ok(Self([train_images, train_labels, test_images, test_labels]))
    }

    /// Compares them with those of the catalogue, where it has them.
    fn compare(&self, row: &Entry) -> Result<(), Error> {
        let Some(expected) = row.digests else { return Ok(()) };
        for ((part, expected), found) in PARTS.into_iter().zip(expected.0).zip(&self.0) {
            if expected != found {
                let (expected, found) = (expected.into(), found.clone());
                return Err(Error::Digest { name: row.name.into(), part, expected, found });
            }
        }
        Ok(())
    }
}

fn digest(dataset: &Dataset) -> [String; 2] {
    let labels = match dataset.labels() {
        Labels::Class(labels) => sha256(&labels.iter().map(|label| *label as u8).collect::<Vec<_>>()),
        Labels::Dense(values) => sha256(values),
    };
    let mut hasher = Sha256::new();
    dataset.values().bytes(|piece| hasher.update(piece));
    [hexadecimal(&hasher.finalize()), labels]
}

fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
