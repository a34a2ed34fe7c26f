//! What a TIFF file claims to hold, before there is memory for it.

/// Refuses a TIFF file whose first page has an entry that says it has more values than there are bytes for in the file.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    let Some(file) = Tiff::of(bytes) else { return Ok(()) };
    let Some((first, count)) = file.directory() else { return Ok(()) };
    for at in (0..count).map_while(|entry| first.checked_add(entry.checked_mul(file.entry())?)) {
        let (Some(tag), Some(kind)) = (file.number(at, 2), file.number(at.saturating_add(2), 2)) else {
            break;
        };
        let Some(values) = file.number(at.saturating_add(4), file.word()) else { break };
        let size = match kind {
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 | 16 | 17 | 18 => 8,
            _ => 1,
        };
        if (bytes.len() as u64) < values.saturating_mul(size) {
            return Err(format!(
                "its entry {tag} claims {values} values, and the file has {} bytes",
                bytes.len()
            ));
        }
    }
    Ok(())
}

/// Numbers of a TIFF file, in its own order of bytes.
struct Tiff<'a> {
    bytes: &'a [u8],
    is_little: bool,
    /// BigTIFF has numbers of 8 bytes where TIFF has 4.
    is_big: bool,
}

impl<'a> Tiff<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let is_little = bytes.starts_with(b"II");
        let file = Self { bytes, is_little, is_big: false };
        Some(Self { is_big: file.number(2, 2)? == 43, ..file })
    }

    /// Where the entries of the first page begin, and how many there are.
    fn directory(&self) -> Option<(usize, usize)> {
        let (at, count) = if self.is_big { (self.number(8, 8)?, 8) } else { (self.number(4, 4)?, 2) };
        let at = usize::try_from(at).ok()?;
        Some((at.checked_add(count)?, usize::try_from(self.number(at, count)?).ok()?))
    }

    /// The bytes of an entry.
    fn entry(&self) -> usize {
        if self.is_big { 20 } else { 12 }
    }

    /// The bytes of a number of values.
    fn word(&self) -> usize {
        if self.is_big { 8 } else { 4 }
    }

    fn number(&self, at: usize, size: usize) -> Option<u64> {
        let bytes = self.bytes.get(at..at.checked_add(size)?)?;
        let add = |sum: u64, byte: &u8| (sum << 8) | u64::from(*byte);
        Some(if self.is_little { bytes.iter().rev().fold(0, add) } else { bytes.iter().fold(0, add) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One entry of 8,323,073 values of two bytes, for each of which a reader would make room.
    const CLAIMS: [&[u8]; 2] = [
        b"II\x2a\0\x08\0\0\0\x01\0\x1c\x01\x03\0\x01\0\x7f\0\x01\0\0\0",
        b"MM\0\x2b\0\x08\0\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\0\x01\x01\x1c\0\x03\0\0\0\0\0\x7f\0\x01\0\0\0\0\0\0\0\x01",
    ];

    #[test]
    fn an_entry_of_more_values_than_the_file_has_bytes_is_refused() {
        for bytes in CLAIMS {
            let said = check(bytes).unwrap_err();
            assert!(said.starts_with("its entry 284 claims 8323073 values"), "{said}");
            for length in 0..bytes.len() {
                let _ = check(&bytes[..length]);
            }
        }
    }
}
