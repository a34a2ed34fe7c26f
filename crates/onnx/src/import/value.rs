//! What is known of a value while a file is read.

use std::sync::Arc;

use sapwood_graph::Dims;

use super::{affine::Affine, truths::Truth};
use crate::proto::{Damage, Tensor};

/// A value of the file's graph.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    /// An optional input that is not there.
    Absent,
    /// What an operation computes that a network here cannot have.
    Unknown,
    /// What a node of the network makes.
    Data(Data),
    /// Floating point that the file holds, or what was computed of that.
    Stored(Stored<'a>),
    /// Integers that the file holds, or that were computed, such as shapes.
    Numbers(Numbers),
    /// Integers of which there are more the more examples there are.
    Places(Affine),
    /// A step of what a network here says otherwise.
    Truth(Truth),
}

/// What a node of the network makes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Data {
    pub(super) node: usize,
    pub(super) dims: Dims,
    /// Whether these are integers, which only a table is read by.
    pub(super) integers: bool,
}

/// Floating point in a shape of its own.
#[derive(Clone, Debug)]
pub(super) struct Stored<'a> {
    /// What it is called where it is used.
    pub(super) name: &'a str,
    source: Source<'a>,
    pub(super) shape: Vec<usize>,
    /// Whether it is a matrix whose rows lie in the file as columns.
    transposed: bool,
    /// The node of the network that was set aside for it where the file has one.
    pub(super) place: Option<usize>,
}

#[derive(Clone, Debug)]
enum Source<'a> {
    File(Tensor<'a>),
    Made(Arc<Vec<f32>>),
}

impl<'a> Stored<'a> {
    /// # Errors
    /// A shape that no memory has.
    pub(super) fn new(tensor: Tensor<'a>) -> Result<Self, Damage> {
        tensor.len()?;
        let (name, shape) = (tensor.name, tensor.shape.clone());
        Ok(Self { name, shape, source: Source::File(tensor), transposed: false, place: None })
    }

    /// What was computed, with a value for each place of the shape.
    pub(super) fn made(name: &'a str, shape: Vec<usize>, values: Vec<f32>) -> Self {
        Self { name, shape, source: Source::Made(Arc::new(values)), transposed: false, place: None }
    }

    /// The same with a node of the network set aside for it.
    pub(super) fn placed(self, node: usize) -> Self {
        Self { place: Some(node), ..self }
    }

    /// Whether its rows lie in the file as columns.
    pub(super) fn is_transposed(&self) -> bool {
        self.transposed
    }

    /// The number of values.
    pub(super) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it lies in the file under a name by which a module would call it.
    pub(super) fn is_learnt(&self) -> bool {
        let Source::File(tensor) = &self.source else { return false };
        let made_up = ["val_", "_", "const", "onnx::", "scalar", "tensor"];
        tensor.listed
            && self.len() > 1
            && self.name.contains(|c: char| c.is_ascii_alphabetic())
            && !self.name.contains(['/', '[', ':'])
            && !made_up.iter().any(|prefix| self.name.starts_with(prefix))
    }

    /// The values, row by row in the shape in which it is seen.
    pub(super) fn floats(&self) -> Result<Vec<f32>, Damage> {
        match (&self.source, self.transposed, &self.shape[..]) {
            (Source::File(tensor), false, _) => tensor.floats(),
            (Source::Made(values), false, _) => Ok(values.to_vec()),
            (source, true, &[rows, columns]) => {
                let at = |at: usize| at % columns * rows + at / columns;
                match source {
                    Source::File(tensor) => match tensor.raw_floats()? {
                        Some(raw) => {
                            Ok((0..rows * columns).map(|to| f32::from_le_bytes(raw[at(to)])).collect())
                        }
                        None => {
                            let values = tensor.floats()?;
                            Ok((0..values.len()).map(|to| values[at(to)]).collect())
                        }
                    },
                    Source::Made(values) => Ok((0..values.len()).map(|to| values[at(to)]).collect()),
                }
            }
            _ => Err(Damage(format!("tensor `{}` is no matrix", self.name))),
        }
    }

    /// The value of a tensor that has one.
    pub(super) fn scalar(&self) -> Result<Option<f32>, Damage> {
        match self.len() == 1 {
            true => Ok(self.floats()?.first().copied()),
            false => Ok(None),
        }
    }

    /// Its columns for its rows.
    pub(super) fn transpose(self) -> Self {
        let shape = self.shape.iter().rev().copied().collect();
        Self { shape, transposed: !self.transposed, place: None, ..self }
    }

    /// The same values in another shape of their number, unless their order is another.
    pub(super) fn viewed(&self, shape: Vec<usize>) -> Option<Self> {
        match shape == self.shape || !self.transposed {
            true => Some(Self { shape, place: None, ..self.clone() }),
            false => None,
        }
    }
}

/// Integers of a shape's computation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Numbers {
    pub(super) shape: Vec<usize>,
    pub(super) all: Vec<Size>,
}

/// An integer, or a multiple of the number of examples, which is known only when the network runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    Number(i64),
    Batch(i64),
}

impl<'a> Value<'a> {
    /// The same under the name of a node's output: weights that several layers share come to each by its
    /// own name.
    pub(super) fn named(self, name: &'a str) -> Self {
        let says = |stored: &Stored<'_>| stored.name.is_empty() || name.contains('.') && !name.contains('/');
        match self {
            Self::Stored(stored) if says(&stored) => Self::Stored(Stored { name, ..stored }),
            value => value,
        }
    }
}
