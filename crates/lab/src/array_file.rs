//! Files of named arrays: safetensors, NumPy's `.npy` and `.npz`.

use std::{collections::BTreeMap, fs, path::Path};

use sapwood_core::Array;
use sapwood_data::read_arrays;

use crate::Error;

/// The arrays of a file. The content decides what it is, never the name.
pub(crate) struct ArrayFile<'a> {
    arrays: BTreeMap<String, Array>,
    path: &'a Path,
}

impl<'a> ArrayFile<'a> {
    /// Reads one; the array of a `.npy` has no name.
    pub(crate) fn read(path: &'a Path) -> Result<Self, Error> {
        let wrong = |problem: String| Error::Content { problem, path: path.to_path_buf() };
        let bytes = fs::read(path).map_err(Error::file("read", path))?;
        let arrays = read_arrays(&bytes).map_err(wrong)?;
        Ok(Self { arrays, path })
    }

    /// The array of the first of these names that is there, or else the one that has no name, if any.
    pub(crate) fn find(&mut self, names: &[&str]) -> Option<Array> {
        names.iter().chain(&[""]).find_map(|name| self.arrays.remove(*name))
    }

    /// The same, where it may not be missing.
    pub(crate) fn take(&mut self, names: &[&str], what: &str) -> Result<Array, Error> {
        self.find(names).ok_or_else(|| {
            let there: Vec<&str> = self
                .arrays
                .keys()
                .map(|name| if name.is_empty() { "one without a name" } else { name })
                .collect();
            let there = if there.is_empty() { "none".into() } else { there.join(", ") };
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            let splits = match self.has("x_test") {
                true => "; a file of both splits is the data set `arrays`, with this file as its root",
                false => "",
            };
            self.wrong(format!("expected a tensor {}{what}, found {there}{splits}", names.join(" or ")))
        })
    }

    /// Whether there is an array of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.arrays.contains_key(name)
    }

    /// What is wrong with it.
    pub(crate) fn wrong(&self, problem: String) -> Error {
        Error::Content { problem, path: self.path.to_path_buf() }
    }
}
