//! How values lie in a file.

use std::borrow::Cow;

use crate::{Array, BF16, DType, Error, F16, Packed, Values};

/// Memory that takes the bytes of a file, and is values without a copy.
pub(crate) struct Memory {
    dtype: DType,
    cells: Cells,
}

/// Vectors whose elements any bytes are.
enum Cells {
    F64(Vec<f64>),
    F32(Vec<f32>),
    /// The bits of both halves.
    Halves(Vec<u16>),
    I64(Vec<i64>),
    I32(Vec<i32>),
    I8(Vec<i8>),
    U8(Vec<u8>),
}

impl Memory {
    /// Memory of zeros for the bytes of values in a shape.
    ///
    /// # Errors
    /// [`Error::Size`] for bytes of which some are no value.
    pub(crate) fn new(dtype: DType, shape: &[usize], bytes: usize) -> Result<Self, Error> {
        let size = dtype.bits().div_ceil(8);
        let len = bytes / size;
        if !bytes.is_multiple_of(size) {
            return Err(Error::Size { shape: shape.to_vec(), found: len });
        }
        let cells = match dtype {
            DType::F64 => Cells::F64(vec![0.0; len]),
            DType::F32 => Cells::F32(vec![0.0; len]),
            DType::F16 | DType::BF16 => Cells::Halves(vec![0; len]),
            DType::I64 => Cells::I64(vec![0; len]),
            DType::I32 => Cells::I32(vec![0; len]),
            DType::I8 => Cells::I8(vec![0; len]),
            DType::U8 | DType::I4 | DType::U4 | DType::I2 | DType::U2 | DType::U1 => Cells::U8(vec![0; len]),
        };
        Ok(Self { dtype, cells })
    }

    /// What is to be filled.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        match &mut self.cells {
            Cells::F64(cells) => bytemuck::cast_slice_mut(cells),
            Cells::F32(cells) => bytemuck::cast_slice_mut(cells),
            Cells::Halves(cells) => bytemuck::cast_slice_mut(cells),
            Cells::I64(cells) => bytemuck::cast_slice_mut(cells),
            Cells::I32(cells) => bytemuck::cast_slice_mut(cells),
            Cells::I8(cells) => bytemuck::cast_slice_mut(cells),
            Cells::U8(cells) => cells,
        }
    }

    /// The values that were filled in.
    pub(crate) fn array(self, shape: Vec<usize>) -> Result<Array, Error> {
        // Nothing happens to numbers that lie as this machine has them, nor to memory.
        macro_rules! numbers {
            ($cells:expr, $type:ty) => {{
                let numbers = $cells.into_iter().map(|cell| <$type>::from_le_bytes(cell.to_ne_bytes()));
                numbers.collect::<Vec<$type>>().into()
            }};
        }
        let values: Values = match (self.cells, self.dtype) {
            (Cells::F64(cells), _) => numbers!(cells, f64),
            (Cells::F32(cells), _) => numbers!(cells, f32),
            (Cells::I64(cells), _) => numbers!(cells, i64),
            (Cells::I32(cells), _) => numbers!(cells, i32),
            (Cells::I8(cells), _) => Values::I8(cells),
            (Cells::Halves(cells), DType::F16) => {
                cells.into_iter().map(|cell| F16::from_bits(u16::from_le(cell))).collect::<Vec<_>>().into()
            }
            (Cells::Halves(cells), _) => {
                cells.into_iter().map(|cell| BF16::from_bits(u16::from_le(cell))).collect::<Vec<_>>().into()
            }
            (Cells::U8(cells), DType::U8) => Values::U8(cells),
            (Cells::U8(cells), dtype) => {
                let len = shape.iter().try_fold(1usize, |size, side| size.checked_mul(*side));
                let len = len.ok_or_else(|| Error::Size { shape: shape.clone(), found: cells.len() })?;
                Packed::of_bytes(dtype, len, cells)?.into()
            }
        };
        Array::new(shape, values)
    }
}

impl Array {
    /// Values as they lie in a file: little-endian, [`Packed`] where they take less than a byte.
    ///
    /// # Errors
    /// A shape of another size; bytes that are no such integers.
    pub fn of_bytes(dtype: DType, shape: impl Into<Vec<usize>>, bytes: &[u8]) -> Result<Self, Error> {
        let shape = shape.into();
        let mut memory = Memory::new(dtype, &shape, bytes.len())?;
        memory.bytes_mut().copy_from_slice(bytes);
        memory.array(shape)
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
            // A byte too many is no value.
            let more = [bytes.as_ref(), &[0]].concat();
            assert!(Array::of_bytes(array.dtype(), [3], &more).is_err(), "{}", array.dtype());
            assert!(Array::of_bytes(array.dtype(), [5], &bytes).is_err(), "{}", array.dtype());
        }
        let one = Array::new([1], vec![1.0f32]).unwrap();
        assert_eq!(one.as_bytes().as_ref(), [0, 0, 0x80, 0x3f]);
    }
}
