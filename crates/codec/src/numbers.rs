//! Small numbers that belong to a table, each coded by decisions that are learnt.

use crate::{
    Error, Result,
    adaptive::{Binary, Probability},
};

/// What is learnt of the numbers of one table.
#[derive(Debug)]
pub(crate) struct Numbers {
    exceeds: [Probability; 34],
    below: [[Probability; 2]; 34],
}

impl Numbers {
    pub(crate) fn new() -> Self {
        Self { exceeds: [Probability::EVEN; 34], below: [[Probability::EVEN; 2]; 34] }
    }

    /// Codes a number: how many bits it has, then these; the leading ones are learnt.
    pub(crate) fn code(&mut self, binary: &mut impl Binary, number: u32) -> Result<u32> {
        let size = u64::from(number) + 1;
        let length = 63 - size.leading_zeros();
        let mut class = 0;
        while binary.bit(&mut self.exceeds[class as usize], u32::from(class < length)) == 1 {
            class += 1;
            if 32 < class {
                return Err(Error::damaged("a number of a table has more than 32 bits"));
            }
        }
        let mut read = 1u64;
        for at in (0..class).rev() {
            let bit = (size >> at) as u32 & 1;
            let bit = match class - at {
                1 => binary.bit(&mut self.below[class as usize][0], bit),
                2 => binary.bit(&mut self.below[class as usize][1], bit),
                _ => binary.with(1 << 15, bit),
            };
            read = read << 1 | u64::from(bit);
        }
        u32::try_from(read - 1).map_err(|_| Error::damaged("a number of a table has more than 32 bits"))
    }

    /// Codes a number of either sign that is usually small.
    pub(crate) fn signed(&mut self, binary: &mut impl Binary, number: i32) -> Result<i32> {
        let read = self.code(binary, (number << 1 ^ number >> 31) as u32)?;
        Ok((read >> 1) as i32 ^ -((read & 1) as i32))
    }
}
