//! Weights, masks and what they belong to, in one safetensors file.

use std::{borrow::Cow, collections::HashMap};

use burn::tensor::{DType, TensorData};
use safetensors::{Dtype, SafeTensors, View};
use serde_json::Value;

use crate::{Bits, Error, Masks, Mismatch, ParamPath, State, canonical_json, graph};

const MASK: &str = "_mask";
const BATCHES: &str = "num_batches_tracked";
const MEAN: &str = "running_mean";
/// One key only: the order of several would differ from run to run.
const METADATA: &str = "sapwood";

/// The content of a weight file: PyTorch's names and layouts, masks as BOOL
/// tensors named `<param>_mask` (a set element is a kept weight), and metadata.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateFile {
    /// Parameters and buffers.
    pub state: State,
    /// Masks of some of them.
    pub masks: Masks,
    /// What the weights belong to; `null` in a file that Sapwood did not write.
    pub metadata: Value,
}

impl StateFile {
    /// The file's bytes. Equal contents give equal bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut tensors: Vec<(String, Raw<'_>)> = Vec::new();
        for (path, value) in &self.state.0 {
            let (dtype, bytes) = (dtype_of(value)?, Cow::Borrowed(value.as_bytes()));
            tensors.push((path.to_string(), Raw { dtype, shape: value.shape().to_vec(), bytes }));
            if let Some(layer) = path.as_str().strip_suffix(MEAN) {
                let zero = Raw { dtype: Dtype::I64, shape: vec![], bytes: Cow::Owned(vec![0; 8]) };
                tensors.push((format!("{layer}{BATCHES}"), zero));
            }
        }
        for (path, mask) in &self.masks {
            let shape =
                self.state.0.get(path).map_or_else(|| vec![mask.len()], |value| value.shape().to_vec());
            let bytes = Cow::Owned(mask.iter().map(u8::from).collect());
            tensors.push((format!("{path}{MASK}"), Raw { dtype: Dtype::BOOL, shape, bytes }));
        }
        let metadata = match &self.metadata {
            Value::Null => None,
            metadata => Some(HashMap::from([(METADATA.to_string(), canonical_json(metadata))])),
        };
        safetensors::serialize(tensors, metadata).map_err(|error| graph::Error::format_of(WHAT, error).into())
    }

    /// Reads a file's bytes. Masks are applied to the weights; the counters of
    /// batches that PyTorch's normalisation layers keep are ignored.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| graph::Error::format_of(WHAT, error))?;
        let mut found = Self { metadata: Self::metadata_of(bytes)?, ..Self::default() };
        let mut shapes = Vec::new();
        for (name, view) in file.iter() {
            if let (Some(path), Dtype::BOOL) = (name.strip_suffix(MASK), view.dtype()) {
                found.masks.insert(path.into(), view.data().iter().map(|byte| *byte != 0).collect::<Bits>());
                shapes.push((path.to_string(), view.shape().to_vec()));
            } else if !name.ends_with(BATCHES) {
                let value = TensorData::from_bytes_vec(
                    view.data().to_vec(),
                    view.shape().to_vec(),
                    dtype(name, view.dtype())?,
                );
                found.state.0.insert(ParamPath::from(name), value);
            }
        }
        found.with_masks_applied(shapes)
    }

    /// What a safetensors file says of itself in our metadata; `null` where it says nothing.
    pub fn metadata_of(bytes: &[u8]) -> Result<Value, Error> {
        let (_, header) =
            SafeTensors::read_metadata(bytes).map_err(|error| graph::Error::format_of(WHAT, error))?;
        let Some(text) = header.metadata().as_ref().and_then(|map| map.get(METADATA)) else {
            return Ok(Value::Null);
        };
        serde_json::from_str(text).map_err(|error| {
            let problem = format!("metadata: {error}");
            graph::Error::Format { what: WHAT, problem, source: Some(error.into()) }.into()
        })
    }

    /// Sets masked weights to zero. Each mask must have the shape of its weight,
    /// not only its size.
    pub fn with_masks_applied(mut self, shapes: Vec<(String, Vec<usize>)>) -> Result<Self, Error> {
        let of_another = |(path, found): (String, Vec<usize>)| {
            let expected = self.state.0.get(path.as_str())?.shape().to_vec();
            (expected != found).then(|| (format!("{path}{MASK}").into(), expected, found))
        };
        let misshapen: Vec<_> = shapes.into_iter().filter_map(of_another).collect();
        if !misshapen.is_empty() {
            return Err(graph::Error::Mismatch(Mismatch { misshapen, ..Mismatch::default() }).into());
        }
        self.state.apply(&self.masks)?;
        Ok(self)
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

/// The types that weights, inputs and labels come in.
const DTYPES: &[(Dtype, DType)] = &[
    (Dtype::F64, DType::F64),
    (Dtype::F32, DType::F32),
    (Dtype::F16, DType::F16),
    (Dtype::BF16, DType::BF16),
    (Dtype::I64, DType::I64),
    (Dtype::I32, DType::I32),
    (Dtype::U8, DType::U8),
];

fn dtype_of(value: &TensorData) -> Result<Dtype, Error> {
    let row = DTYPES.iter().find(|row| row.1 == value.dtype());
    row.map(|row| row.0).ok_or_else(|| format(format!("type {:?} has no place in it", value.dtype())))
}

fn dtype(name: &str, dtype: Dtype) -> Result<DType, Error> {
    let row = DTYPES.iter().find(|row| row.0 == dtype);
    row.map(|row| row.1).ok_or_else(|| format(format!("tensor `{name}` has the unsupported type {dtype:?}")))
}

/// What messages call it.
const WHAT: &str = "safetensors file";

fn format(problem: String) -> Error {
    graph::Error::format(WHAT, problem).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> StateFile {
        let weight = TensorData::new(vec![1.0f32, 0.0, 3.0, 0.0], [2, 2]);
        let mean = TensorData::new(vec![0.5f32], [1]);
        StateFile {
            state: State([("fc.weight".into(), weight), ("bn.running_mean".into(), mean)].into()),
            masks: [("fc.weight".into(), [true, false, true, false].into_iter().collect())].into(),
            metadata: serde_json::json!({"model": "m", "a": 1}),
        }
    }

    #[test]
    fn what_is_written_is_what_is_read_and_the_bytes_are_stable() {
        let bytes = file().to_bytes().unwrap();
        assert_eq!(StateFile::from_bytes(&bytes).unwrap(), file());
        assert_eq!(file().to_bytes().unwrap(), bytes);
    }

    #[test]
    fn masks_are_applied_when_read() {
        let mut dense = file();
        dense.state.0.insert("fc.weight".into(), TensorData::new(vec![1.0f32, 2.0, 3.0, 4.0], [2, 2]));
        let read = StateFile::from_bytes(&dense.to_bytes().unwrap()).unwrap();
        assert_eq!(read, file());
    }

    #[test]
    fn a_mask_without_its_weight_is_named() {
        let mut lost = file();
        lost.masks.insert("fc2.weight".into(), Bits::ones(3));
        let error = StateFile::from_bytes(&lost.to_bytes().unwrap()).unwrap_err();
        assert!(error.to_string().contains("unexpected fc2.weight_mask"), "{error}");
    }

    #[test]
    fn a_mask_of_another_shape_is_refused_even_with_the_right_size() {
        let mut turned = file();
        turned.state.0.insert("fc.weight".into(), TensorData::new(vec![1.0f32; 4], [4, 1]));
        let bytes = turned.to_bytes().unwrap();
        turned.state.0.insert("fc.weight".into(), TensorData::new(vec![1.0f32; 4], [2, 2]));
        let mut shapes = vec![("fc.weight".to_string(), vec![4, 1])];
        assert!(StateFile::from_bytes(&bytes).is_ok());
        let error = turned.clone().with_masks_applied(shapes.clone()).unwrap_err().to_string();
        assert!(error.contains("fc.weight_mask should be [2, 2] but is [4, 1]"), "{error}");
        shapes[0].1 = vec![2, 2];
        assert!(turned.with_masks_applied(shapes).is_ok());
    }

    #[test]
    fn any_truncation_is_an_error() {
        let bytes = file().to_bytes().unwrap();
        for end in 0..bytes.len() {
            assert!(StateFile::from_bytes(&bytes[..end]).is_err(), "{end}");
        }
    }
}
