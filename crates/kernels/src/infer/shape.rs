//! How many outputs and pixels are summed at once.

use crate::Level;

/// How many blocks of outputs and how many pixels are summed at once: their sums stay in registers
/// while all inputs pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileShape {
    /// Blocks of outputs, each of a register's lanes.
    pub outputs: usize,
    /// Pixels.
    pub pixels: usize,
}

/// For each number of outputs, for which numbers of pixels there is a loop.
pub(crate) const SHAPES: &[(usize, &[usize])] = &[
    (8, &[1, 2, 3]),
    (4, &[1, 2, 3, 4, 5, 6]),
    (2, &[1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 13, 14]),
    (1, &[1, 2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 28]),
];

impl TileShape {
    /// Whether its sums fit the registers, with what is multiplied.
    fn fits(self, level: Level) -> bool {
        let Self { outputs, pixels } = self;
        outputs * pixels + outputs.min(pixels) < level.registers()
    }

    /// What one tile takes for each input, in about a cycle.
    pub(crate) fn cost(self, level: Level) -> f64 {
        let Self { outputs, pixels } = self;
        let sums = (outputs * pixels) as f64;
        let loads = (outputs + pixels) as f64;
        // Registers of 64 bytes are multiplied and loaded one at a time, others two. A sum waits four
        // cycles for itself.
        let at_once = if level.lanes::<f32>() == 16 { 1.0 } else { 2.0 };
        (sums.max(loads) / at_once).max(4.0)
    }

    /// The shape of so many blocks and pixels that takes the least time of so many threads.
    pub(crate) fn best(level: Level, blocks: usize, pixels: usize, threads: usize) -> Self {
        let mut best = (f64::INFINITY, Self { outputs: 1, pixels: 1 });
        for &(outputs, _) in SHAPES {
            let Some(shape) = Self::of(level, outputs, pixels).filter(|_| outputs <= blocks) else { continue };
            let units = blocks.div_ceil(outputs) * pixels.div_ceil(shape.pixels);
            // A last group of fewer blocks is a group all the same.
            let time = units.div_ceil(threads) as f64 * shape.cost(level);
            if time < best.0 {
                best = (time, shape);
            }
        }
        best.1
    }

    /// Of the shapes with so many outputs, the one that covers the pixels in the least time.
    pub(crate) fn of(level: Level, outputs: usize, pixels: usize) -> Option<Self> {
        let (_, widths) = SHAPES.iter().find(|(number, _)| *number == outputs)?;
        let shapes = widths.iter().map(|&width| Self { outputs, pixels: width });
        let time = |shape: &Self| pixels.div_ceil(shape.pixels) as f64 * shape.cost(level);
        shapes.filter(|shape| shape.fits(level)).min_by(|a, b| time(a).total_cmp(&time(b)))
    }
}
