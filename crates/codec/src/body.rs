//! What a coded tensor consists of besides its header: three layouts.

mod entries;
mod mask;
mod source;
mod words;

pub(crate) use self::source::Source;
use self::{
    entries::Entries,
    mask::{Bitmap, Foreseen},
    words::Words,
};
use crate::{
    Error, Kind, Positions, Result,
    adaptive::{Decoder, Levels},
    alphabet::Alphabet,
    section::Reader,
};

/// How many values are read at once, all but the last time.
pub(crate) const CHUNK: usize = 4096;

/// What stands for each value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Layout {
    /// Decisions about zero, sign and size together.
    Decisions = 0,
    /// A symbol of the codebook.
    Codebook = 1,
    /// Its bytes, each kind of byte in a stream of its own.
    Planes = 2,
}

impl Layout {
    pub(crate) const ALL: [Self; 3] = [Self::Decisions, Self::Codebook, Self::Planes];
}

/// A tensor that is read, piece by piece.
#[derive(Debug)]
pub(crate) enum Body<'a> {
    Decisions { model: Box<Levels>, decoder: Decoder<'a>, ranked: Option<Alphabet>, kind: Kind },
    Inline(Words<'a>),
    Gaps(Entries<'a>, Words<'a>),
    Bitmap(Bitmap<'a>, Words<'a>),
    Foreseen(Box<Foreseen<'a>>, Words<'a>),
}

/// Where the bytes of a coded tensor go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// What says which values there are; with [`crate::Code::Adaptive`] often also where.
    pub values: usize,
    /// What says where they are.
    pub positions: usize,
    /// Code lengths, frequencies and codebooks.
    pub tables: usize,
    /// The header and the checksum.
    pub rest: usize,
}

impl<'a> Body<'a> {
    /// Reads what comes before the values, of which there are `count`.
    pub(crate) fn open(
        reader: &mut Reader<'a>,
        kind: Kind,
        layout: Layout,
        positions: Positions,
        count: usize,
    ) -> Result<(Self, Parts)> {
        let mut parts = Parts::default();
        if layout == Layout::Decisions {
            let flags = reader.byte()?;
            let before = reader.len();
            let ranked = if flags & 2 == 0 { None } else { Some(Alphabet::read(reader, kind)?) };
            parts.tables = before - reader.len();
            let (width, line) = mask::shape(reader, count)?;
            let centre = reader.number_to(u32::MAX as usize, "the centre has more than 32 bits")? as u32;
            let centre = (centre >> 1) as i32 ^ -((centre & 1) as i32);
            parts.values = reader.len();
            let decoder = Decoder::new(reader.take(reader.len())?);
            let model = Box::new(Levels::new(width, line, centre, flags & 1 == 1));
            return Ok((Self::Decisions { model, decoder, ranked, kind }, parts));
        }
        let before = reader.len();
        let alphabet = if layout == Layout::Codebook { Some(Alphabet::read(reader, kind)?) } else { None };
        parts.tables = before - reader.len();
        let words = |reader: &mut Reader<'a>, count, parts: &mut Parts| {
            let words = match alphabet.clone() {
                Some(alphabet) => Words::codebook(reader, alphabet, count)?,
                None => Words::planes(reader, kind, count)?,
            };
            let (bytes, tables) = words.bytes();
            parts.values += bytes - tables;
            parts.tables += tables;
            Ok::<_, Error>(words)
        };
        let body = match positions {
            Positions::Inline => Self::Inline(words(reader, count, &mut parts)?),
            Positions::Gaps => {
                let (entries, left) = Entries::open(reader, count)?;
                let (bytes, tables) = entries.bytes();
                parts.positions = bytes - tables;
                parts.tables += tables;
                let words = words(reader, left, &mut parts)?;
                Self::Gaps(entries, words)
            }
            Positions::Bitmap | Positions::Coder => {
                let kept = reader.number_to(count, "more is kept than there is")?;
                let before = reader.len();
                if positions == Positions::Bitmap {
                    let bitmap = Bitmap::open(reader, count, kept)?;
                    parts.positions = before - reader.len() - bitmap.table_bytes();
                    parts.tables += bitmap.table_bytes();
                    Self::Bitmap(bitmap, words(reader, kept, &mut parts)?)
                } else {
                    let foreseen = Box::new(Foreseen::open(reader, count, kept)?);
                    parts.positions = before - reader.len();
                    Self::Foreseen(foreseen, words(reader, kept, &mut parts)?)
                }
            }
        };
        Ok((body, parts))
    }

    /// Reads the next values: `CHUNK` of them, or the last ones.
    pub(crate) fn fill(&mut self, levels: &mut [i32]) -> Result<()> {
        match self {
            Self::Inline(words) => words.fill(levels),
            Self::Bitmap(mask, words) => {
                let kept = mask.fill(levels)?;
                words.scatter(levels, kept)
            }
            Self::Foreseen(mask, words) => {
                let kept = mask.fill(levels)?;
                words.scatter(levels, kept)
            }
            Self::Gaps(entries, words) => entries.fill(words, levels),
            Self::Decisions { model, decoder, ranked, kind } => {
                for level in levels.iter_mut() {
                    *level = model.code(decoder, 0)?;
                }
                match ranked {
                    Some(alphabet) => {
                        let level_of = alphabet.level_of_rank();
                        levels.iter_mut().try_for_each(|level| {
                            *level =
                                level_of(*level).ok_or(Error::damaged("a value is not in the codebook"))?;
                            Ok(())
                        })
                    }
                    None => match levels.iter().all(|level| kind.has(*level)) {
                        true => Ok(()),
                        false => Err(Error::damaged("a value is out of range")),
                    },
                }
            }
        }
    }

    /// Whether all was read, and nothing is left over.
    pub(crate) fn finish(&mut self) -> Result<()> {
        match self {
            Self::Decisions { decoder, .. } => decoder.finish(),
            Self::Inline(words) => words.finish(),
            Self::Gaps(entries, words) => {
                entries.finish()?;
                words.finish()
            }
            Self::Bitmap(mask, words) => {
                mask.finish()?;
                words.finish()
            }
            Self::Foreseen(mask, words) => {
                mask.finish()?;
                words.finish()
            }
        }
    }
}
