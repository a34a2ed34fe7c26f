//! Arrays as NumPy saves them, and what is none.

use std::io::Write;

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::*;

fn npy(version: [u8; 2], header: &str, values: &[u8]) -> Vec<u8> {
    let length = match version[0] {
        1 => (header.len() as u16).to_le_bytes().to_vec(),
        _ => (header.len() as u32).to_le_bytes().to_vec(),
    };
    [MAGIC, &version, &length, header.as_bytes(), values].concat()
}

fn header(descr: &str, order: &str, shape: &str) -> String {
    format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}   \n")
}

fn numbers(array: &Array) -> Vec<f64> {
    array.iter().collect()
}

/// `numpy.save` of `numpy.asfortranarray([[0, 1, 2], [3, 4, 5]])` as `>i2`, NumPy 2.
const SAVED: &[u8] = b"\x93NUMPY\x01\x00v\x00{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }                                                           \n\x00\x00\x00\x03\x00\x01\x00\x04\x00\x02\x00\x05";

#[test]
fn what_numpy_saves_is_read_in_every_version_order_and_type() {
    let found = read_npy(SAVED).unwrap();
    assert_eq!((found.shape(), numbers(&found)), ([2, 3].as_slice(), vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
    for version in [[1, 0], [2, 0], [3, 0]] {
        let bytes = npy(version, &header("<f4", "False", "(2,)"), &[0, 0, 128, 63, 0, 0, 0, 192]);
        let found = read_npy(&bytes).unwrap();
        assert_eq!(
            (found.shape(), found.as_slice::<f32>().unwrap()),
            ([2].as_slice(), [1.0, -2.0].as_slice())
        );
    }
    for (descr, values, dtype, expected) in [
        ("<f2", [0x00, 0xbc].as_slice(), DType::F16, -1.0),
        (">f8", &[0x3f, 0xf8, 0, 0, 0, 0, 0, 0], DType::F64, 1.5),
        ("<i8", &[0xfe, 255, 255, 255, 255, 255, 255, 255], DType::I64, -2.0),
        (">i4", &[0, 0, 1, 0], DType::I32, 256.0),
        ("|i1", &[255], DType::I8, -1.0),
        ("|u1", &[255], DType::U8, 255.0),
        ("<u2", &[0, 255], DType::I64, 65280.0),
        (">u4", &[255, 0, 0, 0], DType::I64, 4_278_190_080.0),
        ("|b1", &[1], DType::I64, 1.0),
    ] {
        let found = read_npy(&npy([1, 0], &header(descr, "False", "()"), values)).unwrap();
        assert_eq!((found.dtype(), numbers(&found)), (dtype, vec![expected]), "{descr}");
    }
    let cube = npy([1, 0], &header("|u1", "True", "(2L, 2L, 2L)"), &[0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(numbers(&read_npy(&cube).unwrap()), [0.0, 4.0, 2.0, 6.0, 1.0, 5.0, 3.0, 7.0]);
}

#[test]
fn what_is_no_array_of_numbers_is_one_line() {
    let of = |descr: &str, shape: &str, values: &[u8]| npy([1, 0], &header(descr, "False", shape), values);
    for (bytes, expected) in [
        (of("|O", "(1,)", &[0; 8]), "its values are `|O`: expected numbers, f2, f4"),
        (of("<c8", "(1,)", &[0; 8]), "its values are `<c8`"),
        (of("<U3", "(1,)", &[0; 12]), "its values are `<U3`"),
        (of("é4", "(1,)", &[0; 4]), "its values are `é4`"),
        (of("<f4", "(2,)", &[0; 7]), "its shape [2] asks for 8 bytes of values, found 7"),
        (of("<f4", "(2,)", &[0; 9]), "found 9"),
        (of("<f4", "(4294967295, 4294967295, 4294967295)", &[]), "larger than any memory"),
        (of("<f4", "(2, x)", &[]), "where a size was expected"),
        (of("<f4", "2", &[]), "where `(` was expected"),
        (npy([4, 0], "", &[]), "version 4.0"),
        (npy([1, 0], "{'descr': [('a', '<f4')], }", &[]), "its values are records"),
        (npy([1, 0], "{'descr': '<f4', 'shape': (1,)}", &[0; 4]), "does not say `fortran_order`"),
        (npy([1, 0], "{'descr': '<f4', 'colour': 'red'}", &[]), "`colour`, which is not known"),
        (npy([1, 0], "{'descr': '<f4", &[]), "a name that ends"),
        (npy([1, 0], "{} {", &[]), "goes on with `{`"),
        (b"no array".to_vec(), "does not begin"),
    ] {
        let error = read_npy(&bytes).unwrap_err();
        assert!(error.contains(expected) && error.lines().count() == 1, "{error}");
    }
    for end in 0..SAVED.len() {
        assert!(read_npy(&SAVED[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn an_archive_has_its_arrays_by_name_stored_or_compressed() {
    let array = npy([1, 0], &header("|u1", "False", "(3,)"), &[1, 2, 3]);
    let archive = |names: &[&str], method| {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for name in names {
            let options = SimpleFileOptions::default().compression_method(method);
            writer.start_file(*name, options).unwrap();
            writer.write_all(&array).unwrap();
        }
        writer.finish().unwrap().into_inner()
    };
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let bytes = archive(&["x.npy", "y.npy"], method);
        assert!(is_npz(&bytes) && !is_npy(&bytes));
        let found = read_npz(&bytes).unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(numbers(&found["y"]), [1.0, 2.0, 3.0]);
        for end in 0..bytes.len() {
            assert!(read_npz(&bytes[..end]).is_err(), "cut at {end}");
        }
    }
    let error = read_npz(&archive(&["data.pkl"], CompressionMethod::Stored)).unwrap_err();
    assert_eq!(error, "`data.pkl` in it: expected arrays of NumPy (`.npy`) alone");
}
