//! How many outputs, vectors and inputs pass at a time.

use super::{Place, Tap};
use crate::{Level, infer::machine::Machine};

/// How the rows of a layer are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Outputs that go together: they have their taps at the same inputs.
    pub(super) rows: usize,
    /// Vectors of pixels at once.
    pub(super) vectors: usize,
}

/// Numbers of rows together, and for each the numbers of vectors at once for which there is a loop.
const SHAPES: &[(usize, &[usize])] =
    &[(1, &[1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14]), (2, &[1, 2, 3, 4, 5, 6, 7]), (4, &[1, 2, 3])];

/// Taps at once, so that no sum waits for itself: it takes four cycles, and two are added to in each. A sum is
/// made in as many parts: its last digits depend on the shape, and that on the processor ([`Machine`]).
pub(super) const fn at_once(rows: usize, vectors: usize) -> usize {
    match rows * vectors {
        1 => 8,
        2 => 4,
        3..=5 => 2,
        _ => 1,
    }
}

/// Numbers of the first cache that inputs may take.
const FIRST: usize = 9 << 10;
/// Taps of an output that are worth a panel of its own: what a panel takes besides.
const WORTH: usize = 20;

/// How many inputs there are in a panel.
pub(super) fn panel(rows: &[Vec<Tap>], from: &Place) -> usize {
    let taps = rows.iter().map(Vec::len).sum::<usize>() / rows.len().max(1);
    // A tile is about eight vectors, with a row above and below.
    let tile = (8 * 16 + 2 * from.steps()[0]).min(from.block());
    let most = taps / WORTH;
    let panels = (from.channels * tile).div_ceil(FIRST).min(most).max(1);
    from.channels.div_ceil(panels)
}

impl Shape {
    /// How far apart rows of `width` numbers must be: see [`Shifted::pitch`](super::Shifted::pitch).
    pub(super) fn pitch(level: Level, width: usize) -> Option<usize> {
        let lanes = level.lanes::<f32>();
        if width < lanes {
            return Some(width.next_power_of_two());
        }
        let pitch = width.next_multiple_of(lanes);
        let is_there =
            |vectors: &usize| pitch == vectors * lanes && Self { rows: 1, vectors: *vectors }.fits(level);
        SHAPES[0].1.iter().any(is_there).then_some(pitch)
    }

    /// Whether its sums fit the registers, with those of a column and what is multiplied.
    fn fits(self, level: Level) -> bool {
        let sums = self.rows * self.vectors;
        sums * (at_once(self.rows, self.vectors) + 1) + self.rows + 1 < level.registers()
    }

    /// The best shape for these rows on planes of this number of vectors, whose tiles begin and end with rows so far
    /// apart.
    pub(super) fn best(level: Level, rows: &[Vec<Tap>], vectors: usize, pitch: usize) -> Self {
        let (lanes, machine) = (level.lanes::<f32>(), Machine::of(level));
        let mut best = (f64::INFINITY, Self { rows: 1, vectors: 1 });
        for &(together, widths) in SHAPES.iter().filter(|(together, _)| *together <= rows.len()) {
            let taps: usize = match together {
                1 => rows.iter().map(Vec::len).sum(),
                _ => rows.chunks(together).map(union).sum(),
            };
            for &width in widths.iter().filter(|&&width| {
                let is_whole = width == vectors;
                // Tiles begin and end with rows.
                let of_rows = |vectors: usize| (vectors * lanes).is_multiple_of(pitch);
                width <= vectors && (is_whole || of_rows(width) && of_rows(vectors - width))
            }) {
                let chains = at_once(together, width);
                let sums = together * width;
                if !(Self { rows: together, vectors: width }).fits(level) {
                    continue;
                }
                // Loads of vectors across two lines take twice as long.
                let twice = if pitch == 1 || pitch.is_multiple_of(lanes) { 1.0 } else { 1.67 };
                let loads = width as f64 * twice + together as f64 + 1.0;
                let tap = ((sums as f64).max(loads) / machine.at_once).max(4.0 / chains as f64);
                let group = 30.0 + 4.0 * sums as f64 / machine.at_once;
                let tiles = vectors.div_ceil(width) as f64;
                let time = tiles * (taps as f64 * tap + rows.len().div_ceil(together) as f64 * group);
                if time < best.0 {
                    best = (time, Self { rows: together, vectors: width });
                }
            }
        }
        best.1
    }
}

/// The most outputs that go together.
const MOST: usize = 4;

/// How many inputs any of some rows looks at.
fn union(rows: &[Vec<Tap>]) -> usize {
    let mut count = 0;
    together(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>(), |_, _, _| count += 1);
    count
}

/// The inputs that any of some rows looks at, in order, each with the weights of all these rows.
pub(super) fn together(rows: &[&[Tap]], mut found: impl FnMut(usize, i8, [f32; MOST])) {
    let mut next = [0; MOST];
    let place = |tap: &Tap| (tap.at, tap.column);
    loop {
        let heads = rows.iter().zip(&next).filter_map(|(row, &next)| row.get(next));
        let Some(least) = heads.map(place).min() else { return };
        let mut weights = [0.0; MOST];
        for ((row, next), weight) in rows.iter().zip(&mut next).zip(&mut weights) {
            if let Some(tap) = row.get(*next).filter(|tap| place(tap) == least) {
                *weight = tap.weight;
                *next += 1;
            }
        }
        found(least.0, least.1, weights);
    }
}
