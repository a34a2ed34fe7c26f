//! Integers with many zeros, by decisions: is it zero, which sign, how large.
//!
//! As in DeepCABAC (Wiedemann, Kirchhoffer, Matlage et al. 2020, "DeepCABAC: A universal compression
//! algorithm for deep neural networks"): a flag of significance, a sign, flags "greater than" and
//! the remainder by an exponential Golomb code. Differently from it, each of these is learnt in four
//! contexts at once, mixed by how right each was, and the bits of the remainder have contexts too, so
//! that a codebook's indices are coded as well as levels of a grid.

use super::{
    arithmetic::{Binary, Costs},
    blend::{Blend, LOOKS},
    neighbours::{Around, Neighbours},
    probability::Probability,
};
use crate::{Error, Result};

/// Everything that is learnt of a tensor while it is coded.
#[derive(Debug)]
pub(crate) struct Levels {
    neighbours: Neighbours,
    /// What is half way through the values that are not zero: from here on signs count.
    centre: i32,
    /// Whether there are more zeros than others. If not, it is quick that counts.
    sparse: bool,
    significance: Blend<256, 32, { LOOKS + 3 }>,
    signs: Blend<16, 1, LOOKS>,
    sizes: Blend<{ 16 * NODES }, NODES, LOOKS>,
    /// The bits behind the leading three, as far as they are learnt: a tree for each class.
    below: [[Probability; 1 << LEARNT]; CLASSES],
}

/// As many classes by powers of two as there are: from 1 to 2^33.
const CLASSES: usize = 34;
/// How many bits from the leading one on are learnt.
const LEARNT: u32 = 6;
/// How many decisions about sizes are learnt in contexts.
const NODES: usize = 64;

/// Whether more than 2^class is meant; and which decision about the size that is.
fn exceeds(class: u32) -> usize {
    class.min(15) as usize
}

/// The bit behind the leading ones that were read, 1, 0b10 or 0b11.
fn behind(class: u32, read: u64) -> usize {
    16 * read as usize + class.min(15) as usize
}

impl Levels {
    /// Nothing is learnt yet.
    pub(crate) fn new(width: usize, line: usize, centre: i32, sparse: bool) -> Self {
        Self {
            neighbours: Neighbours::new(width, line),
            centre,
            sparse,
            // Measured on LeNets: there are many flags, and few decisions of the other kinds.
            significance: Blend::new(2),
            signs: Blend::new(6),
            sizes: Blend::new(6),
            below: [[Probability::EVEN; 1 << LEARNT]; CLASSES],
        }
    }

    /// Codes a value and learns it; `value` is not looked at where decisions are read.
    #[inline(always)]
    pub(crate) fn code(&mut self, binary: &mut impl Binary, value: i32) -> Result<i32> {
        let around = self.neighbours.around();
        if self.significant(binary, &around, u32::from(value != 0)) == 0 {
            self.neighbours.pass(0);
            return Ok(0);
        }
        let (value, passed) = self.value(binary, &around, value)?;
        self.neighbours.pass(passed);
        Ok(value)
    }

    /// Codes only whether a value is not zero, 0 or 1.
    #[inline(always)]
    pub(crate) fn code_significance(&mut self, binary: &mut impl Binary, bit: u32) -> u32 {
        let around = self.neighbours.around();
        let bit = self.significant(binary, &around, bit);
        self.neighbours.pass(bit as i8);
        bit
    }

    /// What each of these would cost as the next value, in bits.
    pub(crate) fn prices<const N: usize>(&mut self, values: [i32; N]) -> [f64; N] {
        let around = self.neighbours.around();
        values.map(|value| {
            let mut costs = Costs::default();
            if self.significant(&mut costs, &around, u32::from(value != 0)) == 1 {
                // What is not read cannot be out of range.
                let _ = self.value(&mut costs, &around, value);
            }
            costs.total as f64 / 65536.0
        })
    }

    #[inline(always)]
    fn significant(&mut self, binary: &mut impl Binary, around: &Around, bit: u32) -> u32 {
        let Around { pattern, density: [column, row], .. } = *around;
        if !self.sparse {
            return self.significance.plain(binary, pattern & 3, bit);
        }
        let contexts = [pattern, column << 2 | pattern & 3, row << 2 | pattern & 3, column << 4 | row];
        // With odds that multiply, and what they have in common.
        let known = [around.odds[0], around.odds[1], 256];
        self.significance.bit(binary, contexts, &known, pattern & 31, bit)
    }

    #[inline(always)]
    fn sign(&mut self, binary: &mut impl Binary, around: &Around, bit: u32) -> u32 {
        if !self.sparse {
            return self.signs.plain(binary, around.votes, bit);
        }
        let [column, row] = around.positive;
        self.signs.bit(binary, [around.votes, column, row, around.signs], &[], 0, bit)
    }

    /// A decision about a size.
    #[inline(always)]
    fn size(
        &mut self,
        binary: &mut impl Binary,
        around: &Around,
        negative: usize,
        node: usize,
        bit: u32,
    ) -> u32 {
        if !self.sparse {
            return self.sizes.plain(binary, around.near.div_ceil(4) * NODES + node, bit);
        }
        let [column, row] = around.size;
        let contexts = [around.near, column, row, around.density[1] / 2 + 8 * negative]
            .map(|context| context * NODES + node);
        self.sizes.bit(binary, contexts, &[], node, bit)
    }

    /// A value that is not zero, and what its neighbours will see of it.
    #[inline(always)]
    fn value(&mut self, binary: &mut impl Binary, around: &Around, value: i32) -> Result<(i32, i8)> {
        // Without the zero, and from the centre: ..., -2, -1, 0, 1, ...
        let centred = i64::from(value) - i64::from(0 < value) - i64::from(self.centre);
        let negative = self.sign(binary, around, u32::from(centred < 0));
        let size = 1 + if centred < 0 { -1 - centred } else { centred } as u64;

        let length = 63 - size.leading_zeros();
        let mut class = 0;
        while self.size(binary, around, negative as usize, exceeds(class), u32::from(class < length)) == 1 {
            class += 1;
            if class as usize == CLASSES {
                return Err(Error::damaged("a value has more than 32 bits"));
            }
        }
        let mut read = 1u64;
        for at in (0..class).rev() {
            let bit = (size >> at) as u32 & 1;
            let bit = match read {
                ..4 => self.size(binary, around, negative as usize, behind(class, read), bit),
                4..64 => binary.bit(&mut self.below[class as usize][read as usize], bit),
                _ => binary.with(1 << 15, bit),
            };
            read = read << 1 | u64::from(bit);
        }

        let from_centre = read as i64 - 1;
        let centred = if negative == 1 { -1 - from_centre } else { from_centre };
        let free = centred + i64::from(self.centre);
        let value = i32::try_from(free + i64::from(0 <= free));
        let value = value.map_err(|_| Error::damaged("a value has more than 32 bits"))?;
        // Four times the binary logarithm, with the two bits behind the leading one.
        let quarters = if class < 2 { read << (2 - class) } else { read >> (class - 2) } & 3;
        let seen = 1 + (4 * class.min(30) as i8) + quarters as i8;
        Ok((value, if negative == 1 { -seen } else { seen }))
    }
}
