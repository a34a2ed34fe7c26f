//! ONNX files put together by hand, as other writers write them.

use std::cell::RefCell;

use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataType, Dimension, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto, TypeProtoTensor, ValueInfoProto,
};
use sapwood_onnx::{Error, Imported, import};

/// A model in the making.
pub(crate) struct Foreign {
    pub(crate) graph: GraphProto,
    pub(crate) opset: i64,
}

pub(crate) fn end(name: &str, dims: &[Option<i64>]) -> ValueInfoProto {
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
    pub(crate) fn new(opset: i64, input: &[Option<i64>]) -> Self {
        let graph = GraphProto {
            input: vec![end("x", input)],
            output: vec![end("y", &[None, None])],
            ..GraphProto::default()
        };
        Self { graph, opset }
    }

    /// `out = op(inputs)`, with attributes `name=1`, `name=0.5`, `name=[1, 2]` or `name=text`.
    pub(crate) fn node(mut self, op: &str, inputs: &str, output: &str, attributes: &[&str]) -> Self {
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

    pub(crate) fn floats(mut self, name: &str, dims: &[i64], value: impl Fn(usize) -> f32) -> Self {
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

    pub(crate) fn integers(mut self, name: &str, values: &[i64]) -> Self {
        self.graph.initializer.push(TensorProto {
            name: Some(name.into()),
            dims: vec![values.len() as i64],
            data_type: Some(DataType::INT64),
            int64_data: values.to_vec(),
            ..TensorProto::default()
        });
        self
    }

    fn tensor(mut self, name: &str, dims: &[i64], kind: DataType, bytes: Vec<u8>) -> Self {
        self.graph.initializer.push(TensorProto {
            name: Some(name.into()),
            dims: dims.to_vec(),
            data_type: Some(kind),
            raw_data: Some(RefCell::new(bytes)),
            ..TensorProto::default()
        });
        self
    }

    pub(crate) fn signed(self, name: &str, dims: &[i64], values: &[i8]) -> Self {
        self.tensor(name, dims, DataType::INT8, values.iter().map(|value| *value as u8).collect())
    }

    pub(crate) fn unsigned(self, name: &str, dims: &[i64], values: &[u8]) -> Self {
        self.tensor(name, dims, DataType::UINT8, values.to_vec())
    }

    pub(crate) fn whole(self, name: &str, dims: &[i64], values: &[i32]) -> Self {
        self.tensor(
            name,
            dims,
            DataType::INT32,
            values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        )
    }

    /// An operation of ONNX Runtime's own.
    pub(crate) fn of_runtime(self, op: &str, inputs: &str, output: &str, attributes: &[&str]) -> Self {
        let mut file = self.node(op, inputs, output, attributes);
        if let Some(node) = file.graph.node.last_mut() {
            node.domain = Some("com.microsoft".into());
        }
        file
    }

    /// Another value that goes out.
    pub(crate) fn also(mut self, name: &str) -> Self {
        self.graph.output.push(end(name, &[None, None]));
        self
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        let opset = OperatorSetIdProto { version: Some(self.opset), ..OperatorSetIdProto::default() };
        let model = ModelProto {
            ir_version: Some(8),
            graph: Some(self.graph),
            opset_import: vec![opset],
            ..ModelProto::default()
        };
        model.write_buf().unwrap()
    }

    pub(crate) fn import(self) -> Result<Imported, Error> {
        import(&self.bytes())
    }

    pub(crate) fn refused(self) -> String {
        self.import().unwrap_err().to_string()
    }
}
