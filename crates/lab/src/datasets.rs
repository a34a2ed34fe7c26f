//! Data sets that are read once, however many runs learn from them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, mem,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sapwood_data::{Dataset, Drawing, Drawn, Reading, Split, Summary, Watch};

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
    untold: Mutex<Vec<Found>>,
    /// What else is to be said of images, likewise.
    lines: Mutex<BTreeSet<String>>,
}

/// What a split of a folder of images was found to hold.
struct Found {
    /// Which data, by their [`key`]; none of images that were drawn.
    key: Option<String>,
    summary: Summary,
    /// How many of them are learnt from, where some are left out, and how these were chosen.
    portions: BTreeSet<(usize, &'static str)>,
}

impl Found {
    /// Tells it in a line, or in one for each number that is learnt from.
    fn tell(&self, reporter: &dyn Reporter) {
        let Self { summary, portions, .. } = self;
        if portions.is_empty() {
            lines::note(reporter, summary);
        }
        for (number, how) in portions {
            lines::note(reporter, format_args!("{summary}; {number} of them are learnt from{how}"));
        }
    }
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
            lines: Mutex::default(),
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

    /// Tells somebody what folders of images were found to hold, which images get another size, and whose inputs are made
    /// by a guess, a line for each that was opened since this was last called: best once whatever can be refused is
    /// refused.
    pub fn tell(&self, reporter: &dyn Reporter) {
        let lines = mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner));
        lines.iter().for_each(|line| lines::note(reporter, line));
        let mut untold = mem::take(&mut *self.untold());
        untold.sort_by_key(|found| found.summary.split != Split::Train);
        untold.iter().for_each(|found| found.tell(reporter));
    }

    fn untold(&self) -> MutexGuard<'_, Vec<Found>> {
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
    ///
    /// # Errors
    /// A data set that is unknown, missing or not as it should be, or of which what the configuration leaves out cannot
    /// be left out; [`Error::ChannelsLast`].
    pub fn open(&self, config: &DataConfig, split: Split) -> Result<Arc<Dataset>, Error> {
        let whole = config.whole();
        // What is left out is left out of the training split alone.
        let config = if split == Split::Test { &whole } else { config };
        let key_of = |config: &DataConfig| Ok::<_, Error>(format!("{split} {}", key(config)?));
        let key = key_of(config)?;
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(dataset) = read.get(&key) {
            in_order(dataset, config)?;
            return Ok(Arc::clone(dataset));
        }
        let dataset = if split == Split::Train && config.is_own() && whole != *config {
            drop(read);
            // Photos are decoded once: their content was asked for, or will be.
            let of_whole = Some(key_of(&whole)?);
            let whole = self.open(&whole, split)?;
            read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            let portion = config.portion((*whole).clone())?;
            for found in self.untold().iter_mut().filter(|found| found.key == of_whole) {
                let of_all = if config.examples.is_some() { ", drawn of every class" } else { "" };
                found.portions.insert((portion.len(), of_all));
            }
            Arc::new(portion)
        } else {
            let photos = self.cache.as_ref().map(|cache| cache.join("photos"));
            let (skip_bad, cache) = (config.skip_bad, photos.as_deref());
            let opened = config.open_with(split, &self.root, &Reading { skip_bad, cache, watch: self })?;
            in_order(&opened.dataset, config)?;
            self.keep_untold(&opened.dataset, opened.summary, config, Some(key.clone()));
            Arc::new(opened.dataset)
        };
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).extend(fewer(&dataset, config));
        read.insert(key, Arc::clone(&dataset));
        Ok(dataset)
    }

    /// Examples of the training split that a drawing takes, in its order. Of the user's own images no others are decoded,
    /// unless the whole split is in memory already, or the configuration leaves a part of it out. Where images that cannot
    /// be read are left out, all have to be read to know which are drawn: as a whole split, so that they are kept for the
    /// next time, but for images that need no classes and may have none.
    ///
    /// # Errors
    /// Those of reading; none is taken.
    pub fn draw(&self, config: &DataConfig, drawing: Drawing) -> Result<Drawn, Error> {
        let key = format!("{} {}", Split::Train, key(config)?);
        let is_read = self.read.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&key);
        let is_all_read = config.skip_bad && drawing.needs_classes;
        if is_read || is_all_read || !config.is_own() || config.whole() != *config {
            let dataset = self.open(config, Split::Train)?.drawn(drawing)?;
            return Ok(Drawn { dataset, has_labels: true, summary: None });
        }
        let reading = Reading { skip_bad: config.skip_bad, cache: None, watch: self };
        let (name, options) = (&config.name, &config.options);
        let mut drawn = sapwood_data::open_drawn(name, &self.root, options, &reading, drawing)?;
        in_order(&drawn.dataset, config)?;
        self.keep_untold(&drawn.dataset, drawn.summary.take(), config, None);
        Ok(drawn)
    }

    /// Keeps for [`Datasets::tell`] what was found, that images get another size, and that how they become inputs is a
    /// guess.
    fn keep_untold(
        &self,
        dataset: &Dataset,
        summary: Option<Summary>,
        config: &DataConfig,
        key: Option<String>,
    ) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.extend(dataset.is_resized().then(|| other_size(dataset)));
        let guess = config.seen_by.note(dataset);
        match summary {
            Some(mut summary) => {
                summary.notes.extend(guess);
                self.untold().push(Found { key, summary, portions: BTreeSet::new() });
            }
            // Numbers are inputs already. What both splits may say is said once.
            None if config.is_own() && dataset.is_of_numbers() => {
                let of_numbers = format!("note: `{}`: ", dataset.name());
                if !lines.iter().any(|line| line.starts_with(&of_numbers)) {
                    let doubt = config.seen_by.doubt(dataset);
                    lines.extend(doubt.map(|doubt| format!("{of_numbers}{doubt}")));
                }
            }
            // The catalogue knows its own images.
            None if config.is_own() => {
                lines.extend(guess.map(|guess| format!("note: images of `{}`: {guess}", dataset.name())));
            }
            None => {}
        }
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

/// Refuses images of whose values the network would see another order.
fn in_order(dataset: &Dataset, config: &DataConfig) -> Result<(), Error> {
    config.seen_by.check_order(&format!("images of `{}`", dataset.name()), dataset.shape())
}

/// That images get another size.
fn other_size(dataset: &Dataset) -> String {
    let name = dataset.name();
    let [native, shape] = [dataset.native_shape(), dataset.shape()];
    let [[c, h, w], [channels, height, width]] = [native, shape];
    match native == shape {
        true => format!("note: images of `{name}` are resized and cut, as is said of photographs"),
        false => format!("note: images of `{name}`, {c}x{h}x{w}, become {channels}x{height}x{width}"),
    }
}

/// That fewer examples are there than were asked for at the most.
fn fewer(dataset: &Dataset, config: &DataConfig) -> Option<String> {
    let (found, name) = (dataset.len(), dataset.name());
    let asked = config.examples.filter(|asked| found < *asked)?;
    Some(format!(
        "note: {asked} training examples of `{name}` were asked for, and there are {found}: all are taken"
    ))
}

/// What is read. Augmentation is no property of it, and its content is what comes of reading it.
fn key(config: &DataConfig) -> Result<String, Error> {
    let what = DataConfig { augment: Augmenting::NONE, content: None, ..config.clone() };
    serde_json::to_string(&what).map_err(Error::unwritable)
}

#[cfg(test)]
mod tests {
    use sapwood_backend::Seed;
    use sapwood_core::{Array, State, StateFile};
    use sapwood_data::{OpenOptions, Wanted};

    use super::*;
    use crate::SeenBy;

    /// Keeps the notes.
    #[derive(Default)]
    struct Notes(Mutex<Vec<String>>);

    impl Reporter for Notes {
        fn begin(&self, _label: &str, _total: u64) {}

        fn advance(&self, _units: u64) {}

        fn note(&self, line: &str) {
            self.0.lock().unwrap().push(line.into());
        }

        fn end(&self) {}
    }

    /// 4x4 pixels.
    const PNG: &[u8] = &[
        137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 4, 0, 0, 0, 4, 8, 2, 0, 0, 0,
        38, 147, 9, 41, 0, 0, 0, 16, 73, 68, 65, 84, 120, 218, 99, 248, 197, 192, 0, 71, 12, 196, 113, 0,
        166, 35, 15, 161, 185, 232, 227, 123, 0, 0, 0, 0, 73, 69, 78, 68, 174, 66, 96, 130,
    ];

    #[test]
    fn how_many_are_learnt_from_is_said_once_for_each_number_and_size() {
        let place = tempfile::tempdir().unwrap();
        for class in ["a", "b"] {
            let folder = place.path().join("train").join(class);
            std::fs::create_dir_all(&folder).unwrap();
            (0..4).for_each(|at| std::fs::write(folder.join(format!("{at}.png")), PNG).unwrap());
        }
        let (datasets, notes) = (Datasets::below(place.path()), Notes::default());
        for (side, examples) in [(8, 4), (8, 2), (4, 6)] {
            let options = OpenOptions { image: Some([3, side, side]), ..OpenOptions::default() };
            let config =
                DataConfig { examples: Some(examples), options, ..DataConfig::named("image-folder") };
            datasets.open(&config, Split::Train).unwrap();
        }
        datasets.tell(&notes);
        let mut told = notes.0.into_inner().unwrap();
        told.retain(|line| !line.starts_with("note: "));
        let expected = |n: usize| {
            format!("train: 8 images: a 4, b 4; {n} of them are learnt from, drawn of every class")
        };
        assert_eq!(told, [2, 4, 6].map(expected));
    }

    #[test]
    fn that_inputs_of_arrays_are_made_by_a_guess_or_are_none_of_the_weights_is_said_once() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("own.safetensors");
        let told = |x: &dyn Fn(usize) -> Array, seen_by: SeenBy| {
            let y = |n: usize| Array::from_fn([n], |at| (at % 2) as i64);
            let arrays = [("x_train", x(4)), ("y_train", y(4)), ("x_test", x(2)), ("y_test", y(2))];
            let state = State(arrays.into_iter().map(|(name, array)| (name.into(), array)).collect());
            let file = StateFile { state, ..StateFile::default() };
            std::fs::write(&path, file.to_bytes().unwrap()).unwrap();
            let config = DataConfig { seen_by, ..DataConfig::named("arrays") };
            let (datasets, notes) = (Datasets::below(&path), Notes::default());
            let drawing = Drawing { seed: Seed(0), wanted: Wanted::First(2), needs_classes: true };
            assert_eq!(datasets.draw(&config, drawing).unwrap().dataset.len(), 2);
            for split in [Split::Train, Split::Test] {
                datasets.open(&config, split).unwrap();
            }
            datasets.tell(&notes);
            notes.0.into_inner().unwrap()
        };
        let bytes = |channels: usize| move |n: usize| Array::from_fn([n, channels, 2, 2], |at| at as u8);
        let numbers = |n: usize| Array::from_fn([n, 3, 2, 2], |at| at as f32);
        let expected = |how: &str| {
            vec![format!("note: images of `arrays`: inputs are {how}, since the weights do not say how")]
        };
        let guessed = || SeenBy { is_guessed: true, ..SeenBy::default() };
        assert_eq!(told(&bytes(3), guessed()), expected("made with ImageNet's mean and standard deviation"));
        assert_eq!(told(&bytes(5), guessed()), expected("divided by 255"));
        assert!(told(&bytes(3), SeenBy::default()).is_empty() && told(&numbers, guessed()).is_empty());

        // None of them is below 0, as black was.
        let learnt = |how: &str| SeenBy { formula: Some(how.parse().unwrap()), ..SeenBy::default() };
        let doubted = told(&numbers, learnt("(x/255-0.5)/0.25"));
        assert!(
            doubted.len() == 1 && doubted[0].starts_with("note: `arrays`: the inputs lie from "),
            "{doubted:?}"
        );
        assert!(doubted[0].contains("lay from -2.00 to 2.00"), "{doubted:?}");
        let centred = |n: usize| Array::from_fn([n, 3, 2, 2], |at| at as f32 % 4.0 - 2.0);
        assert!(told(&centred, learnt("(x/255-0.5)/0.25")).is_empty());
    }
}
