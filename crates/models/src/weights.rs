//! Weight files and the networks that they belong to.

use std::{fs, path::Path};

use burn::prelude::Device;
use sapwood_core::{Masks, State, StateFile, TrainedOn};
use serde::Deserialize as _;
use serde_json::Value;

use crate::{Error, Net, Spec, infer};

/// A network from a file.
#[derive(Debug)]
pub struct Opened {
    /// What it is.
    pub spec: Spec,
    /// It, with its weights; masked ones are zero.
    pub net: Net,
    /// The masks that were in the file.
    pub masks: Masks,
    /// What it was trained on, where the file says it.
    pub trained_on: Option<TrainedOn>,
}

/// Opens a weight file: safetensors, or a PyTorch `.pt`/`.pth` state dict.
///
/// What the network is comes from the file's metadata; else from `model` and the
/// shapes in the file. A `model` that contradicts the metadata is an error, as is
/// every tensor that is missing, unexpected or misshapen.
pub fn open(path: &Path, model: Option<&str>, device: &Device) -> Result<Opened, Error> {
    opened(read(path)?, model, path, device)
}

/// A network's weights and masks with the metadata that opens them again, and what it was trained
/// on, where that is known: only so do its outputs keep their names.
///
/// # Errors
/// Options that cannot be written down.
pub fn pack(
    spec: &Spec,
    trained_on: Option<&TrainedOn>,
    state: State,
    masks: Masks,
) -> Result<StateFile, Error> {
    let unwritable = |error: serde_json::Error| sapwood_core::Error::Format {
        what: "network",
        problem: format!("its options cannot be written down: {error}"),
    };
    let mut metadata = serde_json::to_value(spec).map_err(unwritable)?;
    if let Some(trained_on) = trained_on {
        trained_on.put(&mut metadata)?;
    }
    Ok(StateFile { state, masks, metadata })
}

/// [`open`] of a file that is in memory, and that has to be safetensors: what a browser is given.
/// `name` is what messages call it.
pub fn open_bytes(bytes: &[u8], name: &str, model: Option<&str>, device: &Device) -> Result<Opened, Error> {
    let path = Path::new(name);
    opened(StateFile::from_bytes(bytes).map_err(|error| wrong(path, error.to_string()))?, model, path, device)
}

fn opened(mut file: StateFile, model: Option<&str>, path: &Path, device: &Device) -> Result<Opened, Error> {
    let because = |error: sapwood_core::Error| wrong(path, error.to_string());
    let trained_on = TrainedOn::take(&mut file.metadata).map_err(because)?;
    let spec = spec(&file, model, path)?;
    if let Some(trained_on) = &trained_on {
        trained_on.check(spec.classes).map_err(because)?;
        spec.output(trained_on.input)?;
    }
    let net = file.state.write(spec.net(device)?).map_err(because)?;
    Ok(Opened { spec, net, masks: file.masks, trained_on })
}

/// What a weight file holds, whatever network it belongs to.
pub fn read(path: &Path) -> Result<StateFile, Error> {
    let bytes = fs::read(path).map_err(|error| wrong(path, error.to_string()))?;
    // The content decides, not the name: safetensors begin with a length of eight
    // bytes and a JSON object, PyTorch's formats with anything but that. What is
    // neither is judged by its name, for the sake of the message.
    let named = path.extension().is_some_and(|extension| extension == "pt" || extension == "pth");
    let safetensors = bytes.get(8) == Some(&b'{');
    let pytorch = [&b"PK"[..], &b"\x80\x02"[..]].iter().any(|magic| bytes.starts_with(magic));
    if !safetensors && (named || pytorch) {
        #[cfg(not(target_family = "wasm"))]
        return crate::pytorch::read(path);
        #[cfg(target_family = "wasm")]
        return Err(wrong(
            path,
            "PyTorch's own files are not read in a browser: convert it to safetensors".into(),
        ));
    }
    StateFile::from_bytes(&bytes).map_err(|error| wrong(path, error.to_string()))
}

fn wrong(path: &Path, problem: String) -> Error {
    Error::File { problem, path: path.to_path_buf() }
}

fn spec(file: &StateFile, model: Option<&str>, path: &Path) -> Result<Spec, Error> {
    match (&file.metadata, model) {
        (Value::Null, Some(model)) => infer(&file.state, model),
        (Value::Null, None) => Err(Error::NoModel),
        (Value::Object(metadata), _) if metadata.contains_key("supernet") => {
            let problem = "they are those of a supernet: cut a network out of it with `supernet extract`";
            Err(wrong(path, problem.into()))
        }
        (metadata, model) => {
            let spec =
                Spec::deserialize(metadata).map_err(|error| wrong(path, format!("its metadata: {error}")))?;
            match model {
                Some(model) if spec.model != model => {
                    Err(Error::OtherModel { expected: model.into(), found: spec.model })
                }
                _ => Ok(spec),
            }
        }
    }
}
