//! Burn's tensors on the host, as arrays.

use burn::tensor::{DType, Element, TensorData};
use sapwood_graph::{Array, Error as GraphError, Values};

use crate::Error;

/// What was read from a device, as an array: without a copy where nobody else holds it.
///
/// # Errors
/// A type that arrays do not have: truth values, quantised ones, integers of 16 bits.
pub fn array(data: TensorData) -> Result<Array, Error> {
    let shape = data.shape().to_vec();
    let values: Values = match data.dtype() {
        DType::F64 => values::<f64>(data)?.into(),
        DType::F32 => values::<f32>(data)?.into(),
        DType::F16 => values::<sapwood_graph::f16>(data)?.into(),
        DType::BF16 => values::<sapwood_graph::bf16>(data)?.into(),
        DType::I64 => values::<i64>(data)?.into(),
        DType::I32 => values::<i32>(data)?.into(),
        DType::I8 => values::<i8>(data)?.into(),
        DType::U8 => values::<u8>(data)?.into(),
        other => return Err(wrong(format!("type {other:?} has no place in it"))),
    };
    Ok(Array::new(shape, values)?)
}

/// An array, to be put on a device, without a copy. Integers of less than a byte are i8.
pub fn tensor_data(array: Array) -> TensorData {
    let (shape, values) = array.into_parts();
    match values {
        Values::F64(values) => TensorData::new(values, shape),
        Values::F32(values) => TensorData::new(values, shape),
        Values::F16(values) => TensorData::new(values, shape),
        Values::BF16(values) => TensorData::new(values, shape),
        Values::I64(values) => TensorData::new(values, shape),
        Values::I32(values) => TensorData::new(values, shape),
        Values::I8(values) => TensorData::new(values, shape),
        Values::U8(values) => TensorData::new(values, shape),
        Values::Packed(packed) => {
            TensorData::new(packed.iter().map(|value| value as i8).collect::<Vec<_>>(), shape)
        }
    }
}

fn values<E: Element>(data: TensorData) -> Result<Vec<E>, Error> {
    data.try_into_vec::<E>().map_err(|error| wrong(error.to_string()))
}

fn wrong(problem: String) -> Error {
    GraphError::format("array of numbers", problem).into()
}

#[cfg(test)]
mod tests {
    use sapwood_graph::{DType as ArrayType, Packed};

    use super::*;

    #[test]
    fn what_goes_to_a_tensor_comes_back_with_type_shape_and_bits() {
        let numbers = Array::new([2, 2], vec![1.5f64, -0.0, f64::NAN, 7.0]).unwrap();
        let whole = Array::new([4], vec![-1i64, 0, 3, 100]).unwrap();
        for found in [
            numbers.cast::<f32>(),
            numbers.cast::<sapwood_graph::f16>(),
            numbers.cast::<sapwood_graph::bf16>(),
            whole.cast::<i32>(),
            whole.cast::<i8>(),
            whole.cast::<u8>(),
            numbers,
            whole,
        ] {
            let data = tensor_data(found.clone());
            assert_eq!(data.shape().to_vec(), found.shape());
            assert_eq!(array(data).unwrap(), found);
        }
    }

    #[test]
    fn a_vector_is_moved_and_not_copied() {
        let values = vec![1.0f32; 100];
        let place = values.as_ptr();
        let data = tensor_data(Array::new([100], values).unwrap());
        assert_eq!(data.as_slice::<f32>().unwrap().as_ptr(), place);
        assert_eq!(array(data).unwrap().as_slice::<f32>().unwrap().as_ptr(), place);
    }

    #[test]
    fn small_integers_are_bytes_on_a_device_and_truth_values_are_no_numbers() {
        let nibbles = Packed::new(ArrayType::I4, [-8, 7]).unwrap();
        let data = tensor_data(Array::new([2], nibbles).unwrap());
        assert_eq!(data.as_slice::<i8>().unwrap(), [-8, 7]);
        assert!(array(TensorData::new(vec![true], [1])).is_err());
    }
}
