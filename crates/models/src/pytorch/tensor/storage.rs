//! The storages that tensors are views of.

use std::borrow::Cow;

use super::{Budget, Element};
use crate::pytorch::{
    container::{self, Storages},
    pickle::{self, Object, Pickle, Value},
};

/// That protocol names storages by the text that Python prints of their names.
const PROTOCOL_0: &str =
    "of the pickle protocol 0, which PyTorch cannot read either: save it with the default one";

/// Elements in a row.
pub(super) struct Storage<'s> {
    pub(super) bytes: Cow<'s, [u8]>,
    pub(super) element: Element,
}

/// The storage that a value of a pickle stands for.
pub(super) fn of<'s, 'a>(
    pickle: &Pickle<'a>,
    storages: &'s mut Storages<'_>,
    budget: &mut Budget,
    value: Value<'a>,
) -> Result<Storage<'s>, String> {
    let Some(instance) = pickle.instance(value) else { return persistent(pickle, storages, value) };
    // Whoever pickles a tensor without `torch.save` gets a whole file for each storage.
    let file = match pickle.global(instance.callable) {
        Some(("torch.storage", "_load_from_bytes")) => pickle.elements(instance.arguments),
        _ => None,
    };
    let file = file.and_then(|arguments| encoded(pickle, *arguments.first()?));
    let file = file.ok_or("a view of a storage that is none")?;
    budget.take(file.len())?;
    let mut inner =
        container::open(&file).map_err(|problem| format!("in a storage of its own, and {problem}"))?;
    let program = pickle::read(&inner.program).map_err(|problem| problem.to_string())?;
    let Storage { bytes, element } = persistent(&program, &mut inner.storages, program.root)?;
    Ok(Storage { bytes: Cow::Owned(bytes.into_owned()), element })
}

/// A storage by what it is called: `("storage", class, key, location, elements)`, and
/// in the older format which part of another one it is.
fn persistent<'s, 'a>(
    pickle: &Pickle<'a>,
    storages: &'s mut Storages<'_>,
    value: Value<'a>,
) -> Result<Storage<'s>, String> {
    let called = match pickle.object(value) {
        Some(Object::Persistent(called)) if pickle.text(*called).is_some() => return Err(PROTOCOL_0.into()),
        Some(Object::Persistent(called)) => pickle.elements(*called),
        _ => None,
    };
    let Some([_, class, key, _, _, part @ ..]) = called else {
        return Err("a view of a storage that is none".into());
    };
    let class = pickle.global(*class).map(|(_, name)| name).unwrap_or_default();
    let element = Element::of_storage(class);
    let element = element.ok_or_else(|| format!("a view of a `{class}`, which is not read"))?;
    let bytes = storages.get(pickle.text(*key).ok_or("a view of a storage without a key")?)?;
    let bytes = match part.first().and_then(|part| pickle.elements(*part)) {
        Some([_, Value::Int(offset), Value::Int(len)]) => {
            let byte = |at: i64| usize::try_from(at).ok()?.checked_mul(element.size);
            let range = byte(*offset).and_then(|start| Some(start..start.checked_add(byte(*len)?)?));
            range
                .and_then(|range| bytes.get(range))
                .ok_or("a view of a part that its storage does not have")?
        }
        _ => bytes,
    };
    Ok(Storage { bytes: Cow::Borrowed(bytes), element })
}

/// Bytes; the protocols 0 to 2 have none, so Python writes a call that encodes text.
pub(super) fn encoded<'p, 'a>(pickle: &'p Pickle<'a>, value: Value<'a>) -> Option<Cow<'p, [u8]>> {
    if let Some(bytes) = pickle.bytes(value) {
        return Some(Cow::Borrowed(bytes));
    }
    let Some(instance) = pickle.instance(value) else {
        // Python 2 wrote bytes as text.
        return pickle.text(value).map(|text| Cow::Borrowed(text.as_bytes()));
    };
    match (pickle.global(instance.callable)?, pickle.elements(instance.arguments)?) {
        (("_codecs", "encode"), [text, encoding]) if pickle.text(*encoding)? == "latin1" => {
            let text = pickle.text(*text)?;
            text.chars()
                .map(|char| u8::try_from(u32::from(char)).ok())
                .collect::<Option<Vec<u8>>>()
                .map(Cow::Owned)
        }
        // `bytes()`, as protocol 2 writes none at all.
        (("__builtin__" | "builtins", "bytes"), []) => Some(Cow::Borrowed(&[])),
        _ => None,
    }
}
