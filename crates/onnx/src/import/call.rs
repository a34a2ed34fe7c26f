//! A node with what is known of its inputs.

use std::cell::Cell;

use super::{
    numbers,
    value::{Data, Numbers, Stored, Value},
};
use crate::{
    Error, Unsupported,
    proto::{Attribute, Damage, Node, Tensor},
};

/// Why a node is not made.
#[derive(Debug)]
pub(super) enum Refusal {
    /// No network here has such an operation.
    Unheard,
    /// None has it with this: what follows its name.
    Cannot(String),
    /// None has another node, on which this one depends.
    Other { operation: String, node: String },
    /// It depends on something for which a reason was given already.
    Follows,
    /// The file contradicts itself.
    Damaged(String),
}

impl From<Damage> for Refusal {
    fn from(Damage(problem): Damage) -> Self {
        Self::Damaged(problem)
    }
}

impl Refusal {
    /// Puts it on the list; what is damaged is an error at once.
    pub(super) fn note(self, unsupported: &mut Unsupported, node: &Node<'_>) -> Result<(), Error> {
        let own = if matches!(node.domain, "" | "ai.onnx") { "" } else { node.domain };
        let name = if own.is_empty() { node.op.to_string() } else { format!("{own}.{}", node.op) };
        let (operation, at) = match self {
            Self::Unheard => (name, node.called()),
            Self::Cannot(with) => (format!("{name} {with}"), node.called()),
            Self::Other { operation, node } => (operation, node),
            Self::Follows => return Ok(()),
            Self::Damaged(problem) => {
                return Err(Error::Format(format!("node {} ({name}): {problem}", node.called())));
            }
        };
        unsupported.operations.entry(operation).or_default().insert(at);
        Ok(())
    }
}

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

    /// An attribute that changes nothing here.
    pub(super) fn ignore(&self, name: &str) {
        self.attribute(name);
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    pub(super) fn integer(&self, name: &str, default: i64) -> Result<i64, Refusal> {
        let found = self.attribute(name).map(Attribute::integer).transpose()?;
        Ok(found.flatten().unwrap_or(default))
    }

    pub(super) fn float(&self, name: &str, default: f32) -> Result<f32, Refusal> {
        let found = self.attribute(name).map(Attribute::float).transpose()?;
        Ok(found.flatten().unwrap_or(default))
    }

    pub(super) fn text(&self, name: &str, default: &'a str) -> Result<&'a str, Refusal> {
        let found = self.attribute(name).map(Attribute::text).transpose()?;
        Ok(found.flatten().unwrap_or(default))
    }

    pub(super) fn tensor(&self, name: &str) -> Result<Option<Tensor<'a>>, Refusal> {
        Ok(self.attribute(name).map(Attribute::tensor).transpose()?.flatten())
    }

    pub(super) fn integers(&self, name: &str) -> Result<Option<Vec<i64>>, Refusal> {
        Ok(self.attribute(name).map(Attribute::integers).transpose()?)
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

    /// An input that depends on the network's.
    pub(super) fn data(&self, at: usize) -> Result<Data, Refusal> {
        match self.input(at) {
            Value::Data(data) => Ok(*data),
            Value::Unknown => Err(Refusal::Follows),
            Value::Gelu(part) => Err(part.refuse()),
            Value::Absent => Err(Refusal::Damaged(format!("it lacks input {}", at + 1))),
            Value::Stored(_) | Value::Numbers(_) => Err(Refusal::Cannot("of constants".into())),
        }
    }

    /// The same of rank 4.
    pub(super) fn image(&self, at: usize) -> Result<Data, Refusal> {
        match self.data(at)? {
            data @ Data { rank: 4, .. } => Ok(data),
            _ => Err(Refusal::Cannot("of values that are no images".into())),
        }
    }

    /// An input that the file holds, if it is there.
    pub(super) fn maybe_stored(&self, at: usize) -> Result<Option<Stored<'a>>, Refusal> {
        match self.input(at) {
            Value::Absent => Ok(None),
            Value::Stored(stored) => Ok(Some(stored.clone())),
            Value::Unknown => Err(Refusal::Follows),
            Value::Gelu(part) => Err(part.refuse()),
            Value::Data(_) | Value::Numbers(_) => Err(Refusal::Cannot("with computed weights".into())),
        }
    }

    /// An input in floating point that the file holds.
    pub(super) fn stored(&self, at: usize) -> Result<Stored<'a>, Refusal> {
        let found =
            self.maybe_stored(at)?.ok_or_else(|| Refusal::Damaged(format!("it lacks input {}", at + 1)));
        found.and_then(floating)
    }

    /// The same, if it is there.
    pub(super) fn maybe_floating(&self, at: usize) -> Result<Option<Stored<'a>>, Refusal> {
        self.maybe_stored(at)?.map(floating).transpose()
    }

    /// Integers, if they are there.
    pub(super) fn numbers(&self, at: usize) -> Result<Option<Numbers>, Refusal> {
        match self.input(at) {
            Value::Absent => Ok(None),
            value => numbers::of(value).map(Some),
        }
    }

    /// Integers of an attribute or, in newer opsets, of an input.
    pub(super) fn either(&self, name: &str, at: usize) -> Result<Option<Vec<i64>>, Refusal> {
        match self.integers(name)? {
            Some(found) => Ok(Some(found)),
            None => self.numbers(at)?.map(|numbers| numbers.plain()).transpose(),
        }
    }
}

fn floating(stored: Stored<'_>) -> Result<Stored<'_>, Refusal> {
    match stored.tensor.is_float() {
        true => Ok(stored),
        false => Err(Refusal::Cannot("with integers for weights".into())),
    }
}
