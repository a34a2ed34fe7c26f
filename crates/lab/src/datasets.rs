//! Data sets that are read once, however many runs learn from them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, mem,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sapwood_data::{Dataset, Reading, Split, Summary, Watch};

use crate::{Augmenting, DataConfig, Error, Reporter, Silent, lines, run_folder::digest};

/// The data sets below one folder, each read when it is first asked for and kept in
/// memory from then on.
pub struct Datasets {
    root: PathBuf,
    cache: Option<PathBuf>,
    reporter: Box<dyn Reporter + Send>,
    read: Mutex<BTreeMap<String, Arc<Dataset>>>,
    /// What the user's own hold.
    contents: Mutex<BTreeMap<String, String>>,
    /// What was found and nobody was told yet.
    untold: Mutex<Vec<Summary>>,
    /// Which images get another size, likewise.
    resized: Mutex<BTreeSet<String>>,
}

impl fmt::Debug for Datasets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { root, cache, .. } = self;
        f.debug_struct("Datasets").field("root", root).field("cache", cache).finish_non_exhaustive()
    }
}

impl Datasets {
    /// Those below this folder. Nothing is read yet.
    pub fn below(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            cache: None,
            reporter: Box::new(Silent),
            read: Mutex::default(),
            contents: Mutex::default(),
            untold: Mutex::default(),
            resized: Mutex::default(),
        }
    }

    /// With a folder in which resized photographs (in `photos`) and the features of probes (in `features`) are kept for
    /// the next time.
    pub fn keeping(self, cache: Option<PathBuf>) -> Self {
        Self { cache, ..self }
    }

    /// With somebody who is told how far the reading of many files is.
    pub fn telling(self, reporter: impl Reporter + Send + 'static) -> Self {
        Self { reporter: Box::new(reporter), ..self }
    }

    /// Tells somebody what folders of images were found to hold, and which images get another size, a line for each
    /// that was opened since this was last called: best once whatever can be refused is refused.
    pub fn tell(&self, reporter: &dyn Reporter) {
        let resized = mem::take(&mut *self.resized.lock().unwrap_or_else(PoisonError::into_inner));
        resized.iter().for_each(|line| lines::note(reporter, line));
        let mut summaries = mem::take(&mut *self.untold());
        summaries.sort_by_key(|summary| summary.split != Split::Train);
        summaries.iter().for_each(|summary| lines::note(reporter, summary));
    }

    fn untold(&self) -> MutexGuard<'_, Vec<Summary>> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where something is kept for the next time, if anywhere.
    pub(crate) fn cache(&self) -> Option<&Path> {
        self.cache.as_deref()
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// One split of a data set.
    pub fn open(&self, config: &DataConfig, split: Split) -> Result<Arc<Dataset>, Error> {
        let whole = config.whole();
        // What is left out is left out of the training split alone.
        let config = if split == Split::Test { &whole } else { config };
        let key = format!("{split} {}", key(config)?);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(dataset) = read.get(&key) {
            return Ok(Arc::clone(dataset));
        }
        let dataset = if split == Split::Train && config.is_own() && whole != *config {
            drop(read);
            // Photos are decoded once: their content was asked for, or will be.
            let whole = self.open(&whole, split)?;
            read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            let portion = config.portion((*whole).clone())?;
            for summary in self.untold().iter_mut().filter(|summary| summary.split == split) {
                let of_all = if config.examples.is_some() { ", drawn of every class" } else { "" };
                summary.notes.push(format!("{} of them are learnt from{of_all}", portion.len()));
            }
            Arc::new(portion)
        } else {
            let photos = self.cache.as_ref().map(|cache| cache.join("photos"));
            let (skip_bad, cache) = (config.skip_bad, photos.as_deref());
            let opened = config.open_with(split, &self.root, &Reading { skip_bad, cache, watch: self })?;
            let native = sapwood_data::entry(&config.name)?.shape;
            if let Some(native @ [c, h, w]) = native.filter(|native| config.options.changes(*native)) {
                let (shape @ [channels, height, width], name) = (opened.dataset.shape(), &config.name);
                let line = match shape == native {
                    true => {
                        format!("note: images of `{name}` are resized and cut, as is said of photographs")
                    }
                    false => {
                        format!("note: images of `{name}`, {c}x{h}x{w}, become {channels}x{height}x{width}")
                    }
                };
                self.resized.lock().unwrap_or_else(PoisonError::into_inner).insert(line);
            }
            let customary = "inputs are made with ImageNet's mean and standard deviation, since the weights do not say how";
            let guess = config.is_guessed.then(|| customary.to_string());
            self.untold().extend(opened.summary.map(|mut summary| {
                summary.notes.extend(guess);
                summary
            }));
            Arc::new(opened.dataset)
        };
        read.insert(key, Arc::clone(&dataset));
        Ok(dataset)
    }

    /// The configuration of a data set with what decides it: for the user's own images their
    /// content, so that another folder, or one that was changed, is other data. Of all others the
    /// name says it.
    ///
    /// # Errors
    /// Those of reading; [`Error::OtherImages`] if the configuration speaks of another content, [`Error::Setting`] if it
    /// speaks of another list of examples.
    pub fn identified(&self, mut config: DataConfig) -> Result<DataConfig, Error> {
        if let Some(chosen) = &mut config.only {
            chosen.digest = Some(chosen.read()?.1);
        }
        let content = self.content(&config)?;
        match &config.content {
            Some(expected) if content.as_ref() != Some(expected) => Err(Error::OtherImages {
                data: config.name,
                then: "that `content` names",
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

impl Watch for Datasets {
    fn begin(&self, label: &str, total: u64) {
        self.reporter.begin(label, total);
    }

    fn advance(&self, units: u64) {
        self.reporter.advance(units);
    }

    fn end(&self) {
        self.reporter.end();
    }
}

/// What is read. Augmentation is no property of it, and its content is what comes of reading it.
fn key(config: &DataConfig) -> Result<String, Error> {
    let what = DataConfig { augment: Augmenting::NONE, content: None, ..config.clone() };
    serde_json::to_string(&what).map_err(Error::unwritable)
}
