//! Weights, masks and what they belong to, in one file: safetensors, or coded.

mod coded;
mod form;
mod tensors;
#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::Path,
};

pub use coded::{CodedFile, Coding, Piece};
use form::Form;
use safetensors::{Dtype, SafeTensors, View, tensor::Metadata};
use serde_json::Value;
use tensors::{DTYPES, Opened, Source};

use crate::{
    Array, Bits, Cause, Error, FileError, Masks, Mismatch, ParamPath, Quantized, Ranges, State,
    canonical_json, state::check,
};

const MASK: &str = "_mask";
const SCALE: &str = "_scale";
const ZERO_POINT: &str = "_zero_point";
const BATCHES: &str = "num_batches_tracked";
const MEAN: &str = "running_mean";
/// One key only: the order of several would differ from run to run.
const METADATA: &str = "sapwood";

/// The content of a weight file: PyTorch's names and layouts, masks as BOOL
/// tensors named `<param>_mask` (a set element is a kept weight), and metadata.
///
/// Tensors of integers with scales are `<param>`, `<param>_scale` and, where they have one,
/// `<param>_zero_point`. What safetensors cannot say of them stands in the metadata beside the
/// network's keys, and only in files that need it.
///
/// ```
/// use sapwood_graph::{Array, Per, Quantized, State, StateFile};
///
/// # fn main() -> Result<(), sapwood_graph::Error> {
/// let values = Array::new([2, 2], vec![127i8, -3, 0, 64])?;
/// let scale = Array::new([2], vec![0.5f32, 0.25])?;
/// let mut file = StateFile::default();
/// file.quantized.insert("fc.weight".into(), Quantized::new(values, Per::Axis(0), scale, None)?);
/// file.state.0.insert("fc.bias".into(), Array::new([2], vec![0.1f32, 0.2])?);
/// assert_eq!(StateFile::from_bytes(&file.to_bytes()?)?, file);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateFile {
    /// Parameters and buffers.
    pub state: State,
    /// Those that are integers with scales.
    pub quantized: BTreeMap<ParamPath, Quantized>,
    /// Masks of some of either.
    pub masks: Masks,
    /// Between which bounds the network's values were seen.
    pub ranges: Ranges,
    /// What the weights belong to; `null` in a file that Sapwood did not write.
    pub metadata: Value,
}

impl StateFile {
    /// The file's bytes. Equal contents give equal bytes.
    ///
    /// # Errors
    /// Tensors that would have one name, and metadata with keys that are the file's own.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut form = self.form();
        let mut tensors: Vec<(String, Raw<'_>)> = Vec::new();
        for (name, array) in self.arrays() {
            let raw = raw(&name, array, &mut form);
            let layer = name.strip_suffix(MEAN).filter(|_| self.state.0.contains_key(name.as_str()));
            let counter = layer.map(|layer| format!("{layer}{BATCHES}"));
            // A state dict of no network here keeps its own.
            if let Some(counter) = counter.filter(|name| !self.state.0.contains_key(name.as_str())) {
                let zero = Raw { dtype: Dtype::I64, shape: vec![], bytes: Cow::Owned(vec![0; 8]) };
                tensors.push((counter, zero));
            }
            tensors.push((name, raw));
        }
        for (path, mask) in &self.masks {
            let shape = self.shape(path).map_or_else(|| vec![mask.len()], <[usize]>::to_vec);
            let bytes = Cow::Owned(mask.iter().map(u8::from).collect());
            tensors.push((format!("{path}{MASK}"), Raw { dtype: Dtype::BOOL, shape, bytes }));
        }
        no_name_twice(tensors.iter().map(|(name, _)| name.as_str()))?;
        let metadata = match form.put(&self.metadata)? {
            Value::Null => None,
            metadata => Some(HashMap::from([(METADATA.to_string(), canonical_json(&metadata))])),
        };
        safetensors::serialize(tensors, metadata).map_err(|error| Error::format_of(WHAT, error))
    }

    /// Reads a file's bytes, as [`StateFile::to_bytes`] or as [`StateFile::to_coded`] writes them. Masks
    /// are applied to the weights; the counters of batches that PyTorch's normalisation layers keep are
    /// ignored.
    ///
    /// # Errors
    /// Bytes that are no such file, or one of a newer version; tensors of types that no network is
    /// stored in; scales, zero points and masks that do not fit what they belong to.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        if Self::is_coded(bytes) {
            return coded::read(bytes);
        }
        let (header, metadata) = header(bytes)?;
        Self::of(&metadata, &bytes[8 + header..])
    }

    /// Reads a file as [`StateFile::from_bytes`] does its bytes, but each value straight to its place, by several
    /// threads where there is much to read.
    ///
    /// # Errors
    /// As those of [`StateFile::from_bytes`], and what the file system refuses.
    pub fn read(path: &Path) -> Result<Self, Error> {
        match Opened::new(path)? {
            Some(opened) => Self::of(&opened.metadata()?, &opened),
            None => Self::from_bytes(&fs::read(path).map_err(FileError::of::<Error>("read", path.into()))?),
        }
    }

    /// What a header says, with its tensors from where they are.
    fn of(header: &Metadata, source: &(impl Source + ?Sized)) -> Result<Self, Error> {
        let mut metadata = said(header)?;
        let mut form = Form::take(&mut metadata)?;
        let ranges = std::mem::take(&mut form.ranges);
        let mut found = Self { metadata, ranges, ..Self::default() };
        let mut shapes = Vec::new();
        let wanted = |name: &str| !name.ends_with(BATCHES);
        for (name, tensor) in tensors::read(header, source, &mut form, wanted)? {
            match (name.strip_suffix(MASK), tensor.dtype) {
                (Some(path), Dtype::BOOL) => {
                    let bytes = tensor.values.as_slice::<u8>();
                    let bytes = bytes.ok_or_else(|| format(format!("`{name}` is no mask")))?;
                    found.masks.insert(path.into(), bytes.iter().map(|byte| *byte != 0).collect::<Bits>());
                    shapes.push((path.to_string(), tensor.values.shape().to_vec()));
                }
                _ => {
                    found.state.0.insert(ParamPath::from(name), tensor.values);
                }
            }
        }
        if let Some(path) = form.packed.keys().next() {
            return Err(format(format!("its metadata name a tensor `{path}`, which it does not have")));
        }
        found.join(form)?;
        found.with_masks_applied(shapes)
    }

    /// Takes the integers with scales out of the other tensors.
    fn join(&mut self, form: Form) -> Result<(), Error> {
        for (path, per) in form.quantized {
            let mut take = |suffix: &str| self.state.0.remove(format!("{path}{suffix}").as_str());
            let lacks = |suffix: &str| format(format!("`{path}{suffix}` is not there"));
            let values = take("").ok_or_else(|| lacks(""))?;
            let (scale, zero_point) = (take(SCALE).ok_or_else(|| lacks(SCALE))?, take(ZERO_POINT));
            let quantized = Quantized::new(values, per, scale, zero_point);
            let quantized = quantized.map_err(|error| caused(format!("tensor `{path}`: {error}"), error))?;
            self.quantized.insert(path, quantized);
        }
        Ok(())
    }

    /// All tensors but masks, under their names.
    fn arrays(&self) -> Vec<(String, &Array)> {
        let state = self.state.0.iter().map(|(path, value)| (path.to_string(), value));
        let parts = self.quantized.iter().flat_map(|(path, quantized)| {
            let parts = [("", Some(quantized.values())), (SCALE, Some(quantized.scale()))];
            let parts = parts.into_iter().chain([(ZERO_POINT, quantized.zero_point())]);
            parts.filter_map(move |(suffix, part)| Some((format!("{path}{suffix}"), part?)))
        });
        state.chain(parts).collect()
    }

    /// What the metadata have to say of them.
    fn form(&self) -> Form {
        let quantized = self.quantized.iter().map(|(path, quantized)| (path.clone(), quantized.per()));
        Form { quantized: quantized.collect(), ranges: self.ranges.clone(), ..Form::default() }
    }

    /// What a file says of itself in our metadata; `null` where it says nothing.
    ///
    /// # Errors
    /// Bytes that are no such file, or one of a newer version.
    pub fn metadata_of(bytes: &[u8]) -> Result<Value, Error> {
        if Self::is_coded(bytes) {
            return coded::metadata(bytes);
        }
        let mut metadata = said(&header(bytes)?.1)?;
        Form::take(&mut metadata).map(|_| metadata)
    }

    /// Sets masked weights to zero. Each mask must have the shape of its weight,
    /// not only its size.
    ///
    /// # Errors
    /// [`Error::Mismatch`]: masks without a weight or of another number of values, and shapes that are not those of the
    /// weights.
    pub fn with_masks_applied(mut self, shapes: Vec<(String, Vec<usize>)>) -> Result<Self, Error> {
        let of_another = |(path, found): (String, Vec<usize>)| {
            let expected = self.shape(&path.as_str().into())?.to_vec();
            (expected != found).then(|| (format!("{path}{MASK}").into(), expected, found))
        };
        let misshapen: Vec<_> = shapes.into_iter().filter_map(of_another).collect();
        if !misshapen.is_empty() {
            return Err(Error::Mismatch(Mismatch { misshapen, ..Mismatch::default() }));
        }
        check(&self.masks, |path| self.shape(path))?;
        for (path, mask) in &self.masks {
            self.state.0.get_mut(path).into_iter().for_each(|value| value.mask(mask));
            self.quantized.get_mut(path).into_iter().for_each(|value| value.mask(mask));
        }
        Ok(self)
    }

    fn shape(&self, path: &ParamPath) -> Option<&[usize]> {
        self.state.0.get(path).map(Array::shape).or_else(|| self.quantized.get(path).map(Quantized::shape))
    }
}

/// The header of a file, and the bytes that it takes.
fn header(bytes: &[u8]) -> Result<(usize, Metadata), Error> {
    SafeTensors::read_metadata(bytes).map_err(|error| Error::format_of(WHAT, error))
}

/// What a header says in our metadata.
fn said(header: &Metadata) -> Result<Value, Error> {
    let Some(text) = header.metadata().as_ref().and_then(|map| map.get(METADATA)) else {
        return Ok(Value::Null);
    };
    serde_json::from_str(text).map_err(metadata)
}

/// Refuses tensors that would have one name.
fn no_name_twice<'a>(mut names: impl Iterator<Item = &'a str>) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    match names.find(|name| !seen.insert(*name)) {
        Some(twice) => Err(format(format!("two of its tensors are called `{twice}`"))),
        None => Ok(()),
    }
}

struct Raw<'a> {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Cow<'a, [u8]>,
}

impl View for Raw<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// A tensor as it lies in the file; of one whose values share bytes, the metadata keep type and shape.
fn raw<'a>(name: &str, value: &'a Array, form: &mut Form) -> Raw<'a> {
    let bytes = value.as_bytes();
    match DTYPES.iter().find(|row| row.1 == value.dtype()) {
        Some((dtype, _)) => Raw { dtype: *dtype, shape: value.shape().to_vec(), bytes },
        None => {
            form.packed.insert(name.into(), (value.dtype(), value.shape().to_vec()));
            Raw { dtype: Dtype::U8, shape: vec![bytes.len()], bytes }
        }
    }
}

/// What messages call it.
const WHAT: &str = "safetensors file";

fn format(problem: String) -> Error {
    Error::format(WHAT, problem)
}

fn caused(problem: String, cause: impl Into<Cause>) -> Error {
    Error::Format { what: WHAT, problem, source: Some(cause.into()) }
}

/// Metadata that are not ours.
fn metadata(error: serde_json::Error) -> Error {
    caused(format!("metadata: {error}"), error)
}
