//! Weight files of supernets.

use std::path::Path;

use burn::prelude::Device;
use sapwood_core::{Masks, Shape, State, StateFile, TrainedOn};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, Supernet, family, reference};

/// The largest image, and the most classes, that a file may speak of.
const MOST: usize = 1 << 14;

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
        let sizes = [self.classes].into_iter().chain(self.input);
        if sizes.clone().any(|size| size == 0 || MOST < size) {
            let problem =
                format!("expected sizes and classes from 1 to {MOST}, found {:?}", sizes.collect::<Vec<_>>());
            return Err(Error::Family { family: self.supernet.clone(), problem });
        }
        Ok(Supernet::new(&family(&self.supernet, Some(self.input), Some(self.classes))?, device))
    }

    /// The content of a weight file.
    ///
    /// # Errors
    /// What cannot be written down.
    pub fn pack(&self, state: State) -> Result<StateFile, Error> {
        let metadata = serde_json::to_value(self).map_err(|error| Error::File(error.to_string()))?;
        Ok(StateFile { state, masks: Masks::new(), metadata })
    }
}

impl Supernet {
    /// Opens a weight file: one of ours, or, where `name` says which family it belongs to, one
    /// with the names of the PyPI package `ofa`, as safetensors or PyTorch's `.pt`/`.pth`.
    ///
    /// # Errors
    /// A file of another network, or with tensors that are missing, unexpected or misshapen.
    pub fn open(path: &Path, name: Option<&str>, device: &Device) -> Result<(SupernetSpec, Self), Error> {
        Self::of_file(sapwood_models::read(path)?, path, name, device)
    }

    /// [`Supernet::open`] of one of our files that is in memory: what a browser is given. `called` is
    /// what messages call it.
    ///
    /// # Errors
    /// As for [`Supernet::open`].
    pub fn open_bytes(bytes: &[u8], called: &str, device: &Device) -> Result<(SupernetSpec, Self), Error> {
        let file = StateFile::from_bytes(bytes).map_err(|error| Error::File(format!("{error}: {called}")))?;
        Self::of_file(file, Path::new(called), None, device)
    }

    fn of_file(
        file: StateFile,
        path: &Path,
        name: Option<&str>,
        device: &Device,
    ) -> Result<(SupernetSpec, Self), Error> {
        let wrong = |problem: String| Error::File(format!("{problem}: {}", path.display()));
        let spec = match (&file.metadata, name) {
            (Value::Null, None) => {
                return Err(wrong("the weights do not say which family they belong to: name it".into()));
            }
            (Value::Null, Some(name)) => {
                let usual = family(name, None, None)?;
                let classes = file.state.0.iter().find(|(path, _)| path.as_str() == "classifier.linear.bias");
                let classes = classes.map_or(usual.whole().outputs()?, |(_, bias)| bias.num_elements());
                SupernetSpec {
                    supernet: name.into(),
                    input: usual.whole().input(),
                    classes,
                    trained_on: None,
                }
            }
            (metadata, name) => {
                if metadata.get("supernet").is_none() {
                    return Err(wrong("the weights are those of a single network, not of a supernet".into()));
                }
                let spec = SupernetSpec::deserialize(metadata)
                    .map_err(|error| wrong(format!("its metadata: {error}")))?;
                if let Some(name) = name.filter(|name| *name != spec.supernet) {
                    return Err(wrong(format!(
                        "the weights are those of `{}`, not of `{name}`",
                        spec.supernet
                    )));
                }
                if let Some(trained_on) = &spec.trained_on {
                    trained_on.check(spec.classes).map_err(|error| wrong(error.to_string()))?;
                }
                spec
            }
        };
        let state =
            State(file.state.0.into_iter().map(|(path, value)| (reference::ours(&path), value)).collect());
        let supernet = state.write(spec.build(device)?).map_err(|error| wrong(error.to_string()))?;
        Ok((spec, supernet))
    }
}
