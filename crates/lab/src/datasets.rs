//! Data sets that are read once, however many runs learn from them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use sapwood_data::{Dataset, Split};

use crate::{DataConfig, Error};

/// The data sets below one folder, each read when it is first asked for and kept in
/// memory from then on.
#[derive(Debug)]
pub struct Datasets {
    root: PathBuf,
    read: Mutex<BTreeMap<String, Arc<Dataset>>>,
}

impl Datasets {
    /// Those below this folder. Nothing is read yet.
    pub fn below(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), read: Mutex::default() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// One split of a data set.
    pub fn open(&self, config: &DataConfig, split: Split) -> Result<Arc<Dataset>, Error> {
        // Augmentation is no property of what is read.
        let what = DataConfig { augment: false, ..config.clone() };
        let key = format!("{split} {}", serde_json::to_string(&what).unwrap_or_default());
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(dataset) = read.get(&key) {
            return Ok(Arc::clone(dataset));
        }
        let dataset = Arc::new(config.open(split, &self.root)?);
        read.insert(key, Arc::clone(&dataset));
        Ok(dataset)
    }
}
