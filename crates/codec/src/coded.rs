//! One tensor as bytes: header, body, checksum.

use std::marker::PhantomData;

use crate::{
    Code, Element, Error, Kind, Parts, Positions, Result,
    body::{Body, CHUNK, Layout},
    section::{Reader, write_number},
};

/// What the bytes begin with.
const MAGIC: &[u8; 3] = b"SWC";
/// The version that is written, and the last one that is read.
const VERSION: u8 = 1;
/// How many bytes the checksum takes.
const CHECKSUM: usize = 4;

/// A tensor that is coded: bytes that were compared with their checksum, and what their header says.
///
/// ```
/// use sapwood_codec::{Coded, Coder};
///
/// let coded = Coder::rows(4).encode(&[0.0f32, 0.5, 0.0, 0.0, 0.0, -0.5, 0.0, 0.5])?;
/// let read = Coded::open(coded.bytes(), 1_000_000)?;
/// assert_eq!(read.decode::<f32>()?, [0.0, 0.5, 0.0, 0.0, 0.0, -0.5, 0.0, 0.5]);
/// # Ok::<(), sapwood_codec::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coded {
    bytes: Vec<u8>,
    header: Header,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) code: Code,
    pub(crate) positions: Positions,
    pub(crate) layout: Layout,
    pub(crate) count: usize,
}

impl Header {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(MAGIC);
        bytes.push(VERSION);
        bytes.push(self.kind as u8);
        bytes.push(self.code as u8 | (self.positions as u8) << 2 | (self.layout as u8) << 4);
        write_number(bytes, self.count as u64);
    }

    fn read(reader: &mut Reader<'_>, most: usize) -> Result<Self> {
        let start = reader.take(reader.len().min(MAGIC.len()))?;
        if start != MAGIC {
            return Err(Error::NotCoded { found: start.to_vec() });
        }
        let version = reader.byte()?;
        if version != VERSION {
            return Err(Error::Version { expected: VERSION, found: version });
        }
        let kind = Kind::ALL.get(usize::from(reader.byte()?)).copied();
        let kind = kind.ok_or(Error::damaged("there is no such kind of value"))?;
        let form = usize::from(reader.byte()?);
        let layout = Layout::ALL.get(form >> 4).copied().ok_or(Error::damaged("there is no such layout"))?;
        let (code, positions) = (Code::ALL[form & 3], Positions::ALL[form >> 2 & 3]);
        let found = reader.number()?;
        let count = usize::try_from(found).ok().filter(|count| *count <= most);
        let count = count.ok_or(Error::TooMany { most, found })?;
        Ok(Self { kind, code, positions, layout, count })
    }
}

impl Coded {
    /// Puts a body between its header and its checksum.
    pub(crate) fn seal(header: Header, body: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(body.len() + 20);
        header.write(&mut bytes);
        bytes.extend(body);
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        Self { bytes, header }
    }

    /// Opens bytes that are one coded tensor, neither more nor less, of at most this number of values.
    ///
    /// # Errors
    /// If they are something else, of a later version, altered, or of more values.
    pub fn open(bytes: impl Into<Vec<u8>>, most: usize) -> Result<Self> {
        let bytes = bytes.into();
        let mut reader = Reader::new(&bytes);
        // What is wrong at the front says more than that the checksum is.
        let header = Header::read(&mut reader, usize::MAX)?;
        let checked = bytes.len() - reader.len().min(CHECKSUM);
        let (checked, checksum) = bytes.split_at(checked);
        let checksum = checksum.try_into().map_err(|_| Error::damaged("it has no checksum"))?;
        let (expected, found) = (u32::from_le_bytes(checksum), crc32fast::hash(checked));
        match (expected == found, header.count <= most) {
            (false, _) => Err(Error::Checksum { expected, found }),
            (_, false) => Err(Error::TooMany { most, found: header.count as u64 }),
            _ => Ok(Self { bytes, header }),
        }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// What the values are.
    pub fn kind(&self) -> Kind {
        self.header.kind
    }

    /// How many values there are.
    pub fn count(&self) -> usize {
        self.header.count
    }

    /// Which code was asked for, or was the smallest. Rows that it does not make shorter are raw.
    pub fn code(&self) -> Code {
        self.header.code
    }

    /// How it is said which values are zero.
    pub fn positions(&self) -> Positions {
        self.header.positions
    }

    /// Where the bytes go: they add up to all of them.
    ///
    /// # Errors
    /// If the bytes contradict themselves.
    pub fn parts(&self) -> Result<Parts> {
        let (_, parts) = self.body()?;
        let rest = self.bytes.len() - parts.values - parts.positions - parts.tables;
        Ok(Parts { rest, ..parts })
    }

    /// All values.
    ///
    /// # Errors
    /// If they are of another kind, or the bytes contradict themselves.
    pub fn decode<T: Element>(&self) -> Result<Vec<T>> {
        let mut values = Vec::with_capacity(self.header.count);
        let mut levels = [0; CHUNK];
        let mut stream = self.stream::<T>()?;
        while 0 < stream.left {
            let levels = &mut levels[..stream.left.min(CHUNK)];
            stream.next(levels)?;
            values.extend(levels.iter().map(|level| T::from_level(*level)));
        }
        Ok(values)
    }

    /// The values one piece after the other, for whoever does not want to hold all of them.
    ///
    /// # Errors
    /// If they are of another kind, or the bytes contradict themselves.
    pub fn stream<T: Element>(&self) -> Result<Stream<'_, T>> {
        let (expected, found) = (T::KIND, self.header.kind);
        if expected != found {
            return Err(Error::Kind { expected, found });
        }
        let (body, _) = self.body()?;
        let mut stream =
            Stream { body, left: self.header.count, levels: Vec::new(), at: 0, values: PhantomData };
        if stream.left == 0 {
            stream.body.finish()?;
        }
        Ok(stream)
    }

    fn body(&self) -> Result<(Body<'_>, Parts)> {
        let mut reader = Reader::new(&self.bytes[..self.bytes.len() - CHECKSUM]);
        let Header { kind, layout, positions, count, .. } = Header::read(&mut reader, usize::MAX)?;
        let (body, parts) = Body::open(&mut reader, kind, layout, positions, count)?;
        reader.finish()?;
        Ok((body, parts))
    }
}

/// Values that are read piece by piece.
#[derive(Debug)]
pub struct Stream<'a, T> {
    body: Body<'a>,
    /// How many are still coded.
    left: usize,
    /// What was decoded and not yet read.
    levels: Vec<i32>,
    at: usize,
    values: PhantomData<T>,
}

impl<T: Element> Stream<'_, T> {
    /// Reads the next values, and says how many: fewer than there is room for only at the end.
    ///
    /// # Errors
    /// If the bytes contradict themselves. What was read before is not to be used then.
    pub fn read(&mut self, values: &mut [T]) -> Result<usize> {
        let mut done = 0;
        while done < values.len() {
            if self.at == self.levels.len() {
                let mut levels = std::mem::take(&mut self.levels);
                levels.resize(self.left.min(CHUNK), 0);
                if levels.is_empty() {
                    self.at = 0;
                    return Ok(done);
                }
                self.next(&mut levels)?;
                self.levels = levels;
                self.at = 0;
            }
            let ready = &self.levels[self.at..];
            let ready = &ready[..ready.len().min(values.len() - done)];
            for (value, level) in values[done..].iter_mut().zip(ready) {
                *value = T::from_level(*level);
            }
            done += ready.len();
            self.at += ready.len();
        }
        Ok(done)
    }

    /// Decodes the next `CHUNK` levels, or the last ones, and then sees that nothing is left over.
    fn next(&mut self, levels: &mut [i32]) -> Result<()> {
        self.body.fill(levels)?;
        self.left -= levels.len();
        if self.left == 0 {
            self.body.finish()?;
        }
        Ok(())
    }
}
