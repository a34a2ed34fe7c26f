//! Integers of the file with their type: weights, biases, zero points.

use std::sync::Arc;

use sapwood_graph::{Array, DType};

use super::{
    known::Known,
    refusal::Refusal,
    value::{Size, Value},
};
use crate::proto::{Damage, MOST_NUMBERS, Tensor};

/// A tensor of integers of a type that numbers are rounded to.
#[derive(Clone, Debug)]
pub(super) struct Whole<'a> {
    /// What it is called where it is used.
    pub(super) name: &'a str,
    pub(super) shape: Vec<usize>,
    /// The least and the largest integer of the type.
    pub(super) bounds: [i32; 2],
    source: Source<'a>,
}

#[derive(Clone, Debug)]
enum Source<'a> {
    File(Tensor<'a>),
    Made(Arc<Array>),
}

impl<'a> Whole<'a> {
    /// A tensor of the file, if it is one of these.
    pub(super) fn of(tensor: &Tensor<'a>) -> Result<Option<Self>, Damage> {
        tensor.len()?;
        let whole = tensor.bounds().map(|bounds| Self {
            name: tensor.name,
            shape: tensor.shape.clone(),
            bounds,
            source: Source::File(tensor.clone()),
        });
        Ok(whole)
    }

    /// Integers that were computed.
    pub(super) fn made(name: &'a str, bounds: [i32; 2], values: Array) -> Self {
        Self { name, shape: values.shape().to_vec(), bounds, source: Source::Made(Arc::new(values)) }
    }

    /// The same under another name.
    pub(super) fn called(self, name: &'a str) -> Self {
        Self { name, ..self }
    }

    /// Whether it is one of the file's tensors, and no operation's.
    pub(super) fn is_listed(&self) -> bool {
        matches!(&self.source, Source::File(tensor) if tensor.listed)
    }

    pub(super) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// The type of its integers, where that is one of weights.
    pub(super) fn dtype(&self) -> Option<DType> {
        match &self.source {
            Source::File(tensor) => tensor.whole_type(),
            Source::Made(values) => Some(values.dtype()),
        }
    }

    /// The integers in their type.
    pub(super) fn array(&self) -> Result<Array, Damage> {
        match &self.source {
            Source::File(tensor) => tensor.whole(),
            Source::Made(values) => Ok(values.as_ref().clone()),
        }
    }

    /// The integers as numbers of 64 bits: zero points, of which there are few.
    pub(super) fn few(&self) -> Result<Vec<i64>, Damage> {
        match &self.source {
            Source::File(tensor) => Ok(tensor.few()?),
            Source::Made(values) => Ok(values.iter().collect()),
        }
    }

    /// What it is to an operation that knows no types of integers.
    pub(super) fn plain(&self) -> Result<Value<'a>, Refusal> {
        match &self.source {
            // Of these too few are read for any use but shapes.
            Source::File(tensor) if !tensor.is_of_other_type() && tensor.len()? <= MOST_NUMBERS => {
                let all = tensor.integers()?.into_iter().map(Size::Number).collect();
                Ok(Known::sizes(self.shape.clone(), all).into_value())
            }
            _ => Ok(Value::Unknown),
        }
    }
}
