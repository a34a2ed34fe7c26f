//! Tensors of integers of few bits, and of the biases that belong to them.

use sapwood_graph::{Array, DType, Packed, Values};

use super::{Damage, Fields, Tensor, data_type, field::tensor};

/// The bounds of the integers of a type that values are rounded to, or that a bias has.
pub(crate) fn bounds(data_type: i64) -> Option<[i32; 2]> {
    Some(match data_type {
        data_type::UINT4 => [0, 15],
        data_type::INT4 => [-8, 7],
        data_type::UINT8 => [0, 255],
        data_type::INT8 => [-128, 127],
        data_type::UINT16 => [0, 65535],
        data_type::INT16 => [-32768, 32767],
        data_type::INT32 => [i32::MIN, i32::MAX],
        _ => return None,
    })
}

impl Tensor<'_> {
    /// The bounds of its integers, if numbers can be rounded to their type.
    pub(crate) fn bounds(&self) -> Option<[i32; 2]> {
        bounds(self.data_type)
    }

    /// How its values would lie in memory, where that is a type of weights.
    pub(crate) fn whole_type(&self) -> Option<DType> {
        Some(match self.data_type {
            data_type::UINT4 => DType::U4,
            data_type::INT4 => DType::I4,
            data_type::UINT8 => DType::U8,
            data_type::INT8 => DType::I8,
            data_type::INT32 => DType::I32,
            _ => return None,
        })
    }

    /// The integers in their type.
    pub(crate) fn whole(&self) -> Result<Array, Damage> {
        let wrong = || {
            let kind = self.data_type;
            self.damage(&format!(
                "is of the type {kind}, or has other bytes than {:?} of these take",
                self.shape
            ))
        };
        let len = self.len()?;
        let values: Values = match self.whole_type().filter(|_| self.external.is_none()) {
            Some(DType::I8) => self.bytes_of(len, |value| value as i8, |[byte]| byte as i8)?.into(),
            Some(DType::U8) => self.bytes_of(len, |value| value as u8, |[byte]| byte)?.into(),
            Some(DType::I32) => self.bytes_of(len, |value| value as i32, i32::from_le_bytes)?.into(),
            Some(dtype) => {
                let mut bytes = self.bytes_of(len.div_ceil(2), |value| value as u8, |[byte]| byte)?;
                // Nobody says what lies behind the last one.
                if let (Some(last), true) = (bytes.last_mut(), len % 2 == 1) {
                    *last &= 0x0f;
                }
                Packed::of_bytes(dtype, len, bytes).map_err(|_| wrong())?.into()
            }
            None => return Err(wrong()),
        };
        Array::new(self.shape.clone(), values).map_err(|_| wrong())
    }

    /// The integers of a small tensor of any of these types.
    pub(crate) fn few(&self) -> Result<Vec<i64>, Damage> {
        let wide = |value: i64| match self.data_type {
            data_type::UINT16 => i64::from(value as u16),
            _ => i64::from(value as i16),
        };
        match self.data_type {
            data_type::UINT16 | data_type::INT16 => {
                let len = self.len()?;
                self.bytes_of(len, wide, |bytes| wide(i64::from(u16::from_le_bytes(bytes))))
            }
            _ => Ok(self.whole()?.iter().collect()),
        }
    }

    /// As they lie in one piece, or each in a number of its own.
    fn bytes_of<T, const N: usize>(
        &self,
        len: usize,
        of_number: impl Fn(i64) -> T,
        of_bytes: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, Damage> {
        let mut found = Vec::new();
        match self.raw {
            Some(raw) if raw.len() == len.saturating_mul(N) => {
                found.extend(raw.as_chunks().0.iter().map(|chunk| of_bytes(*chunk)));
            }
            Some(_) => {}
            None => {
                for field in Fields(self.bytes) {
                    if let (tensor::INT32_DATA, wire) = field? {
                        for value in wire.integers() {
                            found.push(of_number(value?));
                        }
                    }
                }
            }
        }
        match found.len() == len {
            true => Ok(found),
            false => {
                let problem = format!("has other bytes than its values in the shape {:?} take", self.shape);
                Err(self.damage(&problem))
            }
        }
    }
}
