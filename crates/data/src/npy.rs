//! NumPy's arrays: `.npy`, and `.npz`, which is a ZIP archive of them.

mod header;

use std::{
    collections::BTreeMap,
    io::{Cursor, Read},
};

use sapwood_core::{Array, graph::DType};
use zip::ZipArchive;

use self::header::{Header, Kind};

/// How an array begins, and an archive.
const MAGIC: &[u8] = b"\x93NUMPY";
const ARCHIVE: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];
/// What an archive may become when it is unpacked, beyond this and a thousand times its size.
const LEAST: u64 = 1 << 24;

/// An array, with what its file calls the type of its values: types that no array here has become wider ones.
pub(crate) type Typed = (Array, &'static str);

/// Whether a file begins as an array does.
pub fn is_npy(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Whether a file begins as an archive of arrays does; other archives begin in the same way.
pub fn is_npz(bytes: &[u8]) -> bool {
    ARCHIVE.iter().any(|start| bytes.starts_with(start))
}

/// The array of a `.npy` file, whose first index runs slowest whatever the order in the file; or what is wrong with
/// it. Numbers of 16 and 32 bits without a sign become wider ones, and truth values the numbers 0 and 1: bytes would be
/// taken for stored values of images.
///
/// # Errors
/// What is no array of numbers, is cut short or goes on behind its values: a text of one line.
pub fn read_npy(bytes: &[u8]) -> Result<Array, String> {
    typed(bytes).map(|(array, _)| array)
}

/// The same, with what the file calls the type of its values.
pub(crate) fn typed(bytes: &[u8]) -> Result<Typed, String> {
    let Header { kind, size, big_endian, columns_first, shape, values } = Header::read(bytes)?;
    let count = shape.iter().try_fold(1_usize, |count, side| count.checked_mul(*side));
    let expected = count.and_then(|count| count.checked_mul(size));
    if expected != Some(values.len()) {
        let found = values.len();
        return Err(match expected {
            Some(expected) => {
                format!("its shape {shape:?} asks for {expected} bytes of values, found {found}")
            }
            None => format!("its shape {shape:?} is larger than any memory"),
        });
    }
    let little: Vec<u8> = match big_endian && 1 < size {
        true => values.chunks_exact(size).flat_map(|value| value.iter().rev()).copied().collect(),
        false => values.to_vec(),
    };
    let plain = |dtype| Array::of_bytes(dtype, shape.clone(), &little);
    let wide = |value: &dyn Fn(&[u8]) -> i64| {
        Array::new(shape.clone(), little.chunks_exact(size).map(value).collect::<Vec<i64>>())
    };
    let array = match (kind, size) {
        (Kind::Float, 8) => plain(DType::F64),
        (Kind::Float, 4) => plain(DType::F32),
        (Kind::Float, _) => plain(DType::F16),
        (Kind::Signed, 8) => plain(DType::I64),
        (Kind::Signed, 4) => plain(DType::I32),
        (Kind::Signed, 2) => wide(&|value| i16::from_le_bytes([value[0], value[1]]).into()),
        (Kind::Signed, _) => plain(DType::I8),
        (Kind::Unsigned, 4) => {
            wide(&|value| u32::from_le_bytes([value[0], value[1], value[2], value[3]]).into())
        }
        (Kind::Unsigned, 2) => wide(&|value| u16::from_le_bytes([value[0], value[1]]).into()),
        (Kind::Unsigned, _) => plain(DType::U8),
        (Kind::Truth, _) => wide(&|value| value[0].into()),
    };
    let array = array.map_err(|error| error.to_string())?;
    let called = match (kind, size) {
        (Kind::Signed, 2) => "i16",
        (Kind::Unsigned, 4) => "u32",
        (Kind::Unsigned, 2) => "u16",
        (Kind::Truth, _) => "bool",
        _ => array.dtype().name(),
    };
    match columns_first && 1 < shape.len() {
        true => Ok((reordered(&array, &shape)?, called)),
        false => Ok((array, called)),
    }
}

/// The same values with the last index running fastest, of an array in which the first does.
fn reordered(array: &Array, shape: &[usize]) -> Result<Array, String> {
    let bytes = array.as_bytes();
    let each = array.dtype().bits() / 8;
    let strides: Vec<usize> = shape
        .iter()
        .scan(1, |stride, side| {
            let this = *stride;
            *stride *= side;
            Some(this)
        })
        .collect();
    let mut out = Vec::with_capacity(bytes.len());
    let mut index = vec![0; shape.len()];
    for _ in 0..array.len() {
        let at: usize = index.iter().zip(&strides).map(|(index, stride)| index * stride).sum();
        out.extend_from_slice(&bytes[at * each..][..each]);
        for (index, side) in index.iter_mut().zip(shape).rev() {
            *index += 1;
            if *index < *side {
                break;
            }
            *index = 0;
        }
    }
    Array::of_bytes(array.dtype(), shape.to_vec(), &out).map_err(|error| error.to_string())
}

/// The arrays of a `.npz` file by their names, without `.npy`; or what is wrong with it.
///
/// # Errors
/// What is no such archive, is damaged, or would need memory out of proportion: a text of one line.
pub fn read_npz(bytes: &[u8]) -> Result<BTreeMap<String, Array>, String> {
    let arrays = all_typed(bytes)?;
    Ok(arrays.into_iter().map(|(name, (array, _))| (name, array)).collect())
}

/// The same, each with what the file calls the type of its values.
pub(crate) fn all_typed(bytes: &[u8]) -> Result<BTreeMap<String, Typed>, String> {
    let mut archive =
        ZipArchive::new(Cursor::new(bytes)).map_err(|error| format!("a damaged archive: {error}"))?;
    let mut left = LEAST.max(1000 * bytes.len() as u64);
    let mut arrays = BTreeMap::new();
    for at in 0..archive.len() {
        let record = archive.by_index(at).map_err(|error| format!("a damaged archive: {error}"))?;
        let name = record.name().map_err(|error| format!("a damaged archive: {error}"))?.into_owned();
        let wrong = |problem: String| format!("`{name}` in it: {problem}");
        let Some(array) = name.strip_suffix(".npy") else {
            return Err(wrong("expected arrays of NumPy (`.npy`) alone".into()));
        };
        let mut content = Vec::new();
        let read = record.take(left + 1).read_to_end(&mut content);
        let read = read.map_err(|error| wrong(error.to_string()))? as u64;
        left = left.checked_sub(read).ok_or_else(|| wrong("it is out of proportion to the file".into()))?;
        arrays.insert(array.to_string(), typed(&content).map_err(wrong)?);
    }
    Ok(arrays)
}

#[cfg(test)]
mod tests;
