//! The bytes of a pickle, one after the other.

use crate::pytorch::Problem;

pub(super) struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes were taken.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], Problem> {
        let end = self.at.checked_add(len).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| self.cut())?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Problem> {
        Ok(self.array::<1>()?[0])
    }

    /// A length of four bytes.
    pub(super) fn u32(&mut self) -> Result<usize, Problem> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    /// A length of four bytes that Python takes for signed.
    pub(super) fn i32(&mut self) -> Result<usize, Problem> {
        let len = i32::from_le_bytes(self.array()?);
        usize::try_from(len).map_err(|_| self.damaged("a negative length"))
    }

    /// A length of eight bytes.
    pub(super) fn u64(&mut self) -> Result<usize, Problem> {
        usize::try_from(u64::from_le_bytes(self.array()?)).map_err(|_| self.cut())
    }

    /// A line, without its end.
    pub(super) fn line(&mut self) -> Result<&'a [u8], Problem> {
        let rest = &self.bytes[self.at..];
        let len = rest.iter().position(|byte| *byte == b'\n').ok_or_else(|| self.cut())?;
        self.at += len + 1;
        Ok(&rest[..len])
    }

    /// A line of text.
    pub(super) fn text_line(&mut self) -> Result<&'a str, Problem> {
        std::str::from_utf8(self.line()?.trim_ascii()).map_err(|_| self.damaged("a name that is no text"))
    }

    fn cut(&self) -> Problem {
        Problem::Cut(format!("its pickle goes on after byte {}", self.bytes.len()))
    }

    pub(super) fn damaged(&self, found: &str) -> Problem {
        Problem::Damaged(format!("{found} at byte {} of its pickle", self.at))
    }
}
