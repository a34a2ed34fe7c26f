//! The messages of ONNX (`onnx.proto`, IR version 10) as they lie in a file.
//!
//! They are read where they lie: a view borrows the file and decodes a field when it is asked for.
//! So no file, however it was damaged, makes this allocate more than what is then used, and
//! weights are copied once. Crates that read ONNX into owned messages take hundreds of bytes for an
//! empty one of two.

mod message;
mod tensor;
mod whole;
mod wire;
mod write;

pub(crate) use message::{Attribute, Dim, Graph, Model, Node, ValueInfo};
pub(crate) use tensor::{Outside, Tensor};
pub(crate) use whole::bounds;
pub(crate) use wire::{Damage, Fields};
pub(crate) use write::Message;

/// More numbers than the shape of anything, the bounds of a slice or a list of axes have.
pub(crate) const MOST_NUMBERS: usize = 4096;

/// Field numbers.
pub(crate) mod field {
    pub(crate) mod model {
        pub(crate) const IR_VERSION: u64 = 1;
        pub(crate) const PRODUCER_NAME: u64 = 2;
        pub(crate) const GRAPH: u64 = 7;
        pub(crate) const OPSET_IMPORT: u64 = 8;
        pub(crate) const METADATA_PROPS: u64 = 14;
        pub(crate) const FUNCTIONS: u64 = 25;
    }
    pub(crate) mod graph {
        pub(crate) const NODE: u64 = 1;
        pub(crate) const NAME: u64 = 2;
        pub(crate) const INITIALIZER: u64 = 5;
        pub(crate) const INPUT: u64 = 11;
        pub(crate) const OUTPUT: u64 = 12;
        pub(crate) const SPARSE_INITIALIZER: u64 = 15;
    }
    pub(crate) mod node {
        pub(crate) const INPUT: u64 = 1;
        pub(crate) const OUTPUT: u64 = 2;
        pub(crate) const NAME: u64 = 3;
        pub(crate) const OP_TYPE: u64 = 4;
        pub(crate) const ATTRIBUTE: u64 = 5;
        pub(crate) const DOMAIN: u64 = 7;
    }
    pub(crate) mod attribute {
        pub(crate) const NAME: u64 = 1;
        pub(crate) const F: u64 = 2;
        pub(crate) const I: u64 = 3;
        pub(crate) const S: u64 = 4;
        pub(crate) const T: u64 = 5;
        pub(crate) const G: u64 = 6;
        pub(crate) const FLOATS: u64 = 7;
        pub(crate) const INTS: u64 = 8;
        pub(crate) const TYPE: u64 = 20;
    }
    pub(crate) mod function {
        pub(crate) const NAME: u64 = 1;
        pub(crate) const DOMAIN: u64 = 10;
    }
    pub(crate) mod tensor {
        pub(crate) const DIMS: u64 = 1;
        pub(crate) const DATA_TYPE: u64 = 2;
        pub(crate) const FLOAT_DATA: u64 = 4;
        pub(crate) const INT32_DATA: u64 = 5;
        pub(crate) const INT64_DATA: u64 = 7;
        pub(crate) const NAME: u64 = 8;
        pub(crate) const RAW_DATA: u64 = 9;
        pub(crate) const DOUBLE_DATA: u64 = 10;
        pub(crate) const EXTERNAL_DATA: u64 = 13;
        pub(crate) const DATA_LOCATION: u64 = 14;
    }
    /// Of entries of a key and a value, and of versions of operations.
    pub(crate) mod pair {
        pub(crate) const FIRST: u64 = 1;
        pub(crate) const SECOND: u64 = 2;
    }
}

/// Types of values (`TensorProto.DataType`).
pub(crate) mod data_type {
    pub(crate) const FLOAT: i64 = 1;
    pub(crate) const UINT8: i64 = 2;
    pub(crate) const INT8: i64 = 3;
    pub(crate) const UINT16: i64 = 4;
    pub(crate) const INT16: i64 = 5;
    pub(crate) const INT32: i64 = 6;
    pub(crate) const INT64: i64 = 7;
    pub(crate) const BOOL: i64 = 9;
    pub(crate) const FLOAT16: i64 = 10;
    pub(crate) const DOUBLE: i64 = 11;
    pub(crate) const BFLOAT16: i64 = 16;
    pub(crate) const UINT4: i64 = 21;
    pub(crate) const INT4: i64 = 22;
}
