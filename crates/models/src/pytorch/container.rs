//! What a checkpoint is packed in. The content decides, never a file's name.

mod legacy;
mod other;
mod zip;

use std::{borrow::Cow, collections::BTreeMap};

use super::{Problem, pickle};

/// A checkpoint, unpacked as far as its pickle.
pub(super) struct Container<'a> {
    /// The pickle of what was saved; whether there is something behind it is the container's business.
    pub(super) program: Cow<'a, [u8]>,
    pub(super) storages: Storages<'a>,
}

/// Where the values of tensors lie.
pub(super) enum Storages<'a> {
    /// Records of an archive.
    Zip(zip::Archive<'a>),
    /// Slices of the file, by key.
    Slices(BTreeMap<String, &'a [u8]>),
}

impl Storages<'_> {
    /// The bytes of a storage, or why there are none.
    pub(super) fn get(&mut self, key: &str) -> Result<&[u8], String> {
        match self {
            Self::Zip(archive) => archive.record(&format!("data/{key}")),
            Self::Slices(slices) => {
                slices.get(key).copied().ok_or_else(|| format!("its storage `{key}` is not in the file"))
            }
        }
    }

    /// Whether numbers have their highest byte first.
    pub(super) fn big_endian(&self) -> bool {
        matches!(self, Self::Zip(archive) if archive.big_endian())
    }
}

/// Unpacks a file.
pub(super) fn open(bytes: &[u8]) -> Result<Container<'_>, Problem> {
    other::refuse(bytes)?;
    if zip::is_one(bytes) {
        tracing::debug!(container = "zip", "container of PyTorch");
        return zip::open(bytes);
    }
    match pickle::read(bytes) {
        Ok(first) if legacy::is_magic(&first) => {
            tracing::debug!(container = "legacy", "container of PyTorch");
            legacy::open(bytes, first.len)
        }
        Ok(_) => Ok(Container { program: Cow::Borrowed(bytes), storages: Storages::Slices(BTreeMap::new()) }),
        Err(problem) => Err(other::instead(bytes).unwrap_or(problem)),
    }
}
