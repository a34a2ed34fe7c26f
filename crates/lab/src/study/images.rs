//! What a plan needs to know of a data set, and where that is kept for images of the user's own and for listed examples.

use std::fs;

use sapwood_core::{Shape, write_atomic};
use sapwood_data::{Split, Task};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Plan, StudyFolder, Transferred, pretrained};
use crate::{Chosen, DataConfig, Datasets, Error, SeenBy};

/// Images of the user's own, or those on a list, as they were when a study was started: `images.json`
/// in its folder. By it the study can be looked at where the images, or the list, are not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Images {
    /// Which they are, with the hash of what they hold, or of the list.
    pub data: DataConfig,
    /// The shape of an example, `[C, H, W]`.
    pub shape: Shape,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// Training examples of an epoch.
    pub examples: usize,
}

impl Images {
    fn read(data: &DataConfig, datasets: &Datasets) -> Result<Self, Error> {
        let data = datasets.identified(data.clone())?;
        let train = datasets.open(&data, Split::Train)?;
        // What weights say of them is told as they are read, and decides nothing.
        let data = DataConfig { seen_by: SeenBy::default(), ..data };
        Ok(Self { shape: train.shape(), classes: train.named_classes(), examples: train.len(), data })
    }

    /// Whether they are meant by a configuration.
    fn are(&self, data: &DataConfig) -> bool {
        let unsaid = |said: &Option<String>, known: &Option<String>| said.is_none() || said == known;
        let digest = |data: &DataConfig| data.only.as_ref().and_then(|chosen| chosen.digest.clone());
        place(&self.data) == place(data)
            && unsaid(&data.content, &self.data.content)
            && unsaid(&digest(data), &digest(&self.data))
    }

    /// Whether these lie where others did.
    fn were_replaced_by(&self, others: &Self) -> bool {
        place(&self.data) == place(&others.data) && self.data != others.data
    }
}

/// Where data lie, whatever is there.
fn place(data: &DataConfig) -> DataConfig {
    let only = data.only.clone().map(|chosen| Chosen { digest: None, ..chosen });
    DataConfig { content: None, only, seen_by: SeenBy::default(), ..data.clone() }
}

/// What a plan needs to know.
pub(super) struct Facts {
    /// The data set, with the hash of what it holds where the name does not say it.
    pub(super) data: DataConfig,
    pub(super) shape: Shape,
    pub(super) task: Task,
    /// The names of the classes; none where there are none.
    pub(super) classes: Vec<String>,
    /// Training examples of an epoch.
    pub(super) examples: usize,
    pub(super) images: Option<Images>,
}

impl Facts {
    /// From the catalogue where it knows them, so that a study can be planned before its data are
    /// there; of the user's own images, and of listed ones, from what is recorded, or else from the images.
    pub(super) fn of(data: &DataConfig, datasets: &Datasets, recorded: &[Images]) -> Result<Self, Error> {
        // Boards have no classes to record.
        if data.is_own() || (data.only.is_some() && data.name != "life") {
            let images = match recorded.iter().find(|images| images.are(data)) {
                Some(images) => images.clone(),
                None => Images::read(data, datasets)?,
            };
            return Ok(Self {
                data: images.data.clone(),
                shape: images.shape,
                task: Task::Classes(images.classes.len()),
                classes: images.classes.clone(),
                examples: images.examples,
                images: Some(images),
            });
        }
        let data = datasets.identified(data.clone())?;
        let entry = sapwood_data::entry(&data.name)?;
        let (shape, task, examples) = match (entry.shape, entry.task, entry.sizes) {
            (Some(shape), Some(task), Some([examples, _])) if data.name != "life" && data.is_whole() => {
                (data.options.image.unwrap_or(shape), task, examples)
            }
            _ if data.name == "life" => {
                let life = &data.options.life;
                life.check()?;
                ([1, life.side, life.side], Task::Dense(life.side.pow(2)), life.examples)
            }
            _ => {
                let read = datasets.open(&data, Split::Train)?;
                (read.shape(), read.task(), read.len())
            }
        };
        let examples = data.examples.map_or(examples, |n| n.min(examples));
        let classes = match task {
            Task::Classes(classes) => classes,
            Task::Dense(_) => 0,
        };
        let name = |class: usize| entry.classes.get(class).map_or(class.to_string(), ToString::to_string);
        let classes = (0..classes).map(name).collect();
        Ok(Self { data, shape, task, classes, examples, images: None })
    }
}

impl StudyFolder {
    /// The trained weights as they were when the study was last started; none where it begins with new ones.
    pub(super) fn transferred(&self) -> Result<Vec<Transferred>, Error> {
        self.known(pretrained::FILE, "trained weights")
    }

    /// The images as they were when the study was last started; none where they are not its own.
    ///
    /// # Errors
    /// A file that cannot be read; [`Error::Json`] for one that no study has written.
    pub fn images(&self) -> Result<Vec<Images>, Error> {
        self.known(FILE, "images")
    }

    /// What was kept in a file: nothing where there is none.
    fn known<T: DeserializeOwned>(&self, file: &str, what: &str) -> Result<Vec<T>, Error> {
        let path = self.path().join(file);
        if !path.is_file() {
            return Ok(Vec::new());
        }
        let bytes = fs::read(&path).map_err(Error::file("read", &path))?;
        serde_json::from_slice(&bytes).map_err(|error| Error::Json {
            problem: format!("not a study's {what} ({error})"),
            path,
            error,
        })
    }

    /// Keeps what a plan knows of images and of trained weights. Returns what others were there before under the
    /// same name: the runs of this plan are not theirs.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn keep_sources(&self, plan: &Plan) -> Result<Vec<&'static str>, Error> {
        let own = plan.images.iter().all(|images| images.data.is_own());
        let images = self.keep(FILE, self.images(), &plan.images, Images::were_replaced_by)?;
        let weights = self.transferred();
        let weights =
            self.keep(pretrained::FILE, weights, &plan.transferred, Transferred::were_replaced_by)?;
        let changed =
            [(images, if own { "images" } else { "listed examples" }), (weights, "weights of `transfer`")];
        Ok(changed.into_iter().filter_map(|(changed, what)| changed.then_some(what)).collect())
    }

    /// Writes down what is known now. Returns whether something else was known before.
    fn keep<T: Serialize>(
        &self,
        file: &str,
        before: Result<Vec<T>, Error>,
        now: &[T],
        were_replaced_by: impl Fn(&T, &T) -> bool,
    ) -> Result<bool, Error> {
        if now.is_empty() {
            return Ok(false);
        }
        // A file that cannot be read is written again, and may have spoken of others.
        let changed = before
            .map_or(true, |before| before.iter().any(|old| now.iter().any(|new| were_replaced_by(old, new))));
        let text = serde_json::to_string_pretty(now).map_err(Error::unwritable)?;
        write_atomic(&self.path().join(file), text.as_bytes())?;
        Ok(changed)
    }
}

const FILE: &str = "images.json";
