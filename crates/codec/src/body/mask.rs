//! Which values are not zero, apart from the values.

use crate::{
    Code, Error, Result,
    adaptive::{Decoder, Encoder, Levels},
    section::{Reader, write_number, write_piece},
    stream::{self, SymbolReader},
};

/// Writes a bit for each value, the first at the bottom of its byte.
pub(super) fn write_bitmap(bytes: &mut Vec<u8>, levels: &[i32], code: Option<Code>) {
    let byte = |eight: &[i32]| {
        eight.iter().enumerate().fold(0, |byte, (at, level)| byte | u16::from(*level != 0) << at)
    };
    stream::write(bytes, &levels.chunks(8).map(byte).collect::<Vec<_>>(), 256, code);
}

/// Writes a decision for each value.
pub(super) fn write_foreseen(bytes: &mut Vec<u8>, levels: &[i32], width: usize, line: usize) {
    write_number(bytes, width as u64);
    write_number(bytes, line as u64);
    let mut model = Levels::new(width, line, 0, true);
    let mut encoder = Encoder::new();
    for level in levels {
        model.code_significance(&mut encoder, u32::from(*level != 0));
    }
    write_piece(bytes, &encoder.finish());
}

/// The lengths of rows and of lines within them.
pub(super) fn shape(reader: &mut Reader<'_>, count: usize) -> Result<(usize, usize)> {
    let width = reader.number_to(count.max(1), "a row is longer than the tensor")?;
    let line = reader.number_to(width, "a line is longer than its row")?;
    Ok((width, line))
}

/// A bit for each value.
#[derive(Debug)]
pub(crate) struct Bitmap<'a> {
    stream: SymbolReader<'a>,
    symbols: Vec<u16>,
    /// How many ones are still to come.
    kept: usize,
}

impl<'a> Bitmap<'a> {
    pub(super) fn open(reader: &mut Reader<'a>, count: usize, kept: usize) -> Result<Self> {
        let stream = SymbolReader::open(reader, 256, count.div_ceil(8))?;
        Ok(Self { stream, symbols: Vec::new(), kept })
    }

    pub(super) fn table_bytes(&self) -> usize {
        self.stream.table_bytes()
    }

    /// Writes 0 and 1, and says how many of the latter.
    pub(super) fn fill(&mut self, levels: &mut [i32]) -> Result<usize> {
        self.symbols.resize(levels.len().div_ceil(8), 0);
        self.stream.fill(&mut self.symbols)?;
        let mut ones = 0;
        for (eight, symbol) in levels.chunks_mut(8).zip(&self.symbols) {
            ones += symbol.count_ones() as usize;
            if eight.len() < 8 && symbol >> eight.len() != 0 {
                return Err(Error::damaged("a bitmap goes on behind the last value"));
            }
            for (at, level) in eight.iter_mut().enumerate() {
                *level = i32::from(symbol >> at & 1);
            }
        }
        take(&mut self.kept, ones)
    }

    pub(super) fn finish(&self) -> Result<()> {
        none_left(self.kept)?;
        self.stream.finish()
    }
}

/// Decisions that are foreseen from their neighbours.
#[derive(Debug)]
pub(crate) struct Foreseen<'a> {
    model: Levels,
    decoder: Decoder<'a>,
    /// How many ones are still to come.
    kept: usize,
}

impl<'a> Foreseen<'a> {
    pub(super) fn open(reader: &mut Reader<'a>, count: usize, kept: usize) -> Result<Self> {
        let (width, line) = shape(reader, count)?;
        let decoder = Decoder::new(reader.piece()?);
        Ok(Self { model: Levels::new(width, line, 0, true), decoder, kept })
    }

    /// Writes 0 and 1, and says how many of the latter.
    pub(super) fn fill(&mut self, levels: &mut [i32]) -> Result<usize> {
        let mut ones = 0;
        for level in levels {
            *level = self.model.code_significance(&mut self.decoder, 0) as i32;
            ones += *level as usize;
        }
        take(&mut self.kept, ones)
    }

    pub(super) fn finish(&self) -> Result<()> {
        none_left(self.kept)?;
        self.decoder.finish()
    }
}

fn take(kept: &mut usize, ones: usize) -> Result<usize> {
    *kept = kept.checked_sub(ones).ok_or(Error::damaged("more is kept than was said"))?;
    Ok(ones)
}

fn none_left(kept: usize) -> Result<()> {
    match kept {
        0 => Ok(()),
        _ => Err(Error::damaged("less is kept than was said")),
    }
}
