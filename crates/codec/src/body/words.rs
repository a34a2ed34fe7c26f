//! Values in a row: as symbols of a codebook, or as planes of bytes.

use super::CHUNK;
use crate::{
    Code, Error, Kind, Result,
    alphabet::Alphabet,
    section::Reader,
    stream::{self, SymbolReader},
};

/// Writes each as its place in the codebook.
pub(super) fn write_codebook(
    bytes: &mut Vec<u8>,
    alphabet: &Alphabet,
    levels: &[i32],
    code: Option<Code>,
) -> Code {
    stream::write(bytes, &alphabet.symbols(levels), alphabet.levels.len(), code)
}

/// Writes the highest bytes of all, then the next ones, and so on; and says which code the first have,
/// which is a code where any has one.
pub(super) fn write_planes(bytes: &mut Vec<u8>, kind: Kind, levels: &[i32], code: Option<Code>) -> Code {
    let plane = |plane: usize| {
        let byte = |level: &i32| u16::from((kind.word(*level) >> (8 * plane)) as u8);
        stream::write(bytes, &levels.iter().map(byte).collect::<Vec<_>>(), 256, code)
    };
    let codes: Vec<Code> = (0..kind.bytes()).rev().map(plane).collect();
    codes.into_iter().find(|code| *code != Code::Raw).unwrap_or(Code::Raw)
}

/// Values that are read.
#[derive(Debug)]
pub(crate) struct Words<'a> {
    table: Table,
    streams: Vec<SymbolReader<'a>>,
    symbols: Vec<u16>,
    kept: Vec<i32>,
}

#[derive(Debug)]
enum Table {
    Codebook(Vec<i32>),
    Planes(Kind),
}

impl<'a> Words<'a> {
    pub(super) fn codebook(reader: &mut Reader<'a>, alphabet: Alphabet, count: usize) -> Result<Self> {
        if alphabet.levels.is_empty() && count != 0 {
            return Err(Error::damaged("the codebook is empty"));
        }
        let streams = vec![SymbolReader::open(reader, alphabet.levels.len(), count)?];
        Ok(Self {
            table: Table::Codebook(alphabet.levels),
            streams,
            symbols: vec![0; CHUNK],
            kept: Vec::new(),
        })
    }

    pub(super) fn planes(reader: &mut Reader<'a>, kind: Kind, count: usize) -> Result<Self> {
        let plane = |_| SymbolReader::open(reader, 256, count);
        let streams = (0..kind.bytes()).map(plane).collect::<Result<_>>()?;
        Ok(Self { table: Table::Planes(kind), streams, symbols: vec![0; CHUNK], kept: Vec::new() })
    }

    /// How many bytes there are, and how many of them are tables.
    pub(super) fn bytes(&self) -> (usize, usize) {
        let bytes = self.streams.iter().map(|stream| stream.bytes).sum();
        (bytes, self.streams.iter().map(SymbolReader::table_bytes).sum())
    }

    /// Reads the next values, `CHUNK` at most.
    pub(super) fn fill(&mut self, levels: &mut [i32]) -> Result<()> {
        let symbols = &mut self.symbols[..levels.len()];
        match &self.table {
            Table::Codebook(table) => {
                self.streams[0].fill(symbols)?;
                for (level, symbol) in levels.iter_mut().zip(symbols) {
                    *level = table[usize::from(*symbol)];
                }
            }
            Table::Planes(kind) => {
                levels.fill(0);
                for stream in &mut self.streams {
                    stream.fill(symbols)?;
                    for (level, symbol) in levels.iter_mut().zip(symbols.iter()) {
                        *level = *level << 8 | i32::from(*symbol);
                    }
                }
                levels.iter_mut().for_each(|level| *level = kind.level(*level as u32));
            }
        }
        Ok(())
    }

    /// Puts the next values where there is a one.
    pub(super) fn scatter(&mut self, levels: &mut [i32], ones: usize) -> Result<()> {
        let mut kept = std::mem::take(&mut self.kept);
        kept.resize(ones, 0);
        self.fill(&mut kept)?;
        let mut next = 0;
        for level in levels.iter_mut() {
            // Without a branch; behind the last value there are only zeros.
            let value = kept.get(next).copied().unwrap_or(0);
            next += *level as usize;
            *level *= value;
        }
        self.kept = kept;
        Ok(())
    }

    pub(super) fn finish(&self) -> Result<()> {
        self.streams.iter().try_for_each(SymbolReader::finish)
    }
}
