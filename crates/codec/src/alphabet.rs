//! The different values of a tensor, in their order: a codebook.

use crate::{
    Error, Kind, Result,
    adaptive::{Binary, Decoder, Encoder},
    numbers::Numbers,
    section::{Reader, write_number, write_piece},
    stream::MOST_SYMBOLS,
};

/// Levels that occur, sorted, and each once.
#[derive(Clone, Debug)]
pub(crate) struct Alphabet {
    pub(crate) levels: Vec<i32>,
}

impl Alphabet {
    /// Of these levels, or nothing if there are too many.
    pub(crate) fn of(levels: &[i32]) -> Option<Self> {
        let mut seen: Vec<i32> = Vec::new();
        for chunk in levels.chunks(MOST_SYMBOLS) {
            // Most are known after the first chunk, so little is sorted.
            seen.extend(
                chunk.iter().filter(|level| seen.binary_search(level).is_err()).copied().collect::<Vec<_>>(),
            );
            seen.sort_unstable();
            seen.dedup();
            if MOST_SYMBOLS < seen.len() {
                return None;
            }
        }
        Some(Self { levels: seen })
    }

    /// Which symbol each level is. Each must occur here.
    pub(crate) fn symbols(&self, levels: &[i32]) -> Vec<u16> {
        let symbol = |level| self.levels.partition_point(|other| *other < level) as u16;
        levels.iter().map(|level| symbol(*level)).collect()
    }

    /// How far each symbol is from the one of zero: ranks that are in the order of values.
    pub(crate) fn ranks(&self, levels: &[i32]) -> Vec<i32> {
        let zero = self.zero();
        let rank = |symbol| rank(i32::from(symbol), zero);
        self.symbols(levels).into_iter().map(rank).collect()
    }

    /// Which symbol zero is, or would be, and whether it is there.
    fn zero(&self) -> (i32, bool) {
        match self.levels.binary_search(&0) {
            Ok(at) => (at as i32, true),
            Err(at) => (at as i32, false),
        }
    }

    /// The inverse of `ranks`.
    pub(crate) fn level_of_rank(&self) -> impl Fn(i32) -> Option<i32> + '_ {
        let (zero, present) = self.zero();
        move |rank| {
            let gap = i32::from(!present && 0 < rank);
            if rank == 0 && !present {
                return None;
            }
            let symbol = rank.checked_add(zero)?.checked_sub(gap)?;
            self.levels.get(usize::try_from(symbol).ok()?).copied()
        }
    }

    /// Writes how many there are, the first, and how far each is from the last one.
    pub(crate) fn write(&self, bytes: &mut Vec<u8>) {
        write_number(bytes, self.levels.len() as u64);
        let mut encoder = Encoder::new();
        // Differences of sorted levels fit.
        let _ = code(&mut encoder, &self.levels, self.levels.len());
        write_piece(bytes, &encoder.finish());
    }

    pub(crate) fn read(reader: &mut Reader<'_>, kind: Kind) -> Result<Self> {
        let len = reader.number_to(MOST_SYMBOLS, "a codebook is too large")?;
        let mut decoder = Decoder::new(reader.piece()?);
        let levels = code(&mut decoder, &[], len)?;
        decoder.finish()?;
        match levels.iter().all(|level| kind.has(*level)) {
            true => Ok(Self { levels }),
            false => Err(Error::damaged("a value of the codebook is out of range")),
        }
    }
}

fn rank(symbol: i32, (zero, present): (i32, bool)) -> i32 {
    symbol - zero + i32::from(!present && zero <= symbol)
}

fn code(binary: &mut impl Binary, known: &[i32], len: usize) -> Result<Vec<i32>> {
    let mut numbers = Numbers::new();
    let mut levels: Vec<i32> = Vec::with_capacity(len);
    for at in 0..len {
        let level = known.get(at).copied().unwrap_or(0);
        let read = match levels.last() {
            None => i64::from(numbers.signed(binary, level)?),
            Some(last) => {
                let step = i64::from(level) - i64::from(*last) - 1;
                i64::from(*last) + 1 + i64::from(numbers.code(binary, step as u32)?)
            }
        };
        levels.push(
            i32::try_from(read).map_err(|_| Error::damaged("a value of the codebook is out of range"))?,
        );
    }
    Ok(levels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_leave_zero_to_zero_whether_it_is_there_or_not() {
        for levels in [vec![-7, -1, 0, 4], vec![-7, -1, 4], vec![3, 9], vec![-3, -2], vec![0]] {
            let alphabet = Alphabet { levels: levels.clone() };
            let ranks = alphabet.ranks(&levels);
            for (rank, level) in ranks.iter().zip(&levels) {
                assert_eq!((rank.signum(), alphabet.level_of_rank()(*rank)), (level.signum(), Some(*level)));
            }
        }
        let alphabet = Alphabet { levels: vec![-7, 4] };
        assert_eq!([-2, 0, 2].map(alphabet.level_of_rank()), [None; 3]);
    }

    #[test]
    fn a_codebook_of_the_outermost_levels_comes_back() {
        let alphabet = Alphabet { levels: vec![i32::MIN, -1, 0, 1, i32::MAX] };
        let mut bytes = Vec::new();
        alphabet.write(&mut bytes);
        let read = Alphabet::read(&mut Reader::new(&bytes), Kind::I32).unwrap();
        assert_eq!(read.levels, alphabet.levels);
        assert!(Alphabet::read(&mut Reader::new(&bytes), Kind::F16).is_err());
    }
}
