//! Values and the zeros before each.

use super::{CHUNK, words::Words};
use crate::{Error, Result, section::Reader, stream::SymbolReader};

/// Entries that are read.
#[derive(Debug)]
pub(crate) struct Entries<'a> {
    stream: SymbolReader<'a>,
    /// How many are still to be read.
    left: usize,
    gaps: Vec<u16>,
    values: Vec<i32>,
    /// Which of those that were read comes next.
    at: usize,
    /// How many zeros are still to come before it.
    zeros: usize,
}

impl<'a> Entries<'a> {
    /// Opens the gaps of a tensor of this number of values, and says how many entries there are.
    pub(super) fn open(reader: &mut Reader<'a>, count: usize) -> Result<(Self, usize)> {
        let bits = reader.byte()?;
        if !(1..=8).contains(&bits) {
            return Err(Error::damaged("a gap has more than 8 bits"));
        }
        let left = reader.number_to(count, "there are more entries than values")?;
        let stream = SymbolReader::open(reader, 1 << bits, left)?;
        Ok((Self { stream, left, gaps: Vec::new(), values: Vec::new(), at: 0, zeros: 0 }, left))
    }

    /// How many bytes the gaps take, and how many of these are tables.
    pub(super) fn bytes(&self) -> (usize, usize) {
        (self.stream.bytes, self.stream.table_bytes())
    }

    /// Reads the next values, zeros and others.
    pub(super) fn fill(&mut self, words: &mut Words<'_>, levels: &mut [i32]) -> Result<()> {
        levels.fill(0);
        let mut place = 0;
        loop {
            if self.at == self.gaps.len() {
                let more = self.left.min(CHUNK);
                if more == 0 {
                    return Ok(());
                }
                self.gaps.resize(more, 0);
                self.values.resize(more, 0);
                self.stream.fill(&mut self.gaps)?;
                words.fill(&mut self.values)?;
                self.left -= more;
                self.at = 0;
                self.zeros = usize::from(self.gaps[0]);
            }
            place += self.zeros;
            if levels.len() <= place {
                self.zeros = place - levels.len();
                return Ok(());
            }
            levels[place] = self.values[self.at];
            place += 1;
            self.at += 1;
            self.zeros = self.gaps.get(self.at).map_or(0, |gap| usize::from(*gap));
        }
    }

    /// Whether what was read was all that there was.
    pub(super) fn finish(&self) -> Result<()> {
        match (self.left, self.at == self.gaps.len()) {
            (0, true) => self.stream.finish(),
            _ => Err(Error::damaged("there are entries behind the last value")),
        }
    }
}
