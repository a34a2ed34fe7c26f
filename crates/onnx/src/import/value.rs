//! What is known of a value while a file is read.

use std::sync::Arc;

use sapwood_graph::{Dims, Grid, Quantized};

use super::{coded::Coded, whole::Whole};
use crate::proto::{Damage, Tensor, data_type};

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
    /// Integers of the file with their type.
    Whole(Whole<'a>),
    /// Integers that stand for what a node of the network makes.
    Levels(Levels),
    /// Several, one behind the other.
    Sequence(Vec<Value<'a>>),
}

/// What a node of the network makes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Data {
    pub(super) node: usize,
    pub(super) dims: Dims,
    /// Whether these are integers, which only a table is read by.
    pub(super) integers: bool,
}

/// Integers that are known but for the number of examples.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Affine {
    pub(super) shape: Vec<Size>,
    pub(super) steps: Vec<i64>,
    pub(super) offset: i64,
}

/// A value of which something is known to be asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Truth {
    pub(super) x: Data,
    pub(super) asked: Asked,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Asked {
    /// Nothing yet: integers with a dimension of this size behind their own, all equal.
    Spread(usize),
    /// Which of the numbers from 0 on it is, in a last dimension.
    Which(usize),
    /// The same as numbers, 0 and 1.
    Hot(usize),
    /// Whether it is more than this.
    More(f32),
}

/// Integers that stand for what a node of the network makes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Levels {
    /// The value in numbers, rounded.
    pub(super) data: Data,
    pub(super) grid: Grid,
}

/// Floating point in a shape of its own.
#[derive(Clone, Debug)]
pub(super) struct Stored<'a> {
    /// What it is called where it is used.
    pub(super) name: &'a str,
    /// Its type in the file, of those in which numbers are told; f32 where it was computed.
    pub(super) kind: i64,
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
    Coded(Coded<'a>),
}

impl<'a> Stored<'a> {
    /// # Errors
    /// A shape that no memory has.
    pub(super) fn new(tensor: Tensor<'a>) -> Result<Self, Damage> {
        tensor.len()?;
        let (name, kind, shape) = (tensor.name, tensor.data_type, tensor.shape.clone());
        Ok(Self { name, kind, shape, source: Source::File(tensor), transposed: false, place: None })
    }

    /// What was computed, with a value for each place of the shape.
    pub(super) fn made(name: &'a str, shape: Vec<usize>, values: Vec<f32>) -> Self {
        let source = Source::Made(Arc::new(values));
        Self { name, kind: data_type::FLOAT, shape, source, transposed: false, place: None }
    }

    /// The same in another type, which holds its values.
    pub(super) fn of_kind(self, kind: i64) -> Self {
        Self { kind, ..self }
    }

    /// What the file says in integers: called as they are, without what quantisers add to that.
    pub(super) fn coded(coded: Coded<'a>) -> Self {
        let (name, shape) = (coded.whole.name, coded.whole.shape.clone());
        let name = name.strip_suffix("_quantized").unwrap_or(name);
        let source = Source::Coded(coded);
        Self { name, kind: data_type::FLOAT, shape, source, transposed: false, place: None }
    }

    /// The integers and scales that it is said in, if it is: `None` also where it is seen in a shape for which they
    /// are not.
    pub(super) fn quantized(&self) -> Result<Option<Quantized>, Damage> {
        let Source::Coded(coded) = &self.source else { return Ok(None) };
        let quantized = coded.quantized()?;
        if self.transposed && quantized.shape().len() == 2 {
            return crate::turned::turned(&quantized).map(Some).map_err(|error| Damage(error.to_string()));
        }
        Ok(Some(quantized).filter(|quantized| quantized.shape() == self.shape))
    }

    /// Whether what has the same name and shape stands for the same numbers: of integers with their scales.
    pub(super) fn is_said_as(&self, other: &Self) -> bool {
        match (&self.source, &other.source) {
            (Source::Coded(one), Source::Coded(other)) => one.is_said_as(other),
            (Source::Coded(_), _) | (_, Source::Coded(_)) => false,
            _ => true,
        }
    }

    /// The bytes of the file that it takes at least.
    pub(super) fn least_bytes(&self) -> usize {
        match &self.source {
            Source::Coded(coded) => self.len().saturating_mul(coded.bits()) / 8,
            _ => self.len().saturating_mul(2),
        }
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

    /// Whether the file lists it among its tensors.
    pub(super) fn is_listed(&self) -> bool {
        match &self.source {
            Source::File(tensor) => tensor.listed,
            Source::Coded(coded) => coded.whole.is_listed(),
            Source::Made(_) => false,
        }
    }

    /// Whether it was computed.
    pub(super) fn is_made(&self) -> bool {
        matches!(self.source, Source::Made(_))
    }

    /// Whether it lies in the file under a name by which a module would call it.
    pub(super) fn is_learnt(&self) -> bool {
        let made_up = ["val_", "_", "const", "onnx::", "scalar", "tensor"];
        self.is_listed()
            && self.name.contains(|c: char| c.is_ascii_alphabetic())
            && !self.name.contains(['/', '[', ':'])
            && !made_up.iter().any(|prefix| self.name.starts_with(prefix))
    }

    /// The values, row by row in the shape in which it is seen.
    pub(super) fn floats(&self) -> Result<Vec<f32>, Damage> {
        match (&self.source, self.transposed, &self.shape[..]) {
            (Source::File(tensor), false, _) => tensor.floats(),
            (Source::Made(values), false, _) => Ok(values.to_vec()),
            (Source::Coded(coded), false, _) => Ok(coded.quantized()?.dequantized().iter().collect()),
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
                    Source::Coded(coded) => {
                        let values: Vec<f32> = coded.quantized()?.dequantized().iter().collect();
                        Ok((0..values.len()).map(|to| values[at(to)]).collect())
                    }
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
        let says = |old: &str| old.is_empty() || name.contains('.') && !name.contains('/');
        let is_coded =
            |stored: &Stored<'_>| matches!(stored.source, Source::Coded(_)) && !stored.name.is_empty();
        match self {
            // Integers have the name of the parameter, and their numbers that of an operation.
            Self::Stored(stored) if is_coded(&stored) => Self::Stored(stored),
            Self::Stored(stored) if says(stored.name) => Self::Stored(Stored { name, ..stored }),
            Self::Whole(whole) if says(whole.name) => Self::Whole(whole.called(name)),
            value => value,
        }
    }
}
