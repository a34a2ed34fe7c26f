//! How many outputs and pixels are summed at once.

use super::Dots;

/// How many registers of outputs and how many pixels are summed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) outputs: usize,
    pub(crate) pixels: usize,
}

/// For each number of outputs, for which numbers of pixels there is a loop.
type Shapes = &'static [(usize, &'static [usize])];

/// Where there are 32 registers.
const WIDE: Shapes = &[(8, &[1, 2]), (4, &[1, 2, 4, 6]), (2, &[1, 2, 4, 8, 12]), (1, &[1, 2, 4, 8, 12])];
/// Where there are 16.
const NARROW: Shapes = &[(4, &[1, 2]), (2, &[1, 2, 4]), (1, &[1, 2, 4, 8])];
/// Where the compiler makes the best of it.
const FEW: Shapes = &[(2, &[1, 2]), (1, &[1, 4])];

/// Pointers that stay in registers.
const POINTERS: usize = 11;
/// Bytes that come out of the second cache in a cycle, while others are multiplied.
const SECOND: f64 = 24.0;
/// Cycles that a sum waits for itself.
const WAIT: f64 = 5.0;

impl Shape {
    /// Whether its sums fit the registers, with what is multiplied.
    fn fits(self, dots: Dots) -> bool {
        let Self { outputs, pixels } = self;
        // What saturates needs ones, and a place for what it has not yet added.
        let more = if dots.saturates() { 2 } else { 0 };
        outputs * pixels + outputs.min(pixels) + more < dots.registers()
    }

    /// What one tile takes for each step, in about a cycle.
    pub(crate) fn cost(self, dots: Dots) -> f64 {
        let Self { outputs, pixels } = self;
        let spilled = pixels.saturating_sub(POINTERS);
        let (sums, loads) = ((outputs * pixels) as f64, (outputs + pixels + spilled) as f64);
        let weights = (4 * outputs * dots.lanes()) as f64 / SECOND;
        // Of products in three instructions, three registers' are computed at once.
        (sums / 2.0).max(loads / 2.0).max(weights).max(WAIT) + 0.5
    }

    /// The shape in which `threads` compute these blocks and pixels in the least time.
    pub(crate) fn best(dots: Dots, blocks: usize, pixels: usize, threads: usize) -> Self {
        let mut best = (f64::INFINITY, Self { outputs: 1, pixels: 1 });
        for &(outputs, _) in shapes(dots).iter().filter(|(outputs, _)| *outputs <= blocks) {
            let Some(shape) = Self::of(dots, outputs, pixels) else { continue };
            let units = blocks.div_ceil(outputs) * pixels.div_ceil(shape.pixels);
            let time = units.div_ceil(threads) as f64 * shape.cost(dots);
            if time < best.0 {
                best = (time, shape);
            }
        }
        best.1
    }

    /// Of the shapes with `outputs` blocks, the one that covers the pixels in the least time.
    pub(crate) fn of(dots: Dots, outputs: usize, pixels: usize) -> Option<Self> {
        let (_, widths) = shapes(dots).iter().find(|(number, _)| *number == outputs)?;
        let shapes = widths.iter().map(|&pixels| Self { outputs, pixels });
        let time = |shape: &Self| pixels.div_ceil(shape.pixels) as f64 * shape.cost(dots);
        shapes.filter(|shape| shape.fits(dots)).min_by(|a, b| time(a).total_cmp(&time(b)))
    }
}

fn shapes(dots: Dots) -> Shapes {
    match dots {
        Dots::Portable => FEW,
        _ if dots.registers() == 32 => WIDE,
        _ => NARROW,
    }
}
