//! Safetensors, whoever wrote them.

use burn::tensor::{DType, TensorData};
use safetensors::{Dtype, SafeTensors};
use sapwood_core::graph;

use crate::pytorch::{Node, Stored};

/// Whether these are the bytes of one: a length, and the JSON object that has it.
pub(crate) fn is_one(bytes: &[u8]) -> bool {
    bytes.get(8) == Some(&b'{')
}

/// The tensors of a file, in one dictionary: names stay whole.
pub(crate) fn read(bytes: &[u8]) -> Result<Node, graph::Error> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|error| graph::Error::format_of("safetensors file", error))?;
    let tensors = file.iter().map(|(name, view)| {
        let (shape, bytes) = (view.shape().to_vec(), view.data());
        let stored = match (view.dtype(), dtype(view.dtype())) {
            // Any byte but 0 is a true one.
            (Dtype::BOOL, _) => {
                Stored::Value(TensorData::new(bytes.iter().map(|byte| *byte != 0).collect::<Vec<_>>(), shape))
            }
            (_, Some(dtype)) => Stored::Value(TensorData::from_bytes_vec(bytes.to_vec(), shape, dtype)),
            (other, None) => {
                Stored::Unreadable(format!("of the type {other}, which is not read: save it as float32"))
            }
        };
        (name.to_string(), Node::Tensor(stored))
    });
    Ok(Node::Dictionary(tensors.collect()))
}

fn dtype(dtype: Dtype) -> Option<DType> {
    Some(match dtype {
        Dtype::F64 => DType::F64,
        Dtype::F32 => DType::F32,
        Dtype::F16 => DType::F16,
        Dtype::BF16 => DType::BF16,
        Dtype::I64 => DType::I64,
        Dtype::I32 => DType::I32,
        Dtype::I16 => DType::I16,
        Dtype::I8 => DType::I8,
        Dtype::U64 => DType::U64,
        Dtype::U32 => DType::U32,
        Dtype::U16 => DType::U16,
        Dtype::U8 => DType::U8,
        _ => return None,
    })
}
