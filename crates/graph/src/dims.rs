//! The dimensions of a value, the batch's among them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{MOST_DIMENSIONS, Ranked};

/// The shape of an image, `[C, H, W]`; of what is flat, `[C, 1, 1]`.
pub type Shape = [usize; 3];

/// The dimensions of a value between two layers. One of them may be a multiple of the batch, which is
/// then known only when the network runs; a value without it is the same for every batch.
///
/// In JSON it is a list: `["n", 3, 224, 224]`, or `["4n", 49, 96]` where four windows of each example lie
/// beside each other in the batch.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Dims {
    /// Of the batch's dimension how many there are for each example.
    sizes: Ranked<usize>,
    batch: Option<u8>,
}

impl Dims {
    /// A batch of examples of this shape: `[N, ...]`. None where that has more than six dimensions.
    pub fn batch_of(example: &[usize]) -> Option<Self> {
        let sizes: Vec<usize> = [1].into_iter().chain(example.iter().copied()).collect();
        Self::with_batch(&sizes, 0)
    }

    /// A value that is the same for every batch. None where it has more than six dimensions.
    pub fn fixed(sizes: &[usize]) -> Option<Self> {
        Some(Self { sizes: Ranked::new(sizes)?, batch: None })
    }

    /// Dimensions of which the one at `at` is that multiple of the batch. None where there is no such
    /// dimension, or more than six.
    pub fn with_batch(sizes: &[usize], at: usize) -> Option<Self> {
        sizes.get(at)?;
        Some(Self { sizes: Ranked::new(sizes)?, batch: Some(at as u8) })
    }

    /// Dimensions of which one may be a multiple of the batch: [`Dims::with_batch`] where `batch` says which,
    /// else [`Dims::fixed`].
    pub fn of(sizes: &[usize], batch: Option<usize>) -> Option<Self> {
        match batch {
            Some(at) => Self::with_batch(sizes, at),
            None => Self::fixed(sizes),
        }
    }

    /// Images `[N, C, H, W]`.
    pub fn images([c, h, w]: Shape) -> Self {
        Self { sizes: short(&[1, c, h, w]), batch: Some(0) }
    }

    /// Rows `[N, values]`.
    pub fn rows(values: usize) -> Self {
        Self { sizes: short(&[1, values]), batch: Some(0) }
    }

    /// The number of dimensions.
    pub fn rank(&self) -> usize {
        self.sizes.len()
    }

    /// The size of each dimension; of the batch's, for one example.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// Which dimension is a multiple of the batch.
    pub fn batch(&self) -> Option<usize> {
        self.batch.map(usize::from)
    }

    /// The sizes for a batch of that many examples.
    pub fn at(&self, examples: usize) -> Vec<usize> {
        let mut sizes = self.sizes.to_vec();
        if let Some(batch) = self.batch() {
            sizes[batch] = sizes[batch].saturating_mul(examples);
        }
        sizes
    }

    /// The number of values for one example, or of the value itself if no example changes it.
    pub fn values(&self) -> u128 {
        self.sizes.iter().fold(1, |product, size| product.saturating_mul(*size as u128))
    }

    /// What follows the batch where that comes first: the shape of one example.
    pub fn example(&self) -> Option<&[usize]> {
        match (self.batch, self.sizes.first()) {
            (Some(0), Some(1)) => Some(&self.sizes[1..]),
            _ => None,
        }
    }

    /// In how many pieces the values of an example lie: one for each place before the batch. A reshape between
    /// different numbers of pieces mixes examples.
    pub fn pieces(&self) -> Option<usize> {
        let before = &self.sizes[..self.batch()?];
        before.iter().try_fold(1usize, |product, size| product.checked_mul(*size))
    }

    /// The same seen as channels, height and width, with 1 for what it lacks: `[C, 1, 1]` of a row, `[C, 1, L]`
    /// of a sequence of channels. What has more dimensions has its last ones together in the width.
    pub fn image(&self) -> Shape {
        let sizes = match self.batch {
            Some(0) => &self.sizes[1..],
            _ => &self.sizes[..],
        };
        let first = if self.batch == Some(0) { self.sizes[0] } else { 1 };
        match *sizes {
            [] => [first, 1, 1],
            [c] => [first * c, 1, 1],
            [c, l] => [first * c, 1, l],
            [c, h, ref rest @ ..] => [first * c, h, rest.iter().product()],
        }
    }

    /// The same with one dimension of another size.
    pub(crate) fn resized(&self, dim: usize, size: usize) -> Self {
        let mut sizes = self.sizes.to_vec();
        sizes[dim] = size;
        Self { sizes: short(&sizes), batch: self.batch }
    }

    /// The size of a dimension that is no multiple of the batch.
    pub(crate) fn number(&self, dim: usize) -> Option<usize> {
        self.sizes.get(dim).copied().filter(|_| self.batch() != Some(dim))
    }
}

/// A list of which the length is known to be at most six.
fn short(sizes: &[usize]) -> Ranked<usize> {
    Ranked::new(sizes).unwrap_or_else(|| unreachable!("{} dimensions", sizes.len()))
}

impl fmt::Display for Dims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = self.sizes.iter().enumerate().map(|(dim, size)| match self.batch() == Some(dim) {
            true if *size == 1 => "n".into(),
            true => format!("{size}n"),
            false => size.to_string(),
        });
        write!(f, "[{}]", said.collect::<Vec<_>>().join(", "))
    }
}

impl fmt::Debug for Dims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One dimension as a file says it.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Written {
    Number(usize),
    Batch(String),
}

impl Serialize for Dims {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.sizes.iter().enumerate().map(|(dim, size)| {
            match self.batch() == Some(dim) {
                true if *size == 1 => Written::Batch("n".into()),
                true => Written::Batch(format!("{size}n")),
                false => Written::Number(*size),
            }
        }))
    }
}

impl<'de> Deserialize<'de> for Dims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (mut sizes, mut batch) = (Vec::new(), None);
        for (dim, written) in Vec::<Written>::deserialize(deserializer)?.into_iter().enumerate() {
            sizes.push(match written {
                Written::Number(size) => size,
                Written::Batch(text) => {
                    let multiple = text.strip_suffix('n').filter(|_| batch.is_none());
                    let multiple = multiple.and_then(|m| if m.is_empty() { Some(1) } else { m.parse().ok() });
                    batch = Some(dim as u8);
                    multiple.ok_or_else(|| {
                        D::Error::custom(format!(
                            "expected one multiple of the batch like `n` or `4n`, found `{text}`"
                        ))
                    })?
                }
            });
        }
        let found = sizes.len();
        let sizes = Ranked::new(&sizes).ok_or_else(|| {
            D::Error::custom(format!("expected at most {MOST_DIMENSIONS} dimensions, found {found}"))
        })?;
        Ok(Self { sizes, batch })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_written_as_they_are_read() {
        for (dims, text) in [
            (Dims::images([3, 8, 9]), r#"["n",3,8,9]"#),
            (Dims::with_batch(&[49, 4, 96], 1).unwrap(), r#"[49,"4n",96]"#),
            (Dims::fixed(&[5]).unwrap(), "[5]"),
            (Dims::fixed(&[]).unwrap(), "[]"),
        ] {
            assert_eq!(serde_json::to_string(&dims).unwrap(), text);
            assert_eq!(serde_json::from_str::<Dims>(text).unwrap(), dims);
        }
        for wrong in [r#"["n","n"]"#, r#"["m"]"#, r#"["-1n"]"#, "[1,1,1,1,1,1,1]", "[-1]"] {
            assert!(serde_json::from_str::<Dims>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_batch_multiplies_one_dimension() {
        let dims = Dims::with_batch(&[2, 3], 0).unwrap();
        assert_eq!((dims.at(5), dims.values(), dims.example()), (vec![10, 3], 6, None));
        assert_eq!(Dims::rows(7).example(), Some(&[7][..]));
        let windows = Dims::with_batch(&[7, 2, 4, 3], 2).unwrap();
        assert_eq!([windows, dims].map(|dims| dims.pieces()), [Some(14), Some(1)]);
        assert_eq!(Dims::fixed(&[3]).and_then(|dims| dims.pieces()), None);
        assert_eq!(Dims::batch_of(&[4, 5]).unwrap().image(), [4, 1, 5]);
        for dims in [dims, windows, Dims::fixed(&[3]).unwrap()] {
            assert_eq!(Dims::of(dims.sizes(), dims.batch()), Some(dims));
        }
        assert_eq!([Dims::of(&[2, 3], Some(2)), Dims::of(&[1; 7], None)], [None; 2]);
    }
}
