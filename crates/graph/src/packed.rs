//! Integers of less than a byte.

use crate::{DType, Error};

/// Integers of 1, 2 or 4 bits, several to a byte: the first lies in the lowest bits, as in ONNX. Bits
/// behind the last one are zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    dtype: DType,
    len: usize,
    bytes: Vec<u8>,
}

impl Packed {
    /// Packs integers.
    ///
    /// # Errors
    /// A type of a byte or more; an integer that it cannot hold.
    pub fn new(dtype: DType, values: impl IntoIterator<Item = i64>) -> Result<Self, Error> {
        let mut packed = Self::of_bytes(dtype, 0, Vec::new())?;
        for value in values {
            if packed.len.is_multiple_of(packed.per_byte()) {
                packed.bytes.push(0);
            }
            packed.len += 1;
            packed.set(packed.len - 1, value)?;
        }
        Ok(packed)
    }

    /// `len` integers, as they lie in bytes.
    ///
    /// # Errors
    /// A type of a byte or more, another number of bytes, bits behind the last integer.
    pub fn of_bytes(dtype: DType, len: usize, bytes: Vec<u8>) -> Result<Self, Error> {
        if !dtype.is_packed() {
            return Err(Error::Packed(format!("{dtype} takes a byte or more")));
        }
        let expected = dtype.bytes(len).unwrap_or(usize::MAX);
        if expected != bytes.len() {
            let found = bytes.len();
            return Err(Error::Packed(format!("{len} of {dtype} take {expected} bytes, not {found}")));
        }
        let packed = Self { dtype, len, bytes };
        let used = len % packed.per_byte() * dtype.bits();
        match packed.bytes.last() {
            Some(last) if used > 0 && last >> used != 0 => {
                Err(Error::Packed(format!("there are bits behind the last of {len} {dtype}")))
            }
            _ => Ok(packed),
        }
    }

    /// Their type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes in which they lie.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The integer at `index`.
    ///
    /// # Panics
    /// If `index` is not below [`Packed::len`].
    pub fn get(&self, index: usize) -> i64 {
        assert!(index < self.len, "integer {index} of {}", self.len);
        let (byte, shift) = self.place(index);
        let bits = self.dtype.bits();
        let raw = i64::from(self.bytes[byte] >> shift) & ((1 << bits) - 1);
        match self.dtype {
            // The highest bit is the sign.
            DType::I4 | DType::I2 if raw >> (bits - 1) == 1 => raw - (1 << bits),
            _ => raw,
        }
    }

    /// Replaces the integer at `index`.
    ///
    /// # Errors
    /// The type cannot hold it.
    ///
    /// # Panics
    /// If `index` is not below [`Packed::len`].
    pub fn set(&mut self, index: usize, value: i64) -> Result<(), Error> {
        assert!(index < self.len, "integer {index} of {}", self.len);
        let dtype = self.dtype;
        if dtype.integers().is_none_or(|held| !held.contains(&value)) {
            return Err(Error::Packed(format!("{value} is no {dtype}")));
        }
        let (byte, shift) = self.place(index);
        let mask = ((1u16 << dtype.bits()) - 1) as u8;
        self.bytes[byte] &= !(mask << shift);
        self.bytes[byte] |= (value as u8 & mask) << shift;
        Ok(())
    }

    /// The integers in order.
    pub fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        (0..self.len).map(|index| self.get(index))
    }

    fn per_byte(&self) -> usize {
        8 / self.dtype.bits()
    }

    /// The byte in which an integer lies, and behind how many bits.
    fn place(&self, index: usize) -> (usize, usize) {
        (index / self.per_byte(), index % self.per_byte() * self.dtype.bits())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [DType; 5] = [DType::I4, DType::U4, DType::I2, DType::U2, DType::U1];

    #[test]
    fn the_first_lies_in_the_lowest_bits() {
        let nibbles = Packed::new(DType::I4, [1, -2, 7]).unwrap();
        assert_eq!(nibbles.as_bytes(), [0xe1, 0x07]);
        assert_eq!(Packed::new(DType::U1, [1, 0, 0, 1, 0, 0, 0, 0, 1]).unwrap().as_bytes(), [9, 1]);
    }

    #[test]
    fn what_a_type_cannot_hold_or_bytes_cannot_mean_is_refused() {
        let said = |found: Result<Packed, Error>| found.unwrap_err().to_string();
        assert_eq!(said(Packed::new(DType::I4, [0, 8])), "8 is no i4");
        assert_eq!(said(Packed::new(DType::U2, [-1])), "-1 is no u2");
        assert_eq!(said(Packed::new(DType::I8, [1])), "i8 takes a byte or more");
        let found = said(Packed::of_bytes(DType::U4, 3, vec![0]));
        assert_eq!(found, "3 of u4 take 2 bytes, not 1");
        let found = said(Packed::of_bytes(DType::U4, 3, vec![0, 0x10]));
        assert_eq!(found, "there are bits behind the last of 3 u4");
    }

    proptest! {
        #[test]
        fn what_is_packed_is_what_comes_out(seeds in prop::collection::vec(any::<u8>(), 0..40)) {
            for dtype in ALL {
                let held = dtype.integers().unwrap();
                let span = held.end() - held.start() + 1;
                let values: Vec<i64> = seeds.iter().map(|x| held.start() + i64::from(*x) % span).collect();
                let packed = Packed::new(dtype, values.clone()).unwrap();
                prop_assert_eq!(packed.iter().collect::<Vec<_>>(), values);
                let again = Packed::of_bytes(dtype, packed.len(), packed.as_bytes().to_vec()).unwrap();
                prop_assert_eq!(again, packed);
            }
        }
    }
}
