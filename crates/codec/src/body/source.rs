//! A tensor's body as it is written.

use super::{Layout, mask, words};
use crate::{
    Code, Kind, Positions,
    adaptive::{Encoder, Levels},
    alphabet::Alphabet,
    centre::centres,
    gaps,
    section::write_number,
    stream,
};

/// A tensor that is to be written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    pub(crate) kind: Kind,
    pub(crate) levels: &'a [i32],
    /// Its different values, unless these are too many.
    pub(crate) alphabet: Option<&'a Alphabet>,
    /// The length of a row.
    pub(crate) width: usize,
    /// The length of a line within a row, or 0.
    pub(crate) line: usize,
}

impl Source<'_> {
    /// Decisions about levels, or about the ranks of a codebook: the shortest.
    pub(crate) fn decisions(&self, ranked: Option<&Alphabet>) -> Vec<u8> {
        let ranks = ranked.map(|alphabet| alphabet.ranks(self.levels));
        let values = ranks.as_deref().unwrap_or(self.levels);
        let kept: Vec<i32> = values.iter().copied().filter(|value| *value != 0).collect();
        let bodies = centres(&kept).into_iter().map(|centre| self.decided(ranked, values, centre));
        bodies.min_by_key(Vec::len).unwrap_or_default()
    }

    fn decided(&self, ranked: Option<&Alphabet>, values: &[i32], centre: i32) -> Vec<u8> {
        let sparse = 2 * values.iter().filter(|value| **value != 0).count() < values.len();
        let mut bytes = vec![u8::from(sparse) | u8::from(ranked.is_some()) << 1];
        ranked.into_iter().for_each(|alphabet| alphabet.write(&mut bytes));
        write_number(&mut bytes, self.width as u64);
        write_number(&mut bytes, self.line as u64);
        write_number(&mut bytes, u64::from((centre << 1 ^ centre >> 31) as u32));
        let mut model = Levels::new(self.width, self.line, centre, sparse);
        let mut encoder = Encoder::new();
        for value in values {
            // What has 32 bits already cannot have more.
            let _ = model.code(&mut encoder, *value);
        }
        bytes.extend(encoder.finish());
        bytes
    }

    /// Positions, and what stands there, apart from each other, in this code or each row of symbols
    /// in the shortest; and the code of most values. A codebook needs an alphabet.
    pub(crate) fn apart(&self, layout: Layout, positions: Positions, code: Option<Code>) -> (Code, Vec<u8>) {
        let mut bytes = Vec::new();
        if let (Layout::Codebook, Some(alphabet)) = (layout, self.alphabet) {
            alphabet.write(&mut bytes);
        }
        let kept = || self.levels.iter().copied().filter(|level| *level != 0).collect::<Vec<_>>();
        let used = match positions {
            Positions::Inline => self.words(&mut bytes, layout, self.levels, code),
            Positions::Gaps => {
                let bits = gaps::best_bits(self.levels);
                let (gaps, values) = gaps::entries(self.levels, bits);
                bytes.push(bits as u8);
                write_number(&mut bytes, gaps.len() as u64);
                stream::write(&mut bytes, &gaps, 1 << bits, code);
                self.words(&mut bytes, layout, &values, code)
            }
            Positions::Bitmap | Positions::Coder => {
                let kept = kept();
                write_number(&mut bytes, kept.len() as u64);
                match positions {
                    Positions::Bitmap => mask::write_bitmap(&mut bytes, self.levels, code),
                    _ => mask::write_foreseen(&mut bytes, self.levels, self.width, self.line),
                }
                self.words(&mut bytes, layout, &kept, code)
            }
        };
        (used, bytes)
    }

    fn words(&self, bytes: &mut Vec<u8>, layout: Layout, levels: &[i32], code: Option<Code>) -> Code {
        match (layout, self.alphabet) {
            (Layout::Codebook, Some(alphabet)) => words::write_codebook(bytes, alphabet, levels, code),
            _ => words::write_planes(bytes, self.kind, levels, code),
        }
    }
}
