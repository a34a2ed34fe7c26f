//! How others say what images a network takes.

mod onnx_metadata;
mod timm;

use std::path::Path;

use sapwood_core::TrainedOn;

pub(crate) use self::onnx_metadata::of_onnx;
use self::timm::of_timm;
use crate::Error;

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

/// The same of the file that lies beside weights, or why it is not understood; nothing, where none is there or it is
/// another program's.
pub(crate) fn config_beside(weights: &Path) -> Option<Result<TrainedOn, String>> {
    let bytes = std::fs::read(weights.with_file_name("config.json")).ok()?;
    of_timm(&serde_json::from_slice(&bytes).ok()?).transpose()
}
