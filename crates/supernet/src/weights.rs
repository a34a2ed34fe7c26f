//! Weight files of supernets.

use std::{collections::BTreeSet, path::Path};

use burn::prelude::Device;
use sapwood_core::{Cause, ModuleState, ParamInfo, ParamPath, Shape, State, StateFile, TrainedOn, infos};
use sapwood_models::{Checkpoint, Note, Reading, Shapes, Wants};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, Family, Supernet, family, reference};

/// The largest image, and the most classes, that a file may speak of.
const MOST: usize = 1 << 14;
/// Values that a network may have beyond four times those of its file before it is made.
const SLACK: u64 = 1 << 20;

/// By which key of the metadata the file of a finished phase tells its training from others.
pub(crate) const TRAINING: &str = "training";

/// Which family a weight file belongs to: its metadata.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupernetSpec {
    /// The family's name.
    pub supernet: String,
    /// The images, `[C, H, W]`.
    pub input: Shape,
    /// The classes.
    pub classes: usize,
    /// What it was trained on, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trained_on: Option<TrainedOn>,
}

impl SupernetSpec {
    /// The supernet of one of the [families](crate::FAMILIES), with zero weights.
    ///
    /// # Errors
    /// No such family, or one that does not take the images.
    pub fn build(&self, device: &Device) -> Result<Supernet, Error> {
        Ok(Supernet::new(&self.family()?, device))
    }

    /// Its family, with its images and classes.
    fn family(&self) -> Result<Family, Error> {
        let sizes = [self.classes].into_iter().chain(self.input);
        if sizes.clone().any(|size| size == 0 || MOST < size) {
            let problem =
                format!("expected sizes and classes from 1 to {MOST}, found {:?}", sizes.collect::<Vec<_>>());
            return Err(Error::Family { family: self.supernet.clone(), problem });
        }
        family(&self.supernet, Some(self.input), Some(self.classes))
    }

    /// The content of a weight file.
    ///
    /// # Errors
    /// What cannot be written down.
    pub fn pack(&self, state: State) -> Result<StateFile, Error> {
        let metadata = serde_json::to_value(self).map_err(Error::Unwritable)?;
        Ok(StateFile { state, metadata, ..StateFile::default() })
    }
}

impl Supernet {
    /// Opens a weight file: one of ours, or, where `name` says which family it belongs to, one
    /// with the names of the PyPI package `ofa`, as safetensors or PyTorch's `.pt`/`.pth`.
    ///
    /// # Errors
    /// A file of another network, or with tensors that are missing, unexpected or misshapen.
    pub fn open(path: &Path, name: Option<&str>, device: &Device) -> Result<(SupernetSpec, Self), Error> {
        Self::read(path, name, &Reading::default(), device).map(|(spec, supernet, _)| (spec, supernet))
    }

    /// [`Supernet::open`], read as is said: below which key, and with which names; with what
    /// should be known of it.
    ///
    /// # Errors
    /// As for [`Supernet::open`].
    pub fn read(
        path: &Path,
        name: Option<&str>,
        reading: &Reading,
        device: &Device,
    ) -> Result<(SupernetSpec, Self, Vec<Note>), Error> {
        Self::of_file(&Checkpoint::read(path)?, path, name, reading, device)
    }

    /// [`Supernet::open`] of one of our files that is in memory: what a browser is given. `called` is
    /// what messages call it.
    ///
    /// # Errors
    /// As for [`Supernet::open`].
    pub fn open_bytes(bytes: &[u8], called: &str, device: &Device) -> Result<(SupernetSpec, Self), Error> {
        let path = Path::new(called);
        let opened =
            Self::of_file(&Checkpoint::of_bytes(bytes, path)?, path, None, &Reading::default(), device);
        opened.map(|(spec, supernet, _)| (spec, supernet))
    }

    fn of_file(
        file: &Checkpoint,
        path: &Path,
        name: Option<&str>,
        reading: &Reading,
        device: &Device,
    ) -> Result<(SupernetSpec, Self, Vec<Note>), Error> {
        let wrong = |problem: String| Error::File { problem, path: path.into(), source: None };
        let caused =
            |problem: String, cause: Cause| Error::File { problem, path: path.into(), source: Some(cause) };
        let (spec, classes) = match (&without_training(file.metadata()), name) {
            (Value::Null, None) => {
                return Err(wrong("the weights do not say which family they belong to: name it".into()));
            }
            (Value::Null, Some(name)) => {
                let usual = family(name, None, None)?;
                let (input, classes) = (usual.whole().input(), usual.whole().outputs()?);
                (SupernetSpec { supernet: name.into(), input, classes, trained_on: None }, Classes::ReadOff)
            }
            (metadata, name) => {
                if metadata.get("supernet").is_none() {
                    return Err(wrong("the weights are those of a single network, not of a supernet".into()));
                }
                let spec = SupernetSpec::deserialize(metadata)
                    .map_err(|error| caused(format!("its metadata: {error}"), error.into()))?;
                if let Some(name) = name.filter(|name| *name != spec.supernet) {
                    return Err(wrong(format!(
                        "the weights are those of `{}`, not of `{name}`",
                        spec.supernet
                    )));
                }
                if let Some(trained_on) = &spec.trained_on {
                    trained_on
                        .check(spec.classes)
                        .map_err(|error| caused(error.to_string(), error.into()))?;
                }
                (spec, Classes::Known)
            }
        };
        let needs = spec.family()?.whole().anatomy(spec.input)?.params();
        let has = file.values() as u64;
        // What is missing is listed below; this much of it is another network, and would be made first.
        if classes == Classes::Known && has.saturating_mul(4).saturating_add(SLACK) < needs {
            let problem =
                format!("its metadata say a network of {needs} values, but it has {has}: it was altered");
            return Err(wrong(problem));
        }
        let supernet = spec.build(device)?;
        let fitted = file.fitted(&Wanted { params: infos(&supernet), classes }, reading)?;
        if !fitted.masks.is_empty() {
            return Err(wrong("it has masks, which nested networks do not keep".into()));
        }
        let found = fitted.shapes().get(CLASSES).and_then(|shape| shape.first().copied());
        let (spec, supernet) = match found.filter(|found| *found != spec.classes) {
            Some(classes) => {
                let spec = SupernetSpec { classes, ..spec };
                let supernet = spec.build(device)?;
                (spec, supernet)
            }
            None => (spec, supernet),
        };
        let supernet =
            fitted.state.write(supernet).map_err(|error| caused(error.to_string(), error.into()))?;
        Ok((spec, supernet, fitted.notes))
    }
}

/// The metadata of a file, without what tells its training.
fn without_training(metadata: &Value) -> Value {
    let mut metadata = metadata.clone();
    match metadata.as_object_mut().map(|fields| (fields.remove(TRAINING), fields.is_empty())) {
        Some((Some(_), true)) => Value::Null,
        _ => metadata,
    }
}

/// What has a value for each class.
const CLASSES: &str = "classifier.linear.bias";

/// Whether the number of classes is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Classes {
    Known,
    /// As many as the last layer has outputs.
    ReadOff,
}

/// A supernet that looks for its weights.
struct Wanted {
    params: Vec<ParamInfo>,
    classes: Classes,
}

impl Wants for Wanted {
    fn names(&self) -> BTreeSet<ParamPath> {
        self.params.iter().map(|info| info.path.clone()).collect()
    }

    fn params(&self, shapes: &Shapes) -> Result<Vec<ParamInfo>, sapwood_models::Error> {
        let mut params = self.params.clone();
        let found = shapes.get(CLASSES).and_then(|shape| shape.first());
        if let Some(classes) = found.filter(|_| self.classes == Classes::ReadOff) {
            let of_classes = params.iter_mut().filter(|info| info.path.layer() == "classifier.linear");
            of_classes.for_each(|info| info.shape[0] = *classes);
        }
        Ok(params)
    }

    fn ours(&self, name: &str) -> String {
        reference::ours(&name.into()).to_string()
    }
}
