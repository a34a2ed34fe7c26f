//! Numbers and pieces of bytes in a row: how they are written, and read with every length checked.

use crate::{Error, Result};

/// Writes a number in groups of seven bits, the lowest first.
pub(crate) fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while 0x80 <= number {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Writes how long a piece is, and the piece.
pub(crate) fn write_piece(bytes: &mut Vec<u8>, piece: &[u8]) {
    write_number(bytes, piece.len() as u64);
    bytes.extend_from_slice(piece);
}

/// Reads what was written, from the front.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How many bytes are left.
    pub(crate) fn len(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (head, rest) =
            self.rest.split_at_checked(len).ok_or(Error::damaged("a piece is longer than what is left"))?;
        self.rest = rest;
        Ok(head)
    }

    pub(crate) fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    pub(crate) fn number(&mut self) -> Result<u64> {
        let mut number = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Error::damaged("a number has more than 63 bits"))
    }

    /// A number that is at most so large.
    pub(crate) fn number_to(&mut self, most: usize, problem: &'static str) -> Result<usize> {
        let number = self.number()?;
        usize::try_from(number).ok().filter(|number| *number <= most).ok_or(Error::damaged(problem))
    }

    pub(crate) fn piece(&mut self) -> Result<&'a [u8]> {
        let len = self.number_to(self.rest.len(), "a piece is longer than what is left")?;
        self.take(len)
    }

    /// Whether all was read.
    pub(crate) fn finish(&self) -> Result<()> {
        match self.rest {
            [] => Ok(()),
            _ => Err(Error::damaged("there are bytes behind the last piece")),
        }
    }
}
