//! A node with what is known of its inputs.

use std::cell::Cell;

use super::{
    known::Known,
    refusal::Refusal,
    value::{Data, Size, Stored, Value},
};
use crate::proto::{Attribute, Graph, Node, Tensor};

/// A node with what is known of its inputs.
pub(super) struct Call<'a, 'n> {
    pub(super) node: &'n Node<'a>,
    pub(super) inputs: Vec<Value<'a>>,
    pub(super) opset: i64,
    /// Which attributes were asked for.
    read: Vec<Cell<bool>>,
}

impl<'a, 'n> Call<'a, 'n> {
    pub(super) fn new(node: &'n Node<'a>, inputs: Vec<Value<'a>>, opset: i64) -> Self {
        let read = node.attributes.iter().map(|_| Cell::new(false)).collect();
        Self { node, inputs, opset, read }
    }

    /// Makes integers of the file plain ones, for operations that know no types of them.
    pub(super) fn plain(&mut self) -> Result<(), Refusal> {
        for input in &mut self.inputs {
            if let Value::Whole(whole) = input {
                *input = whole.plain()?;
            }
        }
        Ok(())
    }

    fn attribute(&self, name: &str) -> Option<&Attribute<'a>> {
        let at = self.node.attributes.iter().position(|attribute| attribute.name == name)?;
        self.read[at].set(true);
        self.node.attributes.get(at)
    }

    /// Nothing that the node says was passed over.
    pub(super) fn all_read(&self) -> Result<(), Refusal> {
        let unread = self.node.attributes.iter().zip(&self.read).find(|(_, read)| !read.get());
        unread.map_or(Ok(()), |(attribute, _)| Err(Refusal::Cannot(format!("with `{}`", attribute.name))))
    }

    /// Attributes that change nothing here.
    pub(super) fn ignore(&self, names: &[&str]) {
        for name in names {
            self.attribute(name);
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    pub(super) fn integer(&self, name: &str, default: i64) -> Result<i64, Refusal> {
        Ok(self.attribute(name).map_or(Ok(default), Attribute::integer)?)
    }

    pub(super) fn float(&self, name: &str, default: f32) -> Result<f32, Refusal> {
        Ok(self.attribute(name).map_or(Ok(default), Attribute::float)?)
    }

    /// The same of a number that a network keeps: one that is not finite could not be written down with it.
    pub(super) fn finite(&self, name: &str, default: f32) -> Result<f32, Refusal> {
        match self.float(name, default)? {
            found if found.is_finite() => Ok(found),
            found => Err(Refusal::Damaged(format!("its `{name}` should be a finite number but is {found}"))),
        }
    }

    pub(super) fn text(&self, name: &str, default: &'a str) -> Result<&'a str, Refusal> {
        Ok(self.attribute(name).map_or(Ok(default), Attribute::text)?)
    }

    pub(super) fn tensor(&self, name: &str) -> Result<Option<Tensor<'a>>, Refusal> {
        Ok(self.attribute(name).map(Attribute::tensor).transpose()?.flatten())
    }

    pub(super) fn graph(&self, name: &str) -> Result<Option<Graph<'a>>, Refusal> {
        Ok(self.attribute(name).map(Attribute::graph).transpose()?.flatten())
    }

    pub(super) fn integers(&self, name: &str) -> Result<Option<Vec<i64>>, Refusal> {
        Ok(self.attribute(name).map(Attribute::integers).transpose()?)
    }

    pub(super) fn floats(&self, name: &str) -> Result<Option<Vec<f32>>, Refusal> {
        Ok(self.attribute(name).map(Attribute::floats).transpose()?)
    }

    /// Refuses an attribute with another value than the only one that is read.
    pub(super) fn only(&self, name: &str, expected: i64) -> Result<(), Refusal> {
        match self.integer(name, expected)? {
            found if found == expected => Ok(()),
            found => Err(Refusal::Cannot(format!("with {name} {found}"))),
        }
    }

    pub(super) fn input(&self, at: usize) -> &Value<'a> {
        self.inputs.get(at).unwrap_or(&Value::Absent)
    }

    /// An input of numbers that a node of the network makes.
    pub(super) fn data(&self, at: usize) -> Result<Data, Refusal> {
        match self.input(at) {
            Value::Data(Data { integers: true, .. }) => Err(Refusal::Cannot("of integers".into())),
            Value::Data(data) => Ok(*data),
            Value::Unknown => Err(Refusal::Follows),
            Value::Absent => Err(Refusal::Damaged(format!("it lacks input {}", at + 1))),
            Value::Levels(_) => Err(Refusal::Cannot("of integers".into())),
            // Beside what is not known nobody can say that all are.
            Value::Stored(_) | Value::Numbers(_) | Value::Whole(_) => match self.follows() {
                true => Err(Refusal::Follows),
                false => Err(Refusal::Cannot("of constants".into())),
            },
            Value::Sequence(_) => Err(Refusal::Cannot("of a sequence".into())),
            Value::Places(_) => Err(Refusal::Cannot("by the number of examples".into())),
            Value::Truth(truth) => Err(truth.refuse()),
        }
    }

    /// The same of images or sequences.
    pub(super) fn planes(&self, at: usize) -> Result<Data, Refusal> {
        let data = self.data(at)?;
        match (data.dims.example(), data.dims.rank()) {
            (Some(_), 3 | 4) => Ok(data),
            _ => Err(Refusal::Cannot(format!("of {}", data.dims))),
        }
    }

    /// Floating point that the file holds, if the input is there.
    pub(super) fn maybe_stored(&self, at: usize) -> Result<Option<Stored<'a>>, Refusal> {
        match self.input(at) {
            Value::Absent => Ok(None),
            Value::Stored(stored) => Ok(Some(stored.clone())),
            Value::Unknown => Err(Refusal::Follows),
            Value::Numbers(_) | Value::Whole(_) | Value::Levels(_) => {
                Err(Refusal::Cannot("with integers for weights".into()))
            }
            Value::Data(_) | Value::Places(_) | Value::Truth(_) | Value::Sequence(_) => {
                Err(Refusal::Cannot("with computed weights".into()))
            }
        }
    }

    /// Floating point that the file holds.
    pub(super) fn stored(&self, at: usize) -> Result<Stored<'a>, Refusal> {
        self.maybe_stored(at)?.ok_or_else(|| Refusal::Damaged(format!("it lacks input {}", at + 1)))
    }

    /// Whether no input depends on the network's, and one is there.
    pub(super) fn is_constant(&self) -> bool {
        let known = |value: &Value<'_>| matches!(value, Value::Stored(_) | Value::Numbers(_));
        self.inputs.iter().any(known) && self.inputs.iter().all(|v| known(v) || matches!(v, Value::Absent))
    }

    /// Whether an input is what an operation computes that was refused.
    pub(super) fn follows(&self) -> bool {
        self.inputs.iter().any(|value| matches!(value, Value::Unknown))
    }

    /// Integers that were computed, if the input is there.
    pub(super) fn sizes(&self, at: usize) -> Result<Option<Vec<Size>>, Refusal> {
        match self.input(at) {
            Value::Absent => Ok(None),
            Value::Numbers(numbers) => Ok(Some(numbers.all.clone())),
            Value::Unknown => Err(Refusal::Follows),
            // Without values there is no type that they need.
            Value::Stored(stored) if stored.len() == 0 => Ok(Some(vec![])),
            Value::Stored(_) => Err(Refusal::Cannot("with floating point for integers".into())),
            Value::Whole(_) => Err(Refusal::Cannot("with integers of few bits".into())),
            Value::Levels(_) | Value::Data(_) | Value::Places(_) | Value::Truth(_) | Value::Sequence(_) => {
                Err(Refusal::Cannot("by values that depend on the input".into()))
            }
        }
    }

    /// The same, none of which may be the number of examples.
    pub(super) fn numbers(&self, at: usize) -> Result<Option<Vec<i64>>, Refusal> {
        self.sizes(at)?.map(|sizes| plain(&sizes)).transpose()
    }

    /// Integers of an attribute or, in newer opsets, of an input.
    pub(super) fn either(&self, name: &str, at: usize) -> Result<Option<Vec<i64>>, Refusal> {
        match self.integers(name)? {
            Some(found) => Ok(Some(found)),
            None => self.numbers(at),
        }
    }

    /// A number of an attribute or, in newer opsets, of an input.
    pub(super) fn number(&self, name: &str, at: usize, default: f32) -> Result<f32, Refusal> {
        let attribute = self.float(name, default)?;
        match self.maybe_stored(at)? {
            Some(stored) => {
                stored.scalar()?.ok_or_else(|| Refusal::Damaged(format!("its `{name}` is no number")))
            }
            None => Ok(attribute),
        }
    }

    /// An input whose values are known.
    pub(super) fn known(&self, at: usize) -> Result<Known, Refusal> {
        Known::of(self.input(at))
    }

    /// An axis that may count from the end.
    pub(super) fn axis(&self, at: i64, rank: usize) -> Result<usize, Refusal> {
        axis(at, rank)
    }
}

/// An axis that may count from the end.
pub(super) fn axis(at: i64, rank: usize) -> Result<usize, Refusal> {
    let found = if at < 0 { at.checked_add(rank as i64) } else { Some(at) };
    let found = found.and_then(|at| usize::try_from(at).ok()).filter(|at| *at < rank);
    found.ok_or_else(|| Refusal::Damaged(format!("there is no axis {at} of {rank}")))
}

/// Integers, none of which may be the number of examples.
pub(super) fn plain(sizes: &[Size]) -> Result<Vec<i64>, Refusal> {
    let plain = |size: &Size| match size {
        Size::Number(number) => Ok(*number),
        Size::Batch(_) => Err(Refusal::Cannot("by the number of examples".into())),
    };
    sizes.iter().map(plain).collect()
}
