//! Burn's tensors on the host, as arrays.

use burn::tensor::{DType, TensorData, bf16, f16};
use sapwood_graph::{Array, BF16, Error as GraphError, F16, Values};

use crate::Error;

/// The vector of a [`TensorData`], as `$take` gets it, in an array.
macro_rules! taken {
    ($data:expr, $take:ident) => {{
        let (shape, dtype) = ($data.shape().to_vec(), $data.dtype());
        let values: Values = match dtype {
            DType::F64 => $data.$take::<f64>().map_err(wrong)?.into(),
            DType::F32 => $data.$take::<f32>().map_err(wrong)?.into(),
            DType::F16 => each($data.$take::<f16>().map_err(wrong)?, |x| F16::from_bits(x.to_bits())).into(),
            DType::BF16 => {
                each($data.$take::<bf16>().map_err(wrong)?, |x| BF16::from_bits(x.to_bits())).into()
            }
            DType::I64 => $data.$take::<i64>().map_err(wrong)?.into(),
            DType::I32 => $data.$take::<i32>().map_err(wrong)?.into(),
            DType::I8 => $data.$take::<i8>().map_err(wrong)?.into(),
            DType::U8 => $data.$take::<u8>().map_err(wrong)?.into(),
            other => return Err(wrong(format!("type {other:?} has no place in it"))),
        };
        Ok(Array::new(shape, values)?)
    }};
}

/// What was read from a device, as an array: without a copy where nobody else holds it, but for numbers of
/// 16 bits.
///
/// # Errors
/// A type that arrays do not have: truth values, quantised ones, integers of 16 bits.
pub fn array(data: TensorData) -> Result<Array, Error> {
    taken!(data, try_into_vec)
}

/// A copy of what was read, as an array.
///
/// # Errors
/// As for [`array()`].
pub fn array_of(data: &TensorData) -> Result<Array, Error> {
    taken!(data, try_to_vec)
}

/// An array, to be put on a device, without a copy but for numbers of 16 bits. Integers of
/// less than a byte are i8.
pub fn tensor_data(array: Array) -> TensorData {
    let (shape, values) = array.into_parts();
    match values {
        Values::F64(values) => TensorData::new(values, shape),
        Values::F32(values) => TensorData::new(values, shape),
        Values::F16(values) => TensorData::new(each(values, |x| f16::from_bits(x.to_bits())), shape),
        Values::BF16(values) => TensorData::new(each(values, |x| bf16::from_bits(x.to_bits())), shape),
        Values::I64(values) => TensorData::new(values, shape),
        Values::I32(values) => TensorData::new(values, shape),
        Values::I8(values) => TensorData::new(values, shape),
        Values::U8(values) => TensorData::new(values, shape),
        Values::Packed(packed) => TensorData::new(each(packed.iter(), |value| value as i8), shape),
    }
}

fn each<A, B>(values: impl IntoIterator<Item = A>, f: impl Fn(A) -> B) -> Vec<B> {
    values.into_iter().map(f).collect()
}

fn wrong(problem: impl ToString) -> Error {
    GraphError::format("array of numbers", problem.to_string()).into()
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
            numbers.cast::<F16>(),
            numbers.cast::<BF16>(),
            whole.cast::<i32>(),
            whole.cast::<i8>(),
            whole.cast::<u8>(),
            numbers,
            whole,
        ] {
            let data = tensor_data(found.clone());
            assert_eq!(data.shape().to_vec(), found.shape());
            assert_eq!(array_of(&data).unwrap(), found);
            assert_eq!(array(data).unwrap(), found);
        }
    }

    #[test]
    fn numbers_of_16_bits_are_those_of_the_crate_half() {
        for bits in 0..=u16::MAX {
            let (half, brain) = (f16::from_bits(bits), bf16::from_bits(bits));
            let same = |ours: f32, theirs: f32| {
                ours.to_bits() == theirs.to_bits() || theirs.is_nan() && ours.is_nan()
            };
            assert!(same(F16::from_bits(bits).to_f32(), half.to_f32()), "{half}");
            assert!(same(BF16::from_bits(bits).to_f32(), brain.to_f32()), "{brain}");
            // All of f32's exponents, with tails of every kind.
            let wide = f32::from_bits(u32::from(bits) << 16 | u32::from(bits).wrapping_mul(0x9e37) & 0xffff);
            if !wide.is_nan() {
                assert_eq!(F16::from_f64(f64::from(wide)).to_bits(), f16::from_f32(wide).to_bits(), "{wide}");
                assert_eq!(
                    BF16::from_f64(f64::from(wide)).to_bits(),
                    bf16::from_f32(wide).to_bits(),
                    "{wide}"
                );
            }
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
