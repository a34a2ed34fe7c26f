//! What a plan needs to know of a data set, and where that is kept for images of the user's own.

use std::fs;

use sapwood_core::{Shape, write_atomic};
use sapwood_data::{Split, Task};
use serde::{Deserialize, Serialize};

use super::{Plan, StudyFolder};
use crate::{DataConfig, Datasets, Error};

/// Images of the user's own, as they were when a study was started: `images.json` in its folder.
/// By it the study can be looked at where the images are not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Images {
    /// Which they are, with the hash of what they hold.
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
        Ok(Self { shape: train.shape(), classes: train.named_classes(), examples: train.len(), data })
    }

    /// Whether they are meant by a configuration.
    fn are(&self, data: &DataConfig) -> bool {
        self.data == DataConfig { content: self.data.content.clone(), ..data.clone() }
            && data.content.as_ref().is_none_or(|content| self.data.content.as_ref() == Some(content))
    }
}

/// What a plan needs to know.
pub(super) struct Facts {
    /// The data set, with the hash of what it holds where the name does not say it.
    pub(super) data: DataConfig,
    pub(super) shape: Shape,
    pub(super) task: Task,
    /// Training examples of an epoch.
    pub(super) examples: usize,
    pub(super) images: Option<Images>,
}

impl Facts {
    /// From the catalogue where it knows them, so that a study can be planned before its data are
    /// there; of the user's own images from what is recorded, or else from the images.
    pub(super) fn of(data: &DataConfig, datasets: &Datasets, recorded: &[Images]) -> Result<Self, Error> {
        if data.is_own() {
            let images = match recorded.iter().find(|images| images.are(data)) {
                Some(images) => images.clone(),
                None => Images::read(data, datasets)?,
            };
            return Ok(Self {
                data: images.data.clone(),
                shape: images.shape,
                task: Task::Classes(images.classes.len()),
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
        Ok(Self { data, shape, task, examples, images: None })
    }
}

impl StudyFolder {
    /// The images as they were when the study was last started; none where they are not its own.
    pub fn images(&self) -> Result<Vec<Images>, Error> {
        let path = self.path().join(FILE);
        if !path.is_file() {
            return Ok(Vec::new());
        }
        let bytes = fs::read(&path).map_err(Error::file("read", &path))?;
        serde_json::from_slice(&bytes).map_err(|error| Error::Json {
            problem: format!("not a study's images ({error})"),
            path,
            error,
        })
    }

    /// Keeps what a plan knows of them. Returns whether others were there under the same name: the
    /// runs of this plan are not theirs.
    pub fn keep_images(&self, plan: &Plan) -> Result<bool, Error> {
        if plan.images.is_empty() {
            return Ok(false);
        }
        let of = |images: &Images| DataConfig { content: None, ..images.data.clone() };
        // A file that cannot be read is written again, and may have spoken of others.
        let changed = self.images().map_or(true, |before| {
            before.iter().any(|old| {
                plan.images.iter().any(|new| of(old) == of(new) && old.data.content != new.data.content)
            })
        });
        let text = serde_json::to_string_pretty(&plan.images).map_err(Error::unwritable)?;
        write_atomic(&self.path().join(FILE), text.as_bytes())?;
        Ok(changed)
    }
}

const FILE: &str = "images.json";
