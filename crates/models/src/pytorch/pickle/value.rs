//! What a pickle is made of.

/// The place of an object in [`Pickle::objects`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id(pub(super) u32);

/// A value: small ones themselves, others by their place. Text and bytes are
/// those of the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Object(Id),
}

/// What several values may share, or what does not lie in the file as it is.
#[derive(Debug)]
pub(crate) enum Object<'a> {
    /// Text that was written with escapes.
    Text(String),
    /// Bytes that were written with escapes.
    Bytes(Vec<u8>),
    /// An integer of more than 64 bits: little-endian, two's complement.
    Large(&'a [u8]),
    /// An integer of more than 64 bits, in digits.
    Digits(&'a str),
    /// A class or function: its module and its name.
    Global(Value<'a>, Value<'a>),
    /// Something outside the pickle, by what it is called.
    Persistent(Value<'a>),
    List(Vec<Value<'a>>),
    Tuple(Vec<Value<'a>>),
    Set(Vec<Value<'a>>),
    Dictionary(Vec<(Value<'a>, Value<'a>)>),
    Instance(Box<Instance<'a>>),
}

/// What a call would have made.
#[derive(Debug)]
pub(crate) struct Instance<'a> {
    /// What would have been called.
    pub(crate) callable: Value<'a>,
    /// With what: as a rule a tuple.
    pub(crate) arguments: Value<'a>,
    /// What was given to it afterwards: as a rule its attributes.
    pub(crate) state: Vec<Value<'a>>,
    /// What was stored under keys, as in a dictionary.
    pub(crate) items: Vec<(Value<'a>, Value<'a>)>,
    /// What was appended, as to a list.
    pub(crate) elements: Vec<Value<'a>>,
}

/// A pickle that was read.
#[derive(Debug)]
pub(crate) struct Pickle<'a> {
    /// What it stands for.
    pub(crate) root: Value<'a>,
    /// Its length in bytes.
    pub(crate) len: usize,
    pub(super) objects: Vec<Object<'a>>,
}

impl<'a> Pickle<'a> {
    /// The number of objects.
    pub(crate) fn objects(&self) -> &[Object<'a>] {
        &self.objects
    }

    /// The object of a value that has one.
    pub(crate) fn object(&self, value: Value<'a>) -> Option<&Object<'a>> {
        match value {
            Value::Object(id) => self.objects.get(id.0 as usize),
            _ => None,
        }
    }

    /// Text, however it was written; also text that Python 2 wrote as bytes.
    pub(crate) fn text<'s>(&'s self, value: Value<'a>) -> Option<&'s str> {
        match (value, self.object(value)) {
            (Value::Text(text), _) => Some(text),
            (_, Some(Object::Text(text))) => Some(text),
            _ => std::str::from_utf8(self.bytes(value)?).ok(),
        }
    }

    /// Bytes, however they were written.
    pub(crate) fn bytes<'s>(&'s self, value: Value<'a>) -> Option<&'s [u8]> {
        match (value, self.object(value)) {
            (Value::Bytes(bytes), _) => Some(bytes),
            (_, Some(Object::Bytes(bytes))) => Some(bytes),
            _ => None,
        }
    }

    /// The elements of a tuple or a list.
    pub(crate) fn elements(&self, value: Value<'a>) -> Option<&[Value<'a>]> {
        match self.object(value)? {
            Object::List(values) | Object::Tuple(values) => Some(values),
            _ => None,
        }
    }

    /// The instance, if it is one.
    pub(crate) fn instance(&self, value: Value<'a>) -> Option<&Instance<'a>> {
        match self.object(value)? {
            Object::Instance(instance) => Some(instance),
            _ => None,
        }
    }

    /// Module and name of a class or function.
    pub(crate) fn global(&self, value: Value<'a>) -> Option<(&str, &str)> {
        match self.object(value)? {
            Object::Global(module, name) => Some((self.text(*module)?, self.text(*name)?)),
            _ => None,
        }
    }

    /// Non-negative integers: a tuple, a list or a `torch.Size`.
    pub(crate) fn sizes(&self, value: Value<'a>) -> Option<Vec<usize>> {
        let size = |value: &Value<'a>| match value {
            Value::Int(size) => usize::try_from(*size).ok(),
            _ => None,
        };
        let elements = match self.instance(value) {
            Some(made) => self.elements(*self.elements(made.arguments)?.first()?)?,
            None => self.elements(value)?,
        };
        elements.iter().map(size).collect()
    }
}
