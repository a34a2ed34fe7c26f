//! What is written is read again as what it was made of.

use proptest::prelude::*;
use rten_onnx::onnx::ModelProto;
use sapwood_graph::{
    Activation, Array, Binary, Conv, DType, Dims, Entry, Graph, GraphBuilder, Op, ParamPath, Ranked, State,
    Wire,
};
use sapwood_onnx::{Error, Options, export, import};

/// Values that differ from each other and from every default.
pub(crate) fn state(graph: &Graph) -> State {
    let mut state = State::default();
    let mut next = 0u32;
    let mut put = |layer: &str, name: &str, shape: Vec<usize>| {
        let value = Array::from_fn(shape, |_| {
            next = next.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (next >> 8) as f32 / (1 << 24) as f32 + 0.25
        });
        let path = if name.is_empty() { layer.into() } else { format!("{layer}.{name}") };
        state.0.insert(ParamPath::from(path), value);
    };
    for node in graph.nodes() {
        let affine = |channels: usize| vec![("weight", vec![channels]), ("bias", vec![channels])];
        let weights = |weight: Vec<usize>, bias: Option<usize>| {
            [("weight", weight)].into_iter().chain(bias.map(|outputs| ("bias", vec![outputs]))).collect()
        };
        let params: Vec<(&str, Vec<usize>)> = match node.op {
            Op::Conv(spec) => weights(spec.weight(), spec.bias.then_some(spec.outputs)),
            Op::Linear { inputs, outputs, bias, .. } => {
                weights(vec![outputs, inputs], bias.then_some(outputs))
            }
            Op::BatchNorm { channels, .. } => {
                let statistics = ["running_mean", "running_var"].map(|name| (name, vec![channels]));
                affine(channels).into_iter().chain(statistics).collect()
            }
            Op::LayerNorm { channels, .. } | Op::GroupNorm { channels, .. } => affine(channels),
            Op::Prelu { channels } => weights(vec![channels], None),
            Op::Embedding { entries, width } => weights(vec![entries, width], None),
            Op::Position(shape) => vec![("embedding", shape.to_vec())],
            Op::Constant { dims, .. } => vec![("", dims.sizes().to_vec())],
            _ => vec![],
        };
        for (name, shape) in params {
            put(&node.name, name, shape);
        }
    }
    state
}

/// What comes back is what went.
pub(crate) fn assert_comes_back(graph: &Graph, opset: i64) {
    let (state, options) = (state(graph), Options { opset, ..Options::default() });
    let bytes = export(graph, &state, &options).unwrap();
    let found = import(&bytes).unwrap();
    assert_eq!(found.graph, *graph);
    assert!(found.state == state, "other values at opset {opset}");
    assert_eq!(export(graph, &state, &options).unwrap(), bytes);
}

fn mobile(g: &mut GraphBuilder, x: Wire) -> Wire {
    let y = g.conv("expand", x, Conv::new(8, 1).no_bias());
    let y = g.batch_norm_with("bn", y, 1e-3);
    let y = g.activation(y, Activation::HSwish);
    let y = g.conv("depthwise", y, Conv::new(8, 3).same().groups(8));
    let s = g.global_avg_pool(y);
    let s = g.conv("gate", s, Conv::new(8, 1));
    let s = g.activation(s, Activation::HSigmoid);
    let y = g.scale(y, s);
    let y = g.conv("project", y, Conv::new(3, 1));
    g.add(y, x)
}

#[test]
fn every_operation_that_is_written_comes_back_at_every_opset() {
    for opset in 17..=22 {
        let mut g = Graph::builder([3, 9, 9]);
        let x = g.input();
        let x = mobile(&mut g, x);
        let x = g.activation(x, Activation::Relu6);
        let x = g.max_pool(x, 3, 2, 1);
        let x = g.activation(x, Activation::Gelu);
        let x = g.avg_pool(x, 2);
        let x = g.subsample(x, 2, 6);
        let x = g.subsample(x, 1, 6);
        let x = g.flatten(x);
        let x = g.linear("fc1", x, 5);
        let x = g.relu(x);
        let x = g.linear("head", x, 4);
        let y = g.linear("fc2", x, 4);
        g.add(y, x);
        assert_comes_back(&g.finish().unwrap(), opset);

        let mut g = Graph::builder([2, 6, 6]);
        let x = g.input();
        let x = if opset < 19 { x } else { g.wrap(x, 1) };
        let x = if opset < 18 { x } else { g.resize(x, [5, 7]) };
        g.conv("dense", x, Conv::new(1, 3));
        assert_comes_back(&g.finish().unwrap(), opset);
    }
}

#[test]
fn another_reader_of_onnx_finds_the_same_file() {
    let mut g = Graph::builder([3, 9, 9]);
    let x = g.input();
    let x = mobile(&mut g, x);
    g.linear("fc", x, 2);
    let graph = g.finish().unwrap();
    let state = state(&graph);
    let metadata = [("sapwood".to_string(), "{}".to_string())];
    let options = Options { metadata: metadata.into(), ..Options::default() };
    let model = ModelProto::parse_buf(&export(&graph, &state, &options).unwrap()).unwrap();
    assert_eq!((model.ir_version, model.opset_import[0].version), (Some(8), Some(18)));
    assert_eq!(model.metadata_props[0].key.as_deref(), Some("sapwood"));
    let found = model.graph.unwrap();
    let operations: Vec<&str> = found.node.iter().filter_map(|node| node.op_type.as_deref()).collect();
    let expected =
        "Conv BatchNormalization HardSwish Conv GlobalAveragePool Conv HardSigmoid Mul Conv Add Flatten Gemm";
    assert_eq!(operations.join(" "), format!("{expected} Identity"));
    for (path, value) in &state.0 {
        let of = |name: &Option<String>| name.as_deref() == Some(path.as_str());
        let tensor = found.initializer.iter().find(|tensor| of(&tensor.name)).unwrap();
        let raw = tensor.raw_data.as_ref().unwrap().borrow();
        assert_eq!(&Array::of_bytes(DType::F32, value.shape(), &raw).unwrap(), value);
        assert_eq!(tensor.dims.iter().map(|dim| *dim as usize).collect::<Vec<_>>(), value.shape());
    }
    let attribute = |node: usize, name: &str| {
        found.node[node].attribute.iter().find(|attribute| attribute.name.as_deref() == Some(name)).unwrap()
    };
    assert_eq!((attribute(3, "group").i, &attribute(3, "pads").ints[..]), (Some(8), &[1, 1, 1, 1][..]));
    assert_eq!((attribute(1, "epsilon").f, attribute(1, "momentum").f), (Some(1e-3), Some(0.9)));
}

#[test]
fn all_that_cannot_be_written_is_named_at_once() {
    let mut g = Graph::builder([4, 2, 2]);
    let x = g.wrap(g.input(), 1);
    let x = g.flatten(x);
    let x = g.group_norm("gn1", x, 2);
    g.group_norm("gn2", x, 4);
    let graph = g.finish().unwrap();
    let error = export(&graph, &state(&graph), &Options::default()).unwrap_err();
    let Error::Unwritable { layers, .. } = &error else { panic!("{error}") };
    assert_eq!(layers.len(), 3, "{error}");
    assert!(error.to_string().starts_with("cannot be written at opset 18: layer `wrap` wraps its input"));
    assert_eq!(error.later_opset(), None);
    let mut g = Graph::builder([4, 2, 2]);
    g.wrap(g.input(), 1);
    let wraps = export(&g.finish().unwrap(), &State::default(), &Options::default()).unwrap_err();
    assert_eq!(wraps.later_opset(), Some(19), "{wraps}");
    let options = Options { opset: 16, ..Options::default() };
    let error = export(&graph, &State::default(), &options).unwrap_err().to_string();
    assert_eq!(error, "opset 16 is not written: expected 17 to 22");
}

#[test]
fn attention_is_written_and_read_as_what_it_is_made_of() {
    for (example, places) in [(&[6, 5][..], 5), (&[6, 5, 4][..], 20)] {
        let dims = Dims::batch_of(example).unwrap();
        let entries = ["q", "k", "v"].map(|name| Entry { name: name.into(), dims, integers: false });
        let mut g = Graph::builder_of(entries.into());
        g.attention([g.entry(0), g.entry(1), g.entry(2)], 3);
        let graph = g.finish().unwrap();
        let apart = Dims::batch_of(&[3, 2, places]).unwrap();
        let turned = Op::Transpose { order: Ranked::new(&[0, 1, 3, 2]).unwrap() };
        let scale = Op::Constant { dims: Dims::fixed(&[]).unwrap(), learnt: false };
        for opset in 17..=22 {
            let options = Options { opset, ..Options::default() };
            let found = import(&export(&graph, &State::default(), &options).unwrap()).unwrap();
            let operations: Vec<Op> = found.graph.nodes().iter().skip(3).map(|node| node.op).collect();
            let expected = [
                Op::Reshape(apart),
                Op::Reshape(apart),
                Op::Reshape(apart),
                turned,
                Op::MatMul,
                scale,
                Op::Binary(Binary::Mul),
                Op::Softmax { axis: 3, log: false },
                turned,
                Op::MatMul,
                Op::Reshape(dims),
            ];
            assert_eq!(operations, expected, "opset {opset}");
            assert_eq!(found.graph.dims().unwrap().last(), Some(&dims));
            let scales: Vec<f32> = found.state.0.values().flat_map(|value| value.iter::<f32>()).collect();
            assert_eq!(scales, [0.5f32.sqrt()]);
        }
    }
}

#[test]
fn weights_that_do_not_fit_are_named() {
    let mut g = Graph::builder([4, 1, 1]);
    g.linear("fc", g.input(), 2);
    let graph = g.finish().unwrap();
    let mut state = state(&graph);
    state.0.insert("fc.weight".into(), Array::from_fn([4, 2], |_| 0f32));
    state.0.remove("fc.bias");
    let error = export(&graph, &state, &Options::default()).unwrap_err().to_string();
    assert!(error.contains("missing fc.bias; fc.weight should be [2, 4] but is [4, 2]"), "{error}");
}

/// A layer that fits whatever came before it.
fn grow(g: &mut GraphBuilder, x: Wire, at: usize, kind: u8) -> Wire {
    let [channels, h, w] = g.shape(x);
    let name = format!("block.{at}");
    // What is flat has no planes.
    let flat = g.dims(x).rank() == 2;
    match kind % 10 {
        0 | 1 | 4 | 5 | 7 | 8 if flat => g.linear(&name, x, 3 + at % 4),
        0 => g.conv(&name, x, Conv::new(1 + at % 5, 1).stride(1 + at % 2)),
        1 => g.conv(&name, x, Conv::new(2 * channels, 3).same().groups(channels).no_bias()),
        2 => g.batch_norm(&name, x),
        3 => g.activation(x, Activation::Gelu),
        4 if h.min(w) > 1 => g.max_pool(x, 2, 1 + at % 2, at % 2),
        5 => g.avg_pool(x, 2),
        6 => {
            let y = g.activation(x, Activation::HSigmoid);
            g.add(y, x)
        }
        7 => {
            let factors = g.global_avg_pool(x);
            g.scale(x, factors)
        }
        8 => g.subsample(x, 2, channels + at % 3),
        9 => {
            let y = g.linear(&name, x, 3 + at % 4);
            g.activation(y, Activation::HSwish)
        }
        _ => g.relu(x),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn what_is_grown_layer_by_layer_comes_back(kinds in prop::collection::vec(any::<u8>(), 1..16), opset in 17i64..=22) {
        let mut g = Graph::builder([2, 7, 6]);
        let mut x = g.input();
        for (at, kind) in kinds.into_iter().enumerate() {
            x = grow(&mut g, x, at, kind);
        }
        g.linear("fc", x, 2);
        assert_comes_back(&g.finish().unwrap(), opset);
    }
}
