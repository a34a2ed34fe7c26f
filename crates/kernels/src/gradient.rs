//! The weight gradient of a convolution.
//!
//! The batch is cut into slices of images, whose number depends on sizes alone;
//! each has its own gradient, and these are added up in their order.

use std::ops::Range;

use rayon::prelude::*;

use super::{
    Convolution, Level,
    dots::{LANES, LEFT, Pieces, Products, RIGHT, WIDE_RIGHT},
    moves::Moves,
    number::Number,
    planes::{Layout, Phase},
    transform::Planes,
};

/// Tasks that there should be at least.
const TASKS: usize = 32;
/// Slices of the batch at most.
const SLICES: usize = 16;
/// But no more values than this in the gradients of all slices, unless that is one.
const VALUES: usize = 1 << 22;
/// And no fewer values of a plane than this in a slice.
const SLICE: usize = 1024;
/// Rows without neighbours are multiplied where they lie if they are as long as
/// this: shorter ones, of several images, would meet on few lines of the cache.
const LONG: usize = 512;
/// Rows without neighbours that pass all outputs while they are in the nearest cache.
const ROWS: usize = 12;
/// Taps at a time for a single output.
const TAPS: usize = 9;

/// # Shapes
/// `[N, C, H, W]` and `[N, O, OH, OW]` to `[O, C/groups, kh, kw]`
pub(crate) fn weight_gradient<T: Number>(c: &Convolution, level: Level, x: &[T], dy: &[T]) -> Vec<T> {
    let (taps, phases) = c.taps();
    let whole = [Phase::whole(c.output())];
    let layout = &Layout::new(c.phase(), c.output(), &taps);
    let of_output = taps.len();
    let count = c.groups * c.outputs * of_output;
    let slices = (VALUES / count.max(1)).min(layout.length(c.images) / SLICE).clamp(1, SLICES).min(c.images);
    let images = c.images.div_ceil(slices);
    let x = Planes { values: x, channels: c.groups * c.inputs, size: c.input, phases: &phases };
    let dy = Planes { values: dy, channels: c.groups * c.outputs, size: c.output(), phases: &whole };
    let batch = Batch::new(c, level.narrowed::<T>(c.output()[1]), layout, (x, dy), images);
    let starts = match batch.lie {
        Lie::Plain => (0..c.inputs).map(|channel| channel * c.input[0] * c.input[1]).collect(),
        _ => layout.starts(&taps, batch.together),
    };

    let part = c.outputs.div_ceil(TASKS.div_ceil(slices * c.groups)).next_multiple_of(LEFT);
    let mut partial = vec![T::ZERO; slices * count];
    let mut tasks = Vec::new();
    for (slice, dw) in partial.chunks_mut(count).enumerate() {
        for (group, dw) in dw.chunks_mut(c.outputs * of_output).enumerate() {
            let parts = dw.chunks_mut(part * of_output).enumerate();
            tasks.extend(parts.map(|(number, dw)| (slice, [group, number * part], dw)));
        }
    }
    tasks.into_par_iter().for_each(|(slice, place, dw)| {
        batch.add_to(slice * images..c.images.min((slice + 1) * images), place, &starts, dw);
    });
    added_up(&partial, count)
}

/// The sum of the gradients of all slices, slice by slice.
fn added_up<T: Number>(partial: &[T], count: usize) -> Vec<T> {
    const SHARE: usize = 1 << 12;
    let (first, rest) = partial.split_at(count);
    let mut dw = first.to_vec();
    dw.par_chunks_mut(SHARE).enumerate().for_each(|(number, dw)| {
        for slice in rest.chunks_exact(count) {
            dw.iter_mut().zip(&slice[number * SHARE..]).for_each(|(dw, part)| *dw += *part);
        }
    });
    dw
}

/// How rows lie that are multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    /// Where they are.
    Plain,
    /// The input is laid out, so that it can be shifted; rows of output gradients
    /// are whole vectors and lie where they are.
    Rows,
    /// Both are laid out, the rows of output gradients as whole vectors.
    Vectors,
    /// Both are laid out, and multiplied without regard to rows.
    Flat,
}

/// The batch and how it is multiplied, some images at a time.
struct Batch<'a, T> {
    convolution: &'a Convolution,
    level: Level,
    x: Planes<'a, T>,
    dy: Planes<'a, T>,
    lie: Lie,
    /// How they are laid out.
    x_layout: &'a Layout,
    dy_layout: Layout,
    together: usize,
    pieces: Pieces,
    x_moves: Moves,
    dy_moves: Moves,
}

impl<'a, T: Number> Batch<'a, T> {
    fn new(
        convolution: &'a Convolution,
        level: Level,
        layout: &'a Layout,
        (x, dy): (Planes<'a, T>, Planes<'a, T>),
        images: usize,
    ) -> Self {
        let [height, width] = dy.size;
        let pitch = width.next_multiple_of(level.lanes::<T>());
        let vectors = Layout { pitch, rows: height, lead: 0, tail: 0 };
        let lie = match (convolution.is_pointwise(), width.is_multiple_of(level.lanes::<T>())) {
            (true, true) if width >= LONG => Lie::Plain,
            (false, true) => Lie::Rows,
            _ if vectors.image() < layout.image() => Lie::Vectors,
            _ => Lie::Flat,
        };
        let dy_layout = if lie == Lie::Flat { layout.clone() } else { vectors };
        // Rows without neighbours are short, so that there is room for more of them.
        let together = layout.images::<T>().div_ceil(if convolution.is_pointwise() { 2 } else { 1 });
        let mut batch = Self {
            convolution,
            level,
            x,
            dy,
            lie,
            x_layout: layout,
            dy_layout,
            together: together.min(images),
            pieces: Pieces::default(),
            x_moves: Moves::default(),
            dy_moves: Moves::default(),
        };
        batch.pieces = batch.pieces(batch.together);
        batch.x_moves = x.moves(layout, layout.plane(batch.together));
        batch.dy_moves = dy.moves(&batch.dy_layout, batch.room());
        batch
    }

    /// What a laid out plane of output gradients takes.
    fn room(&self) -> usize {
        self.dy_layout.length(self.together).next_multiple_of(LANES)
    }

    /// The pieces of rows of a number of images.
    fn pieces(&self, images: usize) -> Pieces {
        let Self { x_layout, dy_layout, x, dy, .. } = self;
        let [height, width] = dy.size;
        let laid = |n: usize, y: usize| n * x_layout.image() + y * x_layout.pitch;
        let place = |n: usize, y: usize| match self.lie {
            Lie::Plain => (n * dy.channels * width, n * x.channels * width),
            Lie::Rows => ((n * dy.channels * height + y) * width, laid(n, y)),
            _ => (n * dy_layout.image() + y * dy_layout.pitch, laid(n, y)),
        };
        let places = || (0..images).flat_map(|n| (0..height).map(move |y| place(n, y))).collect();
        match self.lie {
            Lie::Flat => Pieces::new(vec![(0, 0)], x_layout.length(images).next_multiple_of(LANES)),
            Lie::Vectors => Pieces::new(places(), dy_layout.pitch),
            _ => Pieces::new(places(), width),
        }
    }

    /// Adds what some images bring to the gradient of some outputs of a group.
    fn add_to(&self, range: Range<usize>, [group, output]: [usize; 2], starts: &[usize], dw: &mut [T]) {
        let Self { convolution: c, x_layout, dy_layout, x, dy, lie, .. } = self;
        let (taps, plane, room) = (starts.len(), x_layout.plane(self.together), self.room());
        let is_laid = matches!(lie, Lie::Vectors | Lie::Flat);
        let (input, output) = (group * c.inputs, group * c.outputs + output);
        let [x_area, dy_area] = [x.size, dy.size].map(|[height, width]| height * width);
        let outputs = dw.len() / taps;
        let mut rights =
            vec![T::ZERO; if *lie == Lie::Plain { 0 } else { c.inputs * x.phases.len() * plane }];
        let mut lefts = vec![T::ZERO; if is_laid { outputs * room } else { 0 }];
        for first in range.clone().step_by(self.together) {
            let images = self.together.min(range.end - first);
            let right = match lie {
                Lie::Plain => &x.values[(first * x.channels + input) * x_area..],
                _ => {
                    let to = ([plane, x_layout.lead], &mut rights[..]);
                    x.write((x_layout, &self.x_moves), [first, images], [input, c.inputs], to);
                    &rights
                }
            };
            let (left, pitch) = if is_laid {
                // What is left of the images before must not be multiplied again.
                if images < self.together {
                    lefts.fill(T::ZERO);
                }
                let to = ([room, 0], &mut lefts[..]);
                dy.write((dy_layout, &self.dy_moves), [first, images], [output, outputs], to);
                (&lefts[..], room)
            } else {
                (&dy.values[(first * dy.channels + output) * dy_area..], dy_area)
            };
            let fewer = (images < self.together).then(|| self.pieces(images));
            let pieces = fewer.as_ref().unwrap_or(&self.pieces);
            let rows = if c.is_pointwise() { ROWS } else { taps };
            let gradient = Gradient { level: self.level, left, pitch, right, starts, pieces, rows };
            match (outputs, self.level.registers()) {
                (1, _) => gradient.add_to::<1, TAPS, TAPS>(dw),
                (_, 32) => gradient.add_to::<LEFT, WIDE_RIGHT, RIGHT>(dw),
                _ => gradient.add_to::<LEFT, RIGHT, RIGHT>(dw),
            }
        }
    }
}

/// What some images bring to the gradient of some weights.
struct Gradient<'a, T> {
    level: Level,
    /// Output gradients.
    left: &'a [T],
    /// From one output to the next.
    pitch: usize,
    right: &'a [T],
    /// Where the row of each tap begins.
    starts: &'a [usize],
    pieces: &'a Pieces,
    /// How many rows pass all outputs at a time.
    rows: usize,
}

impl<T: Number> Gradient<'_, T> {
    /// `A` outputs and `B` taps at a time, or the last `C` of them.
    fn add_to<const A: usize, const B: usize, const C: usize>(&self, dw: &mut [T]) {
        let taps = self.starts.len();
        let outputs = dw.len() / taps;
        for first in (0..taps).step_by(self.rows) {
            let end = taps.min(first + self.rows);
            for o in (0..outputs).step_by(A) {
                let mut k = first;
                while k < end {
                    if end - k > C {
                        self.add_block::<A, B>(o, k..end, [outputs, taps], dw);
                        k += B;
                    } else {
                        self.add_block::<A, C>(o, k..end, [outputs, taps], dw);
                        k += C;
                    }
                }
            }
        }
    }

    /// The sums of a block that begins with these rows; what is left of it beyond them is another block's.
    fn add_block<const A: usize, const B: usize>(
        &self,
        o: usize,
        rows: Range<usize>,
        [outputs, taps]: [usize; 2],
        dw: &mut [T],
    ) {
        let mut sums = [[T::ZERO; B]; A];
        // Beyond the last row any will do: its products are not wanted.
        let products = Products {
            left: self.left,
            left_starts: std::array::from_fn(|i| (o + i).min(outputs - 1) * self.pitch),
            right: self.right,
            right_starts: std::array::from_fn(|i| self.starts[(rows.start + i).min(taps - 1)]),
            pieces: self.pieces,
        };
        products.add_to(self.level, &mut sums);
        for (dw, sums) in dw[o * taps..].chunks_mut(taps).zip(&sums) {
            dw[rows.clone()].iter_mut().zip(sums).for_each(|(dw, sum)| *dw += *sum);
        }
    }
}
