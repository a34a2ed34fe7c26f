//! Files of named arrays: safetensors, NumPy's `.npy` and `.npz`.

use std::{collections::BTreeMap, fs, path::Path};

use sapwood_core::Array;
use sapwood_data::read_arrays;

use crate::Error;

/// The arrays of a file. The content decides what it is, never the name.
pub(crate) struct ArrayFile<'a> {
    arrays: BTreeMap<String, Array>,
    /// Whether NumPy's customary names are those of arrays too.
    numpy: bool,
    path: &'a Path,
}

impl<'a> ArrayFile<'a> {
    /// Reads one; the array of a `.npy` has no name.
    pub(crate) fn read(path: &'a Path) -> Result<Self, Error> {
        let wrong = |problem: String| Error::Content { problem, path: path.to_path_buf() };
        let bytes = fs::read(path).map_err(Error::file("read", path))?;
        let (arrays, numpy) = read_arrays(&bytes).map_err(wrong)?;
        Ok(Self { arrays, numpy, path })
    }

    /// The array of this name; of NumPy's files also the one that is customarily called otherwise, or that has no name.
    pub(crate) fn take(&mut self, name: &str, customary: &str, what: &str) -> Result<Array, Error> {
        let all = [name, customary, ""];
        let names = if self.numpy { all.as_slice() } else { &all[..1] };
        let found = names.iter().find_map(|name| self.arrays.remove(*name));
        found.ok_or_else(|| {
            let there: Vec<&str> = self
                .arrays
                .keys()
                .map(|name| if name.is_empty() { "one without a name" } else { name })
                .collect();
            let there = if there.is_empty() { "none".into() } else { there.join(", ") };
            let or = if self.numpy { format!(" or `{customary}`") } else { String::new() };
            let splits = match self.has("x_test") {
                true => "; a file of both splits is the data set `arrays`, with this file as its root",
                false => "",
            };
            self.wrong(format!("expected a tensor `{name}`{or}{what}, found {there}{splits}"))
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
