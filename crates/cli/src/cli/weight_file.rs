//! A network in a weight file, on the command line.

use std::path::{Path, PathBuf};

use burn::prelude::Device;
use clap::Args;
use sapwood_core::Shape;
use sapwood_lab::{digest, weights_digest};
use sapwood_models::{
    Checkpoint, Error as Models, FreeZeros, Note, Opened, Problem, Rename, StateDict, Zeros,
};
use sapwood_report::Cell;
use sapwood_supernet::{Error as Nested, Supernet, SupernetSpec};

use super::{bar::note, integers, shape, stated::Stated};
use crate::Error;

/// A network that a command cannot do without.
#[derive(Args)]
pub(super) struct WeightFile {
    /// safetensors, what `pack` or PyTorch's `torch.save` wrote, or ONNX; masks in it are kept
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// The network, where neither the file nor names and shapes in it tell
    #[arg(long)]
    model: Option<String>,
    #[command(flatten)]
    reading: Reading,
}

impl WeightFile {
    /// Opens it, to use it as it is.
    pub(super) fn open(&self, device: &Device) -> Result<Opened, Error> {
        self.reading.open(&self.weights, self.model.as_deref(), device)
    }

    /// Opens it, to change it.
    pub(super) fn open_to_change(&self, device: &Device) -> Result<Opened, Error> {
        self.reading.open_to_change(&self.weights, self.model.as_deref(), device)
    }

    /// Reads it by its shapes alone.
    pub(super) fn state_dict(&self) -> Result<StateDict, Error> {
        self.reading.stated.none().map_err(|_| {
            Error::Usage(
                "`--preprocess` and `--class-names` go along with a network, and no model is known that has these weights: \
                 name it with `--model`, or leave them out"
                    .into(),
            )
        })?;
        let dict = Checkpoint::read(&self.weights)
            .and_then(|file| file.state_dict(&self.reading.reading(None)))
            .map_err(hinted)?;
        tell(&dict.fitted.notes);
        tell_free(&dict.zeros);
        Ok(dict)
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.weights
    }

    /// What tells the network that was opened from every other.
    pub(super) fn digest(&self, opened: &Opened) -> Result<String, Error> {
        self.reading.digest(&self.weights, opened)
    }

    /// What the file of its masks is called in it.
    pub(super) fn naming(&self) -> &Naming {
        &self.reading.naming
    }
}

/// How a weight file is read.
#[derive(Args)]
pub(super) struct Reading {
    #[command(flatten)]
    naming: Naming,
    /// The masks of the weights, where they lie in a file of their own: `<param>_mask` or
    /// `<param>`, of 0 and 1
    #[arg(long, value_name = "FILE")]
    masks: Option<PathBuf>,
    /// Make masks of the weights that are zero, so that they stay so
    #[arg(long)]
    masks_from_zeros: bool,
    #[command(flatten)]
    stated: Stated,
    /// The size of an example, where an ONNX file leaves it open, in the order of the file, as in 3x224x224, or 224x224x3
    /// where channels come last; 6x64 for 6 channels of 64 values, or 64
    #[arg(long, value_name = "SIZES", value_parser = shape::parse_any)]
    input_size: Option<Shape>,
}

impl Reading {
    /// Refuses what says how a weight file is read where there is none.
    pub(super) fn none(&self) -> Result<(), Error> {
        self.stated.none()?;
        let Naming { key, rename } = &self.naming;
        let masks = self.masks.is_some() || self.masks_from_zeros;
        match key.is_some() || !rename.is_empty() || masks || self.input_size.is_some() {
            false => Ok(()),
            true => Err(Error::Usage(
                "`--key`, `--rename`, `--masks`, `--masks-from-zeros` and `--input-size` say how `--weights` are read: leave them out"
                    .into(),
            )),
        }
    }
}

/// How names in a weight file are read.
#[derive(Args)]
pub(super) struct Naming {
    /// Read what lies below this key of the file, where several sets of weights fit
    #[arg(long, value_name = "NAME")]
    key: Option<String>,
    /// What the file calls OLD is called NEW here: whole parts of dotted names, as in head=fc or
    /// stem.conv=conv1, wherever they stand, once what all names begin with is taken off;
    /// without NEW they are taken out
    #[arg(long, value_name = "OLD=NEW")]
    rename: Vec<Rename>,
}

impl Naming {
    pub(super) fn reading(&self, model: Option<&str>) -> sapwood_models::Reading {
        let (key, renames) = (self.key.clone(), self.rename.clone());
        sapwood_models::Reading { key, renames, ..sapwood_models::Reading::of(model) }
    }

    /// What tells what is read of a file from everything else: BLAKE3 of the file, or of that and all
    /// that changes how it is read, if something does.
    pub(super) fn digest(&self, path: &Path) -> Result<String, Error> {
        self.digest_with(path, [])
    }

    fn digest_with(&self, path: &Path, more: impl IntoIterator<Item = String>) -> Result<String, Error> {
        let key = self.key.iter().map(|key| format!("key {key}"));
        let renames = self.rename.iter().map(|rename| format!("rename {rename}"));
        let changes: Vec<String> = key.chain(renames).chain(more).collect();
        let weights = weights_digest(path)?;
        match changes.is_empty() {
            true => Ok(weights),
            false => Ok(digest(format!("{weights}\n{}", changes.join("\n")).as_bytes())),
        }
    }

    /// Opens nested networks of a file.
    pub(super) fn open_nested(
        &self,
        path: &Path,
        space: Option<&str>,
        device: &Device,
    ) -> Result<(SupernetSpec, Supernet), Error> {
        let opened = Supernet::read(path, space, &self.reading(None), device);
        let (spec, supernet, notes) = opened.map_err(|error| match error {
            Nested::Models(error) => hinted(error),
            error => error.into(),
        })?;
        tell(&notes);
        Ok((spec, supernet))
    }
}

impl Reading {
    /// Opens the network of a file, to use it as it is.
    pub(super) fn open(&self, path: &Path, model: Option<&str>, device: &Device) -> Result<Opened, Error> {
        check_file(path)?;
        let opened = self.reading(model).open(path, device).map_err(hinted)?;
        tell(&opened.notes);
        self.stated.apply(opened)
    }

    /// Opens the network of a file, to change it: says what would be lost.
    pub(super) fn open_to_change(
        &self,
        path: &Path,
        model: Option<&str>,
        device: &Device,
    ) -> Result<Opened, Error> {
        let opened = self.open(path, model, device)?;
        integers::refuse(&opened, "trained or changed")?;
        tell_free(&opened.zeros);
        Ok(opened)
    }

    /// Opens the network of a file of which nothing but the layers are taken.
    pub(super) fn open_layers(&self, path: &Path, device: &Device) -> Result<Opened, Error> {
        if self.masks.is_some() || self.masks_from_zeros || self.stated.class_names.is_some() {
            return Err(Error::Usage(
                "`--layers-of` takes neither weights nor classes of the file: leave `--masks`, `--masks-from-zeros` and \
                 `--class-names` out"
                    .into(),
            ));
        }
        let options = ["--key", "--rename", "--input-size"];
        let opened = self.reading(None).open(path, device).map_err(|error| hinted_among(error, &options))?;
        tell(&opened.notes);
        let opened = self.stated.apply(opened)?;
        integers::refuse(&opened, "trained or changed")?;
        Ok(opened)
    }

    /// What tells the network that was opened from every other: [`Naming::digest`], and what its classes are called where
    /// its own file does not say that.
    pub(super) fn digest(&self, path: &Path, opened: &Opened) -> Result<String, Error> {
        let masks =
            self.masks.as_deref().map(weights_digest).transpose()?.map(|digest| format!("masks {digest}"));
        let zeros = self.masks_from_zeros.then(|| "masks from zeros".to_string());
        let size = self.input_size.map(|[c, h, w]| format!("input size {c}x{h}x{w}"));
        let is_said_elsewhere = self.stated.names_classes() || opened.notes.contains(&Note::Config);
        let names = opened.trained_on.as_ref().map(|known| &known.classes);
        let names = names.filter(|names| is_said_elsewhere && !names.is_empty());
        let classes = names.map(|names| format!("classes {}", digest(names.join("\n").as_bytes())));
        self.naming.digest_with(path, masks.into_iter().chain(zeros).chain(size).chain(classes))
    }

    fn reading(&self, model: Option<&str>) -> sapwood_models::Reading {
        sapwood_models::Reading {
            masks: self.masks.clone(),
            zeros: if self.masks_from_zeros { Zeros::Masked } else { Zeros::Free },
            example: self.input_size,
            ..self.naming.reading(model)
        }
    }
}

/// Refuses a folder, with the weight file that a run or a compression leaves in it.
fn check_file(path: &Path) -> Result<(), Error> {
    if !path.is_dir() {
        return Ok(());
    }
    let usual = ["weights.safetensors", "net.safetensors"].map(|name| path.join(name));
    let problem = match usual.iter().find(|file| file.is_file()) {
        Some(file) => {
            format!("cannot read weights: expected a file, found a folder: give {}", file.display())
        }
        None => {
            format!("cannot read weights: expected a file, found a folder: give one in {}", path.display())
        }
    };
    Err(Error::Usage(problem))
}

/// How many weights are zero without a mask, if a layer has many.
pub(super) fn free_zeros(zeros: &FreeZeros) -> Option<String> {
    let count = |n: usize| Cell::count(n as u64).text().to_string();
    let line =
        || format!("{} of {} weights are zero but have no mask", count(zeros.zeros()), count(zeros.of));
    (!zeros.is_empty()).then(line)
}

/// Tells that zeros would be lost.
fn tell_free(zeros: &FreeZeros) {
    if let Some(line) = free_zeros(zeros) {
        note(&format!("note: {line}: keep them with `--masks-from-zeros`"));
    }
}

fn tell(notes: &[Note]) {
    notes.iter().for_each(|line| note(&format!("note: {line}")));
}

/// [`hinted`], in a command that has some of the options alone.
pub(super) fn hinted_among(error: Models, options: &[&str]) -> Error {
    hinted_where(error, |option| options.contains(&option))
}

/// The error with the option that would help.
pub(super) fn hinted(error: Models) -> Error {
    hinted_where(error, |_| true)
}

fn hinted_where(error: Models, has: impl Fn(&str) -> bool) -> Error {
    let (problem, path) = match error {
        Models::Weights { problem, path } => (problem, path),
        error => return error.into(),
    };
    let Some((hint, option)) = hint(&problem) else { return Models::Weights { problem, path }.into() };
    let elsewhere = match has(option) {
        true => String::new(),
        false => format!("; `prune --sparsity 0` has `{option}`, and what it writes needs none"),
    };
    let said = format!("cannot read weights: {problem}{hint}{elsewhere}: {}", path.display());
    Error::Hinted { said, error: Box::new(Models::Weights { problem, path }.into()) }
}

/// What would help, and the option that this names.
fn hint(problem: &Problem) -> Option<(&'static str, &'static str)> {
    Some(match problem {
        Problem::NoModel { nearest: None, unlike, .. } if unlike.is_empty() => (
            ": name it with `--model`; a network of your own comes in as ONNX (`torch.onnx.export`)",
            "--model",
        ),
        Problem::SeveralModels { .. } => (": name it with `--model`", "--model"),
        Problem::SeveralFit { .. } => (" with `--key`", "--key"),
        Problem::OpenSize(_) => (
            " by `--input-size` in the order of the file, as in 3x224x224, 224x224x3 where channels come last, or 6x64 for 6 \
             channels of 64 values",
            "--input-size",
        ),
        Problem::MasksTwice => (": leave `--masks` out", "--masks"),
        Problem::Mismatch { mismatch, unlike, .. }
            if unlike.is_empty() && !mismatch.missing.is_empty() && !mismatch.unexpected.is_empty() =>
        {
            ("; if only names differ, `--rename OLD=NEW` helps", "--rename")
        }
        _ => return None,
    })
}
