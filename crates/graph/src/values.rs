//! Vectors of any type of number.

use crate::{BF16, DType, F16, Packed};

/// The values of an [`Array`](crate::Array), in a vector of their type.
#[derive(Clone, Debug)]
pub enum Values {
    /// See [`DType::F64`].
    F64(Vec<f64>),
    /// See [`DType::F32`].
    F32(Vec<f32>),
    /// See [`DType::F16`].
    F16(Vec<F16>),
    /// See [`DType::BF16`].
    BF16(Vec<BF16>),
    /// See [`DType::I64`].
    I64(Vec<i64>),
    /// See [`DType::I32`].
    I32(Vec<i32>),
    /// See [`DType::I8`].
    I8(Vec<i8>),
    /// See [`DType::U8`].
    U8(Vec<u8>),
    /// Integers of less than a byte.
    Packed(Packed),
}

impl From<Packed> for Values {
    fn from(packed: Packed) -> Self {
        Self::Packed(packed)
    }
}

impl Values {
    /// The number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::F64(values) => values.len(),
            Self::F32(values) => values.len(),
            Self::F16(values) => values.len(),
            Self::BF16(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::I32(values) => values.len(),
            Self::I8(values) => values.len(),
            Self::U8(values) => values.len(),
            Self::Packed(packed) => packed.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Their type.
    pub fn dtype(&self) -> DType {
        match self {
            Self::F64(_) => DType::F64,
            Self::F32(_) => DType::F32,
            Self::F16(_) => DType::F16,
            Self::BF16(_) => DType::BF16,
            Self::I64(_) => DType::I64,
            Self::I32(_) => DType::I32,
            Self::I8(_) => DType::I8,
            Self::U8(_) => DType::U8,
            Self::Packed(packed) => packed.dtype(),
        }
    }
}
