//! Files as ONNX Runtime's quantiser writes them: `benches/pytorch/check_quantised_onnx.py write`.

use sapwood_graph::{Activation, DType, Op, Per};
use sapwood_onnx::{Form, Imported, Note, Options, export_quantized, import};

use crate::foreign::operations;

const FILES: [(&str, &[u8]); 4] = [
    ("qdq-u8", include_bytes!("../quantised/qdq-u8.onnx")),
    ("qoperator-u8", include_bytes!("../quantised/qoperator-u8.onnx")),
    ("qdq-s8", include_bytes!("../quantised/qdq-s8.onnx")),
    ("qoperator-s8", include_bytes!("../quantised/qoperator-s8.onnx")),
];

fn read() -> [Imported; 4] {
    FILES.map(|(name, bytes)| import(bytes).unwrap_or_else(|error| panic!("{name}: {error}")))
}

#[test]
fn both_forms_are_the_network_that_was_quantised() {
    for found in read() {
        // One ReLU6 is a ReLU where no value came near 6, and rounding cuts off what is larger.
        let all = operations(&found).replace("relu6", "relu");
        assert_eq!(all, "stem relu max_pool deep relu flat add relu avg_pool flatten fc");
        assert_eq!(found.notes, [Note::Folded, Note::Rounded]);
        let integers = found.integers.unwrap();
        let layers: Vec<&str> = integers.weights.keys().map(|path| path.as_str()).collect();
        assert_eq!(layers, ["deep.weight", "fc.weight", "flat.weight", "stem.weight"]);
        for weight in integers.weights.values() {
            assert_eq!((weight.dtype(), weight.per(), weight.zero_point()), (DType::I8, Per::Axis(0), None));
        }
        // The input, each ReLU, the convolution before the sum, the mean and the output.
        assert_eq!(integers.grids.into_keys().collect::<Vec<_>>(), [0, 2, 5, 6, 8, 9, 11]);
    }
}

#[test]
fn both_forms_have_the_same_integers_and_the_same_biases() {
    let [qdq, qoperator, signed_qdq, signed_qoperator] = read();
    for (one, other) in [(&qdq, &qoperator), (&signed_qdq, &signed_qoperator)] {
        let [a, b] = [one, other].map(|found| found.integers.as_ref().unwrap());
        assert_eq!(a.weights, b.weights);
        let rest = |found: &Imported| found.quantized().unwrap().rest;
        assert_eq!(rest(one).0.keys().collect::<Vec<_>>(), rest(other).0.keys().collect::<Vec<_>>());
        // The mean alone has a grid of its own in one form, and its input's in the other.
        for at in [0, 2, 5, 6, 8] {
            assert_eq!(a.grids[&at], b.grids[&at]);
        }
    }
    let zero = |found: &Imported, at| found.integers.as_ref().unwrap().grids[&at].zero_point();
    assert_eq!([0, 2, 6].map(|at| zero(&signed_qdq, at)), [0; 3]);
    assert!(zero(&qdq, 2) == 0 && zero(&qdq, 0) > 0 && zero(&qdq, 6) > 0);
    let six = Op::Activation(Activation::Relu6);
    assert_eq!(signed_qdq.graph.nodes()[5].op, six);
}

#[test]
fn what_was_read_of_others_is_written_and_read_again() {
    for found in read() {
        let network = found.quantized().unwrap();
        for form in [Form::Qdq, Form::QOperator] {
            let bytes = export_quantized(&network, form, &Options::default()).unwrap();
            let again = import(&bytes).unwrap().quantized().unwrap();
            assert_eq!((again.graph, again.weights), (network.graph.clone(), network.weights.clone()));
            assert_eq!((again.grids, again.rest), (network.grids.clone(), network.rest.clone()));
        }
    }
}
