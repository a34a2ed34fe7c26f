//! Symbols of an alphabet without neighbours, by the bits of their number.

use super::{Binary, Probability};
use crate::{Error, Result};

/// What is learnt of a row of symbols: a tree of decisions, from the highest bit down.
#[derive(Debug)]
pub(crate) struct Symbols {
    tree: Vec<Probability>,
    bits: u32,
    symbols: usize,
}

impl Symbols {
    /// For an alphabet of this number of symbols.
    pub(crate) fn new(symbols: usize) -> Self {
        let bits = symbols.next_power_of_two().trailing_zeros();
        Self { tree: vec![Probability::EVEN; 1 << bits], bits, symbols }
    }

    #[inline(always)]
    pub(crate) fn code(&mut self, binary: &mut impl Binary, symbol: u16) -> Result<u16> {
        let mut read = 1;
        for at in (0..self.bits).rev() {
            let bit = u32::from(symbol) >> at & 1;
            read = read << 1 | binary.bit(&mut self.tree[read], bit) as usize;
        }
        let symbol = read - (1 << self.bits);
        match symbol < self.symbols {
            true => Ok(symbol as u16),
            false => Err(Error::damaged("a symbol is not in its alphabet")),
        }
    }
}
