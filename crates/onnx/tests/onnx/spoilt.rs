//! Files that were cut short or damaged.

use sapwood_graph::{Activation, Conv, Graph};
use sapwood_onnx::{Error, Form, Options, export, export_quantized, import, is_one};

use crate::{round_trip::state, written::Foreign};

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

/// A file with a constant of this shape.
fn empty(shape: &[i64]) -> Foreign {
    Foreign::new(13, &[None, Some(4)])
        .integers("shape", shape)
        .integers("zero", &[0])
        .integers("last", &[i64::MAX])
        .integers("axis", &[1])
        .node("ConstantOfShape", "shape", "c", &[])
}

#[test]
fn dimensions_of_what_is_empty_are_paid_for() {
    let large = |operation: Foreign| operation.node("Relu", "x", "y", &[]).refused();
    for said in [
        large(empty(&[0, 1 << 61]).node("Slice", "c zero last axis", "d", &[])),
        large(empty(&[0, 1 << 40]).node("Slice", "c zero last axis", "d", &[])),
        large(empty(&[1 << 40, 0]).node("Concat", "c c", "d", &["axis=1"])),
        large(empty(&[0, 1 << 40, 1 << 40]).node("Transpose", "c", "d", &["perm=[0, 2, 1]"])),
        large(empty(&[0, 64]).integers("often", &[1, 1 << 24]).node("Tile", "c often", "d", &[])),
    ] {
        assert!(said.contains(" of constants that outgrow the file"), "{said}");
    }
    let said = large(Foreign::new(13, &[None, Some(4)]).floats("c", &[0, 1 << 61], |_| 0.0));
    assert!(said.ends_with("[0, 2305843009213693952] is too large for a constant, though it has no values"));
    for small in [
        empty(&[0, 64]).node("Slice", "c zero last axis", "d", &[]),
        empty(&[64, 0]).node("Concat", "c c", "d", &["axis=1"]),
        empty(&[0, 8, 8]).node("Transpose", "c", "d", &["perm=[2, 1, 0]"]),
    ] {
        assert!(small.node("Relu", "x", "y", &[]).import().is_ok());
    }
}

#[test]
fn a_constant_has_as_many_dimensions_as_a_tensor_at_most() {
    let mut file = Foreign::new(13, &[None, Some(4)]).integers("a", &[0]);
    file.graph.initializer[0].dims = vec![1; 16];
    let said = file.node("Gather", "a a", "b", &[]).node("Relu", "x", "y", &[]).refused();
    assert!(said.ends_with("expected a constant of at most 16 dimensions, found 31"), "{said}");
}

#[test]
fn what_is_repeated_for_each_channel_is_paid_for() {
    let with = |dims: &[i64]| {
        let mut file =
            Foreign::new(17, &[None, Some(1)]).floats("w", &[0], |_| 0.0).floats("b", &[1], |_| 1.0);
        file.graph.initializer[0].dims = dims.to_vec();
        file
    };
    for said in [
        with(&[1 << 40, 1]).node("Gemm", "x w b", "y", &["transB=1"]).refused(),
        with(&[1 << 45]).node("LayerNormalization", "x w", "y", &[]).refused(),
    ] {
        assert!(said.contains(" of constants that outgrow the file"), "{said}");
    }
}

#[test]
fn layers_that_one_node_asks_for_are_in_proportion_to_the_file() {
    let falling: Vec<i64> = (0..4096).rev().collect();
    let gathers = |count: usize| {
        let file = Foreign::new(13, &[None, Some(4096)]).integers("falling", &falling);
        let all = (0..count).map(|at| format!("g{at}"));
        all.fold(file, |file, name| file.node("Gather", "x falling", &name, &["axis=1"]))
    };
    assert!(gathers(1).node("Relu", "g0", "y", &[]).import().is_ok());
    let said = gathers(3).node("Relu", "g2", "y", &[]).refused();
    assert!(said.contains("Gather in more layers than a file of its size has (1 node: "), "{said}");
}

#[test]
fn what_one_node_reads_again_and_again_is_in_proportion_to_the_file() {
    let with = |file: Foreign, op: &str, inputs: &str, count: usize| {
        let axis: &[&str] = if op == "Gather" { &["axis=1"] } else { &[] };
        let all = (0..count).map(|at| format!("v{at}"));
        all.fold(file, |file, name| file.node(op, inputs, &name, axis)).node("Relu", "v0", "y", &[])
    };
    let often = |count: usize| {
        let file = Foreign::new(13, &[None, Some(1), Some(1), Some(1)]).integers("often", &[1, 64, 64, 64]);
        with(file, "Tile", "x often", count)
    };
    // Of one place, which is the value itself.
    let firsts = |count: usize| {
        let file = Foreign::new(13, &[None, Some(1)]).integers("firsts", &[0; 4096]);
        with(file, "Gather", "x firsts", count)
    };
    assert!(often(100).import().is_ok() && firsts(4).import().is_ok());
    for (op, said) in [("Tile", often(600).refused()), ("Gather", firsts(32).refused())] {
        assert!(said.contains(&format!("{op} of more values than a file of its size names (")), "{said}");
    }
}

#[test]
fn integers_that_are_repeated_are_paid_for_by_their_size() {
    let repeated = |op: &str, times: i64| {
        let file = Foreign::new(13, &[None, Some(4)]).integers("one", &[7]).integers("to", &[times]);
        file.node(op, "one to", "all", &[]).node("Relu", "x", "y", &[])
    };
    for op in ["Tile", "Expand"] {
        assert!(repeated(op, 1 << 15).import().is_ok(), "{op}");
        let said = repeated(op, 1 << 17).refused();
        assert!(said.contains(&format!("{op} of constants that outgrow the file")), "{said}");
    }
}
