//! Binary arithmetic coding: an interval is divided by each decision.

use super::probability::{COSTS, Probability};
use crate::{Error, Result};

/// Whoever takes or gives decisions. A model is written once against this, so that what decodes
/// cannot differ from what encodes.
pub(crate) trait Binary {
    /// Whether contexts learn what was decided.
    const LEARNS: bool = true;
    /// A decision with a context: takes `bit` (0 or 1) and gives it back, or gives the one that is read.
    fn bit(&mut self, context: &mut Probability, bit: u32) -> u32;
    /// A decision with a given probability of a one, in 1/65536 from 1 to 65535.
    fn with(&mut self, one: u32, bit: u32) -> u32;
}

/// The narrowest that the interval may be: 32 bits are written where it would be narrower.
const NARROW: u64 = 1 << 32;

/// Writes decisions.
#[derive(Debug)]
pub(crate) struct Encoder {
    low: u64,
    range: u64,
    bytes: Vec<u8>,
}

impl Encoder {
    pub(crate) fn new() -> Self {
        Self { low: 0, range: u64::MAX, bytes: Vec::new() }
    }

    /// Adds one to the number that was written so far.
    #[cold]
    fn carry(&mut self) {
        for byte in self.bytes.iter_mut().rev() {
            *byte = byte.wrapping_add(1);
            if *byte != 0 {
                return;
            }
        }
    }

    /// The shortest bytes that lie in the interval; whoever reads on past their end reads zeros.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let (low, last) = (u128::from(self.low), u128::from(self.low) + u128::from(self.range) - 1);
        // The most zeros at the end of a number between the two.
        let round = |zeros: u32| {
            let ones = (1u128 << zeros) - 1;
            (low + ones) & !ones
        };
        let number = (0..=64).rev().map(round).find(|number| *number <= last).unwrap_or(low);
        if u128::from(u64::MAX) < number {
            self.carry();
        }
        let number = number as u64;
        self.bytes.extend(number.to_be_bytes());
        while self.bytes.last() == Some(&0) {
            self.bytes.pop();
        }
        self.bytes
    }
}

impl Binary for Encoder {
    #[inline(always)]
    fn bit(&mut self, context: &mut Probability, bit: u32) -> u32 {
        self.with(context.one(), bit);
        context.learn(bit);
        bit
    }

    #[inline(always)]
    fn with(&mut self, one: u32, bit: u32) -> u32 {
        let bound = (self.range >> 16) * u64::from(one);
        if bit == 1 {
            self.range = bound;
        } else {
            let (low, over) = self.low.overflowing_add(bound);
            self.low = low;
            self.range -= bound;
            if over {
                self.carry();
            }
        }
        if self.range < NARROW {
            self.bytes.extend(((self.low >> 32) as u32).to_be_bytes());
            self.low <<= 32;
            self.range <<= 32;
        }
        bit
    }
}

/// Reads decisions.
#[derive(Debug)]
pub(crate) struct Decoder<'a> {
    /// What is read, less the lower end of the interval.
    code: u64,
    range: u64,
    bytes: &'a [u8],
    /// Whether the last byte is a zero, which nobody writes.
    padded: bool,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Self { code: 0, range: u64::MAX, bytes, padded: bytes.last() == Some(&0) };
        decoder.read();
        decoder.read();
        decoder
    }

    #[cold]
    fn read(&mut self) {
        let (head, rest) = self.bytes.split_at(self.bytes.len().min(4));
        let mut next = [0; 4];
        next[..head.len()].copy_from_slice(head);
        self.code = (self.code << 32) | u64::from(u32::from_be_bytes(next));
        self.bytes = rest;
    }

    /// Whether all was read.
    pub(crate) fn finish(&self) -> Result<()> {
        match (self.bytes, self.padded) {
            ([], false) => Ok(()),
            _ => Err(Error::damaged("there are bytes behind the last decision")),
        }
    }
}

impl Binary for Decoder<'_> {
    #[inline(always)]
    fn bit(&mut self, context: &mut Probability, _: u32) -> u32 {
        let bit = self.with(context.one(), 0);
        context.learn(bit);
        bit
    }

    #[inline(always)]
    fn with(&mut self, one: u32, _: u32) -> u32 {
        let bound = (self.range >> 16) * u64::from(one);
        // Without a branch: whoever could foresee these decisions would not have written them.
        let bit = u64::from(self.code < bound);
        let is_one = bit.wrapping_neg();
        self.range = (bound & is_one) | ((self.range - bound) & !is_one);
        self.code -= bound & !is_one;
        if self.range < NARROW {
            self.range <<= 32;
            self.read();
        }
        bit as u32
    }
}

/// Adds up what decisions would cost, and learns nothing.
#[derive(Debug, Default)]
pub(crate) struct Costs {
    /// In 1/65536 bit.
    pub(crate) total: u64,
}

impl Binary for Costs {
    const LEARNS: bool = false;

    #[inline(always)]
    fn bit(&mut self, context: &mut Probability, bit: u32) -> u32 {
        self.with(context.one(), bit)
    }

    #[inline(always)]
    fn with(&mut self, one: u32, bit: u32) -> u32 {
        let probability = if bit == 1 { one } else { 65536 - one };
        self.total += u64::from(COSTS[(probability >> 4) as usize]);
        bit
    }
}

/// Takes decisions and writes nothing: for a model that is to learn them.
#[derive(Debug)]
pub(crate) struct Learning;

impl Binary for Learning {
    #[inline(always)]
    fn bit(&mut self, context: &mut Probability, bit: u32) -> u32 {
        context.learn(bit);
        bit
    }

    #[inline(always)]
    fn with(&mut self, _: u32, bit: u32) -> u32 {
        bit
    }
}
