//! Models, graphs and nodes.

use super::{
    Damage, Fields, MOST_NUMBERS, Tensor,
    field::{attribute, function, graph, model, node, pair},
    wire::Wire,
};

/// More inputs or outputs than a node has.
const MOST_ENDS: usize = 256;
/// More attributes than a node has.
const MOST_ATTRIBUTES: usize = 64;

/// A whole file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Model<'a>(pub(crate) &'a [u8]);

impl<'a> Model<'a> {
    /// Whether bytes begin as such a file: with the version of its form, and then with another of
    /// its fields.
    pub(crate) fn begins(bytes: &[u8]) -> bool {
        // Field 1, a number of one byte, then the tag of field 2 to 8, 14, 20 or 25.
        matches!(bytes, [0x08, 0..=31, 0x12 | 0x1a | 0x22 | 0x28 | 0x32 | 0x3a | 0x42 | 0x72, ..])
    }

    /// The version of ONNX's own operations.
    pub(crate) fn opset(self) -> Result<Option<i64>, Damage> {
        let mut found = None;
        for import in messages(self.0, model::OPSET_IMPORT) {
            let (mut domain, mut version) = ("", None);
            for field in Fields(import?) {
                match field? {
                    (pair::FIRST, wire) => domain = wire.text()?,
                    (pair::SECOND, wire) => version = Some(wire.integer()?),
                    _ => {}
                }
            }
            if is_own(domain) {
                found = version;
            }
        }
        Ok(found)
    }

    /// The program that wrote the file, where that says it.
    pub(crate) fn producer(self) -> Result<&'a str, Damage> {
        let mut found = "";
        for field in Fields(self.0) {
            if let (model::PRODUCER_NAME, wire) = field? {
                found = wire.text()?;
            }
        }
        Ok(found)
    }

    /// What the file says of itself.
    pub(crate) fn metadata(self) -> impl Iterator<Item = Result<(&'a str, &'a str), Damage>> {
        messages(self.0, model::METADATA_PROPS).map(|entry| text_pair(entry?))
    }

    /// The graph.
    pub(crate) fn graph(self) -> Result<Option<Graph<'a>>, Damage> {
        messages(self.0, model::GRAPH).last().transpose().map(|bytes| bytes.map(Graph))
    }

    /// The operations that it brings itself: their domains and names.
    pub(crate) fn functions(self) -> impl Iterator<Item = Result<(&'a str, &'a str), Damage>> {
        messages(self.0, model::FUNCTIONS).map(|bytes| {
            let (mut domain, mut name) = ("", "");
            for field in Fields(bytes?) {
                match field? {
                    (function::NAME, wire) => name = wire.text()?,
                    (function::DOMAIN, wire) => domain = wire.text()?,
                    _ => {}
                }
            }
            Ok((domain, name))
        })
    }
}

/// Whether operations are ONNX's own.
pub(crate) fn is_own(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Graph<'a>(&'a [u8]);

impl<'a> Graph<'a> {
    pub(crate) fn nodes(self) -> impl Iterator<Item = Result<Node<'a>, Damage>> {
        messages(self.0, graph::NODE).map(|bytes| Node::read(bytes?))
    }

    /// The node that makes a value, if one does.
    pub(crate) fn maker(self, value: &str) -> Result<Option<Node<'a>>, Damage> {
        for node in self.nodes() {
            let node = node?;
            if node.outputs.contains(&value) {
                return Ok(Some(node));
            }
        }
        Ok(None)
    }

    pub(crate) fn initializers(self) -> impl Iterator<Item = Result<Tensor<'a>, Damage>> {
        messages(self.0, graph::INITIALIZER).map(|bytes| Ok(Tensor::read(bytes?)?.listed()))
    }

    pub(crate) fn inputs(self) -> impl Iterator<Item = Result<ValueInfo<'a>, Damage>> {
        messages(self.0, graph::INPUT).map(|bytes| ValueInfo::read(bytes?))
    }

    pub(crate) fn outputs(self) -> impl Iterator<Item = Result<ValueInfo<'a>, Damage>> {
        messages(self.0, graph::OUTPUT).map(|bytes| ValueInfo::read(bytes?))
    }

    pub(crate) fn has_sparse_initializers(self) -> bool {
        messages(self.0, graph::SPARSE_INITIALIZER).next().is_some()
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Node<'a> {
    pub(crate) inputs: Vec<&'a str>,
    pub(crate) outputs: Vec<&'a str>,
    pub(crate) name: &'a str,
    pub(crate) op: &'a str,
    pub(crate) domain: &'a str,
    pub(crate) attributes: Vec<Attribute<'a>>,
}

impl<'a> Node<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Damage> {
        let mut found = Self::default();
        for field in Fields(bytes) {
            match field? {
                (node::INPUT, wire) => found.inputs.push(wire.text()?),
                (node::OUTPUT, wire) => found.outputs.push(wire.text()?),
                (node::NAME, wire) => found.name = wire.text()?,
                (node::OP_TYPE, wire) => found.op = wire.text()?,
                (node::DOMAIN, wire) => found.domain = wire.text()?,
                (node::ATTRIBUTE, wire) => found.attributes.push(Attribute::read(wire.bytes()?)?),
                _ => {}
            }
            let most = found.inputs.len().max(found.outputs.len()).max(found.attributes.len() * 4);
            if MOST_ENDS.max(4 * MOST_ATTRIBUTES) < most {
                return Err(Damage(format!("a node has more than {MOST_ENDS} inputs or outputs")));
            }
        }
        Ok(found)
    }

    /// What messages call it: its name, or that of its first output.
    pub(crate) fn called(&self) -> String {
        let output = || self.outputs.first().copied().unwrap_or_default();
        if self.name.is_empty() { format!("that of `{}`", output()) } else { format!("`{}`", self.name) }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Attribute<'a> {
    pub(crate) name: &'a str,
    bytes: &'a [u8],
}

impl<'a> Attribute<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Damage> {
        let mut found = Self { name: "", bytes };
        for field in Fields(bytes) {
            if let (attribute::NAME, wire) = field? {
                found.name = wire.text()?;
            }
        }
        Ok(found)
    }

    fn last(&self, number: u64) -> Result<Option<Wire<'a>>, Damage> {
        let found = Fields(self.bytes).filter(|field| !matches!(field, Ok((other, _)) if *other != number));
        found.last().transpose().map(|field| field.map(|(_, wire)| wire))
    }

    /// Its value, which some writers leave out where it is 0; so of the next two.
    pub(crate) fn integer(&self) -> Result<i64, Damage> {
        self.last(attribute::I)?.map_or(Ok(0), Wire::integer)
    }

    pub(crate) fn float(&self) -> Result<f32, Damage> {
        self.last(attribute::F)?.map_or(Ok(0.0), Wire::float)
    }

    pub(crate) fn text(&self) -> Result<&'a str, Damage> {
        self.last(attribute::S)?.map_or(Ok(""), Wire::text)
    }

    pub(crate) fn tensor(&self) -> Result<Option<Tensor<'a>>, Damage> {
        self.last(attribute::T)?.map(|wire| Tensor::read(wire.bytes()?)).transpose()
    }

    pub(crate) fn graph(&self) -> Result<Option<Graph<'a>>, Damage> {
        self.last(attribute::G)?.map(|wire| wire.bytes().map(Graph)).transpose()
    }

    pub(crate) fn floats(&self) -> Result<Vec<f32>, Damage> {
        let mut found = Vec::new();
        for field in Fields(self.bytes) {
            if let (attribute::FLOATS, wire) = field? {
                found.extend(wire.fixed()?.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)));
            }
        }
        Ok(found)
    }

    pub(crate) fn integers(&self) -> Result<Vec<i64>, Damage> {
        let mut found = Vec::new();
        for field in Fields(self.bytes) {
            if let (attribute::INTS, wire) = field? {
                few_integers(wire, &mut found)?;
            }
        }
        Ok(found)
    }
}

/// Adds the integers of a field, of which there cannot be many.
pub(super) fn few_integers(wire: Wire<'_>, found: &mut Vec<i64>) -> Result<(), Damage> {
    for value in wire.integers() {
        if found.len() == MOST_NUMBERS {
            return Err(Damage(format!("a list has more than {MOST_NUMBERS} integers")));
        }
        found.push(value?);
    }
    Ok(())
}

/// A dimension of an input or output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Dim<'a> {
    Number(i64),
    Named(&'a str),
}

/// An input or output of a graph.
#[derive(Clone, Debug, Default)]
pub(crate) struct ValueInfo<'a> {
    pub(crate) name: &'a str,
    /// See [`super::data_type`].
    pub(crate) data_type: Option<i64>,
    pub(crate) dims: Option<Vec<Dim<'a>>>,
}

impl<'a> ValueInfo<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Damage> {
        let mut found = Self::default();
        for field in Fields(bytes) {
            match field? {
                (1, wire) => found.name = wire.text()?,
                // TypeProto, of which field 1 is TypeProto.Tensor.
                (2, wire) => {
                    for tensor in messages(wire.bytes()?, 1) {
                        found.read_type(tensor?)?;
                    }
                }
                _ => {}
            }
        }
        Ok(found)
    }

    fn read_type(&mut self, bytes: &'a [u8]) -> Result<(), Damage> {
        for field in Fields(bytes) {
            match field? {
                (1, wire) => self.data_type = Some(wire.integer()?),
                (2, wire) => {
                    let mut dims = Vec::new();
                    for dim in messages(wire.bytes()?, 1) {
                        if dims.len() == Tensor::MOST_DIMS {
                            return Err(Damage(format!("`{}` has too many dimensions", self.name)));
                        }
                        dims.push(dimension(dim?)?);
                    }
                    self.dims = Some(dims);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn dimension(bytes: &[u8]) -> Result<Dim<'_>, Damage> {
    let mut found = Dim::Named("");
    for field in Fields(bytes) {
        match field? {
            (1, wire) => found = Dim::Number(wire.integer()?),
            (2, wire) => found = Dim::Named(wire.text()?),
            _ => {}
        }
    }
    Ok(found)
}

/// The messages in the fields of a number.
pub(super) fn messages(bytes: &[u8], number: u64) -> impl Iterator<Item = Result<&[u8], Damage>> {
    Fields(bytes).filter_map(move |field| match field {
        Ok((found, wire)) => (found == number).then(|| wire.bytes()),
        Err(damage) => Some(Err(damage)),
    })
}

/// An entry of a key and a value.
pub(super) fn text_pair(bytes: &[u8]) -> Result<(&str, &str), Damage> {
    let (mut key, mut value) = ("", "");
    for field in Fields(bytes) {
        match field? {
            (pair::FIRST, wire) => key = wire.text()?,
            (pair::SECOND, wire) => value = wire.text()?,
            _ => {}
        }
    }
    Ok((key, value))
}
