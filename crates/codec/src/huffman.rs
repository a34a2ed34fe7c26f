//! Huffman codes: the canonical ones, of which the lengths say all.

mod lengths;

use self::lengths::{LONGEST, codes, lengths};
use crate::{
    Error, Result,
    adaptive::{Binary, Decoder, Encoder},
    bits::{BitReader, BitWriter},
    numbers::Numbers,
    section::{Reader, write_piece},
};

/// The symbols as a table of lengths and a row of bits.
pub(crate) fn encode(symbols: &[u16], counts: &[u64]) -> Vec<u8> {
    let lengths = lengths(counts);
    let mut table = Encoder::new();
    // Numbers that this crate made itself have few enough bits.
    let _ = code_lengths(&mut table, lengths.iter().copied(), lengths.len());
    let mut bytes = Vec::new();
    write_piece(&mut bytes, &table.finish());
    if 1 < counts.iter().filter(|count| **count != 0).count() {
        let codes = codes(&lengths);
        let mut bits = BitWriter::default();
        for symbol in symbols.iter().map(|symbol| usize::from(*symbol)) {
            bits.write(codes[symbol], u32::from(lengths[symbol]));
        }
        bytes.extend(bits.finish());
    }
    bytes
}

/// Each length by its difference from the last one, which is 0 at first.
fn code_lengths(
    binary: &mut impl Binary,
    mut known: impl Iterator<Item = u8>,
    symbols: usize,
) -> Result<Vec<u8>> {
    let mut numbers = Numbers::new();
    let mut last = 0;
    let mut code = |_| {
        let difference = known.next().map_or(0, |length| i32::from(length) - last);
        // Read from damaged bytes, a difference may be anything.
        last = last.wrapping_add(numbers.signed(binary, difference)?);
        u8::try_from(last)
            .ok()
            .filter(|length| u32::from(*length) <= LONGEST)
            .ok_or(Error::damaged("a Huffman code is too long"))
    };
    (0..symbols).map(&mut code).collect()
}

/// Reads symbols.
#[derive(Debug)]
pub(crate) struct HuffmanDecoder<'a> {
    bits: BitReader<'a>,
    /// For all that may come next, of as many bits as the longest code: symbol and length.
    table: Vec<Entry>,
    longest: u32,
    /// How many bytes the table took.
    pub(crate) table_bytes: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    symbol: u16,
    length: u16,
}

impl<'a> HuffmanDecoder<'a> {
    /// Of an alphabet of this number of symbols.
    pub(crate) fn open(bytes: &'a [u8], symbols: usize) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        let coded = reader.piece()?;
        let table_bytes = bytes.len() - reader.len();
        let mut binary = Decoder::new(coded);
        let lengths = code_lengths(&mut binary, std::iter::empty(), symbols)?;
        binary.finish()?;

        let present: Vec<usize> = (0..symbols).filter(|symbol| lengths[*symbol] != 0).collect();
        let longest = lengths.iter().copied().max().map_or(0, u32::from);
        let mut table = vec![Entry::default(); 1 << longest];
        if let [only] = present[..] {
            // Without any bits.
            table.fill(Entry { symbol: only as u16, length: 0 });
        } else {
            let used: u64 = present.iter().map(|symbol| 1 << (longest - u32::from(lengths[*symbol]))).sum();
            if used != 1 << longest {
                return Err(Error::damaged("Huffman codes do not fit together"));
            }
            for (symbol, code) in codes(&lengths).into_iter().enumerate().filter(|(at, _)| lengths[*at] != 0)
            {
                let spare = longest - u32::from(lengths[symbol]);
                let entry = Entry { symbol: symbol as u16, length: u16::from(lengths[symbol]) };
                table[(code as usize) << spare..][..1 << spare].fill(entry);
            }
        }
        let longest = longest.max(1);
        table.resize(1 << longest, table[0]);
        Ok(Self { bits: BitReader::new(reader.take(reader.len())?), table, longest, table_bytes })
    }

    pub(crate) fn fill(&mut self, symbols: &mut [u16]) -> Result<()> {
        let Self { bits, table, longest, .. } = self;
        let longest = *longest;
        // So that no index can lie outside.
        let table = &table[..1 << longest];
        let next = |bits: &mut BitReader<'_>| {
            let entry = table[bits.peek(longest) as usize];
            bits.skip(u32::from(entry.length));
            entry.symbol
        };
        // Four codes of 14 bits are in what is refilled.
        let (fours, rest) = symbols.as_chunks_mut::<4>();
        for four in fours {
            bits.refill();
            *four = [next(bits), next(bits), next(bits), next(bits)];
        }
        for symbol in rest {
            bits.refill();
            *symbol = next(bits);
        }
        bits.check()
    }

    pub(crate) fn finish(&self) -> Result<()> {
        self.bits.finish()
    }
}
