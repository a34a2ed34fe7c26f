//! Weight files and the networks that they belong to.

use std::path::Path;

use burn::prelude::Device;
use sapwood_core::{Masks, ModuleState, Observed, Op, State, StateFile, TrainedOn, graph::Calibrated};
use serde::Deserialize as _;
use serde_json::Value;

use crate::{
    Error, FreeZeros, Integers, Net, Note, Problem, Spec,
    conventions::config_beside,
    params::params,
    reading::{ByName, Checkpoint, Fitted, Known, Reading, guess},
    zoo::find,
};

/// A network from a file.
#[derive(Debug)]
pub struct Opened {
    /// What it is.
    pub spec: Spec,
    /// It, with its weights, all finite; masked ones are zero.
    pub net: Net,
    /// The masks that were in the file.
    pub masks: Masks,
    /// What it was trained on, where the file says it.
    pub trained_on: Option<TrainedOn>,
    /// What was not plain in the file, and how it was taken.
    pub notes: Vec<Note>,
    /// Weights that are zero and have no mask, if a layer has many.
    pub zeros: FreeZeros,
    /// The parameters that are integers in the file, which the network has as the numbers that they stand
    /// for, and how its values are rounded. The network alone rounds none.
    pub integers: Option<Integers>,
    /// Whether somebody said how images become inputs as it was read: see [`Opened::described`].
    pub is_stated: bool,
}

/// Opens a weight file: safetensors, what PyTorch's `torch.save` wrote, or ONNX.
///
/// What the network is comes from the file's metadata; else from `model`, or from the names and
/// shapes in the file if only one network of the zoo has them; options are read off the shapes. A
/// `model` that contradicts the metadata is an error, as is every tensor that is missing, unexpected,
/// misshapen, or not finite.
///
/// # Errors
/// A file that cannot be read, or is none of these; [`Error::Weights`] where its tensors are not a network's, or it
/// leaves the size of its input open; [`Error::OtherModel`]; [`Error::OfSupernet`]; a `model` that the zoo does not
/// have; metadata that are not understood or do not fit the network.
pub fn open(path: &Path, model: Option<&str>, device: &Device) -> Result<Opened, Error> {
    Reading::of(model).open(path, device)
}

/// [`open`] of a file that is in memory: what a browser is given. `name` is what messages call it.
///
/// # Errors
/// Those of [`open`]; an ONNX file whose weights lie beside it.
pub fn open_bytes(bytes: &[u8], name: &str, model: Option<&str>, device: &Device) -> Result<Opened, Error> {
    Reading::of(model).open_bytes(bytes, name, device)
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
    let metadata = pack_metadata(spec, trained_on)?;
    Ok(StateFile { state, masks, metadata, ..StateFile::default() })
}

/// What opens weights again.
pub(crate) fn pack_metadata(spec: &Spec, trained_on: Option<&TrainedOn>) -> Result<Value, Error> {
    let unwritable = |error: serde_json::Error| sapwood_core::graph::Error::Format {
        what: "network",
        problem: format!("its options cannot be written down: {error}"),
        source: Some(error.into()),
    };
    let mut metadata = serde_json::to_value(spec).map_err(unwritable)?;
    if let Some(trained_on) = trained_on {
        trained_on.put(&mut metadata)?;
    }
    Ok(metadata)
}

impl Reading {
    /// [`open`], as this says.
    ///
    /// Where the file says nothing of images, timm's `config.json` beside it is asked; what is not understood there is
    /// noted.
    ///
    /// # Errors
    /// Those of [`open`]; [`Error::Weights`] too for a key, a name or zeros that the file does not have, masks that do
    /// not fit, and the size of an input that it does not leave open; a file of masks that cannot be read.
    pub fn open(&self, path: &Path, device: &Device) -> Result<Opened, Error> {
        let mut opened = self.opened(Checkpoint::read_as(path, self.example)?, device)?;
        if opened.trained_on.is_none()
            && let Some(beside) = config_beside(path)
        {
            let said = beside.and_then(|said| {
                opened.check(&said).map_err(|error| error.to_string())?;
                Ok(said)
            });
            match said {
                Ok(said) => {
                    opened.trained_on = Some(said);
                    opened.notes.push(Note::Config);
                }
                Err(problem) => opened.notes.push(Note::OtherConfig { problem }),
            }
        }
        Ok(opened)
    }

    /// [`open_bytes`], as this says.
    ///
    /// # Errors
    /// Those of [`Reading::open`]; an ONNX file whose weights lie beside it.
    pub fn open_bytes(&self, bytes: &[u8], name: &str, device: &Device) -> Result<Opened, Error> {
        self.opened(Checkpoint::of(bytes, Path::new(name), (None, self.example))?, device)
    }

    fn opened(&self, mut file: Checkpoint, device: &Device) -> Result<Opened, Error> {
        let mut metadata = file.metadata().clone();
        let trained_on = TrainedOn::take(&mut metadata).map_err(|error| file.caused(error))?;
        let calibrated = Calibrated::take(&mut metadata).map_err(|error| file.caused(error))?;
        let (spec, Fitted { state, masks, notes }) = self.network(&file, &metadata)?;
        // What was taken is there a second time until now.
        file.forget_tensors();
        if let Some(trained_on) = &trained_on {
            trained_on.check(spec.classes).map_err(|error| file.caused(error))?;
            spec.output(trained_on.input)?;
        }
        let zeros = FreeZeros::of(&state, &masks, &params(&spec.graph()?));
        let net = state.write(spec.net(device)?).map_err(|error| file.problem(error.into()))?;
        let integers = file.integers().map(|found| found.clone().of(net.graph(), calibrated)).transpose();
        let wrong = |problem| Error::File { problem, path: file.path().into(), source: None };
        let integers = integers.map_err(wrong)?;
        Ok(Opened { spec, net, masks, trained_on, notes, zeros, integers, is_stated: false })
    }

    /// Which network it is, and its tensors.
    fn network(&self, file: &Checkpoint, metadata: &Value) -> Result<(Spec, Fitted), Error> {
        match (metadata, &self.model) {
            (Value::Null, Some(model)) => self.by_name(file, model),
            (Value::Null, None) => {
                let model = guess(file, self)?;
                let (spec, mut fitted) = self.by_name(file, model)?;
                fitted.notes.insert(0, Note::Guessed { model: model.into() });
                Ok((spec, fitted))
            }
            (Value::Object(metadata), _) if metadata.contains_key("supernet") => {
                Err(Error::OfSupernet { path: file.path().into() })
            }
            (metadata, model) => {
                let spec = Spec::deserialize(metadata).map_err(|error| Error::File {
                    problem: format!("its metadata: {error}"),
                    path: file.path().into(),
                    source: Some(error.into()),
                })?;
                // It may be called as others call it, by a name that the zoo does not know, or as its ONNX file was.
                let ours = |name: &str| {
                    let is_file = spec.layers.is_some() && spec.model.strip_suffix(".onnx") == Some(name);
                    is_file || find(name).map_or(name, |ours| ours.name) == spec.model
                };
                if let Some(expected) = model.clone().filter(|model| !ours(model)) {
                    return Err(Error::OtherModel { expected, found: spec.model });
                }
                let fitted = file.fitted(&Known::new(&spec)?, self)?;
                Ok((spec, fitted))
            }
        }
    }

    fn by_name(&self, file: &Checkpoint, model: &str) -> Result<(Spec, Fitted), Error> {
        Spec::named(model)?;
        let wants = ByName(model);
        let fitted = file.fitted(&wants, self).map_err(|error| match error {
            Error::Weights { ref problem, .. } if matches!(**problem, Problem::Mismatch { .. }) => {
                match guess(file, self) {
                    Ok(found) => Error::OtherModel { expected: model.into(), found: found.into() },
                    Err(_) => error,
                }
            }
            error => error,
        })?;
        let spec = wants.spec(&fitted.shapes())?;
        let mut fitted = fitted;
        if spec.graph()?.nodes().iter().any(|node| matches!(node.op, Op::Attention { .. })) {
            fitted.notes.push(Note::Heads);
        }
        Ok((spec, fitted))
    }
}
