//! The values of examples in memory.

use std::borrow::Cow;

use rayon::prelude::*;
use sapwood_core::Shape;

use crate::resizing::Resizing;

/// Numbers whose bytes are made at once.
const PIECE: usize = 1 << 12;

/// The values of all examples, one example after the other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stored {
    /// Of images and boards.
    Bytes(Vec<u8>),
    /// Whatever can be measured.
    Numbers(Vec<f32>),
}

/// The values of one example.
pub(crate) enum Given<'a> {
    Bytes(Cow<'a, [u8]>),
    Numbers(&'a [f32]),
}

impl Stored {
    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Numbers(numbers) => numbers.len(),
        }
    }

    /// One example of that many values, if there is such a one.
    pub(crate) fn one(&self, index: usize, size: usize) -> Option<Given<'_>> {
        let start = index.checked_mul(size)?;
        let place = start..start.checked_add(size)?;
        Some(match self {
            Self::Bytes(bytes) => Given::Bytes(Cow::Borrowed(bytes.get(place)?)),
            Self::Numbers(numbers) => Given::Numbers(numbers.get(place)?),
        })
    }

    /// Examples of that many values, in this order; all are there.
    pub(crate) fn some(&self, indices: &[usize], size: usize) -> Self {
        match self {
            Self::Bytes(bytes) => Self::Bytes(rows(bytes, indices, size)),
            Self::Numbers(numbers) => Self::Numbers(rows(numbers, indices, size)),
        }
    }

    /// The first of three planes of that many values changes places with the last one, in each image. Numbers stay as
    /// they are: whoever saved them gave them their order.
    pub(crate) fn swap_ends(&mut self, plane: usize) {
        let Self::Bytes(bytes) = self else { return };
        for image in bytes.chunks_exact_mut(3 * plane) {
            let (first, rest) = image.split_at_mut(plane);
            first.swap_with_slice(&mut rest[plane..]);
        }
    }

    /// Images of bytes as a resizing makes them, `[C, H, W]` each, on all threads. Numbers stay as they are.
    pub(crate) fn resized(self, resizing: &Resizing, to: Shape) -> Self {
        let Self::Bytes(bytes) = self else { return self };
        let sizes = [resizing.from, to].map(|shape| shape.iter().product::<usize>());
        let mut resized = vec![0; bytes.len() / sizes[0] * sizes[1]];
        let images = resized.par_chunks_exact_mut(sizes[1]).zip(bytes.par_chunks_exact(sizes[0]));
        images.for_each(|(image, planes)| image.copy_from_slice(&resizing.apply(planes)));
        Self::Bytes(resized)
    }

    /// How many bytes [`Stored::bytes`] hands on.
    pub(crate) fn byte_count(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Numbers(numbers) => size_of_val(numbers.as_slice()),
        }
    }

    /// Hands on the values as bytes, numbers with their lowest byte first, piece by piece.
    pub(crate) fn bytes(&self, mut take: impl FnMut(&[u8])) {
        match self {
            Self::Bytes(bytes) => take(bytes),
            Self::Numbers(numbers) => {
                for piece in numbers.chunks(PIECE) {
                    take(&piece.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>());
                }
            }
        }
    }
}

impl Given<'_> {
    /// The values, divided by what stands for 1.
    pub(crate) fn scaled(&self, scale: f32) -> Vec<f32> {
        match self {
            Self::Bytes(bytes) => bytes.iter().map(|byte| f32::from(*byte) / scale).collect(),
            Self::Numbers(numbers) => numbers.iter().map(|x| x / scale).collect(),
        }
    }
}

fn rows<T: Copy>(values: &[T], indices: &[usize], size: usize) -> Vec<T> {
    let mut rows = Vec::with_capacity(indices.len() * size);
    indices.iter().for_each(|index| rows.extend_from_slice(&values[index * size..][..size]));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_bytes_in_pieces_of_which_none_is_lost() {
        let numbers: Vec<f32> = (0..2 * PIECE + 3).map(|at| at as f32 - 0.5).collect();
        let expected: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        let (stored, mut found, mut largest) = (Stored::Numbers(numbers), Vec::new(), 0);
        stored.bytes(|piece| {
            found.extend_from_slice(piece);
            largest = largest.max(piece.len());
        });
        assert_eq!((found.len(), largest), (stored.byte_count(), 4 * PIECE));
        assert_eq!(found, expected);
    }
}
