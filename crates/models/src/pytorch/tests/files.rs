//! What PyTorch and Python write.

use burn::tensor::{BoolStore, DType};

use super::*;

#[test]
fn what_lies_beside_the_weights_never_matters() {
    for name in ["objects.pt", "objects-protocol-4.pt", "objects-legacy.pt"] {
        let node = opened(name);
        assert_eq!(keys(&node), ["state_dict"], "{name}");
        assert_network(&node, &["state_dict"]);
    }
}

#[test]
fn a_pickle_of_any_protocol_is_a_checkpoint_too() {
    for protocol in 0..=5 {
        assert_network(&opened(&format!("state-protocol-{protocol}.pkl")), &[]);
    }
    for protocol in [0, 2, 5] {
        let node = opened(&format!("arrays-protocol-{protocol}.pkl"));
        assert_eq!(keys(&node), ["w", "b", "turned", "swapped"]);
        assert_network(&node, &[]);
        assert_floats(&node, &["turned"], &[2, 3], &W);
        assert_floats(&node, &["swapped"], &[2, 3], &W);
    }
}

#[test]
fn views_are_laid_out_and_types_kept() {
    for name in ["strided.pt", "strided-legacy.pt"] {
        let node = opened(name);
        assert_floats(&node, &["offset"], &[2, 3], &[2.0, 2.5, 3.0, 3.5, 4.0, 4.5]);
        assert_floats(&node, &["transposed"], &[2, 3], &[0.0, 1.0, 2.0, 0.5, 1.5, 2.5]);
        let counted: Vec<f32> = (0..12).map(|index| index as f32 / 2.0).collect();
        assert_floats(&node, &["last"], &[1, 3, 2, 2], &counted);
        assert_floats(&node, &["expanded"], &[2, 2], &[3.0; 4]);
        assert_floats(&node, &["stepped"], &[3], &[0.5, 2.0, 3.5]);
        assert_floats(&node, &["number"], &[], &[0.5]);
        assert_floats(&node, &["empty"], &[0, 3], &[]);
        for (key, dtype) in [
            ("float64", DType::F64),
            ("float32", DType::F32),
            ("float16", DType::F16),
            ("bfloat16", DType::BF16),
            ("int64", DType::I64),
            ("int32", DType::I32),
            ("int16", DType::I16),
            ("int8", DType::I8),
            ("uint8", DType::U8),
            ("uint16", DType::U16),
        ] {
            let found = value(&node, &[key]);
            assert_eq!(found.dtype(), dtype);
            assert_eq!(found.iter::<f64>().collect::<Vec<_>>(), [0.0, 1.0, 3.0], "{key}");
        }
        assert_eq!(value(&node, &["bool"]).dtype(), DType::Bool(BoolStore::Native));
        assert_eq!(value(&node, &["bool"]).as_bytes(), [0, 1, 1]);
    }
}

#[test]
fn sparse_tensors_are_dense_with_what_was_stored() {
    let node = opened("sparse.pt");
    let (one, two) = ([1, 7].as_slice(), [0, 1, 6, 7].as_slice());
    let block = [0, 1, 2, 3, 4, 5, 6, 7].as_slice();
    for (key, expected) in
        [("coo", one), ("twice", one), ("csr", one), ("csc", one), ("bsr", two), ("bsc", block)]
    {
        let Node::Tensor(Stored::Sparse { value, stored }) = at(&node, &[key]) else { panic!("{key}") };
        assert_eq!(value.shape()[..], [2, 4], "{key}");
        assert_eq!(value.as_slice::<f32>().unwrap(), [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0], "{key}");
        let found: Vec<_> = (0..8).filter(|index| stored.get(*index)).collect();
        assert_eq!(found, expected, "{key}");
    }
    // A row that was stored with a zero in it: the zero was stored too.
    let Node::Tensor(Stored::Sparse { value, stored }) = at(&node, &["hybrid"]) else { panic!("hybrid") };
    assert_eq!(value.as_slice::<f32>().unwrap(), [0.0, 0.0, 0.0, 2.0]);
    assert_eq!(stored.iter().collect::<Vec<_>>(), [false, false, true, true]);
}

#[test]
fn a_tensor_that_has_no_such_values_says_why_and_leaves_the_others_alone() {
    let node = opened("unreadable.pt");
    assert_floats(&node, &["w"], &[2, 3], &W);
    for (key, words) in [
        ("fp8", "of the type float8_e4m3fn"),
        ("complex", "of the type complex64"),
        ("meta", "of the device `meta`"),
        ("qint8", "quantised (qint8): save its dequantised weights"),
        ("nested", "made by `_rebuild_nested_tensor`"),
    ] {
        let why = unreadable(&node, &[key]);
        assert!(why.contains(words), "{key}: {why}");
    }
}

#[test]
fn a_tensor_is_one_however_it_is_dressed() {
    let node = opened("dressed.pt");
    for key in ["parameter", "state", "subclass"] {
        assert_floats(&node, &[key], &[2, 3], &W);
    }
    assert_floats(&opened("tensor.pt"), &[], &[2, 3], &W);
    let list = opened("list.pt");
    assert_eq!(keys(&list), ["1", "2"]);
    assert_floats(&list, &["1"], &[2, 3], &W);
    assert_floats(&list, &["2", "b"], &[1], &[3.0]);
}

#[test]
fn a_whole_module_has_the_names_of_its_state_dict() {
    let node = opened("module.pt");
    assert_eq!(keys(&node), ["body.0.w", "body.0.b", "body.0.kept"]);
    assert_floats(&node, &["body.0.w"], &[2, 3], &W);
    assert_eq!(value(&node, &["body.0.kept"]).as_slice::<i64>().unwrap(), [7]);
    // This one carries the source of its class, as that format does.
    assert_eq!(keys(&opened("module-legacy.pt")), ["w", "b", "kept"]);
    assert_network(&opened("module-legacy.pt"), &[]);
}

#[test]
fn nothing_is_executed_and_nothing_goes_round_in_circles() {
    assert_network(&opened("hostile.pt"), &[]);
    assert!(!std::path::Path::new("EXECUTED").exists());
    let cycle = opened("cycle.pt");
    assert_eq!(keys(&cycle), ["state_dict"]);
    assert_network(&cycle, &["state_dict"]);
}
