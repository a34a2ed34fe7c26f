//! A row of symbols from a small alphabet, in one of the codes.

use crate::{
    Code, Error, Result,
    adaptive::{Decoder, Encoder, Symbols},
    bits::{BitReader, BitWriter},
    entropy::entropy,
    huffman::{self, HuffmanDecoder},
    rans::{self, RansDecoder},
    section::{Reader, write_piece},
};

/// The largest alphabet.
pub(crate) const MOST_SYMBOLS: usize = 1 << 12;

/// How often each symbol occurs.
pub(crate) fn counts(symbols: &[u16], alphabet: usize) -> Vec<u64> {
    let mut counts = vec![0; alphabet];
    symbols.iter().for_each(|symbol| counts[usize::from(*symbol)] += 1);
    counts
}

/// The number of symbols from which on a code that reads ten times slower has to save a twentieth.
pub(crate) const MANY: usize = 4096;

/// Writes symbols in this code, or in the one that needs the fewest bytes; raw where no code is
/// shorter. Says which it was.
pub(crate) fn write(bytes: &mut Vec<u8>, symbols: &[u16], alphabet: usize, only: Option<Code>) -> Code {
    let width = width(alphabet);
    let raw_len = (symbols.len() * width as usize).div_ceil(8);
    let mut best: Option<(Code, Vec<u8>)> = None;
    let counts = counts(symbols, alphabet);
    // Nothing but the bits as they are is short enough for what cannot be foreseen.
    let promising = entropy(&counts) < 0.995 * (symbols.len() * width as usize) as f64;
    for code in Code::ALL.into_iter().filter(|other| promising && only.is_none_or(|only| only == *other)) {
        let coded = match code {
            Code::Raw => continue,
            Code::Huffman => huffman::encode(symbols, &counts),
            Code::Rans => rans::encode(symbols, &counts),
            Code::Adaptive => adaptive(symbols, alphabet),
        };
        let shortest = best.as_ref().map_or(raw_len, |(_, best)| best.len());
        let slow = code == Code::Adaptive && only.is_none() && MANY <= symbols.len();
        if coded.len() < shortest - if slow { shortest / 20 } else { 0 } {
            best = Some((code, coded));
        }
    }
    let (code, coded) = best.unwrap_or_else(|| (Code::Raw, raw(symbols, width)));
    bytes.push(code as u8);
    write_piece(bytes, &coded);
    code
}

/// How many bits say which symbol it is.
fn width(alphabet: usize) -> u32 {
    alphabet.next_power_of_two().trailing_zeros()
}

fn raw(symbols: &[u16], width: u32) -> Vec<u8> {
    let mut bits = BitWriter::default();
    symbols.iter().for_each(|symbol| bits.write(u32::from(*symbol), width));
    bits.finish()
}

fn adaptive(symbols: &[u16], alphabet: usize) -> Vec<u8> {
    let (mut model, mut encoder) = (Symbols::new(alphabet), Encoder::new());
    for symbol in symbols {
        // A symbol of the alphabet is in the alphabet.
        let _ = model.code(&mut encoder, *symbol);
    }
    encoder.finish()
}

/// Reads symbols.
#[derive(Debug)]
pub(crate) struct SymbolReader<'a> {
    reading: Reading<'a>,
    /// How many bytes there are, with what says how many.
    pub(crate) bytes: usize,
}

#[derive(Debug)]
enum Reading<'a> {
    Raw { bits: BitReader<'a>, width: u32, alphabet: usize },
    Huffman(HuffmanDecoder<'a>),
    Rans(RansDecoder<'a>),
    Adaptive(Symbols, Decoder<'a>),
}

impl<'a> SymbolReader<'a> {
    /// Of an alphabet of this size, and of this number of symbols.
    pub(crate) fn open(reader: &mut Reader<'a>, alphabet: usize, count: usize) -> Result<Self> {
        let before = reader.len();
        let code = reader.byte()?;
        let coded = reader.piece()?;
        let reading = match code {
            0 => Reading::Raw { bits: BitReader::new(coded), width: width(alphabet), alphabet },
            1 => Reading::Huffman(HuffmanDecoder::open(coded, alphabet)?),
            2 => Reading::Rans(RansDecoder::open(coded, alphabet, count)?),
            3 => Reading::Adaptive(Symbols::new(alphabet), Decoder::new(coded)),
            _ => return Err(Error::damaged("there is no such code")),
        };
        Ok(Self { reading, bytes: before - reader.len() })
    }

    /// How many of the bytes are tables.
    pub(crate) fn table_bytes(&self) -> usize {
        match &self.reading {
            Reading::Huffman(decoder) => decoder.table_bytes,
            Reading::Rans(decoder) => decoder.table_bytes,
            Reading::Raw { .. } | Reading::Adaptive(..) => 0,
        }
    }

    /// Reads as many symbols as there is room for.
    pub(crate) fn fill(&mut self, symbols: &mut [u16]) -> Result<()> {
        match &mut self.reading {
            Reading::Huffman(decoder) => decoder.fill(symbols),
            Reading::Rans(decoder) => decoder.fill(symbols),
            Reading::Adaptive(model, decoder) => symbols.iter_mut().try_for_each(|symbol| {
                *symbol = model.code(decoder, 0)?;
                Ok(())
            }),
            Reading::Raw { width: 0, .. } => {
                symbols.fill(0);
                Ok(())
            }
            Reading::Raw { bits, width, alphabet } => {
                let mut largest = 0;
                for four in symbols.chunks_mut(4) {
                    bits.refill();
                    for symbol in four {
                        *symbol = bits.peek(*width) as u16;
                        bits.skip(*width);
                        largest = largest.max(usize::from(*symbol));
                    }
                }
                bits.check()?;
                match largest < *alphabet {
                    true => Ok(()),
                    false => Err(Error::damaged("a symbol is not in its alphabet")),
                }
            }
        }
    }

    /// Whether what was read was all that there was.
    pub(crate) fn finish(&self) -> Result<()> {
        match &self.reading {
            Reading::Raw { bits, .. } => bits.finish(),
            Reading::Huffman(decoder) => decoder.finish(),
            Reading::Rans(decoder) => decoder.finish(),
            Reading::Adaptive(_, decoder) => decoder.finish(),
        }
    }
}
