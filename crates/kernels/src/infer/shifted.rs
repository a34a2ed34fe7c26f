//! Sparse layers whose vectors begin at lines of the cache: sums of each column of the kernel, shifted in
//! registers.
//!
//! What a weight of a 3x3 kernel sees is a plane shifted by rows and by a column. Where a row is as long as some
//! vectors, or some rows as one, a shift by rows leaves vectors at lines of the cache, and one by a column does
//! not: such loads take two lines each. So the weights of the left column are summed as if they saw the middle
//! one, and the sum is shifted; then those of the right column, and last the middle one's. A tile of pixels
//! passes all outputs while its inputs are in the first cache; where these are too many, a panel of them at a
//! time.

mod shape;
mod sums;

use std::ops::Range;

use self::shape::{Shape, at_once, panel, together};
use super::{
    Arena, Epilogue, Form, Place,
    program::{Context, Step},
};
use crate::Level;

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

/// Shifts in the order in which they are summed: the left, the right and the middle column.
const COLUMNS: [i8; 3] = [-1, 1, 0];

/// Outputs that go together, with the taps of a panel.
#[derive(Clone, Debug)]
struct Group {
    /// Its first output, and how many there are.
    first: usize,
    rows: usize,
    /// Steps of each of [`COLUMNS`]: taps of each row, some at once.
    steps: [u32; 3],
    /// Where its offsets and weights begin.
    offsets: usize,
    weights: usize,
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

impl Shifted {
    /// How far apart rows of `width` numbers must be, if they can be read so: vectors hold whole rows, or a row
    /// some whole vectors, for which there is a loop.
    pub fn pitch(level: Level, width: usize) -> Option<usize> {
        Shape::pitch(level, width)
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
        epilogue.check(&to);
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
            assert!(place.lead() + vectors * lanes <= place.block(), "vectors end in their plane");
        }
        assert!(rows.len() == to.channels && bias.len() == to.channels, "a row for each output");
        let reach = |tap: &Tap| {
            let end = tap.at.checked_add(vectors * lanes);
            end.is_some_and(|end| end <= from.image) && (-1..=1).contains(&tap.column)
        };
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
        let mut columns: [(Vec<u32>, Vec<f32>); 3] = Default::default();
        let mut first = 0;
        while first < rows.len() {
            let mut count = self.shape.rows;
            // What is left over goes in halves.
            while rows.len() - first < count {
                count /= 2;
            }
            let members: Vec<&[Tap]> = rows[first..first + count]
                .iter()
                .map(|row| {
                    let bounds = [inputs.start, inputs.end];
                    let [begin, end] = bounds.map(|bound| row.partition_point(|tap| tap.at < bound));
                    &row[begin..end]
                })
                .collect();
            let (offsets, weights) = (self.offsets.len(), self.weights.len());
            let chains = at_once(count, self.shape.vectors);
            together(&members, |at, column, weights| {
                let (all, of_all) = &mut columns[COLUMNS.iter().position(|is| *is == column).unwrap_or(2)];
                all.push(at as u32);
                of_all.extend_from_slice(&weights[..count]);
            });
            let steps = columns.each_mut().map(|(at, weights)| {
                let steps = at.len().div_ceil(chains);
                let rest = steps * chains - at.len();
                self.offsets.append(at);
                // An input that is looked at anyway, times nothing.
                self.offsets.extend(self.offsets.last().map(|at| vec![*at; rest]).unwrap_or_default());
                self.weights.append(weights);
                self.weights.extend(std::iter::repeat_n(0.0, rest * count));
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

    /// Of the groups of each panel, those of one of the threads: of about equally many products.
    fn share(&self, index: usize, of: usize) -> Range<usize> {
        let groups = self.before.len() - 1;
        let total = self.before[groups];
        let bound =
            |index: usize| self.before[..groups].partition_point(|before| before * of < total * index);
        bound(index)..bound(index + 1)
    }
}

impl Step for Shifted {
    fn reads(&self) -> Vec<Place> {
        self.epilogue.reads(self.from)
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
}
