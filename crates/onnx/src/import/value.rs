//! What is known of a value while a file is read.

use crate::{
    import::gelu::Part,
    proto::{Damage, Tensor},
};

/// A value of the file's graph.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    /// An optional input that is not there.
    Absent,
    /// What an operation computes that a network here cannot have.
    Unknown,
    /// What depends on the input.
    Data(Data),
    /// What the file holds.
    Stored(Stored<'a>),
    /// Integers that were computed, such as shapes.
    Numbers(Numbers),
    /// A part of a GELU that was written as its formula.
    Gelu(Part),
}

/// A value that depends on the input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Data {
    /// The node that makes it.
    pub(super) node: usize,
    /// The shape of an example, `[C, H, W]`.
    pub(super) shape: [usize; 3],
    /// 4 for `[N, C, H, W]`, 2 for `[N, C]`, of which H and W are 1.
    pub(super) rank: usize,
}

/// A tensor of the file, seen in a shape of its own.
#[derive(Clone, Debug)]
pub(super) struct Stored<'a> {
    /// What it is called where it is used.
    pub(super) name: &'a str,
    pub(super) tensor: Tensor<'a>,
    pub(super) shape: Vec<usize>,
    /// Whether it is a matrix whose rows lie in the file as columns.
    pub(super) transposed: bool,
}

impl<'a> Stored<'a> {
    pub(super) fn new(tensor: Tensor<'a>) -> Result<Self, Damage> {
        let len = tensor.len()?;
        // What is seen in a shape has its number of values, which is what the bytes are checked against.
        if len == 0 && tensor.is_float() {
            return Err(Damage(format!("tensor `{}` has no values", tensor.name)));
        }
        Ok(Self { name: tensor.name, shape: tensor.shape.clone(), tensor, transposed: false })
    }

    /// The number of values.
    pub(super) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// The values, row by row in the shape in which it is seen.
    pub(super) fn floats(&self) -> Result<Vec<f32>, Damage> {
        let values = self.tensor.floats()?;
        match (self.transposed, &self.shape[..]) {
            (true, &[rows, columns]) => {
                let at = |at: usize| values[at % columns * rows + at / columns];
                Ok((0..values.len()).map(at).collect())
            }
            _ => Ok(values),
        }
    }

    /// The value of a tensor that has one.
    pub(super) fn scalar(&self) -> Result<Option<f32>, Damage> {
        let one = self.len() == 1 && self.tensor.is_float();
        one.then(|| self.tensor.floats()).transpose().map(|values| values.and_then(|v| v.first().copied()))
    }

    /// Its columns for its rows.
    pub(super) fn transpose(self) -> Self {
        let shape = self.shape.iter().rev().copied().collect();
        Self { shape, transposed: !self.transposed, ..self }
    }
}

/// Integers of a shape's computation: of rank 0 or 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Numbers {
    pub(super) all: Vec<Size>,
    pub(super) rank: usize,
}

/// An integer, or the number of examples, which is known only when the network runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    Number(i64),
    Batch,
}

impl<'a> Value<'a> {
    /// The same under the name of a node's output: weights that several layers share come to each by its
    /// own name.
    pub(super) fn named(self, name: &'a str) -> Self {
        let says = |stored: &Stored<'_>| stored.tensor.name.is_empty() || name.contains('.');
        match self {
            Self::Stored(stored) if says(&stored) => Self::Stored(Stored { name, ..stored }),
            value => value,
        }
    }
}
