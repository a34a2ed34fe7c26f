//! The files that `torch.save` wrote before PyTorch 1.6, and still does on request
//! (`_use_new_zipfile_serialization=False`).
//!
//! Five pickles follow each other: a magic number, a version, facts about the
//! machine, what was saved, and the keys of its storages; then each storage, its
//! number of elements first, in the order of the keys. Numbers are little-endian,
//! whoever wrote them (`torch/csrc/serialization.cpp`).

use std::{borrow::Cow, collections::BTreeMap};

use super::{Container, Storages};
use crate::pytorch::{
    Problem,
    pickle::{self, Object, Pickle, Value},
    tensor::Element,
};

/// 0x1950a86a20f9469cfc6c
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/// The same, as the protocols 0 and 1 write it.
const DIGITS: &str = "119547037146038801333356";
const VERSION: i64 = 1001;

/// Whether this pickle is what such files begin with.
pub(super) fn is_magic(first: &Pickle<'_>) -> bool {
    match first.object(first.root) {
        Some(Object::Large(bytes)) => *bytes == MAGIC,
        Some(Object::Digits(digits)) => *digits == DIGITS,
        _ => false,
    }
}

/// Opens a file whose first pickle has a length of `magic` bytes.
pub(super) fn open(bytes: &[u8], magic: usize) -> Result<Container<'_>, Problem> {
    let mut rest = &bytes[magic..];
    let version = next(&mut rest)?;
    if !matches!(version.root, Value::Int(VERSION)) {
        return Err(Problem::Damaged(format!("its version is not {VERSION}")));
    }
    next(&mut rest)?;
    let program = rest;
    let saved = next(&mut rest)?;
    let keys = next(&mut rest)?;
    let sizes = element_sizes(&saved);
    let mut slices = BTreeMap::new();
    for key in keys.elements(keys.root).unwrap_or_default() {
        let key =
            keys.text(*key).ok_or_else(|| Problem::Damaged("a storage has a key that is no text".into()))?;
        let size = sizes.get(key).copied();
        // The rest of the file cannot be found without it. The pickle protocol 0 does not say it.
        let size =
            size.ok_or_else(|| Problem::Damaged(format!("nothing says what the storage `{key}` has")))?;
        let cut = || Problem::Cut(format!("the storage `{key}` goes on after its end"));
        let (count, values) = rest.split_first_chunk().ok_or_else(cut)?;
        let len = usize::try_from(i64::from_le_bytes(*count)).ok().and_then(|count| count.checked_mul(size));
        let (values, others) = len.and_then(|len| values.split_at_checked(len)).ok_or_else(cut)?;
        slices.insert(key.to_string(), values);
        rest = others;
    }
    Ok(Container { program: Cow::Borrowed(program), storages: Storages::Slices(slices) })
}

fn next<'a>(rest: &mut &'a [u8]) -> Result<Pickle<'a>, Problem> {
    let pickle = pickle::read(rest)?;
    *rest = &rest[pickle.len..];
    Ok(pickle)
}

/// The size of an element of each storage: the pickle alone says it.
fn element_sizes(saved: &Pickle<'_>) -> BTreeMap<String, usize> {
    let of = |object: &Object<'_>| {
        let Object::Persistent(called) = object else { return None };
        let [_, class, key, ..] = saved.elements(*called)? else { return None };
        let element = Element::of_storage(saved.global(*class)?.1)?;
        Some((saved.text(*key)?.to_string(), element.size))
    };
    saved.objects().iter().filter_map(of).collect()
}
