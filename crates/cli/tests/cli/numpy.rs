//! NumPy's files, wherever a batch is read.

use std::io::{Cursor, Write};

use sapwood_data::{Labels, OpenOptions, Split, open};
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::{
    safetensors::file,
    workplace::{NET, Workplace},
};

pub(crate) fn npy(descr: &str, columns_first: bool, shape: &[usize], values: &[u8]) -> Vec<u8> {
    let order = if columns_first { "True" } else { "False" };
    let shape: String = shape.iter().map(|side| format!("{side}, ")).collect();
    let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({shape}), }}\n");
    [b"\x93NUMPY\x01\x00".as_slice(), &(header.len() as u16).to_le_bytes(), header.as_bytes(), values]
        .concat()
}

pub(crate) fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, array) in arrays {
        writer.start_file(format!("{name}.npy"), SimpleFileOptions::default()).unwrap();
        writer.write_all(array).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn an_input_is_the_same_in_every_file() {
    let place = Workplace::with_net();
    let value = |image: usize, at: usize| ((image * 64 + at) * 37 % 101) as f32 / 50.0 - 1.0;
    let rows: Vec<f32> = (0..3 * 64).map(|at| value(at / 64, at % 64)).collect();
    // The first index runs fastest.
    let columns: Vec<f64> = (0..3 * 64).map(|at| value(at % 3, (at / 3 % 8) * 8 + at / 24).into()).collect();
    let floats: Vec<u8> = rows.iter().flat_map(|value| value.to_le_bytes()).collect();
    let big: Vec<u8> = columns.iter().flat_map(|value| value.to_be_bytes()).collect();
    place.put("x.safetensors", file(&[("input", "F32", &[3, 1, 8, 8], floats.clone())]));
    place.put("x.npy", npy("<f4", false, &[3, 1, 8, 8], &floats));
    place.put("flat.npy", npy("<f4", false, &[3, 64], &floats));
    place.put("columns.npy", npy(">f8", true, &[3, 8, 8], &big));
    place.put("x.npz", npz(&[("x", npy("<f4", false, &[3, 1, 8, 8], &floats))]));
    let answers = |input: &str| {
        place.succeed(&format!("forward --weights {NET} --input {input} --out y.safetensors"));
        place.read("y.safetensors")
    };
    let expected = answers("x.safetensors");
    for input in ["x.npy", "flat.npy", "columns.npy", "x.npz"] {
        assert!(answers(input) == expected, "{input}");
    }
}

#[test]
fn a_data_set_in_an_archive_is_evaluated_and_scored_as_it_is_elsewhere() {
    let place = Workplace::with_net();
    let digits = open("digits", Split::Test, "".as_ref(), &OpenOptions::default()).unwrap();
    let Labels::Class(labels) = digits.labels() else { panic!() };
    let classes: Vec<u8> = labels.iter().flat_map(|label| i64::from(*label).to_le_bytes()).collect();
    let n = digits.len();
    let (images, labels) =
        (npy("|u1", false, &[n, 8, 8], digits.images()), npy("<i8", false, &[n], &classes));
    place.put("digits.npz", npz(&[("x", images), ("y", labels.clone())]));
    let line = |data: &str| place.succeed(&format!("eval --weights {NET} --data {data} --json"));
    assert_eq!(line("digits.npz"), line("digits"));

    let batch = digits.batch(&(0..n).collect::<Vec<_>>()).unwrap();
    let sapwood_core::Values::Float(values) = &batch.inputs()[0].values else { panic!() };
    let floats: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let shapes = ([n, 1, 8, 8], [n]);
    let images = ("images", "F32", shapes.0.as_slice(), floats.clone());
    let labels_of = ("labels", "I64", shapes.1.as_slice(), classes.clone());
    place.put("digits.safetensors", file(&[images, labels_of]));
    place
        .put("floats.npz", npz(&[("images", npy("<f4", false, &[n, 1, 8, 8], &floats)), ("labels", labels)]));
    let scores = ["digits.safetensors", "floats.npz", "digits.npz"].map(|data| {
        let line = format!("score --weights {NET} --criterion snip --data {data} --out s.safetensors");
        place.succeed(&line);
        place.read("s.safetensors")
    });
    assert!(scores[0] == scores[1] && scores[0] == scores[2]);
}

#[test]
fn what_is_no_input_is_one_line() {
    let place = Workplace::with_net();
    let zeros = |n: usize| npy("<f4", false, &[n, 1, 8, 8], &vec![0; n * 256]);
    place.put("cut.npy", &zeros(1)[..200]);
    place.put("object.npy", npy("|O", false, &[1], &[0; 8]));
    place.put("cut.npz", &npz(&[("x", zeros(1))])[..100]);
    place.put("named.npz", npz(&[("a", zeros(1)), ("b", zeros(1))]));
    place.put("colour.npy", npy("|u1", false, &[1, 3, 8, 8], &[0; 192]));
    place.put("pickle.npz", npz(&[("x", npy("|O", false, &[1], &[0; 8]))]));
    for (input, expected) in [
        ("cut.npy", "not a usable NumPy array: its shape [1, 1, 8, 8] asks for 256 bytes of values"),
        ("object.npy", "its values are `|O`: expected numbers"),
        ("cut.npz", "not a usable NumPy archive: a damaged archive"),
        ("named.npz", "expected a tensor `input` or `x` of shape [N, C, H, W], found a, b"),
        ("colour.npy", "`input` has 3 channels, and the weights know images with 1"),
        ("pickle.npz", "`x.npy` in it: its values are `|O`"),
    ] {
        let line = format!("forward --weights {NET} --input {input} --out y.safetensors");
        place.refuse(&line, &[expected, input]);
    }
    let labels = |values: &[i64]| {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        npy("<i8", false, &[values.len()], &bytes)
    };
    place.put("short.npz", npz(&[("x", zeros(2)), ("y", labels(&[1]))]));
    place.put("high.npz", npz(&[("x", zeros(2)), ("y", labels(&[1, 10]))]));
    place.put("none.npz", npz(&[("x", zeros(2))]));
    for (data, expected) in [
        ("short.npz", "there are 2 images, but `labels` is [1]"),
        ("high.npz", "label 10 has no output: the network has 10, from 0"),
        ("none.npz", "expected a tensor `labels` or `y`, i64 [N], found none"),
    ] {
        place.refuse(&format!("eval --weights {NET} --data {data}"), &[expected, data]);
    }
}
