//! Planes laid out flat, with zeros between their rows and images.
//!
//! A row of a plane is followed by as many zeros as the largest shift reaches
//! beyond it; the zeros after one row are also those before the next. A value at
//! `(y, x)` of image `n` lies at `(n * rows + y) * pitch + x`, so the value at
//! `(y + dy, x + dx)` lies a constant `dy * pitch + dx` further, and reads as zero
//! outside the plane.

use std::ops::RangeInclusive;

use super::rows::BLOCK;

/// Images are taken together until a plane has about this number of bytes, so that small
/// planes make many vectors.
const LENGTH: usize = 4096;

/// One term of the sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tap {
    /// Which source plane.
    pub(crate) plane: usize,
    /// Shift in rows.
    pub(crate) dy: isize,
    /// Shift in columns.
    pub(crate) dx: isize,
}

/// How planes of one size are laid out for some range of shifts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// From one row to the next.
    pub(crate) pitch: usize,
    /// Rows from one image to the next.
    pub(crate) rows: usize,
    /// Zeros before the first image.
    pub(crate) lead: usize,
    /// Zeros behind the last.
    pub(crate) tail: usize,
}

impl Layout {
    /// For planes of `source` size that are read by the taps at `(y + dy, x + dx)`
    /// for all `(y, x)` of `output` size.
    pub(crate) fn new(source: [usize; 2], output: [usize; 2], taps: &[Tap]) -> Self {
        let range = |shift: fn(&Tap) -> isize| {
            let shifts = || taps.iter().map(shift);
            shifts().min().unwrap_or(0)..=shifts().max().unwrap_or(0)
        };
        let (dy, dx) = (range(|tap| tap.dy), range(|tap| tap.dx));
        let before = |range: &RangeInclusive<isize>| (-*range.start()).max(0) as usize;
        let after = |range: &RangeInclusive<isize>| (*range.end()).max(0) as usize;
        let span = |source: usize, output: usize, range: &RangeInclusive<isize>| {
            (source + before(range)).max(output + after(range))
        };
        let pitch = span(source[1], output[1], &dx);
        Self {
            pitch,
            rows: span(source[0], output[0], &dy),
            lead: before(&dy) * pitch + before(&dx),
            tail: after(&dy) * pitch + after(&dx) + BLOCK,
        }
    }

    /// From one image to the next.
    pub(crate) fn image(&self) -> usize {
        self.rows * self.pitch
    }

    /// How many images are worth being laid out together.
    pub(crate) fn images<T>(&self) -> usize {
        (LENGTH / size_of::<T>()).div_ceil(self.image())
    }

    /// The flat length of a number of images without the zeros at the ends.
    pub(crate) fn length(&self, images: usize) -> usize {
        images * self.image()
    }

    /// The flat length of one plane of a number of images.
    pub(crate) fn plane(&self, images: usize) -> usize {
        self.lead + self.length(images) + self.tail
    }

    /// Where the row of each tap begins, in planes of a number of images.
    pub(crate) fn starts(&self, taps: &[Tap], images: usize) -> Vec<usize> {
        let start = |tap: &Tap| {
            let origin = tap.plane * self.plane(images) + self.lead;
            origin.wrapping_add_signed(tap.dy * self.pitch as isize + tap.dx)
        };
        taps.iter().map(start).collect()
    }
}

/// Every so-manieth pixel of a plane, from some pixel on: what the taps of a
/// strided convolution see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Phase {
    /// Its first pixel, `[y, x]`.
    pub(crate) first: [usize; 2],
    /// From one pixel to the next.
    pub(crate) stride: [usize; 2],
    /// How many pixels there are.
    pub(crate) size: [usize; 2],
}

impl Phase {
    /// The whole plane.
    pub(crate) fn whole(size: [usize; 2]) -> Self {
        Self { first: [0, 0], stride: [1, 1], size }
    }

    /// All phases of a plane, row by row.
    pub(crate) fn all(size: [usize; 2], stride: [usize; 2]) -> Vec<Self> {
        let count = |axis: usize, first: usize| size[axis].saturating_sub(first).div_ceil(stride[axis]);
        (0..stride[0])
            .flat_map(|y| (0..stride[1]).map(move |x| [y, x]))
            .map(|first| Self { first, stride, size: [count(0, first[0]), count(1, first[1])] })
            .collect()
    }
}
