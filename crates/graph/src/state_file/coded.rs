//! The same content in few bytes: every tensor entropy-coded, to the bit.
//!
//! The bytes are `SWNET`, a version, a header, for each piece of the header its coded values, and the
//! first eight bytes of the BLAKE3 hash of all before. The header is JSON, coded as well: which tensors
//! there are, and the metadata. Masks are where weights are not zero; where a kept weight is zero, a
//! piece more says so.

mod header;
mod values;

use std::collections::BTreeMap;

use sapwood_codec::{Code, Coded, Coder, Positions, entropy};
use serde_json::Value;

use header::{Entry, Header, Mask};

use super::{Form, StateFile, no_name_twice};
use crate::{Array, Bits, DType, Error, Masks, ParamPath, Quantized, state::check};

/// What the bytes begin with.
const MAGIC: &[u8] = b"SWNET";
/// The version that is written, and the newest that is read.
const VERSION: u8 = 1;
/// How many bytes of the hash stand at the end.
const HASH: usize = 8;
/// Tensors of fewer values that have no mask share a piece with their like.
const SMALL: usize = 2048;
/// What messages call it.
const WHAT: &str = "coded network";

/// A weight file in few bytes, and where these go.
#[derive(Clone, Debug, PartialEq)]
pub struct CodedFile {
    /// The file: [`StateFile::from_bytes`] reads it.
    pub bytes: Vec<u8>,
    /// What was coded together, in the order of the file. The bytes that are in none are the header's.
    pub pieces: Vec<Piece>,
}

/// Tensors that were coded together, and the bytes that this took.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// The tensors.
    pub tensors: Vec<ParamPath>,
    /// The type of their values.
    pub dtype: DType,
    /// How many values there are.
    pub values: usize,
    /// How many of them are not zero.
    pub nonzero: usize,
    /// How many different ones.
    pub distinct: usize,
    /// The code, and the way in which positions are said: `adaptive, coder`.
    pub code: String,
    /// Bytes that say which values there are; in the adaptive code often also where.
    pub codes: usize,
    /// Bytes that say where values are that are not zero.
    pub positions: usize,
    /// Bytes of codebooks, code lengths and frequencies.
    pub tables: usize,
    /// Bytes of lengths, header and checksum, and of kept weights that are zero.
    pub rest: usize,
    /// The bits that the best code of one value at a time takes which is made for these values, with a
    /// codebook as it lies in memory, where that is shorter than the values as they are.
    pub bound: f64,
}

/// In which way tensors are coded; whatever is shortest where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coding {
    /// How symbols become bits.
    pub code: Option<Code>,
    /// How it is said which values are zero.
    pub positions: Option<Positions>,
}

impl Coding {
    fn coder(self, rows: usize) -> Coder {
        let coder = Coder::rows(rows);
        let coder = self.code.into_iter().fold(coder, Coder::code);
        self.positions.into_iter().fold(coder, Coder::positions)
    }
}

impl Piece {
    /// All its bytes.
    pub fn bytes(&self) -> usize {
        self.codes + self.positions + self.tables + self.rest
    }
}

impl StateFile {
    /// Whether a file is of this form; its name does not count.
    pub fn is_coded(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    /// The file in few bytes. What is read of it is what would be read of [`StateFile::to_bytes`], to the
    /// bit: masked weights are zeros. Equal contents give equal bytes.
    ///
    /// # Errors
    /// As [`StateFile::to_bytes`]; masks that do not fit their weights.
    ///
    /// ```
    /// use sapwood_graph::{Array, StateFile};
    ///
    /// # fn main() -> Result<(), sapwood_graph::Error> {
    /// let mut file = StateFile::default();
    /// let weight = |at: usize| if at % 20 == 0 { 0.25 * (at % 7) as f32 } else { 0.0 };
    /// file.state.0.insert("fc.weight".into(), Array::from_fn([100, 200], weight));
    /// let coded = file.to_coded()?;
    /// assert!(coded.bytes.len() < 600);
    /// assert_eq!(StateFile::from_bytes(&coded.bytes)?, file);
    /// # Ok(())
    /// # }
    /// ```
    pub fn to_coded(&self) -> Result<CodedFile, Error> {
        self.to_coded_in(Coding::default())
    }

    /// The same in the code and with the positions that are asked for, as far as these make a tensor shorter
    /// than it is: to see what another way costs. The header is in whatever is shortest.
    ///
    /// # Errors
    /// As [`StateFile::to_coded`]; positions that the code does not say.
    pub fn to_coded_in(&self, coding: Coding) -> Result<CodedFile, Error> {
        check(&self.masks, |path| self.shape(path))?;
        let masked = self.clone().with_masks_applied(Vec::new())?;
        let arrays = masked.arrays();
        no_name_twice(arrays.iter().map(|(name, _)| name.as_str()))?;

        let mut header = Header { metadata: self.form().put(&self.metadata)?, pieces: Vec::new() };
        let mut together: Vec<Vec<&Array>> = Vec::new();
        let mut small: BTreeMap<DType, usize> = BTreeMap::new();
        for (name, array) in &arrays {
            let path = ParamPath::from(name.as_str());
            let mask = Mask::of(masked.masks.get(&path), || masked.nonzero(&path));
            let entry = Entry(path, array.dtype(), array.shape().to_vec(), mask);
            let at = match entry.is_small() {
                true => *small.entry(array.dtype()).or_insert(together.len()),
                false => together.len(),
            };
            match together.get_mut(at) {
                Some(with) => {
                    with.push(array);
                    header.pieces[at].push(entry);
                }
                None => {
                    together.push(vec![array]);
                    header.pieces.push(vec![entry]);
                }
            }
        }

        let mut bytes = [MAGIC, &[VERSION]].concat();
        put(&mut bytes, &header.code()?)?;
        let mut pieces = Vec::new();
        for (entries, arrays) in header.pieces.iter().zip(together) {
            pieces.push(masked.piece(coding, entries, &arrays, &mut bytes)?);
        }
        let hash = hash(&bytes);
        bytes.extend(hash);
        Ok(CodedFile { bytes, pieces })
    }

    /// Writes values that are coded together.
    fn piece(
        &self,
        coding: Coding,
        entries: &[Entry],
        arrays: &[&Array],
        bytes: &mut Vec<u8>,
    ) -> Result<Piece, Error> {
        let before = bytes.len();
        let rows = match arrays {
            [only] if only.shape().len() > 1 => only.shape()[1..].iter().product(),
            _ => 1,
        };
        let levels = values::levels(arrays);
        let coded =
            values::code(arrays, coding.coder(rows)).map_err(|error| Error::format_of(WHAT, error))?;
        let parts = coded.parts().map_err(|error| Error::format_of(WHAT, error))?;
        let code = format!("{}, {}", coded.code(), coded.positions());
        put(bytes, &coded)?;
        for Entry(path, .., mask) in entries {
            if let (Mask::Beyond, Some(kept)) = (mask, self.masks.get(path)) {
                let beyond = kept.minus(&self.nonzero(path));
                let bits: Vec<i8> = beyond.iter().map(i8::from).collect();
                let coded = coding.coder(rows).encode(&bits);
                put(bytes, &coded.map_err(|error| Error::format_of(WHAT, error))?)?;
            }
        }
        let (nonzero, distinct, bound) = bound(levels, arrays[0].dtype());
        let (codes, positions, tables) = (parts.values, parts.positions, parts.tables);
        Ok(Piece {
            tensors: entries.iter().map(|Entry(path, ..)| path.clone()).collect(),
            dtype: arrays[0].dtype(),
            values: arrays.iter().map(|array| array.len()).sum(),
            nonzero,
            distinct,
            code,
            rest: bytes.len() - before - codes - positions - tables,
            codes,
            positions,
            tables,
            bound,
        })
    }

    /// Which values of a tensor do not stand for zero.
    fn nonzero(&self, path: &ParamPath) -> Bits {
        let state = self.state.0.get(path).map(Array::nonzero);
        state.or_else(|| self.quantized.get(path).map(Quantized::nonzero)).unwrap_or_else(|| Bits::zeros(0))
    }
}

/// Reads what [`StateFile::to_coded`] has written.
pub(super) fn read(bytes: &[u8]) -> Result<StateFile, Error> {
    let mut rest = checked(bytes)?;
    let mut header = Header::read(&mut rest, bytes.len())?;
    let form = Form::take(&mut header.metadata)?;
    let mut found =
        StateFile { metadata: header.metadata, ranges: form.ranges.clone(), ..StateFile::default() };
    let mut beyond = Masks::new();
    for entries in &header.pieces {
        let coded = take(&mut rest, entries)?;
        let arrays = values::decode(&coded, entries)?;
        for (Entry(path, _, shape, mask), array) in entries.iter().zip(arrays) {
            if found.state.0.insert(path.clone(), array).is_some() {
                return Err(wrong(format!("two of its tensors are called `{path}`")));
            }
            if *mask == Mask::Beyond {
                let count: usize = shape.iter().product();
                let coded =
                    Coded::open(piece(&mut rest)?, count).map_err(|error| of_tensor(entries, error))?;
                let bits = coded.decode::<i8>().map_err(|error| of_tensor(entries, error))?;
                if bits.len() != count {
                    return Err(wrong(format!("tensor `{path}`: a mask of {} values", bits.len())));
                }
                beyond.insert(path.clone(), bits.iter().map(|bit| *bit != 0).collect());
            }
        }
    }
    if !rest.is_empty() {
        return Err(wrong("there are bytes behind its last tensor".into()));
    }
    found.join(form)?;
    for Entry(path, .., mask) in header.pieces.iter().flatten().filter(|Entry(.., mask)| *mask != Mask::None)
    {
        let nonzero = found.nonzero(path);
        let kept = match beyond.get(path).filter(|_| *mask == Mask::Beyond) {
            Some(beyond) if beyond.len() != nonzero.len() => {
                return Err(wrong(format!("there is a mask for `{path}`, which is no parameter")));
            }
            Some(beyond) => nonzero.or(beyond),
            None => nonzero,
        };
        found.masks.insert(path.clone(), kept);
    }
    check(&found.masks, |path| found.shape(path))?;
    Ok(found)
}

/// What the file says of itself.
pub(super) fn metadata(bytes: &[u8]) -> Result<Value, Error> {
    let mut header = Header::read(&mut checked(bytes)?, bytes.len())?;
    Form::take(&mut header.metadata)?;
    Ok(header.metadata)
}

/// What lies between version and hash, once both are right.
fn checked(bytes: &[u8]) -> Result<&[u8], Error> {
    let version = bytes.get(MAGIC.len()).copied().unwrap_or(VERSION);
    if version != VERSION {
        let problem =
            format!("it is of version {version}, and version {VERSION} is read: use a newer Sapwood");
        return Err(wrong(problem));
    }
    let content = bytes.len().checked_sub(HASH).filter(|end| MAGIC.len() < *end);
    let (content, found) = bytes.split_at(content.unwrap_or(0));
    match !content.is_empty() && hash(content) == found {
        true => Ok(&content[MAGIC.len() + 1..]),
        false => Err(wrong("its checksum is wrong: it was cut short or altered; get the file again".into())),
    }
}

fn hash(bytes: &[u8]) -> [u8; HASH] {
    let mut hash = [0; HASH];
    hash.copy_from_slice(&blake3::hash(bytes).as_bytes()[..HASH]);
    hash
}

/// Writes how many bytes there are, and these.
fn put(bytes: &mut Vec<u8>, coded: &Coded) -> Result<(), Error> {
    let len = u32::try_from(coded.bytes().len());
    let len = len.map_err(|_| wrong("a tensor takes more than 4 GB".into()))?;
    bytes.extend(len.to_le_bytes());
    bytes.extend(coded.bytes());
    Ok(())
}

/// The next bytes.
fn piece<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Error> {
    let short = || wrong("it ends too early".into());
    let (len, after) = rest.split_first_chunk::<4>().ok_or_else(short)?;
    let (found, after) = after.split_at_checked(u32::from_le_bytes(*len) as usize).ok_or_else(short)?;
    *rest = after;
    Ok(found)
}

/// The next coded values, which must be as many as these tensors have.
fn take(rest: &mut &[u8], entries: &[Entry]) -> Result<Coded, Error> {
    let expected = entries.iter().map(Entry::coded_values).sum();
    let coded = Coded::open(piece(rest)?, expected).map_err(|error| of_tensor(entries, error))?;
    match coded.count() == expected {
        true => Ok(coded),
        false => {
            let name = entries.first().map_or("", |entry| entry.0.as_str());
            Err(wrong(format!("tensor `{name}`: {} values where {expected} should be", coded.count())))
        }
    }
}

fn of_tensor(entries: &[Entry], error: sapwood_codec::Error) -> Error {
    let name = entries.first().map_or("", |entry| entry.0.as_str());
    Error::Format { what: WHAT, problem: format!("tensor `{name}`: {error}"), source: Some(error.into()) }
}

fn wrong(problem: String) -> Error {
    Error::format(WHAT, problem)
}

/// How many values are not zero, how many differ, and the bits that the best code of one value at a time
/// takes.
fn bound(mut levels: Vec<i64>, dtype: DType) -> (usize, usize, f64) {
    let all = levels.len();
    levels.sort_unstable();
    let counts: Vec<u64> = levels.chunk_by(|a, b| a == b).map(|same| same.len() as u64).collect();
    let nonzero = all - levels.iter().filter(|level| **level == 0).count();
    let bits = dtype.bits() as f64;
    let codebook = entropy(&counts) + counts.len() as f64 * bits;
    let plain = entropy(&[(all - nonzero) as u64, nonzero as u64]) + nonzero as f64 * bits;
    (nonzero, counts.len(), codebook.min(plain))
}
