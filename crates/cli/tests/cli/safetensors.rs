//! Safetensors files written by hand, also such as no writer would make.

use serde_json::{Map, Value, json};

/// A tensor of a file: name, type, shape, bytes.
pub(crate) type Entry<'a> = (&'a str, &'a str, &'a [usize], Vec<u8>);

/// A file with these tensors and no metadata.
pub(crate) fn file(tensors: &[Entry<'_>]) -> Vec<u8> {
    let (mut header, mut data) = (Map::<String, Value>::new(), Vec::new());
    for (name, dtype, shape, bytes) in tensors {
        let offsets = [data.len(), data.len() + bytes.len()];
        header.insert(name.to_string(), json!({"dtype": dtype, "shape": shape, "data_offsets": offsets}));
        data.extend_from_slice(bytes);
    }
    let header = Value::from(header).to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat()
}

/// The bytes of `n` equal numbers.
pub(crate) fn floats(count: usize, value: f32) -> Vec<u8> {
    value.to_le_bytes().repeat(count)
}
