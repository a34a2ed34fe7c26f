//! Which vectors make output planes.

use super::{planes::Layout, rows::Position};

/// The vectors that cover output planes of some images, and how the planes lie
/// that they are written to.
#[derive(Clone, Debug)]
pub(crate) struct Cover {
    /// Image by image.
    positions: Vec<Position>,
    lanes: usize,
    /// From one output row to the next.
    pub(crate) pitch: usize,
    /// From one image to the next.
    pub(crate) image: usize,
    /// Whether vectors run on from row to row and image to image.
    is_flat: bool,
}

impl Cover {
    /// Covers planes with some room between them: row by row, or without regard to
    /// rows, whichever takes fewer vectors.
    pub(crate) fn loose(layout: &Layout, size: [usize; 2], images: usize, lanes: usize) -> Self {
        let row = size[1].next_multiple_of(lanes);
        if size[0] * row <= layout.image() {
            return Self::rows(layout, size, images, lanes, size[0] * row);
        }
        let position = |at: usize| Position { from: at, to: at };
        let positions = (0..layout.length(images)).step_by(lanes).map(position).collect();
        Self { positions, lanes, pitch: layout.pitch, image: layout.image(), is_flat: true }
    }

    /// Covers planes row by row, which lie so far apart from image to image.
    pub(crate) fn rows(layout: &Layout, size: [usize; 2], images: usize, lanes: usize, image: usize) -> Self {
        let pitch = size[1].next_multiple_of(lanes);
        let place = |n: usize, y: usize, x: usize| Position {
            from: n * layout.image() + y * layout.pitch + x,
            to: n * image + y * pitch + x,
        };
        let rows = (0..images).flat_map(|n| (0..size[0]).map(move |y| (n, y)));
        let vectors = rows.flat_map(|(n, y)| (0..size[1]).step_by(lanes).map(move |x| place(n, y, x)));
        Self { positions: vectors.collect(), lanes, pitch, image, is_flat: false }
    }

    /// The vectors of the first images.
    pub(crate) fn of(&self, images: usize, of: usize) -> &[Position] {
        let count = match self.is_flat {
            true => (images * self.image).div_ceil(self.lanes),
            false => self.positions.len() / of.max(1) * images,
        };
        &self.positions[..count]
    }

    /// The room of one output plane of a number of images.
    pub(crate) fn room(&self, images: usize) -> usize {
        (images * self.image).next_multiple_of(self.lanes)
    }
}
