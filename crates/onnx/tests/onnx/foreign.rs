//! Files as others write them, put together by another writer of ONNX.

use std::cell::RefCell;

use rten_onnx::onnx::{DataType, TensorProto};
use sapwood_graph::{Activation, Array, AvgPool, Graph, Op, State};
use sapwood_onnx::{Imported, Importer, Note, Options, export, import};

use crate::written::{Foreign, end};

pub(crate) const IMAGES: &[Option<i64>] = &[None, Some(2), Some(8), Some(8)];

pub(crate) fn operations(found: &Imported) -> String {
    let names = found.graph.nodes().iter().skip(1).map(|node| node.name.as_str());
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_matrix_product_and_a_sum_are_a_linear_layer_with_rows_for_outputs() {
    let file = Foreign::new(13, &[None, Some(3)])
        .floats("fc.w", &[3, 2], |at| at as f32)
        .floats("fc.bias", &[2], |at| 10.0 + at as f32)
        .node("MatMul", "x fc.w", "m", &[])
        .node("Add", "fc.bias m", "y", &[]);
    let found = file.import().unwrap();
    assert_eq!(found.graph.nodes()[1].op, Op::Linear { inputs: 3, outputs: 2, bias: true, places: false });
    let weight = &found.state.0["fc.weight"];
    assert_eq!(
        (weight.shape(), weight.as_slice::<f32>().unwrap()),
        (&[2, 3][..], &[0.0, 2.0, 4.0, 1.0, 3.0, 5.0][..])
    );
    assert_eq!(found.state.0["fc.bias"].as_slice::<f32>().unwrap(), [10.0, 11.0]);
}

#[test]
fn shapes_that_are_computed_are_a_flattening() {
    let file = Foreign::new(11, IMAGES)
        .integers("zero", &[0])
        .integers("rest", &[-1])
        .node("Relu", "x", "r", &[])
        .node("Shape", "r", "s", &[])
        .node("Gather", "s zero", "n", &["axis=0"])
        .node("Concat", "n rest", "to", &["axis=0"])
        .node("Reshape", "r to", "flat", &[])
        .floats("fc.weight", &[2, 128], |_| 0.5)
        .node("Gemm", "flat fc.weight", "y", &["alpha=1.0", "transB=1"]);
    let found = file.import().unwrap();
    assert_eq!(operations(&found), "relu flatten fc");
    assert_eq!(found.graph.nodes()[3].op, Op::Linear { inputs: 128, outputs: 2, bias: false, places: false });
}

#[test]
fn curves_come_back_from_the_formulas_of_older_opsets() {
    let file = Foreign::new(12, IMAGES)
        .floats("low", &[], |_| 0.0)
        .floats("high", &[], |_| 6.0)
        .floats("root", &[], |_| 2f32.sqrt())
        .floats("one", &[], |_| 1.0)
        .floats("half", &[], |_| 0.5)
        .node("Clip", "x low high", "a", &[])
        .node("HardSigmoid", "a", "b", &["alpha=0.16666667", "beta=0.5"])
        .node("Mul", "a b", "c", &[])
        .node("Div", "c root", "d", &[])
        .node("Erf", "d", "e", &[])
        .node("Add", "e one", "f", &[])
        .node("Mul", "c f", "g", &[])
        .node("Mul", "g half", "h", &[])
        .node("Softmax", "y0", "y", &["axis=1"]);
    let Foreign { mut graph, opset } = file;
    let softmax = graph.node.pop().unwrap();
    let file = Foreign { graph, opset }
        .node("ReduceMean", "h", "m", &["axes=[-1, -2]", "keepdims=0"])
        .floats("fc.weight", &[3, 2], |_| 0.5)
        .node("Gemm", "m fc.weight", "y0", &["transB=1"]);
    let Foreign { mut graph, opset } = file;
    graph.node.push(softmax);
    let found = Foreign { graph, opset }.import().unwrap();
    assert_eq!(operations(&found), "relu6 h_swish gelu global_avg_pool fc");
    assert_eq!(found.notes, [Note::Softmax]);
    assert_eq!(found.graph.nodes()[3].op, Op::Activation(Activation::Gelu));
}

#[test]
fn a_softmax_at_the_end_is_left_out_whatever_the_output_is_called_and_stays_in_files_of_our_own() {
    let file = Foreign::new(13, &[None, Some(2)])
        .floats("fc.weight", &[3, 2], |at| at as f32)
        .node("Gemm", "x fc.weight", "a", &["transB=1"])
        .node("Softmax", "a", "b", &["axis=1"])
        .node("Identity", "b", "y", &[]);
    let found = file.import().unwrap();
    assert_eq!((operations(&found).as_str(), &found.notes[..]), ("fc", &[Note::Softmax][..]));
    let mut g = Graph::builder([2, 1, 1]);
    let x = g.linear("fc", g.input(), 3);
    g.softmax(x, 1);
    let graph = g.finish().unwrap();
    let values = [("fc.weight", vec![3, 2]), ("fc.bias", vec![3])];
    let values = values.map(|(name, shape)| (name.into(), Array::from_fn(shape, |at| at as f32)));
    let bytes = export(&graph, &State(values.into()), &Options::default()).unwrap();
    assert_eq!(import(&bytes).unwrap().graph.nodes().last().unwrap().op, Op::Softmax { axis: 1, log: false });
}

#[test]
fn shared_weights_come_to_each_layer_under_its_own_name() {
    let file = Foreign::new(17, IMAGES)
        .floats("bn1.weight", &[2], |_| 1.0)
        .floats("bn1.bias", &[2], |_| 0.0)
        .node("Identity", "bn1.bias", "bn2.bias", &[])
        .node("Identity", "bn1.weight", "bn2.weight", &[])
        .node(
            "BatchNormalization",
            "x bn1.weight bn1.bias bn1.bias bn1.weight",
            "a",
            &["epsilon=0.001", "momentum=0.95"],
        )
        .node("BatchNormalization", "a bn2.weight bn2.bias bn2.bias bn2.weight", "y", &[]);
    let found = file.import().unwrap();
    assert_eq!(operations(&found), "bn1 bn2");
    assert_eq!(found.graph.nodes()[1].op, Op::BatchNorm { channels: 2, epsilon: 0.001, momentum: 0.05 });
    assert_eq!(found.state.0["bn2.running_var"].as_slice::<f32>().unwrap(), [1.0, 1.0]);
}

#[test]
fn all_that_is_not_supported_is_one_line_with_nodes_and_counts() {
    let file = Foreign::new(17, IMAGES)
        .floats("w", &[2, 2, 3, 3], |_| 0.1)
        .floats("deep", &[2, 2, 3, 3, 3], |_| 0.1)
        .integers("sizes", &[1, 2, 5, 5])
        .node("LRN", "x", "a", &["size=5"])
        .node("LRN", "a", "b", &["size=5"])
        .node("Relu", "b", "c", &[])
        .node("Conv", "x deep", "d", &[])
        .node("Conv", "x w", "e", &["brightness=3"])
        .node("Resize", "x - - sizes", "f", &["mode=cubic"])
        .node("LSTM", "x w w", "g", &["hidden_size=4"])
        .node("Loop", "x", "h", &[])
        .node("QuantizeLinear", "x w", "i", &[])
        .node("Conv", "x w", "j", &["group=3"])
        .unsigned("many", &[50, 100], &[7; 5000])
        .node("MatMulInteger", "x many", "k", &[])
        .node("Add", "c x", "y", &[]);
    assert_eq!(
        file.refused(),
        "it has operations that a network here cannot have: Conv in 3 dimensions (1 node: `/d/Conv`); \
         Conv where expected 6 channels, found 2 (1 node: `/j/Conv`); \
         Conv with `brightness` (1 node: `/e/Conv`); LRN (2 nodes: `/a/LRN`, `/b/LRN`); \
         LSTM (1 node: `/g/LSTM`); Loop (1 node: `/h/Loop`); MatMulInteger (1 node: `/k/MatMulInteger`); QuantizeLinear of values with 36 scales (1 node: `/i/QuantizeLinear`); \
         Resize in mode `cubic` (1 node: `/f/Resize`)"
    );
}

#[test]
fn windows_are_what_the_file_says_or_what_keeps_the_size() {
    let window = |op: &str, attributes: &[&str]| {
        let file = Foreign::new(19, &[None, Some(2), Some(7), Some(8)]).floats("w", &[2, 2, 3, 3], |_| 0.1);
        let inputs = if op == "Conv" { "x w" } else { "x" };
        let found = file.node(op, inputs, "y", attributes).import().unwrap();
        let window = match found.graph.nodes()[1].op {
            Op::Conv(spec) => spec.window(),
            Op::MaxPool(window) | Op::AvgPool(AvgPool { window, .. }) => window,
            other => panic!("{other:?}"),
        };
        (
            window.padding.sides(),
            window.stride.hw(),
            window.dilation.hw(),
            found.graph.dims().unwrap()[1].image(),
        )
    };
    assert_eq!(
        window("Conv", &["auto_pad=SAME_UPPER", "strides=[2, 3]"]),
        ([1, 0, 1, 1], [2, 3], [1, 1], [2, 4, 3]),
        "7 and 8 pixels with strides 2 and 3 want 2 and 1 more, the odd one behind"
    );
    assert_eq!(window("MaxPool", &["kernel_shape=[2, 2]", "auto_pad=SAME_LOWER"]).0, [1, 1, 0, 0]);
    assert_eq!(
        window("Conv", &["pads=[0, 1, 2, 3]", "dilations=[2, 1]"]),
        ([0, 1, 2, 3], [1, 1], [2, 1], [2, 5, 10])
    );
    let pool = ["kernel_shape=[3, 2]", "strides=[3, 2]", "ceil_mode=1"];
    assert_eq!(window("AveragePool", &pool).3, [2, 3, 4]);
    assert_eq!(window("AveragePool", &pool[..2]).3, [2, 2, 4]);
}

#[test]
fn ends_opsets_and_weights_elsewhere_are_one_line_each() {
    let relu = |opset, input: &[Option<i64>]| Foreign::new(opset, input).node("Relu", "x", "y", &[]);
    assert!(relu(7, IMAGES).import().is_ok() && relu(22, IMAGES).import().is_ok());
    assert!(relu(6, IMAGES).refused().contains("opset 6, and opsets 7 to 22 are read"));
    let said = relu(13, &[None, Some(3), None, None]).refused();
    assert_eq!(
        said,
        "expected an input of 1 to 6 dimensions of which only the first, that of examples, is no number, found `x` \
         [N, 3, N, N]: give the size of an example"
    );
    let open = relu(13, &[None, Some(3), None, None]).bytes();
    let of = |example: [usize; 3]| Importer::default().example(example).import(&open);
    assert_eq!(of([3, 5, 7]).unwrap().graph.input(), [3, 5, 7]);
    assert_eq!(
        of([4, 5, 7]).unwrap_err().to_string(),
        "examples of [4, 5, 7] do not go into its input `x` [N, 3, N, N]"
    );
    let mut two = relu(13, IMAGES);
    two.graph.input.push(end("z", IMAGES));
    let two = two.also("z");
    let found = two.import().unwrap();
    assert_eq!(
        (found.graph.entries().len(), found.graph.ends(), &found.outputs[..]),
        (2, &[2, 1][..], &["y".to_string(), "z".into()][..])
    );
    let mut none = relu(13, IMAGES);
    none.graph.input.clear();
    assert_eq!(none.refused(), "expected 1 to 64 inputs, found none");
    let mut outside = relu(13, IMAGES).floats("w", &[1], |_| 0.0);
    let entry = rten_onnx::onnx::StringStringEntryProto {
        key: Some("location".into()),
        value: Some("net.data".into()),
    };
    outside.graph.initializer[0].external_data.push(entry);
    outside.graph.initializer[0].data_location = Some(rten_onnx::onnx::DataLocation::EXTERNAL);
    let (bytes, beside) = (outside.bytes(), |values: [f32; 1]| values.map(f32::to_le_bytes).concat());
    assert_eq!(
        import(&bytes).unwrap_err().to_string(),
        "its weights lie in another file, `net.data`: give it with that file beside it, or save it as one file"
    );
    let asked = RefCell::new(Vec::new());
    let found = Importer::default().beside(|file| {
        asked.borrow_mut().push(file.to_path_buf());
        Ok(beside([2.5]))
    });
    assert_eq!(found.import(&bytes).unwrap().graph.nodes().len(), 2);
    assert_eq!(asked.into_inner(), [std::path::PathBuf::from("net.data")]);
    let gone = Importer::default()
        .beside(|_| Err(std::io::Error::other("gone")))
        .import(&bytes)
        .unwrap_err()
        .to_string();
    assert_eq!(gone, "its weights lie in another file, which cannot be read: gone: net.data");
    let said = Foreign::new(13, IMAGES).node("Relu", "nowhere", "y", &[]).refused();
    assert!(said.contains("reads `nowhere`, which nothing before it computes"), "{said}");
}

#[test]
fn half_precision_is_read_as_what_it_stands_for() {
    let mut file = Foreign::new(17, &[None, Some(2)]).node("Gemm", "x fc.weight", "y", &["transB=1"]);
    file.graph.initializer.push(TensorProto {
        name: Some("fc.weight".into()),
        dims: vec![1, 2],
        data_type: Some(DataType::FLOAT16),
        // 1.5 and -2 in IEEE 754 half precision.
        int32_data: vec![0x3e00, 0xc000],
        ..TensorProto::default()
    });
    let found = file.import().unwrap();
    assert_eq!(found.state.0["fc.weight"].as_slice::<f32>().unwrap(), [1.5, -2.0]);
}

#[test]
fn names_of_files_that_leave_the_folder_are_refused_before_any_is_asked_for() {
    for file in ["../net.data", "/etc/passwd", "a/../../b", "c:\\net.data", ""] {
        let mut outside = Foreign::new(13, IMAGES).floats("w", &[1], |_| 0.0).node("Relu", "x", "y", &[]);
        let entry = rten_onnx::onnx::StringStringEntryProto {
            key: Some("location".into()),
            value: Some(file.into()),
        };
        outside.graph.initializer[0].external_data.push(entry);
        outside.graph.initializer[0].data_location = Some(rten_onnx::onnx::DataLocation::EXTERNAL);
        let found =
            Importer::default().beside(|asked| panic!("{asked:?} was asked for")).import(&outside.bytes());
        assert!(
            found.unwrap_err().to_string().ends_with("and only files in its own folder are read"),
            "{file}"
        );
    }
}

#[test]
fn normalisation_and_activations_come_back_from_their_formulas() {
    let file = Foreign::new(13, IMAGES)
        .floats("norm.weight", &[2, 1, 1], |at| at as f32)
        .floats("norm.bias", &[2, 1, 1], |at| 1.0 + at as f32)
        .floats("eps", &[], |_| 1e-6)
        .floats("two", &[], |_| 2.0)
        .node("ReduceMean", "x", "u", &["axes=[1]", "keepdims=1"])
        .node("Sub", "x u", "d", &[])
        .node("Pow", "d two", "s", &[])
        .node("ReduceMean", "s", "v", &["axes=[1]", "keepdims=1"])
        .node("Add", "v eps", "e", &[])
        .node("Sqrt", "e", "r", &[])
        .node("Div", "d r", "n", &[])
        .node("Mul", "n norm.weight", "m", &[])
        .node("Add", "m norm.bias", "l", &[])
        .node("Sigmoid", "l", "g", &[])
        .node("Mul", "l g", "silu", &[])
        .node("Softplus", "silu", "p", &[])
        .node("Tanh", "p", "t", &[])
        .node("Mul", "silu t", "y", &[]);
    let found = file.import().unwrap();
    assert_eq!(operations(&found), "norm silu mish");
    assert_eq!(found.graph.nodes()[1].op, Op::LayerNorm { channels: 2, epsilon: 1e-6, last: false });
    assert_eq!(found.state.0["norm.bias"].as_slice::<f32>().unwrap(), [1.0, 2.0]);
}

#[test]
fn tensors_that_layers_share_and_single_numbers_that_learn_are_told() {
    let file = Foreign::new(17, IMAGES)
        .floats("conv.weight", &[2, 2, 1, 1], |at| at as f32)
        .floats("gamma", &[1], |_| 0.5)
        .node("Conv", "x conv.weight", "a", &[])
        .node("Conv", "a conv.weight", "b", &[])
        .node("Mul", "b gamma", "y", &[]);
    let found = file.import().unwrap();
    let gamma = found.graph.nodes().iter().find(|node| node.name == "gamma").unwrap();
    assert!(matches!(gamma.op, Op::Constant { learnt: true, .. }), "{gamma:?}");
    let notes: Vec<String> = found.notes.iter().map(ToString::to_string).collect();
    assert!(
        notes.iter().any(|note| note.contains("share tensors") && note.ends_with("`conv.weight`")),
        "{notes:?}"
    );
    assert!(
        notes.iter().any(|note| note.contains("learn in training") && note.ends_with("`gamma`")),
        "{notes:?}"
    );
}

#[test]
fn a_constant_is_not_called_like_a_module() {
    let file = Foreign::new(17, IMAGES)
        .floats("g.scale", &[2, 1, 1], |at| at as f32)
        .node("Constant", "", "e", &["value_float=0.25"])
        .node("Add", "x e", "a", &[])
        .node("Mul", "a g.scale", "y", &[]);
    let mut file = file;
    file.graph.node[0].name = Some("/g/Constant".into());
    file.graph.node[0].input.clear();
    let found = file.import().unwrap();
    let names: Vec<String> = found.state.0.keys().map(ToString::to_string).collect();
    assert!(names.iter().all(|name| name != "g") && names.contains(&"g.scale".to_string()), "{names:?}");
}

#[test]
fn constants_are_reduced_where_weights_are_computed() {
    let file = Foreign::new(17, IMAGES)
        .floats("v", &[2, 2, 1, 1], |at| [3.0, 4.0, 6.0, 8.0][at])
        .node("ReduceL2", "v", "norm", &["axes=[1, 2, 3]", "keepdims=1"])
        .node("Div", "v norm", "w", &[])
        .node("Conv", "x w", "y", &[]);
    let found = file.import().unwrap();
    let weight = found.state.0.values().next().unwrap();
    assert_eq!(weight.as_slice::<f32>().unwrap(), [0.6, 0.8, 0.6, 0.8]);
    assert_eq!(found.notes, [sapwood_onnx::Note::Computed]);
}

#[test]
fn rows_of_a_table_are_found_by_integers_or_by_ones_in_their_place() {
    let mut table = Foreign::new(17, &[None, Some(7)]).floats("emb.weight", &[9, 4], |at| at as f32).node(
        "Gather",
        "emb.weight x",
        "y",
        &[],
    );
    let integers = |file: &mut Foreign| {
        let kind = file.graph.input[0].r#type.as_mut().unwrap().tensor_type.as_mut().unwrap();
        kind.elem_type = Some(DataType::INT64);
    };
    integers(&mut table);
    let mut ones = Foreign::new(17, &[None, Some(7)])
        .floats("emb.weight", &[9, 4], |at| at as f32)
        .integers("behind", &[-1, 7, 1])
        .integers("numbers", &[0, 1, 2, 3, 4, 5, 6, 7, 8])
        .node("Reshape", "x behind", "c", &[])
        .node("Equal", "c numbers", "e", &[])
        .node("Cast", "e", "f", &["to=1"])
        .node("MatMul", "f emb.weight", "y", &[]);
    integers(&mut ones);
    let [table, ones] = [table, ones].map(|file| file.import().unwrap());
    assert_eq!(operations(&table), "emb");
    assert_eq!((table.graph, table.state), (ones.graph, ones.state));
}

#[test]
fn a_value_that_others_read_under_another_name_keeps_to_itself_what_is_added() {
    let file = Foreign::new(13, IMAGES)
        .floats("conv.weight", &[2, 2, 1, 1], |at| at as f32)
        .floats("b", &[2, 1, 1], |at| at as f32)
        .node("Conv", "x conv.weight", "a", &[])
        .node("Identity", "a", "same", &[])
        .node("Add", "same b", "c", &[])
        .node("Mul", "c a", "y", &[]);
    let found = file.import().unwrap();
    assert_eq!(operations(&found), "conv b add mul", "{:?}", found.graph);
    let square = Foreign::new(13, &[None, Some(3), Some(2), Some(2)])
        .floats("w", &[2, 2], |at| at as f32)
        .node("Transpose", "w", "t", &["perm=[1, 0]"])
        .node("Mul", "x w", "a", &[])
        .node("Mul", "a t", "y", &[]);
    let found = square.import().unwrap();
    let values: Vec<&[f32]> = found.state.0.values().map(|value| value.as_slice::<f32>().unwrap()).collect();
    assert_eq!(values, [[0.0, 1.0, 2.0, 3.0], [0.0, 2.0, 1.0, 3.0]]);
}

#[test]
fn constants_that_outgrow_the_file_are_refused() {
    let file = Foreign::new(13, IMAGES)
        .integers("huge", &[1 << 20, 1 << 9])
        .node("ConstantOfShape", "huge", "c", &[])
        .node("Add", "x c", "y", &[]);
    let said = file.refused();
    assert!(said.contains("ConstantOfShape of constants that outgrow the file"), "{said}");
}

#[test]
fn one_example_of_several_is_refused_and_not_taken_for_all() {
    let first = |examples: Option<i64>, is_number: bool| {
        let mut file = Foreign::new(13, &[examples, Some(3)])
            .integers("first", &[0])
            .node("Relu", "x", "r", &[])
            .node("Gather", "r first", "y", &["axis=0"]);
        if is_number {
            file.graph.initializer.last_mut().unwrap().dims.clear();
        }
        file
    };
    for (examples, is_number) in [(None, false), (None, true), (Some(2), false), (Some(1), true)] {
        let said = first(examples, is_number).refused();
        assert!(said.contains("Gather of some examples"), "{said}");
    }
    // In a file of one example the first is all of them.
    assert_eq!(operations(&first(Some(1), false).import().unwrap()), "relu");
}

#[test]
fn a_rest_has_the_sign_of_what_divides_and_with_fmod_of_what_is_divided() {
    let rest = |of: i64, by: i64, fmod: &str| {
        Foreign::new(13, IMAGES)
            .integers("of", &[of])
            .integers("by", &[by])
            .integers("ones", &[2, 1, 1])
            .node("Mod", "of by", "m", &[fmod])
            .node("Concat", "m ones", "shape", &["axis=0"])
            .node("ConstantOfShape", "shape", "c", &[])
            .node("Add", "x c", "y", &[])
    };
    assert!(rest(7, 3, "fmod=0").import().is_ok());
    assert!(rest(-5, 3, "fmod=0").import().is_ok());
    assert!(rest(7, -3, "fmod=1").import().is_ok());
    for (of, by, fmod) in [(-5, 3, "fmod=1"), (7, -3, "fmod=0")] {
        assert!(rest(of, by, fmod).refused().contains("negative size"), "{of} by {by}, {fmod}");
    }
}

#[test]
fn layers_share_a_tensor_as_often_as_networks_do() {
    let times = |count: usize| {
        let file = Foreign::new(13, &[None, Some(512)]).floats("fc.weight", &[512, 512], |_| 0.5);
        (0..count).fold(file, |file, at| {
            let from = if at == 0 { "x".to_string() } else { format!("h{at}") };
            let to = if at + 1 == count { "y".to_string() } else { format!("h{}", at + 1) };
            file.node("MatMul", &format!("{from} fc.weight"), &to, &[])
        })
    };
    let found = times(16).import().unwrap();
    assert_eq!(found.state.0.len(), 16);
    assert_eq!(found.notes, [Note::Shared(vec!["fc.weight".into()])]);
    let said = times(100).refused();
    let expected = "layers whose tensors take more than 16 times the file, as where many share one (";
    assert!(said.contains(expected), "{said}");
}
