//! Planes laid out flat, with zeros between their rows and images.
//!
//! A row of a plane is followed by as many zeros as the largest shift reaches
//! beyond it; the zeros after one row are also those before the next. A value at
//! `(y, x)` of image `n` lies at `(n * rows + y) * pitch + x`, so the value at
//! `(y + dy, x + dx)` lies a constant `dy * pitch + dx` further, and reads as zero
//! outside the plane.

use std::ops::RangeInclusive;

use super::rows::BLOCK;

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
    /// For planes of `source` size that are read at `(y + dy, x + dx)` for all
    /// `(y, x)` of `output` size.
    pub(crate) fn new(
        source: [usize; 2],
        output: [usize; 2],
        dy: RangeInclusive<isize>,
        dx: RangeInclusive<isize>,
    ) -> Self {
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

    /// The flat length of so many images without the zeros at the ends.
    pub(crate) fn length(&self, images: usize) -> usize {
        images * self.image()
    }

    /// The flat length of one plane of so many images.
    pub(crate) fn plane(&self, images: usize) -> usize {
        self.lead + self.length(images) + self.tail
    }

    /// How far a shift moves.
    pub(crate) fn shift(&self, dy: isize, dx: isize) -> isize {
        dy * self.pitch as isize + dx
    }

    /// Copies the plane of one image in. Every `stride`-th value of every
    /// `stride`-th row of `from` (of the given width) is taken, from `first` on.
    pub(crate) fn write<T: Copy>(&self, to: &mut [T], from: &[T], width: usize, phase: &Phase) {
        let [height, columns] = phase.size;
        // A phase may begin beyond the edge, and then there is nothing of it.
        for y in (0..height).filter(|_| columns > 0) {
            let to = &mut to[y * self.pitch..][..columns];
            let from = &from[(phase.first[0] + y * phase.stride[0]) * width + phase.first[1]..];
            match phase.stride[1] {
                1 => to.copy_from_slice(&from[..columns]),
                stride => to.iter_mut().zip(from.iter().step_by(stride)).for_each(|(to, from)| *to = *from),
            }
        }
    }

    /// Copies the plane of one image out: the opposite of [`Layout::write`].
    pub(crate) fn read<T: Copy>(&self, from: &[T], to: &mut [T], width: usize, phase: &Phase) {
        let [height, columns] = phase.size;
        for y in (0..height).filter(|_| columns > 0) {
            let from = &from[y * self.pitch..][..columns];
            let to = &mut to[(phase.first[0] + y * phase.stride[0]) * width + phase.first[1]..];
            match phase.stride[1] {
                1 => to[..columns].copy_from_slice(from),
                stride => to.iter_mut().step_by(stride).zip(from).for_each(|(to, from)| *to = *from),
            }
        }
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
