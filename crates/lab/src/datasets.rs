//! Data sets that are read once, however many runs learn from them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use sapwood_data::{Dataset, Split};

use crate::{DataConfig, Error, run_folder::digest};

/// The data sets below one folder, each read when it is first asked for and kept in
/// memory from then on.
#[derive(Debug)]
pub struct Datasets {
    root: PathBuf,
    read: Mutex<BTreeMap<String, Arc<Dataset>>>,
    /// What the user's own hold.
    contents: Mutex<BTreeMap<String, String>>,
}

impl Datasets {
    /// Those below this folder. Nothing is read yet.
    pub fn below(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), read: Mutex::default(), contents: Mutex::default() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// One split of a data set.
    pub fn open(&self, config: &DataConfig, split: Split) -> Result<Arc<Dataset>, Error> {
        let key = format!("{split} {}", key(config)?);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(dataset) = read.get(&key) {
            return Ok(Arc::clone(dataset));
        }
        let whole = config.whole();
        let dataset = if split == Split::Train && config.is_own() && whole != *config {
            drop(read);
            // Photos are decoded once: their content was asked for, or will be.
            let whole = self.open(&whole, split)?;
            read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::new(config.portion((*whole).clone())?)
        } else {
            Arc::new(config.open(split, &self.root)?)
        };
        read.insert(key, Arc::clone(&dataset));
        Ok(dataset)
    }

    /// The configuration of a data set with what decides it: for the user's own images their
    /// content, so that another folder, or one that was changed, is other data. Of all others the
    /// name says it.
    ///
    /// # Errors
    /// Those of reading; [`Error::OtherImages`] if the configuration speaks of another content.
    pub fn identified(&self, config: DataConfig) -> Result<DataConfig, Error> {
        let content = self.content(&config)?;
        match &config.content {
            Some(expected) if content.as_ref() != Some(expected) => Err(Error::OtherImages {
                data: config.name,
                then: "`content` says",
                problem: "give the folder that was meant, or leave `content` out".into(),
            }),
            _ => Ok(DataConfig { content, ..config }),
        }
    }

    /// BLAKE3 of shape, class names, labels and values of both splits, for the user's own images.
    fn content(&self, config: &DataConfig) -> Result<Option<String>, Error> {
        if !config.is_own() {
            return Ok(None);
        }
        let whole = config.whole();
        let key = key(&whole)?;
        if let Some(found) = self.contents.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Some(found.clone()));
        }
        let of = |split| Ok::<_, Error>(self.open(&whole, split)?.content());
        let found = digest(format!("{} {}", of(Split::Train)?, of(Split::Test)?).as_bytes());
        self.contents.lock().unwrap_or_else(PoisonError::into_inner).insert(key, found.clone());
        Ok(Some(found))
    }
}

/// What is read. Augmentation is no property of it, and its content is what comes of reading it.
fn key(config: &DataConfig) -> Result<String, Error> {
    let what = DataConfig { augment: false, content: None, ..config.clone() };
    serde_json::to_string(&what).map_err(Error::unwritable)
}
