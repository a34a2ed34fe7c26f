//! Bits in a row, the highest of each byte first.

use crate::{Error, Result};

/// Writes bits.
#[derive(Debug, Default)]
pub(crate) struct BitWriter {
    bytes: Vec<u8>,
    /// What is not written yet, at the bottom.
    open: u64,
    len: u32,
}

impl BitWriter {
    /// Writes the lowest `len` bits, 32 at most.
    pub(crate) fn write(&mut self, bits: u32, len: u32) {
        self.open = self.open << len | u64::from(bits);
        self.len += len;
        while 8 <= self.len {
            self.len -= 8;
            self.bytes.push((self.open >> self.len) as u8);
        }
    }

    /// The bytes, with zeros in what is left of the last one.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        if self.len != 0 {
            self.write(0, 8 - self.len);
        }
        self.bytes
    }
}

/// Reads bits. Behind the last one it reads zeros, which `check` and `finish` notice.
#[derive(Debug)]
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    /// The next byte to be taken up; beyond the end where zeros were.
    at: usize,
    /// The next bits, from the top down.
    open: u64,
    /// How many of them there are.
    len: u32,
}

impl<'a> BitReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, open: 0, len: 0 }
    }

    /// Afterwards at least 56 bits can be read.
    #[inline(always)]
    pub(crate) fn refill(&mut self) {
        match self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<8>()) {
            Some(next) => {
                // Bits of a byte that is not counted yet are the same when it is taken up again.
                self.open |= u64::from_be_bytes(*next) >> self.len;
                self.at += (63 - self.len as usize) >> 3;
                self.len |= 56;
            }
            None => self.refill_at_the_end(),
        }
    }

    #[cold]
    fn refill_at_the_end(&mut self) {
        while self.len <= 56 {
            let byte = self.bytes.get(self.at).copied().unwrap_or(0);
            self.open |= u64::from(byte) << (56 - self.len);
            self.len += 8;
            self.at += 1;
        }
    }

    /// The next bits, from 1 to 32, without going on.
    #[inline(always)]
    pub(crate) fn peek(&self, len: u32) -> u32 {
        (self.open >> (64 - len)) as u32
    }

    /// Goes on by `len` bits, which must be there.
    #[inline(always)]
    pub(crate) fn skip(&mut self, len: u32) {
        self.open <<= len;
        self.len -= len;
    }

    /// How many bits there are that nobody has read; less than none where zeros were read.
    fn left(&self) -> i64 {
        8 * (self.bytes.len() as i64 - self.at as i64) + i64::from(self.len)
    }

    /// Whether what was read was there.
    pub(crate) fn check(&self) -> Result<()> {
        match self.left() {
            ..0 => Err(Error::damaged("a row of bits is too short")),
            _ => Ok(()),
        }
    }

    /// Whether what was read was all that was there.
    pub(crate) fn finish(&self) -> Result<()> {
        self.check()?;
        match self.left() {
            0..8 => Ok(()),
            _ => Err(Error::damaged("a row of bits is too long")),
        }
    }
}
