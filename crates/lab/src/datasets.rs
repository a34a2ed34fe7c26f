//! Data sets that are read once, however many runs learn from them.

use std::{
    collections::BTreeMap,
    fmt, mem,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sapwood_data::{Dataset, Reading, Split, Summary, Watch};

use crate::{DataConfig, Error, Reporter, Silent};

/// The data sets below one folder, each read when it is first asked for and kept in
/// memory from then on.
pub struct Datasets {
    root: PathBuf,
    cache: Option<PathBuf>,
    reporter: Box<dyn Reporter + Send>,
    read: Mutex<BTreeMap<String, Arc<Dataset>>>,
    untold: Mutex<Vec<Summary>>,
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
            untold: Mutex::default(),
        }
    }

    /// With a folder in which resized photographs are kept for the next time.
    pub fn keeping(self, cache: Option<PathBuf>) -> Self {
        Self { cache, ..self }
    }

    /// With somebody who is told how far the reading of many files is.
    pub fn telling(self, reporter: impl Reporter + Send + 'static) -> Self {
        Self { reporter: Box::new(reporter), ..self }
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
        let mut read = locked(&self.read);
        if let Some(dataset) = read.get(&key) {
            return Ok(Arc::clone(dataset));
        }
        let dataset =
            Arc::new(config.open_with(split, &self.root, &self.reading(config), &mut self.untold())?);
        read.insert(key, Arc::clone(&dataset));
        Ok(dataset)
    }

    /// What is held out of the training split.
    pub(crate) fn held_out(&self, config: &DataConfig) -> Result<Dataset, Error> {
        config.held_out_with(&self.root, &self.reading(config), &mut self.untold())
    }

    /// What was found in folders of images since this was last asked: for the user to see, once what
    /// can be refused is refused.
    pub fn summaries(&self) -> Vec<Summary> {
        mem::take(&mut self.untold())
    }

    /// Tells them to somebody, a line each.
    pub fn tell(&self, reporter: &dyn Reporter) {
        self.summaries().iter().for_each(|summary| reporter.note(&summary.to_string()));
    }

    fn reading(&self, config: &DataConfig) -> Reading<'_> {
        Reading { skip_bad: config.skip_bad, cache: self.cache.as_deref(), watch: self }
    }

    fn untold(&self) -> MutexGuard<'_, Vec<Summary>> {
        locked(&self.untold)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
