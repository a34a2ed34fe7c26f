//! Files that were cut short or damaged.

use sapwood_graph::{Activation, Conv, Graph};
use sapwood_onnx::{Error, Form, Options, export, export_quantized, import, is_one};

use crate::round_trip::state;

/// A small file with every kind of field that is read.
fn file() -> Vec<u8> {
    let mut g = Graph::builder([2, 5, 5]);
    let x = g.conv("conv", g.input(), Conv::new(4, 3).same().no_bias());
    let x = g.batch_norm("bn", x);
    let x = g.activation(x, Activation::Gelu);
    let x = g.subsample(x, 2, 6);
    let x = g.global_avg_pool(x);
    g.linear("fc", x, 3);
    let graph = g.finish().unwrap();
    export(&graph, &state(&graph), &Options::default()).unwrap()
}

#[test]
fn a_file_that_ends_too_early_is_an_error_at_every_length() {
    let bytes = file();
    assert!(is_one(&bytes) && import(&bytes).is_ok());
    for length in 0..bytes.len() {
        let error = import(&bytes[..length]).unwrap_err();
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

#[test]
fn damaged_files_are_errors_or_networks_and_never_panics() {
    damaged(&file(), 20_000);
}

#[test]
fn damaged_files_with_integers_are_errors_or_networks_and_never_panics() {
    let files: [&[u8]; 3] = [
        include_bytes!("../quantised/qdq-u8.onnx"),
        include_bytes!("../quantised/qoperator-u8.onnx"),
        include_bytes!("../quantised/qdq-s8.onnx"),
    ];
    for file in files {
        damaged(file, 10_000);
    }
}

/// Damage that is the same on every machine: a byte that is another, bytes that are gone, or twice there.
fn damaged(whole: &[u8], times: usize) {
    let (mut networks, mut errors) = (0, 0);
    let mut number = 0x2545_f491_4f6c_dd1du64;
    let mut random = |below: usize| {
        number ^= number << 13;
        number ^= number >> 7;
        number ^= number << 17;
        (number >> 11) as usize % below
    };
    for _ in 0..times {
        let mut bytes = whole.to_vec();
        for _ in 0..=random(3) {
            let at = random(bytes.len());
            match random(4) {
                0 => bytes[at] ^= 1 << random(8),
                1 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random(5)],
                2 => drop(bytes.drain(at..(at + 1 + random(16)).min(bytes.len()))),
                _ => {
                    let end = (at + 1 + random(16)).min(bytes.len());
                    let again = bytes[at..end].to_vec();
                    bytes.splice(at..at, again);
                }
            }
        }
        match import(&bytes) {
            // What is read is a network whose values fit it.
            Ok(found) => {
                networks += 1;
                assert!(found.graph.shapes(found.graph.input()).is_ok());
                if let Some(network) = found.quantized() {
                    for form in [Form::Qdq, Form::QOperator] {
                        let _ = export_quantized(&network, form, &Options::default());
                    }
                }
            }
            Err(error) => {
                errors += 1;
                assert!(!error.to_string().is_empty());
            }
        }
    }
    assert!(networks > 100 && errors > 100, "{networks} networks, {errors} errors");
}

#[test]
fn what_is_no_onnx_file_says_so() {
    for bytes in [&b""[..], b"PK\x03\x04", b"\x80\x02}q\x00.", b"\x08\x08"] {
        assert!(matches!(import(bytes), Err(Error::Format(_))), "{bytes:?}");
    }
    assert!(!is_one(b"PK\x03\x04") && !is_one(b"\x80\x02}q\x00.") && !is_one(b"\x10\0\0\0\0\0\0\0{"));
}
