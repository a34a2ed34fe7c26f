//! What a file holds, whatever network it belongs to.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sapwood_core::{Cause, Masks, Shape, State, StateFile};
use serde_json::Value;

use super::{
    Reading, Shapes, Wants, Zeros,
    candidates::dense,
    fit::fit,
    masks::{assemble, masks_beside, settle},
    places::Places,
    read_masks,
};
use crate::{
    Error, Note, Problem, coded_file, integers, onnx_file,
    pytorch::{self, Node},
    safetensors_file,
    zeros::masks_of_zeros,
};

/// A file with tensors: safetensors, coded, what PyTorch's `torch.save` wrote, or ONNX. The content decides, never
/// the name. Nothing in it is executed.
#[derive(Debug)]
pub struct Checkpoint {
    pub(crate) root: Node,
    metadata: Value,
    path: PathBuf,
    notes: Vec<Note>,
    integers: Option<integers::Found>,
}

/// A network's tensors, under its names.
#[derive(Debug)]
pub struct Fitted {
    /// Parameters and buffers, all finite; masked ones are zero.
    pub state: State,
    /// The masks that stay such.
    pub masks: Masks,
    /// What should be known of how they were found.
    pub notes: Vec<Note>,
}

impl Checkpoint {
    /// Reads a file.
    ///
    /// # Errors
    /// It is not there, or is nothing of the kind.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::read_as(path, None)
    }

    /// The same of examples of this size, where the file leaves that open.
    pub(crate) fn read_as(path: &Path, example: Option<Shape>) -> Result<Self, Error> {
        let bytes = fs::read(path).map_err(|error| Error::caused(path, error))?;
        Self::of(&bytes, path, (path.parent(), example))
    }

    /// The same of a file that is in memory; `path` is what messages call it.
    ///
    /// # Errors
    /// It is nothing of the kind.
    pub fn of_bytes(bytes: &[u8], path: &Path) -> Result<Self, Error> {
        Self::of(bytes, path, (None, None))
    }

    /// The same of a file in a folder, with examples of a size that only ONNX files leave open.
    pub(crate) fn of(
        bytes: &[u8],
        path: &Path,
        (folder, example): (Option<&Path>, Option<Shape>),
    ) -> Result<Self, Error> {
        if example.is_some() && !sapwood_onnx::is_one(bytes) {
            return Err(Error::Weights { problem: Problem::NoOpenSize.into(), path: path.into() });
        }
        let coded = StateFile::is_coded(bytes);
        if coded || safetensors_file::is_one(bytes) {
            let wrong = |error: sapwood_core::graph::Error| Error::caused(path, error);
            let root = if coded { coded_file::read(bytes) } else { safetensors_file::read(bytes) };
            let mut root = root.map_err(wrong)?;
            let metadata = StateFile::metadata_of(bytes).map_err(wrong)?;
            let ours = !metadata.is_null();
            let mut integers = None;
            if ours && let Some((numbers, found)) = integers::read(bytes, &root).map_err(wrong)? {
                (root, integers) = (numbers, Some(found));
            }
            let format = if coded { "coded" } else { "safetensors" };
            tracing::debug!(format, ours, bytes = bytes.len(), path = %path.display(), "weight file read");
            return Ok(Self { root, metadata, path: path.into(), notes: Vec::new(), integers });
        }
        if sapwood_onnx::is_one(bytes) {
            let (root, metadata, notes, integers) = onnx_file::read(bytes, path, folder, example)?;
            tracing::debug!(format = "ONNX", bytes = bytes.len(), path = %path.display(), "weight file read");
            let integers = integers.map(integers::Found::Onnx);
            return Ok(Self { root, metadata, path: path.into(), notes, integers });
        }
        let root = pytorch::read(bytes).map_err(|problem| Error::caused(path, problem))?;
        tracing::debug!(format = "PyTorch", bytes = bytes.len(), path = %path.display(), "weight file read");
        Ok(Self { root, metadata: Value::Null, path: path.into(), notes: Vec::new(), integers: None })
    }

    /// Leaves nothing but what messages say of the file.
    pub(crate) fn forget_tensors(&mut self) {
        self.root = Node::Dictionary(Default::default());
    }

    /// The file, as messages call it.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What the file has in integers, if it has any.
    pub(crate) fn integers(&self) -> Option<&integers::Found> {
        self.integers.as_ref()
    }

    /// What the file says of itself in our metadata; `null` where it says nothing.
    pub fn metadata(&self) -> &Value {
        &self.metadata
    }

    /// How many values lie in it, as far as they are numbers of a tensor that is there as a whole.
    pub fn values(&self) -> usize {
        let tensors = Places::of(&self.root);
        let count = |shape: &[usize]| shape.iter().fold(1, |count: usize, side| count.saturating_mul(*side));
        let counts = tensors.below("").filter_map(|(_, stored)| Some(count(dense(stored)?.shape())));
        counts.fold(0, usize::saturating_add)
    }

    /// The tensors of a network: of those below all keys, the ones whose names and shapes are the
    /// network's, once what all of them begin with is taken off and `weight_orig` and `weight_mask` are
    /// joined. An optimiser's memory is never taken.
    ///
    /// # Errors
    /// None that fit, or several; tensors that cannot be read as weights or as masks, or are not finite; no zeros where
    /// `reading` makes masks of them.
    pub fn fitted(&self, wants: &dyn Wants, reading: &Reading) -> Result<Fitted, Error> {
        let found = fit(self, wants, reading)?;
        found.tell();
        // In a file of ours masks are as they were written.
        let all = !self.metadata.is_null();
        let (mut state, mut masks, notes) =
            assemble(&found.candidate, &found.params, all).map_err(|problem| self.problem(problem))?;
        let mut notes = [self.notes.clone(), found.notes, notes].concat();
        if reading.masks.is_some() && !masks.is_empty() {
            return Err(self.problem(Problem::MasksTwice));
        }
        if masks.is_empty() {
            let apart = match &reading.masks {
                Some(path) => read_masks(path, &found.params, reading)?,
                None => {
                    let beside = masks_beside(self, &found.params, reading);
                    beside.map_err(|problem| self.problem(problem))?
                }
            };
            let settled = settle(&mut state, apart, &found.params, false);
            let (kept, more) = settled.map_err(|problem| self.problem(problem))?;
            masks = kept;
            if !masks.is_empty() {
                notes.iter_mut().for_each(Note::without_masks);
                notes.retain(|note| !matches!(note, Note::LeftOut { others, .. } if others.is_empty()));
            }
            notes.extend(more);
        }
        state.check_finite().map_err(|error| self.problem(error.into()))?;
        if reading.zeros == Zeros::Masked {
            let made = masks_of_zeros(&state, &masks, &found.params);
            masks.extend(made.ok_or_else(|| self.problem(Problem::NoZeros))?);
        }
        notes
            .iter()
            .for_each(|note| tracing::debug!(%note, path = %self.path.display(), "to be known of this file"));
        Ok(Fitted { state, masks, notes })
    }

    /// An error of this file.
    pub(crate) fn problem(&self, problem: Problem) -> Error {
        Error::Weights { problem: Box::new(problem), path: self.path.clone() }
    }

    /// An error of this file, as another one says.
    pub(crate) fn caused(&self, cause: impl Into<Cause>) -> Error {
        Error::caused(&self.path, cause)
    }
}

impl Fitted {
    /// The shapes of its tensors.
    pub fn shapes(&self) -> Shapes {
        self.state.0.iter().map(|(path, value)| (path.clone(), value.shape().to_vec())).collect()
    }
}
