//! What stands before an array's values: a Python dictionary.

use super::MAGIC;

/// What an array is.
pub(super) struct Header<'a> {
    pub(super) kind: Kind,
    /// The bytes of a value.
    pub(super) size: usize,
    pub(super) big_endian: bool,
    /// Whether the first index runs fastest (`fortran_order`).
    pub(super) columns_first: bool,
    pub(super) shape: Vec<usize>,
    /// The bytes behind the header.
    pub(super) values: &'a [u8],
}

/// What values are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Float,
    Signed,
    Unsigned,
    Truth,
}

/// The most dimensions of an array.
const MOST_DIMENSIONS: usize = 32;
/// What can be read, for messages.
const TYPES: &str = "f2, f4, f8, i1 to i8, u1 to u4 or b1";

impl<'a> Header<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let rest = bytes.strip_prefix(MAGIC).ok_or("it does not begin as an array of NumPy does")?;
        let cut = || "it ends within its header".to_string();
        let ([major, minor], rest) = rest.split_first_chunk().ok_or_else(cut)?;
        let (length, rest) = match (major, minor) {
            (1, 0) => rest.split_first_chunk().map(|(n, rest)| (u32::from(u16::from_le_bytes(*n)), rest)),
            (2 | 3, 0) => rest.split_first_chunk().map(|(n, rest)| (u32::from_le_bytes(*n), rest)),
            _ => return Err(format!("its format has version {major}.{minor}: expected 1.0, 2.0 or 3.0")),
        }
        .ok_or_else(cut)?;
        let (text, values) = rest.split_at_checked(length as usize).ok_or_else(cut)?;
        let text = std::str::from_utf8(text).map_err(|_| "its header is no text")?;
        let (mut descr, mut order, mut shape) = (None, None, None);
        let mut rest = Reader(text.trim());
        rest.expect('{')?;
        while !rest.take('}') {
            let key = rest.string()?;
            rest.expect(':')?;
            match key {
                "descr" if rest.0.trim_start().starts_with('[') => {
                    return Err(format!("its values are records: expected numbers, {TYPES}"));
                }
                "descr" => descr = Some(rest.string()?),
                "fortran_order" => order = Some(rest.truth()?),
                "shape" => shape = Some(rest.shape()?),
                other => return Err(format!("its header has `{other}`, which is not known")),
            }
            if !rest.take(',') {
                rest.expect('}')?;
                break;
            }
        }
        if !rest.0.trim().is_empty() {
            return Err(format!("its header goes on with `{}`", rest.0.trim()));
        }
        let missing = |what: &str| format!("its header does not say `{what}`");
        let (kind, size, big_endian) = value_type(descr.ok_or_else(|| missing("descr"))?)?;
        let columns_first = order.ok_or_else(|| missing("fortran_order"))?;
        let shape = shape.ok_or_else(|| missing("shape"))?;
        Ok(Self { kind, size, big_endian, columns_first, shape, values })
    }
}

/// Kind, bytes, and whether the first byte is the highest, of a name such as `<f4`.
fn value_type(descr: &str) -> Result<(Kind, usize, bool), String> {
    let wrong = || format!("its values are `{descr}`: expected numbers, {TYPES}");
    let big_endian = match descr.chars().next() {
        Some('<' | '|') => false,
        Some('>') => true,
        Some('=') => cfg!(target_endian = "big"),
        _ => return Err(wrong()),
    };
    let (kind, size) = match &descr[1..] {
        "f2" => (Kind::Float, 2),
        "f4" => (Kind::Float, 4),
        "f8" => (Kind::Float, 8),
        "i1" => (Kind::Signed, 1),
        "i2" => (Kind::Signed, 2),
        "i4" => (Kind::Signed, 4),
        "i8" => (Kind::Signed, 8),
        "u1" => (Kind::Unsigned, 1),
        "u2" => (Kind::Unsigned, 2),
        "u4" => (Kind::Unsigned, 4),
        "b1" => (Kind::Truth, 1),
        _ => return Err(wrong()),
    };
    Ok((kind, size, big_endian))
}

/// The rest of a dictionary.
struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    fn take(&mut self, expected: char) -> bool {
        let rest = self.0.trim_start();
        self.0 = rest.strip_prefix(expected).unwrap_or(rest);
        self.0.len() < rest.len()
    }

    fn expect(&mut self, expected: char) -> Result<(), String> {
        match self.take(expected) {
            true => Ok(()),
            false => Err(self.unexpected(&format!("`{expected}`"))),
        }
    }

    fn unexpected(&self, expected: &str) -> String {
        let found: String = self.0.chars().take(12).collect();
        format!("its header has `{found}` where {expected} was expected")
    }

    fn string(&mut self) -> Result<&'a str, String> {
        let rest = self.0.trim_start();
        let quote = rest.chars().next().filter(|c| "'\"".contains(*c));
        let quote = quote.ok_or_else(|| self.unexpected("a name"))?;
        let (text, rest) = rest[1..].split_once(quote).ok_or_else(|| self.unexpected("a name that ends"))?;
        self.0 = rest;
        Ok(text)
    }

    fn truth(&mut self) -> Result<bool, String> {
        let rest = self.0.trim_start();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = rest.strip_prefix(word) {
                self.0 = rest;
                return Ok(value);
            }
        }
        Err(self.unexpected("True or False"))
    }

    fn shape(&mut self) -> Result<Vec<usize>, String> {
        self.expect('(')?;
        let mut shape = Vec::new();
        while !self.take(')') {
            let rest = self.0.trim_start();
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let side = rest[..digits].parse().map_err(|_| self.unexpected("a size"))?;
            // Python 2 wrote long integers so.
            self.0 = rest[digits..].strip_prefix('L').unwrap_or(&rest[digits..]);
            shape.push(side);
            if MOST_DIMENSIONS < shape.len() {
                return Err(format!("it has more than {MOST_DIMENSIONS} dimensions"));
            }
            if !self.take(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(shape)
    }
}
