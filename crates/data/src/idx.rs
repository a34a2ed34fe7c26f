//! The IDX files of MNIST and its relatives.
//!
//! Big-endian: two zero bytes, the type (8 = unsigned byte), the number of
//! dimensions, each dimension as 32 bits, then the values, row-major
//! (LeCun, Cortes and Burges, "The MNIST database").

/// An array of bytes with its dimensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Idx {
    pub(crate) dims: Vec<usize>,
    pub(crate) values: Vec<u8>,
}

impl Idx {
    /// Reads a file's bytes; `rank` is the number of dimensions that is expected.
    pub(crate) fn parse(bytes: &[u8], rank: u8) -> Result<Self, String> {
        let expected = [0, 0, 8, rank];
        let magic = bytes.get(..4).ok_or_else(|| too_short(4, bytes.len()))?;
        if magic != expected {
            return Err(format!("it should begin with the bytes {expected:?} but begins with {magic:?}"));
        }
        let header = 4 + 4 * usize::from(rank);
        let dims: Vec<usize> = bytes
            .get(4..header)
            .ok_or_else(|| too_short(header, bytes.len()))?
            .chunks_exact(4)
            .map(|dim| dim.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
            .collect();
        let size = dims.iter().try_fold(1_usize, |size, dim| size.checked_mul(*dim));
        let size = size.and_then(|size| size.checked_add(header));
        match size {
            Some(size) if size == bytes.len() => Ok(Self { dims, values: bytes[header..].to_vec() }),
            Some(size) if size > bytes.len() => Err(too_short(size, bytes.len())),
            _ => Err(format!("its dimensions are {dims:?}, but it has {} bytes", bytes.len())),
        }
    }
}

fn too_short(expected: usize, found: usize) -> String {
    format!("it is cut short: expected {expected} bytes, found {found}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = &[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6];

    #[test]
    fn a_small_file_is_read() {
        assert_eq!(Idx::parse(FILE, 3).unwrap(), Idx { dims: vec![2, 1, 3], values: vec![1, 2, 3, 4, 5, 6] });
    }

    #[test]
    fn a_file_cut_anywhere_or_too_long_is_refused() {
        for end in 0..FILE.len() {
            assert!(Idx::parse(&FILE[..end], 3).unwrap_err().contains("cut short"), "{end}");
        }
        assert!(Idx::parse(&[FILE, &[7]].concat(), 3).unwrap_err().contains("it has 23 bytes"));
    }

    #[test]
    fn a_wrong_magic_or_absurd_dimensions_are_refused() {
        assert!(Idx::parse(FILE, 1).unwrap_err().contains("should begin with the bytes [0, 0, 8, 1]"));
        let mut absurd = FILE.to_vec();
        absurd[4..16].fill(0xff);
        assert!(Idx::parse(&absurd, 3).is_err());
    }
}
