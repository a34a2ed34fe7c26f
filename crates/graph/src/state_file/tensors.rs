//! The tensors of a safetensors file, each brought straight to where its values stay.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
    sync::Mutex,
    thread,
};

use safetensors::{Dtype, tensor::Metadata};

use super::{MASK, WHAT, caused, form::Form, format};
use crate::{Array, DType, Error, FileError, bytes::Memory};

/// The types that weights, inputs and labels come in.
pub(super) const DTYPES: &[(Dtype, DType)] = &[
    (Dtype::F64, DType::F64),
    (Dtype::F32, DType::F32),
    (Dtype::F16, DType::F16),
    (Dtype::BF16, DType::BF16),
    (Dtype::I64, DType::I64),
    (Dtype::I32, DType::I32),
    (Dtype::I8, DType::I8),
    (Dtype::U8, DType::U8),
];

/// Bytes that a thread copies at once.
const PIECE: usize = 1 << 20;
/// Bytes that are worth a second thread: it takes some tens of microseconds to begin.
const WORTH_A_THREAD: usize = 4 << 20;
/// Threads beyond which memory is no faster.
const MOST_THREADS: usize = 8;

/// Where the bytes behind a header are.
pub(super) trait Source: Sync {
    /// Copies as many bytes as are asked for, from a position on.
    fn copy(&self, from: usize, into: &mut [u8]) -> Result<(), Error>;
}

impl Source for [u8] {
    fn copy(&self, from: usize, into: &mut [u8]) -> Result<(), Error> {
        let found = self.get(from..).and_then(|rest| rest.get(..into.len()));
        into.copy_from_slice(found.ok_or_else(|| format("it ends too early".into()))?);
        Ok(())
    }
}

/// A file of which the header was read.
pub(super) struct Opened<'a> {
    path: &'a Path,
    file: File,
    header: Vec<u8>,
    /// Bytes behind the header.
    rest: u64,
}

impl<'a> Opened<'a> {
    /// Reads the header; `None` for a file that has none, or that is not on a disk.
    pub(super) fn new(path: &'a Path) -> Result<Option<Self>, Error> {
        Self::begun(path).map_err(|error| refused(path, error))
    }

    fn begun(path: &'a Path) -> io::Result<Option<Self>> {
        let file = File::open(path)?;
        let known = file.metadata()?;
        if !known.is_file() || known.len() < 8 {
            return Ok(None);
        }
        let mut length = [0; 8];
        (&file).read_exact(&mut length)?;
        let length = u64::from_le_bytes(length);
        let Some(rest) = (known.len() - 8).checked_sub(length) else { return Ok(None) };
        let mut first = [0];
        (&file).read_exact(&mut first[..usize::from(length > 0)])?;
        if first != *b"{" {
            return Ok(None);
        }
        let mut header = first.to_vec();
        (&file).take(length - 1).read_to_end(&mut header)?;
        Ok(Some(Self { path, file, header, rest }))
    }

    /// What the header says, whose tensors take the bytes that are there.
    pub(super) fn metadata(&self) -> Result<Metadata, Error> {
        let metadata: Metadata =
            serde_json::from_slice(&self.header).map_err(|error| Error::format_of(WHAT, error))?;
        let expected = metadata.data_len();
        match expected as u64 == self.rest {
            true => Ok(metadata),
            false => {
                Err(format(format!("its tensors take {expected} bytes, and it has {} for them", self.rest)))
            }
        }
    }

    #[cfg(unix)]
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, into, at)
    }

    /// One thread after the other: the position belongs to the file.
    #[cfg(not(unix))]
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        use std::io::Seek as _;
        static TURN: Mutex<()> = Mutex::new(());
        let _turn = TURN.lock().unwrap_or_else(|broken| broken.into_inner());
        (&self.file).seek(io::SeekFrom::Start(at))?;
        (&self.file).read_exact(into)
    }
}

impl Source for Opened<'_> {
    fn copy(&self, from: usize, into: &mut [u8]) -> Result<(), Error> {
        let at = 8 + self.header.len() as u64 + from as u64;
        self.read_at(at, into).map_err(|error| refused(self.path, error))
    }
}

fn refused(path: &Path, error: io::Error) -> Error {
    FileError { action: "read", path: path.into(), error }.into()
}

/// A tensor with what the file calls its type; what is a truth for it is a byte here.
pub(super) struct Tensor {
    pub(super) dtype: Dtype,
    pub(super) values: Array,
}

/// All tensors with a name that is wanted, in the order in which they lie.
pub(super) fn read(
    header: &Metadata,
    source: &(impl Source + ?Sized),
    form: &mut Form,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<(String, Tensor)>, Error> {
    let mut places = Vec::new();
    for name in header.offset_keys().into_iter().filter(|name| wanted(name)) {
        let Some(info) = header.info(&name) else { continue };
        let (from, to) = info.data_offsets;
        let (dtype, shape) = kind(&name, info.dtype, &info.shape, form)?;
        let memory = Memory::new(dtype, &shape, to - from).map_err(|error| of(&name, error))?;
        places.push((name, info.dtype, shape, from, memory));
    }
    fill(source, places.iter_mut().map(|place| (place.3, place.4.bytes_mut())).collect())?;
    let tensors = places.into_iter().map(|(name, dtype, shape, _, memory)| {
        let values = memory.array(shape).map_err(|error| of(&name, error))?;
        Ok((name, Tensor { dtype, values }))
    });
    tensors.collect()
}

fn of(name: &str, error: Error) -> Error {
    caused(format!("tensor `{name}`: {error}"), error)
}

/// What a tensor is: the metadata say it of one whose values share bytes.
fn kind(name: &str, dtype: Dtype, shape: &[usize], form: &mut Form) -> Result<(DType, Vec<usize>), Error> {
    match form.packed.remove(name) {
        Some(packed) if dtype == Dtype::U8 => return Ok(packed),
        _ if dtype == Dtype::BOOL && name.ends_with(MASK) => return Ok((DType::U8, shape.to_vec())),
        _ => {}
    }
    let row = DTYPES.iter().find(|row| row.0 == dtype);
    let row = row.ok_or_else(|| format(format!("tensor `{name}` has the unsupported type {dtype:?}")))?;
    Ok((row.1, shape.to_vec()))
}

/// Fills memory, of which each part says from where on; several threads do it where that is worth while.
fn fill(source: &(impl Source + ?Sized), parts: Vec<(usize, &mut [u8])>) -> Result<(), Error> {
    let bytes: usize = parts.iter().map(|(_, part)| part.len()).sum();
    let pieces = parts.into_iter().flat_map(|(from, part)| {
        part.chunks_mut(PIECE).enumerate().map(move |(piece, memory)| (from + PIECE * piece, memory))
    });
    let pieces = Mutex::new(pieces);
    let work = || -> Result<(), Error> {
        loop {
            let next = pieces.lock().unwrap_or_else(|broken| broken.into_inner()).next();
            let Some((from, memory)) = next else { return Ok(()) };
            source.copy(from, memory)?;
        }
    };
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let helpers = (bytes / WORTH_A_THREAD).min(processors.min(MOST_THREADS) - 1);
    thread::scope(|scope| {
        // Where no thread can begin, as in a browser, this one does all.
        let begin = |_| thread::Builder::new().spawn_scoped(scope, work).ok();
        let helpers: Vec<_> = (0..helpers).filter_map(begin).collect();
        let own = work();
        let ends = helpers.into_iter().map(|helper| match helper.join() {
            Ok(end) => end,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        ends.fold(own, Result::and)
    })
}
