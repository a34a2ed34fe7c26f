//! How many outputs and pixels are summed at once.

use super::machine::Machine;
use crate::Level;

/// How many blocks of outputs and how many pixels are summed at once: their sums stay in registers
/// while all inputs pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileShape {
    /// Blocks of outputs, each of a register's lanes.
    pub outputs: usize,
    /// Pixels.
    pub pixels: usize,
    /// How many of these lie beside each other.
    pub together: usize,
}

/// For each number of outputs, for which numbers of pixels there is a loop.
type Shapes = &'static [(usize, &'static [usize])];

/// Where pixels lie anywhere.
const APART: Shapes = &[
    (8, &[1, 2, 3]),
    (4, &[1, 2, 3, 4, 6]),
    (2, &[1, 2, 4, 6, 8, 10, 12, 14]),
    (1, &[1, 2, 4, 8, 12, 16, 20, 24, 28]),
];
/// Where four of them lie beside each other.
const FOURS: Shapes = &[(4, &[4]), (2, &[4, 8, 12]), (1, &[4, 8, 12, 16, 20, 24, 28])];
/// Where seven do.
const SEVENS: Shapes = &[(2, &[7, 14]), (1, &[7, 14, 28])];

/// Pointers that stay in registers.
const POINTERS: usize = 9;

impl TileShape {
    /// How many pixels can be taken to lie beside each other, by the number that do in a row.
    pub(crate) fn together(level: Level, width: usize) -> usize {
        // Where registers are few, so are the pixels of a tile.
        let has_many = level.registers() == 32;
        [4, 7].into_iter().find(|together| has_many && width.is_multiple_of(*together)).unwrap_or(1)
    }

    /// Whether its sums fit the registers, with what is multiplied.
    fn fits(self, level: Level) -> bool {
        let Self { outputs, pixels, .. } = self;
        outputs * pixels + outputs.min(pixels) < level.registers()
    }

    /// What one tile takes for each input, in about a cycle.
    pub(crate) fn cost(self, level: Level) -> f64 {
        let Self { outputs, pixels, together } = self;
        let pointers = (pixels / together).saturating_sub(POINTERS);
        let (sums, loads) = ((outputs * pixels) as f64, (outputs + pixels) as f64 + 0.5 * pointers as f64);
        let Machine { at_once, second } = Machine::of(level);
        // Weights come from the second cache; a sum waits four cycles for itself.
        let weights = (4 * outputs * level.lanes::<f32>()) as f64 / second;
        (sums.max(loads) / at_once).max(weights).max(4.0) + 1.0
    }

    /// The shape that takes the least time, for a number of blocks and pixels and a number of threads.
    pub(crate) fn best(level: Level, together: usize, blocks: usize, pixels: usize, threads: usize) -> Self {
        let mut best = (f64::INFINITY, Self { outputs: 1, pixels: 1, together });
        for &(outputs, _) in shapes(together).iter().filter(|(outputs, _)| *outputs <= blocks) {
            let Some(shape) = Self::of(level, together, outputs, pixels) else { continue };
            let units = blocks.div_ceil(outputs) * pixels.div_ceil(shape.pixels);
            // A last group of fewer blocks is a group all the same.
            let time = units.div_ceil(threads) as f64 * shape.cost(level);
            if time < best.0 {
                best = (time, shape);
            }
        }
        best.1
    }

    /// Of the shapes with this number of outputs, the one that covers the pixels in the least time.
    pub(crate) fn of(level: Level, together: usize, outputs: usize, pixels: usize) -> Option<Self> {
        let (_, widths) = shapes(together).iter().find(|(number, _)| *number == outputs)?;
        let shapes = widths.iter().map(|&pixels| Self { outputs, pixels, together });
        let time = |shape: &Self| pixels.div_ceil(shape.pixels) as f64 * shape.cost(level);
        shapes.filter(|shape| shape.fits(level)).min_by(|a, b| time(a).total_cmp(&time(b)))
    }
}

fn shapes(together: usize) -> Shapes {
    match together {
        4 => FOURS,
        7 => SEVENS,
        _ => APART,
    }
}
