//! Where the examples of a batch lie, in files that say how many there are.

use sapwood_graph::{Dims, Op};
use sapwood_onnx::Imported;

use crate::{
    foreign::{IMAGES, operations},
    written::Foreign,
};

/// A file of one example.
const ONE: &[Option<i64>] = &[Some(1), Some(5), Some(8)];

/// The dimensions behind each reshape.
fn reshapes(found: &Imported) -> Vec<String> {
    let forms = found.graph.nodes().iter().filter_map(|node| match node.op {
        Op::Reshape(to) => Some(to.to_string()),
        _ => None,
    });
    forms.collect()
}

/// Every reshape leaves the values of an example where they are.
fn assert_apart(found: &Imported) {
    let dims = found.graph.dims().unwrap();
    for (at, node) in found.graph.nodes().iter().enumerate() {
        if let Op::Reshape(to) = node.op {
            assert_eq!(dims[node.inputs[0]].pieces(), to.pieces(), "{} to {to}", dims[node.inputs[0]]);
        }
        assert!(dims[at].batch().is_some() || matches!(node.op, Op::Constant { .. }), "{}", node.name);
    }
}

/// `nn.MultiheadAttention(8, 2, batch_first=True)` as PyTorch's exporter writes it of one example, but for the scale.
#[test]
fn attention_of_one_example_is_that_of_each() {
    let file = Foreign::new(17, ONE)
        .floats("in_proj", &[8, 8], |at| at as f32)
        .floats("a.out_proj.weight", &[8, 8], |at| at as f32)
        .floats("a.out_proj.bias", &[8], |at| at as f32)
        .integers("heads", &[5, 2, 4])
        .integers("apart", &[1, 2, 5, 4])
        .integers("rows", &[5, 8])
        .integers("back", &[5, 1, 8])
        .integers("flat", &[1, -1])
        .node("Transpose", "x", "t", &["perm=[1, 0, 2]"])
        .node("MatMul", "t in_proj", "q", &[])
        .node("Reshape", "q heads", "h", &[])
        .node("Transpose", "h", "i", &["perm=[1, 0, 2]"])
        .node("Reshape", "i apart", "j", &[])
        .node("Transpose", "j", "k", &["perm=[0, 1, 3, 2]"])
        .node("MatMul", "j k", "l", &[])
        .node("Softmax", "l", "s", &["axis=3"])
        .node("MatMul", "s j", "m", &[])
        .node("Transpose", "m", "o", &["perm=[2, 0, 1, 3]"])
        .node("Reshape", "o rows", "r", &[])
        .node("Gemm", "r a.out_proj.weight a.out_proj.bias", "g", &["transB=1"])
        .node("Reshape", "g back", "b", &[])
        .node("Transpose", "b", "c", &["perm=[1, 0, 2]"])
        .node("Reshape", "c flat", "y", &[]);
    let found = file.import().unwrap();
    assert_apart(&found);
    assert_eq!(reshapes(&found), ["[5, 2n, 4]", "[n, 2, 5, 4]", "[5, 8n]", "[5, n, 8]"]);
    assert_eq!(
        operations(&found),
        "transpose q reshape transpose reshape transpose matmul softmax matmul transpose reshape reshape a.out_proj \
         transpose flatten"
    );
    let layer = found.graph.nodes().iter().find(|node| node.name == "a.out_proj").unwrap();
    assert_eq!(layer.op, Op::Linear { inputs: 8, outputs: 8, bias: true, places: true });
}

/// Its weight has a name only where the exporter did not turn it.
#[test]
fn projections_of_attention_are_called_by_their_weight_or_their_bias() {
    let folded = Foreign::new(17, &[None, Some(5), Some(8)])
        .floats("onnx::MatMul_1", &[8, 24], |at| at as f32)
        .floats("a.in_proj_bias", &[24], |at| at as f32)
        .node("MatMul", "x onnx::MatMul_1", "a", &[])
        .node("Add", "a.in_proj_bias a", "y", &[]);
    let turned = Foreign::new(17, &[None, Some(5), Some(8)])
        .floats("a.in_proj_weight", &[24, 8], |at| (at % 8 * 24 + at / 8) as f32)
        .floats("a.in_proj_bias", &[24], |at| at as f32)
        .node("Transpose", "a.in_proj_weight", "t", &["perm=[1, 0]"])
        .node("MatMul", "x t", "a", &[])
        .node("Add", "a.in_proj_bias a", "y", &[]);
    let [folded, turned] = [folded, turned].map(|file| file.import().unwrap());
    assert_eq!(operations(&folded), "a.in_proj");
    assert_eq!((folded.graph, folded.state), (turned.graph, turned.state));
}

/// As in BERT and RoBERTa: the weight is that of the table and is turned, the bias lies in the module around the layer.
#[test]
fn a_layer_is_not_called_like_the_module_around_it_that_has_its_bias() {
    let file = Foreign::new(17, &[None, Some(5), Some(8)])
        .floats("lm_head.dense.weight", &[8, 8], |at| at as f32)
        .floats("lm_head.dense.bias", &[8], |at| at as f32)
        .floats("onnx::MatMul_9", &[8, 20], |at| at as f32)
        .floats("lm_head.bias", &[20], |at| at as f32)
        .node("Transpose", "lm_head.dense.weight", "t", &["perm=[1, 0]"])
        .node("MatMul", "x t", "lm_head/dense", &[])
        .node("Add", "lm_head.dense.bias lm_head/dense", "h", &[])
        .node("MatMul", "h onnx::MatMul_9", "lm_head/decoder", &[])
        .node("Add", "lm_head.bias lm_head/decoder", "y", &[]);
    let found = file.import().unwrap();
    assert_eq!(operations(&found), "lm_head.dense lm_head.decoder");
    assert_eq!(found.state.0["lm_head.decoder.bias"].shape(), [20]);
}

#[test]
fn a_reshape_that_would_mix_examples_is_refused_and_says_what_helps() {
    let file = |examples, to: &[i64]| {
        Foreign::new(17, &[examples, Some(3), Some(4)])
            .integers("to", to)
            .node("Transpose", "x", "t", &["perm=[1, 0, 2]"])
            .node("Reshape", "t to", "y", &[])
    };
    let said = file(Some(1), &[1, 12]).refused();
    assert!(said.contains("Reshape of [3, n, 4] to [1, 12]"), "{said}");
    assert!(
        said.ends_with("it is of 1 example alone: shapes may fit when it is exported for any number of them"),
        "{said}"
    );
    assert!(file(Some(2), &[2, 12]).refused().contains("it is of 2 examples alone"));
    let found = file(Some(2), &[3, 4, 2]).import().unwrap();
    assert_eq!(reshapes(&found), ["[3, 2n, 2]"]);
    // What a file for any number of them says without saying it.
    assert_eq!(reshapes(&file(None, &[3, 6, 4, 1]).import().unwrap()), ["[3, n, 4, 1]"]);
    assert!(!file(None, &[7, 12]).refused().contains("alone"));
}

#[test]
fn dimensions_that_count_examples_are_told_from_others() {
    let hint = "alone: shapes may fit";
    let squeezed = Foreign::new(13, ONE).integers("axes", &[0]).node("Squeeze", "x axes", "y", &[]).refused();
    assert!(squeezed.contains("Squeeze of [0]") && squeezed.contains(hint), "{squeezed}");
    let first = Foreign::new(13, &[Some(2), Some(3)]).integers("first", &[0]).node(
        "Gather",
        "x first",
        "y",
        &["axis=0"],
    );
    let said = first.refused();
    assert!(said.contains("Gather of some examples") && said.contains(hint), "{said}");
    let said = Foreign::new(13, ONE).node("LRN", "x", "y", &["size=5"]).refused();
    assert!(!said.contains(hint), "{said}");
    // Before opset 13 over all dimensions from this one on, examples among them.
    let softmax = |opset| {
        Foreign::new(opset, &[None, Some(5)]).node("Transpose", "x", "t", &["perm=[1, 0]"]).node(
            "Softmax",
            "t",
            "y",
            &["axis=0"],
        )
    };
    assert!(softmax(12).refused().contains("Softmax over several dimensions of [5, n]"));
    assert!(softmax(13).import().is_ok());
}

#[test]
fn a_reshape_without_a_name_is_left_out_only_where_what_it_was_made_of_fits() {
    let mut file = Foreign::new(13, IMAGES)
        .floats("conv.weight", &[1, 1, 3], |at| at as f32)
        .integers("row", &[0, 1, 2])
        .integers("planes", &[0, 2, 1, 1])
        .node("GlobalAveragePool", "x", "m", &[])
        .node("Reshape", "m row", "r", &[])
        .node("Conv", "r conv.weight", "c", &["pads=[1, 1]"])
        .node("Sigmoid", "c", "s", &[])
        .node("Reshape", "s planes", "g", &[])
        .node("Mul", "x g", "y", &[]);
    file.graph.node.iter_mut().for_each(|node| node.name = None);
    let found = file.import().unwrap();
    let end = found.graph.nodes().last().unwrap();
    assert_eq!(end.op, Op::Scale);
    let factors = found.graph.nodes()[end.inputs[1]].op;
    assert_eq!(factors, Op::Reshape(Dims::images([2, 1, 1])));
}
