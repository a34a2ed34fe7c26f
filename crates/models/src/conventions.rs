//! How others say what images a network takes.

mod onnx_metadata;
mod timm;

use std::path::Path;

use sapwood_core::{Preprocess, TrainedOn};

pub(crate) use self::onnx_metadata::of_onnx;
use self::timm::of_timm;
use crate::{Error, Opened};

/// What a `config.json`, as timm writes it beside weights, says of images and classes.
///
/// # Errors
/// It is not there, or says something else.
pub fn read_config(path: &Path) -> Result<TrainedOn, Error> {
    let wrong = |problem: String| Error::Config { problem, path: path.into(), source: None };
    let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let value = serde_json::from_slice(&bytes).map_err(|error| Error::Config {
        problem: error.to_string(),
        path: path.into(),
        source: Some(error.into()),
    })?;
    of_timm(&value).and_then(|found| found.ok_or_else(|| "it has no `pretrained_cfg`".into())).map_err(wrong)
}

/// The same of the file that lies beside weights, if one is there and is timm's.
pub(crate) fn config_beside(weights: &Path) -> Option<TrainedOn> {
    let bytes = std::fs::read(weights.with_file_name("config.json")).ok()?;
    of_timm(&serde_json::from_slice(&bytes).ok()?).ok()?
}

impl Opened {
    /// The same network, whose images are made into inputs as somebody says.
    ///
    /// # Errors
    /// Constants for another number of channels.
    pub fn preprocessed(self, preprocess: &Preprocess) -> Result<Self, Error> {
        let input = self.trained_on.as_ref().map_or(self.spec.input, |trained_on| trained_on.input);
        let stated = TrainedOn::stated(preprocess, input)?;
        let trained_on = match self.trained_on {
            Some(TrainedOn { data, classes, other, .. }) => TrainedOn { data, classes, other, ..stated },
            None => stated,
        };
        Ok(Self { trained_on: Some(trained_on), ..self })
    }

    /// The same network with what another file says of its images and classes.
    ///
    /// # Errors
    /// What cannot belong to this network.
    pub fn described(self, trained_on: TrainedOn) -> Result<Self, Error> {
        trained_on.check(self.spec.classes)?;
        self.spec.output(trained_on.input)?;
        Ok(Self { trained_on: Some(trained_on), ..self })
    }

    /// The same network with names for its first outputs. How images are made into inputs has to be known.
    ///
    /// # Errors
    /// More names than outputs, a name that is there twice, or nothing known of images.
    pub fn with_classes(self, classes: Vec<String>) -> Result<Self, Error> {
        match self.trained_on.clone() {
            Some(trained_on) => self.described(TrainedOn { classes, ..trained_on }),
            None => Err(Error::ImagesUnknown),
        }
    }
}
