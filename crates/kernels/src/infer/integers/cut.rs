//! How a layer that skips zeros is cut, and what it takes.
//!
//! The figures are those of an Intel Xeon with AVX-512, and no measurement of the machine that computes: so a network is
//! computed alike on all.

use super::{Dots, quads::TOGETHER};

/// Registers of pixels, outputs together, and quads that windows see in a part: as many as stay in the first cache.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cut {
    pub(crate) width: usize,
    pub(crate) outputs: usize,
    pub(crate) quads: usize,
}

/// How many registers of pixels there may be at once.
const WIDTHS: [usize; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
/// Bytes of sums, and of what windows see, that stay in the first cache.
const SUMS: usize = 16 << 10;
const SEEN: usize = 28 << 10;
/// The most outputs together.
pub(crate) const MOST: usize = 64;

/// Cycles of a register of sums that is kept between two parts.
const KEPT: f64 = 1.5;
/// Cycles of a row whose end was not foreseen.
const END: f64 = 4.0;
/// Cycles of a register of quads that is turned around, for each register of pixels.
const TURNED: f64 = 4.0;
/// Cycles that a register of outputs takes to be written more than by a dense layer, and still more where lines of the
/// cache are written in parts.
const WRITTEN: f64 = 4.0;
const IN_PARTS: f64 = 2.0;

/// What a layer's time depends on: quads of weights that are not zero, outputs, and quads that a window sees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) entries: usize,
    pub(crate) outputs: usize,
    pub(crate) seen: usize,
}

impl Cut {
    /// With this number of registers of pixels whose windows see this number of quads.
    fn of(dots: Dots, width: usize, seen: usize) -> Self {
        let bytes = 4 * width * dots.lanes();
        let parts = (seen * bytes).div_ceil(SEEN).max(1);
        let outputs = (SUMS / bytes / TOGETHER * TOGETHER).clamp(TOGETHER, MOST);
        Self { width, outputs, quads: seen.div_ceil(parts).max(1) }
    }

    /// The cut that takes the least time for `pixels` pixels, with at most `most` registers.
    pub(crate) fn best(dots: Dots, size: Size, pixels: usize, most: usize) -> Self {
        let all = WIDTHS.into_iter().filter(|width| *width <= most);
        let cuts = all.map(|width| Self::of(dots, width, size.seen));
        let time = |cut: &Self| cut.time(dots, size, [pixels, 1]);
        cuts.min_by(|a, b| time(a).total_cmp(&time(b))).unwrap_or_else(|| Self::of(dots, 1, size.seen))
    }

    /// About how many cycles the layer takes for a number of pixels and threads.
    pub(crate) fn time(&self, dots: Dots, size: Size, [pixels, threads]: [usize; 2]) -> f64 {
        let (width, tiles) = (self.width as f64, pixels.div_ceil(self.width * dots.lanes()));
        // Two loads at once; products in three instructions take longer.
        let quad = if dots.saturates() { width.max(5.0) } else { width.midpoint(2.0) };
        let rows = (size.outputs * size.seen.div_ceil(self.quads)) as f64;
        let written = if self.outputs < MOST { WRITTEN + IN_PARTS } else { WRITTEN };
        let registers = size.outputs as f64 * width;
        let each = size.entries as f64 * quad + rows * (width * KEPT + END) + registers * written;
        // Of a tile that several threads compute, each turns what its windows see.
        let turned = (tiles.max(threads) * size.seen) as f64 * width * TURNED;
        (tiles as f64 * each + turned) / threads as f64
    }
}
