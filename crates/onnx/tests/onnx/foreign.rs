//! Files as others write them, put together by another writer of ONNX.

use std::cell::RefCell;

use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataType, Dimension, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto, TypeProtoTensor, ValueInfoProto,
};
use sapwood_graph::{Activation, Op};
use sapwood_onnx::{Error, Imported, Note, import};

/// A model in the making.
struct Foreign {
    graph: GraphProto,
    opset: i64,
}

fn end(name: &str, dims: &[Option<i64>]) -> ValueInfoProto {
    let dim =
        |size: &Option<i64>| Dimension { dim_value: *size, dim_param: size.is_none().then(|| "N".into()) };
    let shape = TensorShapeProto { dim: dims.iter().map(dim).collect() };
    let tensor = TypeProtoTensor { elem_type: Some(DataType::FLOAT), shape: Some(shape) };
    ValueInfoProto {
        name: Some(name.into()),
        r#type: Some(TypeProto { tensor_type: Some(tensor), ..TypeProto::default() }),
    }
}

impl Foreign {
    fn new(opset: i64, input: &[Option<i64>]) -> Self {
        let graph = GraphProto {
            input: vec![end("x", input)],
            output: vec![end("y", &[None, None])],
            ..GraphProto::default()
        };
        Self { graph, opset }
    }

    /// `out = op(inputs)`, with attributes `name=1`, `name=0.5`, `name=[1, 2]` or `name=text`.
    fn node(mut self, op: &str, inputs: &str, output: &str, attributes: &[&str]) -> Self {
        let attribute = |said: &&str| {
            let (name, value) = said.split_once('=').unwrap();
            let mut found = AttributeProto { name: Some(name.into()), ..AttributeProto::default() };
            found.r#type = Some(if let Some(list) = value.strip_prefix('[') {
                let list = list.trim_end_matches(']').split(", ");
                found.ints = list.map(|number| number.parse().unwrap()).collect();
                AttributeType::INTS
            } else if let Ok(number) = value.parse() {
                found.i = Some(number);
                AttributeType::INT
            } else if let Ok(number) = value.parse() {
                found.f = Some(number);
                AttributeType::FLOAT
            } else {
                found.s = Some(value.into());
                AttributeType::STRING
            });
            found
        };
        self.graph.node.push(NodeProto {
            name: Some(format!("/{output}/{op}")),
            op_type: Some(op.into()),
            input: inputs.split(' ').map(|name| name.trim_matches('-').to_string()).collect(),
            output: vec![output.into()],
            attribute: attributes.iter().map(attribute).collect(),
            domain: None,
        });
        self
    }

    fn floats(mut self, name: &str, dims: &[i64], value: impl Fn(usize) -> f32) -> Self {
        let count: i64 = dims.iter().product();
        let bytes = (0..count as usize).flat_map(|at| value(at).to_le_bytes()).collect();
        self.graph.initializer.push(TensorProto {
            name: Some(name.into()),
            dims: dims.to_vec(),
            data_type: Some(DataType::FLOAT),
            raw_data: Some(RefCell::new(bytes)),
            ..TensorProto::default()
        });
        self
    }

    fn integers(mut self, name: &str, values: &[i64]) -> Self {
        self.graph.initializer.push(TensorProto {
            name: Some(name.into()),
            dims: vec![values.len() as i64],
            data_type: Some(DataType::INT64),
            int64_data: values.to_vec(),
            ..TensorProto::default()
        });
        self
    }

    fn import(self) -> Result<Imported, Error> {
        let opset = OperatorSetIdProto { version: Some(self.opset), ..OperatorSetIdProto::default() };
        let model = ModelProto {
            ir_version: Some(8),
            graph: Some(self.graph),
            opset_import: vec![opset],
            ..ModelProto::default()
        };
        import(&model.write_buf().unwrap())
    }

    fn refused(self) -> String {
        self.import().unwrap_err().to_string()
    }
}

const IMAGES: &[Option<i64>] = &[None, Some(2), Some(8), Some(8)];

fn operations(found: &Imported) -> String {
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
    let weight = &found.state.0["m.weight"];
    assert_eq!(
        (weight.shape(), weight.as_slice::<f32>().unwrap()),
        (&[2, 3][..], &[0.0, 2.0, 4.0, 1.0, 3.0, 5.0][..])
    );
    assert_eq!(found.state.0["m.bias"].as_slice::<f32>().unwrap(), [10.0, 11.0]);
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
        .floats("root", &[], |_| 2f32.sqrt())
        .node("Conv", "x w", "a", &["dilations=[2, 2]", "pads=[2, 2, 2, 2]"])
        .node("Sigmoid", "a", "b", &[])
        .node("Sigmoid", "b", "c", &[])
        .node("Conv", "x w", "d", &["pads=[0, 1, 0, 1]"])
        .node("MaxPool", "x", "e", &["kernel_shape=[2, 2]", "ceil_mode=1"])
        .node("Conv", "x w", "f", &["brightness=3"])
        .node("Conv", "x w", "s", &["auto_pad=SAME_UPPER"])
        .node("Conv", "x w", "t", &["auto_pad=SAME_UPPER", "strides=[2, 2]"])
        .node("Div", "x root", "g", &[])
        .node("Relu", "g", "h", &[])
        .node("Add", "c x", "y", &[]);
    assert_eq!(
        file.refused(),
        "it has operations that a network here cannot have: Conv with `brightness` (1 node: `/f/Conv`); \
         Conv with auto_pad, a 3x3 window and stride 2 (1 node: `/t/Conv`); \
         Conv with dilations [2, 2] (1 node: `/a/Conv`); Conv with padding [0, 1, 0, 1] (1 node: `/d/Conv`); \
         Div by a constant (1 node: `/g/Div`); MaxPool with ceil_mode 1 (1 node: `/e/MaxPool`); \
         Sigmoid (2 nodes: `/b/Sigmoid`, `/c/Sigmoid`)"
    );
}

#[test]
fn pools_that_differ_at_this_size_are_refused() {
    let pool = |attributes: &[&str]| Foreign::new(17, IMAGES).node("AveragePool", "x", "y", attributes);
    assert!(pool(&["kernel_shape=[4, 4]", "strides=[4, 4]"]).import().is_ok());
    for (attributes, expected) in [
        (&["kernel_shape=[3, 3]", "strides=[3, 3]"], "leaves a rest of 8x8"),
        (&["kernel_shape=[3, 3]", "strides=[2, 2]"], "stride 2 and padding 0"),
        (&["kernel_shape=[2, 4]", "strides=[2, 2]"], "with a 2x4 window"),
    ] {
        let said = pool(attributes).refused();
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn ends_opsets_and_weights_elsewhere_are_one_line_each() {
    let relu = |opset, input: &[Option<i64>]| Foreign::new(opset, input).node("Relu", "x", "y", &[]);
    assert!(relu(7, IMAGES).import().is_ok() && relu(22, IMAGES).import().is_ok());
    assert!(relu(6, IMAGES).refused().contains("opset 6, and opsets 7 to 22 are read"));
    let said = relu(13, &[None, Some(3), None, None]).refused();
    assert_eq!(
        said,
        "expected an input [N, C, H, W] or [N, C] of which only N is no number, found `x` [N, 3, N, N]"
    );
    let mut two = relu(13, IMAGES);
    two.graph.input.push(end("z", IMAGES));
    assert_eq!(two.refused(), "expected one input, found 2: `x`, `z`");
    let mut outside = relu(13, IMAGES).floats("w", &[1], |_| 0.0);
    let entry = rten_onnx::onnx::StringStringEntryProto {
        key: Some("location".into()),
        value: Some("net.data".into()),
    };
    outside.graph.initializer[0].external_data.push(entry);
    outside.graph.initializer[0].data_location = Some(rten_onnx::onnx::DataLocation::EXTERNAL);
    assert_eq!(outside.refused(), "its weights lie in another file, `net.data`: save it as one file");
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
