//! How values lie in a file.

use std::borrow::Cow;

use crate::{Array, BF16, DType, Error, F16, Packed, Values};

impl Array {
    /// Values as they lie in a file: little-endian, [`Packed`] where they take less than a byte.
    ///
    /// # Errors
    /// A shape of another size; bytes that are no such integers.
    pub fn of_bytes(dtype: DType, shape: impl Into<Vec<usize>>, bytes: &[u8]) -> Result<Self, Error> {
        let shape = shape.into();
        macro_rules! numbers {
            ($type:ty) => {{
                let (numbers, rest) = bytes.as_chunks::<{ size_of::<$type>() }>();
                if !rest.is_empty() {
                    return Err(Error::Size { shape, found: numbers.len() });
                }
                numbers.iter().map(|bytes| <$type>::from_le_bytes(*bytes)).collect::<Vec<$type>>().into()
            }};
        }
        macro_rules! halves {
            ($type:ty) => {{
                let (halves, rest) = bytes.as_chunks::<2>();
                if !rest.is_empty() {
                    return Err(Error::Size { shape, found: halves.len() });
                }
                let bits = halves.iter().map(|bytes| u16::from_le_bytes(*bytes));
                bits.map(<$type>::from_bits).collect::<Vec<$type>>().into()
            }};
        }
        let values: Values = match dtype {
            DType::F64 => numbers!(f64),
            DType::F32 => numbers!(f32),
            DType::F16 => halves!(F16),
            DType::BF16 => halves!(BF16),
            DType::I64 => numbers!(i64),
            DType::I32 => numbers!(i32),
            DType::I8 => numbers!(i8),
            DType::U8 => Values::U8(bytes.to_vec()),
            DType::I4 | DType::U4 | DType::I2 | DType::U2 | DType::U1 => {
                let len = shape.iter().try_fold(1usize, |size, side| size.checked_mul(*side));
                let len = len.ok_or_else(|| Error::Size { shape: shape.clone(), found: bytes.len() })?;
                Packed::of_bytes(dtype, len, bytes.to_vec())?.into()
            }
        };
        Self::new(shape, values)
    }

    /// The values as they lie in a file: see [`Array::of_bytes`].
    pub fn as_bytes(&self) -> Cow<'_, [u8]> {
        macro_rules! bytes {
            ($values:expr) => {
                match cfg!(target_endian = "little") {
                    true => Cow::Borrowed(bytemuck::cast_slice($values)),
                    false => Cow::Owned($values.iter().flat_map(|value| value.to_le_bytes()).collect()),
                }
            };
        }
        macro_rules! halves {
            ($values:expr) => {
                Cow::Owned($values.iter().flat_map(|value| value.to_bits().to_le_bytes()).collect())
            };
        }
        match self.values() {
            Values::F64(values) => bytes!(values),
            Values::F32(values) => bytes!(values),
            Values::F16(values) => halves!(values),
            Values::BF16(values) => halves!(values),
            Values::I64(values) => bytes!(values),
            Values::I32(values) => bytes!(values),
            Values::I8(values) => bytes!(values),
            Values::U8(values) => Cow::Borrowed(values),
            Values::Packed(packed) => Cow::Borrowed(packed.as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::tests::all;

    #[test]
    fn bytes_are_little_endian_and_come_back() {
        for array in all() {
            let bytes = array.as_bytes();
            assert_eq!(Some(bytes.len()), array.dtype().bytes(3));
            assert_eq!(Array::of_bytes(array.dtype(), [3], &bytes).unwrap(), array);
            assert!(Array::of_bytes(array.dtype(), [3], &bytes[1..]).is_err(), "{}", array.dtype());
            assert!(Array::of_bytes(array.dtype(), [5], &bytes).is_err(), "{}", array.dtype());
        }
        let one = Array::new([1], vec![1.0f32]).unwrap();
        assert_eq!(one.as_bytes().as_ref(), [0, 0, 0x80, 0x3f]);
    }
}
