//! Sparse layers whose vectors begin at lines of the cache: sums of each column of the kernel, shifted in
//! registers.
//!
//! What a weight of a 3x3 kernel sees is a plane shifted by rows and by a column. Where a row is as long as some
//! vectors, or some rows as one, a shift by rows leaves vectors at lines of the cache, and one by a column does
//! not: such loads take two lines each. So the weights of the left column are summed as if they saw the middle
//! one, and the sum is shifted; then those of the right column, and last the middle one's. A tile of pixels
//! passes all outputs while its inputs are in the first cache; where these are too many, a panel of them at a
//! time.

use std::ops::Range;

use super::{
    Arena, Epilogue, Form, Place,
    curve::bend,
    lanes::{Lanes, all},
    machine::Machine,
    program::{Context, Step},
};
use crate::{Level, vector::Registers};

/// A weight that is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tap {
    /// Where its input lies in an image, but for the shift by a column.
    pub at: usize,
    /// That shift: -1, 0 or 1.
    pub column: i8,
    /// What it is.
    pub weight: f32,
}

/// Outputs that go together, with the taps of a panel.
#[derive(Clone, Debug)]
struct Group {
    /// Its first output, and how many there are.
    first: usize,
    rows: usize,
    /// Steps of the left, the right and the middle column: taps of each row, some at once.
    steps: [u32; 3],
    /// Where its offsets and weights begin.
    offsets: usize,
    weights: usize,
}

/// How the rows of a layer are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    /// Outputs that go together: they have their taps at the same inputs.
    rows: usize,
    /// Vectors of pixels at once.
    vectors: usize,
}

/// A sparse layer with its weights.
#[derive(Debug)]
pub struct Shifted {
    level: Level,
    from: Place,
    to: Place,
    epilogue: Epilogue,
    shape: Shape,
    /// Panel by panel.
    panels: Vec<Vec<Group>>,
    offsets: Vec<u32>,
    weights: Vec<f32>,
    bias: Vec<f32>,
    /// All bits where a pixel is, from the first one on.
    mask: Arena,
    /// All bits but where a row of a tile begins, and but where it ends.
    edges: [Arena; 2],
    /// Vectors of a plane.
    vectors: usize,
    /// What all groups before each take, and all of them at last.
    before: Vec<usize>,
}

/// For so many rows together, vectors at once, for which there is a loop.
const SHAPES: &[(usize, &[usize])] =
    &[(1, &[1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14]), (2, &[1, 2, 3, 4, 5, 6, 7]), (4, &[1, 2, 3])];

/// Taps at once, so that no sum waits for itself: it takes four cycles, and two are added to in each.
const fn at_once(rows: usize, vectors: usize) -> usize {
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

impl Shifted {
    /// How far apart rows of so many numbers must be, if they can be read so: vectors hold whole rows, or a row
    /// some whole vectors, for which there is a loop.
    pub fn pitch(level: Level, width: usize) -> Option<usize> {
        let lanes = level.lanes::<f32>();
        if width < lanes {
            return Some(width.next_power_of_two());
        }
        let pitch = width.next_multiple_of(lanes);
        let is_there =
            |vectors: &usize| pitch == vectors * lanes && Shape { rows: 1, vectors: *vectors }.fits(level);
        SHAPES[0].1.iter().any(is_there).then_some(pitch)
    }

    /// A layer of rows of taps, in the order of their inputs and columns.
    ///
    /// # Panics
    /// If a tap leads out of the input, or places are not channel by channel with rows as far apart as
    /// [`Shifted::pitch`] says.
    pub fn new(
        level: Level,
        (from, to): (Place, Place),
        rows: &[Vec<Tap>],
        bias: &[f32],
        epilogue: Epilogue,
    ) -> Self {
        from.check();
        to.check();
        epilogue.check();
        let (lanes, pitch) = (level.lanes::<f32>(), to.steps()[0]);
        let is_straight = rows.iter().flatten().all(|tap| tap.column == 0);
        assert!(
            is_straight || Self::pitch(level, pitch) == Some(pitch),
            "rows begin at vectors, or vectors hold rows"
        );
        let vectors = (to.size[0] * pitch).div_ceil(lanes);
        for place in [Some(from), Some(to), epilogue.residual].into_iter().flatten() {
            assert!(matches!(place.form, Form::Planar { .. }), "channel by channel");
            assert!(place.steps()[0] == pitch, "rows equally far apart");
        }
        for place in [Some(to), epilogue.residual].into_iter().flatten() {
            assert!(place.size == to.size, "of the output's size");
            assert!(place.lead() + vectors * lanes <= place.block(), "vectors end in their plane");
        }
        assert!(rows.len() == to.channels && bias.len() == to.channels, "a row for each output");
        let reach = |tap: &Tap| tap.at + vectors * lanes <= from.image && (-1..=1).contains(&tap.column);
        assert!(rows.iter().flatten().all(reach) && from.image < u32::MAX as usize, "taps lead to the input");
        let per_panel = panel(rows, &from);
        let shape = Shape::best(level, rows, vectors, if is_straight { 1 } else { pitch });
        let mut mask = Arena::zeros(vectors * lanes);
        for y in 0..to.size[0] {
            mask.values_mut()[y * pitch..][..to.size[1]].fill(f32::from_bits(u32::MAX));
        }
        let edge = |column: usize| {
            let mut edge = Arena::zeros(shape.vectors * lanes);
            for (at, bits) in edge.values_mut().iter_mut().enumerate() {
                *bits = f32::from_bits(if at % pitch == column { 0 } else { u32::MAX });
            }
            edge
        };
        let edges = [edge(0), edge(pitch - 1)];
        let (offsets, weights, panels) = (Vec::new(), Vec::new(), Vec::new());
        let mut layer = Self {
            level,
            from,
            to,
            epilogue,
            shape,
            panels,
            offsets,
            weights,
            bias: bias.to_vec(),
            mask,
            edges,
            vectors,
            before: Vec::new(),
        };
        for first in (0..from.channels.max(1)).step_by(per_panel) {
            let inputs = [first, first + per_panel].map(|channel| channel * from.block());
            layer.add_panel(
                rows,
                inputs[0]..if first + per_panel < from.channels { inputs[1] } else { usize::MAX },
            );
        }
        layer.before = layer.costs();
        layer
    }

    /// Writes down the taps of a panel: of the inputs in this range.
    fn add_panel(&mut self, rows: &[Vec<Tap>], inputs: Range<usize>) {
        let mut groups = Vec::new();
        let mut first = 0;
        while first < rows.len() {
            let mut count = self.shape.rows;
            // What is left over goes in halves.
            while rows.len() - first < count {
                count /= 2;
            }
            let members = &rows[first..first + count];
            let (offsets, weights) = (self.offsets.len(), self.weights.len());
            let chains = at_once(count, self.shape.vectors);
            let steps = [-1, 1, 0].map(|column| {
                let is_mine = |tap: &&Tap| tap.column == column && inputs.contains(&tap.at);
                let mine = members.iter().flatten().filter(is_mine);
                let mut at: Vec<usize> = mine.map(|tap| tap.at).collect();
                at.sort_unstable();
                at.dedup();
                for &at in &at {
                    self.offsets.push(at as u32);
                    for row in members {
                        let found = row.binary_search_by_key(&(at, column), |tap| (tap.at, tap.column));
                        self.weights.push(found.map_or(0.0, |found| row[found].weight));
                    }
                }
                let steps = at.len().div_ceil(chains);
                for _ in at.len()..steps * chains {
                    // An input that is looked at anyway, times nothing.
                    self.offsets.extend(at.last().map(|at| *at as u32));
                    self.weights.extend(std::iter::repeat_n(0.0, count));
                }
                steps as u32
            });
            groups.push(Group { first, rows: count, steps, offsets, weights });
            first += count;
        }
        self.panels.push(groups);
    }

    /// Outputs that go together, and vectors of pixels at once.
    pub fn shape(&self) -> [usize; 2] {
        [self.shape.rows, self.shape.vectors]
    }

    /// Panels of inputs.
    pub fn panels(&self) -> usize {
        self.panels.len()
    }

    /// What all groups before each take, with all their panels, and all of them at last.
    fn costs(&self) -> Vec<usize> {
        // What a row takes besides its products.
        let cost = |at: usize| {
            let rows = self.panels[0][at].rows;
            let steps = self.panels.iter().map(|groups| groups[at].steps.iter().sum::<u32>() as usize);
            steps.sum::<usize>() * at_once(rows, self.shape.vectors) * rows + 8 * rows * self.panels.len()
        };
        let mut before = vec![0];
        (0..self.panels[0].len()).for_each(|at| before.push(before[at] + cost(at)));
        before
    }

    /// Of the groups of each panel, those of one of so many threads: of about equally many products.
    fn share(&self, index: usize, of: usize) -> Range<usize> {
        let groups = self.before.len() - 1;
        let total = self.before[groups];
        let bound =
            |index: usize| self.before[..groups].partition_point(|before| before * of < total * index);
        bound(index)..bound(index + 1)
    }
}

/// How many inputs there are in a panel.
fn panel(rows: &[Vec<Tap>], from: &Place) -> usize {
    let taps = rows.iter().map(Vec::len).sum::<usize>() / rows.len().max(1);
    // A tile is about eight vectors, with a row above and below.
    let tile = (8 * 16 + 2 * from.steps()[0]).min(from.block());
    let most = taps / WORTH;
    let panels = (from.channels * tile).div_ceil(FIRST).min(most).max(1);
    from.channels.div_ceil(panels)
}

impl Shape {
    /// Whether its sums fit the registers, with those of a column and what is multiplied.
    fn fits(self, level: Level) -> bool {
        let sums = self.rows * self.vectors;
        sums * (at_once(self.rows, self.vectors) + 1) + self.rows + 1 < level.registers()
    }

    /// The best shape for these rows on planes of so many vectors, whose tiles begin and end with rows so far
    /// apart.
    fn best(level: Level, rows: &[Vec<Tap>], vectors: usize, pitch: usize) -> Self {
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

/// How many inputs any of some rows looks at.
fn union(rows: &[Vec<Tap>]) -> usize {
    let mut all: Vec<(i8, usize)> = rows.iter().flatten().map(|tap| (tap.column, tap.at)).collect();
    all.sort_unstable();
    all.dedup();
    all.len()
}

impl Step for Shifted {
    fn reads(&self) -> Vec<Place> {
        [Some(self.from), self.epilogue.residual].into_iter().flatten().collect()
    }

    fn writes(&self) -> Place {
        self.to
    }

    unsafe fn run(&self, context: &Context<'_>) {
        let share = self.share(context.member.index, context.member.of);
        let vectors = self.shape.vectors;
        for image in 0..context.images {
            // SAFETY (all): the program compared the places with the arena, and the level was found.
            unsafe { self.clear(context, image, &share) };
            let mut first = 0;
            while first < self.vectors {
                // The last tile begins earlier, so that it is whole; what it does again is the same.
                let at = first.min(self.vectors - vectors);
                for panel in 0..self.panels.len() {
                    for group in &self.panels[panel][share.clone()] {
                        let tile = Tile { group, panel, image, at };
                        unsafe { self.tile(context, &tile) };
                    }
                }
                first += vectors;
            }
        }
    }
}

/// Pixels of a group's outputs, and the taps of a panel.
struct Tile<'a> {
    group: &'a Group,
    panel: usize,
    image: usize,
    /// Its first vector.
    at: usize,
}

impl Shifted {
    /// Fills what lies around these groups' outputs with zeros.
    ///
    /// # Safety
    /// These outputs must be this thread's.
    unsafe fn clear(&self, context: &Context<'_>, image: usize, groups: &Range<usize>) {
        let (block, lead) = (self.to.block(), self.to.lead());
        let end = lead + self.vectors * self.level.lanes::<f32>();
        let to = context.arena.wrapping_add(self.to.at + image * self.to.image);
        for group in &self.panels[0][groups.clone()] {
            for row in group.first..group.first + group.rows {
                // Behind the last plane there is room for what shifted vectors read.
                let rest = if row + 1 == self.to.channels { self.to.image - row * block } else { block };
                // SAFETY: the caller's.
                unsafe {
                    to.add(row * block).write_bytes(0, lead);
                    to.add(row * block + end).write_bytes(0, rest - end);
                }
            }
        }
    }

    /// # Safety
    /// As [`sum`].
    unsafe fn tile(&self, context: &Context<'_>, tile: &Tile<'_>) {
        macro_rules! dispatch {
            ($run:ident: $(($r:literal, $v:literal))*) => {
                match (tile.group.rows, self.shape.vectors) {
                    $(($r, $v) => unsafe { $run::<$r, $v, { at_once($r, $v) }>(self, context, tile) },)*
                    _ => unreachable!("a shape without a loop"),
                }
            };
        }
        macro_rules! many {
            ($run:ident) => {
                dispatch!($run:
                    (1, 1) (1, 2) (1, 3) (1, 4) (1, 5) (1, 6) (1, 7) (1, 8) (1, 10) (1, 12) (1, 14)
                    (2, 1) (2, 2) (2, 3) (2, 4) (2, 5) (2, 6) (2, 7) (4, 1) (4, 2) (4, 3))
            };
        }
        // Of 16 registers.
        macro_rules! few {
            ($run:ident) => {
                dispatch!($run:
                    (1, 1) (1, 2) (1, 3) (1, 4) (1, 5) (1, 6) (2, 1) (2, 2) (2, 3) (4, 1))
            };
        }
        match self.level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => many!(avx512),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => few!(avx2),
            #[cfg(target_arch = "aarch64")]
            Level::Neon => many!(neon),
            Level::Portable => few!(portable),
        }
    }
}

/// The loops of each level.
macro_rules! level {
    ($(#[$attribute:meta])* $name:ident, $vector:ty) => {
        $(#[$attribute])*
        unsafe fn $name<const R: usize, const P: usize, const E: usize>(
            layer: &Shifted,
            context: &Context<'_>,
            tile: &Tile<'_>,
        ) {
            // SAFETY: the caller's.
            unsafe { sum::<$vector, R, P, E>(layer, context, tile) }
        }
    };
}

#[cfg(target_arch = "x86_64")]
level!(
    #[target_feature(enable = "avx512f,fma")]
    avx512,
    <f32 as Registers>::Avx512
);
#[cfg(target_arch = "x86_64")]
level!(
    #[target_feature(enable = "avx2,fma")]
    avx2,
    <f32 as Registers>::Avx2
);
#[cfg(target_arch = "aarch64")]
level!(neon, <f32 as Registers>::Neon);
level!(portable, <f32 as Registers>::Portable);

/// Some taps of a group: how many steps of `E` of them, where they look, and what they are.
#[derive(Clone, Copy)]
struct Taps {
    steps: usize,
    offsets: *const u32,
    weights: *const f32,
}

/// Adds taps' products to sums of some vectors of each row.
///
/// # Safety
/// The machine must have the registers, and the taps lead to memory.
#[inline(always)]
unsafe fn add<V: Lanes, const R: usize, const P: usize, const E: usize>(
    sums: [[V; P]; R],
    from: *const f32,
    taps: Taps,
) -> [[V; P]; R] {
    // SAFETY (all): the caller's.
    unsafe {
        let zero = V::splat(0.0);
        let mut chains = [[[zero; P]; R]; E];
        all!(4: R, r => {
            all!(14: P, p => {
                chains[0][r][p] = sums[r][p];
            });
        });
        let Taps { steps, mut offsets, mut weights } = taps;
        let end = offsets.add(steps * E);
        while offsets != end {
            all!(8: E, e => {
                let input = from.add(*offsets.add(e) as usize);
                let mut of_rows = [zero; R];
                all!(4: R, r => {
                    of_rows[r] = V::splat(*weights.add(e * R + r));
                });
                all!(14: P, p => {
                    let values = V::load(input.add(p * V::LANES));
                    all!(4: R, r => {
                        chains[e][r][p] = of_rows[r].multiply_add(values, chains[e][r][p]);
                    });
                });
            });
            offsets = offsets.add(E);
            weights = weights.add(E * R);
        }
        all!(8: E, e => {
            if e > 0 {
                all!(4: R, r => {
                    all!(14: P, p => {
                        chains[0][r][p] = chains[0][r][p].plus(chains[e][r][p]);
                    });
                });
            }
        });
        chains[0]
    }
}

/// A tile.
///
/// # Safety
/// The machine must have the registers, and the places lie in the arena.
#[inline(always)]
unsafe fn sum<V: Lanes, const R: usize, const P: usize, const E: usize>(
    layer: &Shifted,
    context: &Context<'_>,
    tile: &Tile<'_>,
) {
    let Tile { group, panel, image, at } = *tile;
    let (block, at) = (layer.to.block(), at * V::LANES);
    let from = context.arena.wrapping_add(layer.from.at + image * layer.from.image + at).cast_const();
    let first = layer.to.at + image * layer.to.image + group.first * block + layer.to.lead() + at;
    let to = context.arena.wrapping_add(first);
    let (mut offsets, mut weights) =
        (layer.offsets[group.offsets..].as_ptr(), layer.weights[group.weights..].as_ptr());
    let mut taps = |column: usize| {
        let steps = group.steps[column] as usize;
        let taps = Taps { steps, offsets, weights };
        (offsets, weights) = (offsets.wrapping_add(steps * E), weights.wrapping_add(steps * E * R));
        taps
    };
    // SAFETY (all): taps were compared with the input, and vectors with their planes.
    unsafe {
        let zero = V::splat(0.0);
        let mut sums = [[zero; P]; R];
        let (left, right) = (taps(0), taps(1));
        if left.steps > 0 {
            sums = add::<V, R, P, E>(sums, from, left);
            let edge = layer.edges[0].values().as_ptr();
            all!(4: R, r => {
                let of_row = sums[r];
                all!(14: P, p => {
                    let before = if p > 0 { of_row[(p + P - 1) % P] } else { zero };
                    sums[r][p] = of_row[p].after(before).masked(V::load(edge.add(p * V::LANES)));
                });
            });
        }
        if right.steps > 0 {
            let others = add::<V, R, P, E>([[zero; P]; R], from, right);
            let edge = layer.edges[1].values().as_ptr();
            all!(4: R, r => {
                all!(14: P, p => {
                    let next = if p + 1 < P { others[r][(p + 1) % P] } else { zero };
                    let moved = others[r][p].until(next).masked(V::load(edge.add(p * V::LANES)));
                    sums[r][p] = sums[r][p].plus(moved);
                });
            });
        }
        match panel {
            0 => {
                all!(4: R, r => {
                    let bias = V::splat(layer.bias[group.first + r]);
                    all!(14: P, p => {
                        sums[r][p] = sums[r][p].plus(bias);
                    });
                });
            }
            _ => {
                all!(4: R, r => {
                    all!(14: P, p => {
                        sums[r][p] = sums[r][p].plus(V::load(to.add(r * block + p * V::LANES)));
                    });
                });
            }
        }
        let sums_of_all = add::<V, R, P, E>(sums, from, taps(2));
        sums = sums_of_all;
        if panel + 1 < layer.panels.len() {
            all!(4: R, r => {
                all!(14: P, p => {
                    sums[r][p].store(to.add(r * block + p * V::LANES));
                });
            });
            return;
        }
        if let Some(residual) = layer.epilogue.residual {
            let first =
                residual.at + image * residual.image + group.first * residual.block() + residual.lead() + at;
            let residuals = context.arena.wrapping_add(first).cast_const();
            all!(4: R, r => {
                all!(14: P, p => {
                    sums[r][p] = sums[r][p].plus(V::load(residuals.add(r * residual.block() + p * V::LANES)));
                });
            });
        }
        if let Some(curve) = layer.epilogue.curve {
            all!(4: R, r => {
                all!(14: P, p => {
                    sums[r][p] = bend(sums[r][p], curve);
                });
            });
        }
        let mask = layer.mask.values()[at..].as_ptr();
        all!(4: R, r => {
            all!(14: P, p => {
                sums[r][p].masked(V::load(mask.add(p * V::LANES))).store(to.add(r * block + p * V::LANES));
            });
        });
    }
}
