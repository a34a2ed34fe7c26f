//! One bit per weight.

use std::collections::BTreeMap;

use crate::ParamPath;

/// Which weights of each parameter are kept. A parameter that is not in the map
/// is not masked.
pub type Masks = BTreeMap<ParamPath, Bits>;

/// A fixed number of bits: the mask of one parameter, in PyTorch's row-major
/// order. A set bit is a kept weight.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    /// `len` bits, all set.
    pub fn ones(len: usize) -> Self {
        (0..len).map(|_| true).collect()
    }

    /// `len` bits, none set.
    pub fn zeros(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(64)], len }
    }

    /// `len` bits, each by its index.
    pub(crate) fn from_fn(len: usize, bit: impl Fn(usize) -> bool) -> Self {
        let word = |first: usize| {
            let bits = (first..len.min(first + 64)).enumerate();
            bits.fold(0, |word, (at, index)| word | u64::from(bit(index)) << at)
        };
        Self { words: (0..len).step_by(64).map(word).collect(), len }
    }

    /// The number of bits.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bits at all.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number of set bits.
    pub fn count_ones(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The bit at `index`.
    ///
    /// # Panics
    /// If `index` is not below [`Bits::len`].
    pub fn get(&self, index: usize) -> bool {
        assert!(index < self.len, "bit {index} of {}", self.len);
        self.words[index / 64] >> (index % 64) & 1 == 1
    }

    /// Sets or clears the bit at `index`.
    ///
    /// # Panics
    /// If `index` is not below [`Bits::len`].
    pub fn set(&mut self, index: usize, bit: bool) {
        assert!(index < self.len, "bit {index} of {}", self.len);
        let mask = 1 << (index % 64);
        if bit {
            self.words[index / 64] |= mask;
        } else {
            self.words[index / 64] &= !mask;
        }
    }

    /// The bits in order.
    pub fn iter(&self) -> impl Iterator<Item = bool> + '_ {
        (0..self.len).map(|index| self.get(index))
    }

    /// The bits that are set in both.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn and(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a & b)
    }

    /// The bits that are set in either.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn or(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a | b)
    }

    /// The bits that are set here and not in `other`.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn minus(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a & !b)
    }

    /// Whether every bit that is set here is set in `other`.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.minus(other).count_ones() == 0
    }

    fn zip(&self, other: &Self, f: impl Fn(u64, u64) -> u64) -> Self {
        assert_eq!(self.len, other.len, "masks of different lengths");
        let words = self.words.iter().zip(&other.words).map(|(&a, &b)| f(a, b)).collect();
        Self { words, len: self.len }
    }
}

impl FromIterator<bool> for Bits {
    fn from_iter<T: IntoIterator<Item = bool>>(bits: T) -> Self {
        let mut words = Vec::new();
        let mut len = 0;
        for bit in bits {
            if len % 64 == 0 {
                words.push(0);
            }
            if let Some(word) = words.last_mut() {
                *word |= u64::from(bit) << (len % 64);
            }
            len += 1;
        }
        Self { words, len }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bits_behave_as_a_vector_of_booleans(a in prop::collection::vec(any::<(bool, bool)>(), 0..200)) {
            let (left, right): (Vec<bool>, Vec<bool>) = a.iter().copied().unzip();
            let x: Bits = left.iter().copied().collect();
            let y: Bits = right.iter().copied().collect();
            prop_assert_eq!(x.iter().collect::<Vec<_>>(), left.clone());
            prop_assert_eq!(x.count_ones(), left.iter().filter(|bit| **bit).count());
            prop_assert_eq!(x.and(&y).or(&x.minus(&y)), x.clone());
            prop_assert!(x.and(&y).is_subset(&y));
            let mut z = Bits::zeros(left.len());
            left.iter().enumerate().for_each(|(index, bit)| z.set(index, *bit));
            prop_assert_eq!(&z, &x);
            prop_assert_eq!(Bits::from_fn(left.len(), |index| left[index]), x);
        }
    }
}
