//! Range asymmetric numeral systems (Duda 2013): a number from which symbols are divided off.
//!
//! Four such numbers take turns, so that a processor reads four symbols at once; a short text has
//! one, because each costs two bytes.

mod frequencies;

use self::frequencies::{bits, code, normalized};
use crate::{
    Error, Result,
    adaptive::{Decoder, Encoder},
    section::{Reader, write_piece},
};

/// Between symbols a number is at least this, and less than 2^32.
const LEAST: u32 = 1 << 16;

/// From this many symbols on, four numbers take turns.
const LONG: usize = 2048;

fn lanes(count: usize) -> usize {
    if count < LONG { 1 } else { 4 }
}

/// The symbols as a table of frequencies, the numbers at the end, and what was taken off them.
pub(crate) fn encode(symbols: &[u16], counts: &[u64]) -> Vec<u8> {
    let bits = bits(counts.len());
    let frequencies = normalized(counts, bits);
    let mut table = Encoder::new();
    // Frequencies that this crate made itself are in range.
    let _ = code(&mut table, &frequencies, counts.len(), 1 << bits);
    let starts = starts(&frequencies);

    let mut states = vec![LEAST; lanes(symbols.len())];
    let mut words = Vec::new();
    // Backwards: what is put on last comes off first.
    for (at, symbol) in symbols.iter().enumerate().rev() {
        let [frequency, start] = [&frequencies, &starts].map(|table| table[usize::from(*symbol)]);
        let lanes = states.len();
        let state = &mut states[at % lanes];
        if u64::from(frequency) << (32 - bits) <= u64::from(*state) {
            words.push(*state as u16);
            *state >>= 16;
        }
        *state = ((*state / frequency) << bits) + start + *state % frequency;
    }

    let mut bytes = Vec::new();
    write_piece(&mut bytes, &table.finish());
    bytes.extend(states.iter().flat_map(|state| state.to_le_bytes()));
    bytes.extend(words.iter().rev().flat_map(|word| word.to_le_bytes()));
    bytes
}

/// The sum of the frequencies before each.
fn starts(frequencies: &[u32]) -> Vec<u32> {
    let sum = |sum: &mut u32, frequency: &u32| {
        let start = *sum;
        *sum += frequency;
        Some(start)
    };
    frequencies.iter().scan(0, sum).collect()
}

/// Reads symbols.
#[derive(Debug)]
pub(crate) struct RansDecoder<'a> {
    /// For each remainder: which symbol it belongs to.
    slots: Vec<Slot>,
    bits: u32,
    states: [u32; 4],
    /// How many numbers take turns, and whose turn it is.
    lanes: usize,
    turn: usize,
    words: &'a [u8],
    /// How many bytes the table took.
    pub(crate) table_bytes: usize,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(align(8))]
struct Slot {
    symbol: u16,
    frequency: u16,
    /// How far the remainder lies behind the first one of its symbol.
    offset: u16,
}

impl<'a> RansDecoder<'a> {
    /// Of an alphabet of this size, and of this number of symbols.
    pub(crate) fn open(bytes: &'a [u8], symbols: usize, count: usize) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        let bits = bits(symbols);
        let coded = reader.piece()?;
        let table_bytes = bytes.len() - reader.len();
        let mut binary = Decoder::new(coded);
        let frequencies = code(&mut binary, &[], symbols, 1 << bits)?;
        binary.finish()?;
        let mut slots = Vec::with_capacity(1 << bits);
        for (symbol, frequency) in frequencies.into_iter().enumerate() {
            let slot =
                |offset| Slot { symbol: symbol as u16, frequency: frequency as u16, offset: offset as u16 };
            slots.extend((0..frequency).map(slot));
        }
        let lanes = lanes(count);
        let mut states = [LEAST; 4];
        for state in &mut states[..lanes] {
            let mut bytes = [0; 4];
            bytes.copy_from_slice(reader.take(4)?);
            *state = u32::from_le_bytes(bytes);
            if *state < LEAST {
                return Err(Error::damaged("a state of the range coder is too small"));
            }
        }
        let words = reader.take(reader.len())?;
        Ok(Self { slots, bits, states, lanes, turn: 0, words, table_bytes })
    }

    pub(crate) fn fill(&mut self, mut symbols: &mut [u16]) -> Result<()> {
        while self.turn != 0 || self.lanes == 1 {
            let Some((symbol, rest)) = symbols.split_first_mut() else { return Ok(()) };
            *symbol = self.one()?;
            symbols = rest;
        }
        let (fours, rest) = symbols.as_chunks_mut::<4>();
        let mut fours = fours.iter_mut();
        let bits = self.bits;
        let slots = &self.slots[..1 << bits];
        let mask = (1 << bits) - 1;
        let mut states = self.states;
        let mut words = self.words;
        // As long as there is a word for each.
        while let Some(head) = words.first_chunk::<8>() {
            let Some(four) = fours.next() else { break };
            let next = u64::from_le_bytes(*head);
            let mut taken = 0;
            for (state, symbol) in states.iter_mut().zip(four) {
                let slot = slots[(*state & mask) as usize];
                *symbol = slot.symbol;
                let divided = u32::from(slot.frequency) * (*state >> bits) + u32::from(slot.offset);
                // Without a branch: one in four or so has to be refilled.
                let short = u32::from(divided < LEAST);
                let refilled = divided << 16 | (next >> taken) as u32 & 0xffff;
                *state = if short == 1 { refilled } else { divided };
                taken += 16 * short;
            }
            words = &words[taken as usize / 8..];
        }
        self.states = states;
        self.words = words;
        for symbol in fours.flatten().chain(rest) {
            *symbol = self.one()?;
        }
        Ok(())
    }

    /// The next symbol.
    fn one(&mut self) -> Result<u16> {
        let state = &mut self.states[self.turn];
        let slot = self.slots[(*state & ((1 << self.bits) - 1)) as usize];
        *state = u32::from(slot.frequency) * (*state >> self.bits) + u32::from(slot.offset);
        if *state < LEAST {
            let (word, rest) = self
                .words
                .split_first_chunk::<2>()
                .ok_or(Error::damaged("the range coder has too few words"))?;
            *state = *state << 16 | u32::from(u16::from_le_bytes(*word));
            self.words = rest;
        }
        self.turn = (self.turn + 1) % self.lanes;
        Ok(slot.symbol)
    }

    /// Whether the numbers have come back to where they began.
    pub(crate) fn finish(&self) -> Result<()> {
        match (self.states == [LEAST; 4], self.words) {
            (true, []) => Ok(()),
            _ => Err(Error::damaged("the range coder does not end where it began")),
        }
    }
}
