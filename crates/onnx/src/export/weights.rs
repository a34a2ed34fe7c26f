//! Parameters as a file has them: in 32 or 16 bits, or in integers.

use std::borrow::Cow;

use sapwood_graph::{Array, DType, F16};

use super::{
    options::Weights,
    params::Params,
    whole,
    writing::{Attribute, Tensor, Writing},
};
use crate::proto::data_type;

impl<'s> Writing<'s> {
    /// A bias in f32, or in the integers that are added to sums; the name of its values in f32.
    pub(super) fn bias(&mut self, path: &str, value: &'s Array) -> Result<String, String> {
        match self.integers.remove(path) {
            Some(integers) => self.dequantized(path, integers),
            None => Ok(self.weights(path, value)),
        }
    }

    /// A parameter, in f32; its name.
    pub(super) fn weights(&mut self, path: &str, value: &'s Array) -> String {
        self.column(path, value, 0)
    }

    /// The same with dimensions of 1 behind its own.
    pub(super) fn column(&mut self, path: &str, value: &'s Array, behind: usize) -> String {
        let name = self.unused(path.into());
        let dims = value.shape().iter().map(|size| *size as i64).chain(vec![1; behind]).collect();
        self.tensors.push(Tensor {
            name: name.clone(),
            data_type: data_type::FLOAT,
            dims,
            bytes: floats(value),
        });
        name
    }

    /// A weight as weights are to be stored; the name of its values in f32.
    pub(super) fn narrow(&mut self, path: &str, value: &'s Array) -> Result<String, String> {
        if let Some(integers) = self.integers.remove(path) {
            return self.dequantized(path, integers);
        }
        self.narrow_as(path, value.shape(), || value.iter::<f32>().collect(), |to| to.weights(path, value))
    }

    /// The same with columns for rows.
    pub(super) fn transposed(&mut self, path: &str, value: &'s Array) -> Result<String, String> {
        if let Some(integers) = self.integers.remove(path) {
            return self.dequantized(path, Cow::Owned(whole::turned(&integers)?));
        }
        let [rows, columns] = value.shape() else { return Err("has a weight that is no matrix".into()) };
        let turned = || {
            let values: Vec<f32> = value.iter::<f32>().collect();
            (0..values.len()).map(|at| values[at % rows * columns + at / rows]).collect::<Vec<f32>>()
        };
        self.narrow_as(path, &[*columns, *rows], turned, |to| {
            let bytes = turned().into_iter().flat_map(f32::to_le_bytes).collect();
            let name = to.unused(path.into());
            let dims = vec![*columns as i64, *rows as i64];
            to.tensors.push(Tensor {
                name: name.clone(),
                data_type: data_type::FLOAT,
                dims,
                bytes: Cow::Owned(bytes),
            });
            name
        })
    }

    fn narrow_as(
        &mut self,
        path: &str,
        shape: &[usize],
        values: impl FnOnce() -> Vec<f32>,
        wide: impl FnOnce(&mut Self) -> String,
    ) -> Result<String, String> {
        if self.weights == Weights::F32 {
            return Ok(wide(self));
        }
        let halves: Vec<F16> = values().into_iter().map(|value| F16::from_f64(f64::from(value))).collect();
        if halves.iter().any(|half| !half.to_f32().is_finite()) {
            return Err("has weights that 16 bits do not hold".into());
        }
        let bytes = halves.into_iter().flat_map(|half| half.to_bits().to_le_bytes()).collect();
        let name = self.unused(format!("{path}/f16"));
        let dims = shape.iter().map(|size| *size as i64).collect();
        self.tensors.push(Tensor {
            name: name.clone(),
            data_type: data_type::FLOAT16,
            dims,
            bytes: Cow::Owned(bytes),
        });
        let output = self.unused(path.into());
        self.push("", "Cast", &[name], &output, &[("to", Attribute::Int(data_type::FLOAT))]);
        Ok(output)
    }

    /// A value with a layer's parameters behind it, of which these may be narrow.
    pub(super) fn with_params(
        &mut self,
        x: String,
        params: Params<'_, 's>,
        narrow: &[bool],
    ) -> Result<Vec<String>, String> {
        let mut inputs = vec![x];
        for (at, (path, value)) in params.iter().enumerate() {
            inputs.push(match narrow.get(at) {
                Some(true) => self.narrow(path, value)?,
                _ => self.bias(path, value)?,
            });
        }
        Ok(inputs)
    }
}

/// Values as f32 lies in a file.
pub(super) fn floats(value: &Array) -> Cow<'_, [u8]> {
    match value.dtype() {
        DType::F32 => value.as_bytes(),
        _ => Cow::Owned(value.iter::<f32>().flat_map(f32::to_le_bytes).collect()),
    }
}
