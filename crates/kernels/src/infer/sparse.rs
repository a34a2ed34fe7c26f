//! Sparse layers: pixels in the lanes, and a product for each weight that is there.
//!
//! Planes have zeros between their rows, so a weight's input is the whole plane from some offset on. What
//! remains of a convolution is a list of offsets and weights for each output: no patches are written down, and
//! nothing is looked up. Rows whose weights stand in the same columns go together, so that a vector that was
//! loaded is used by each; where planes are so small that their sums would wait for themselves, rows of any
//! columns go together.

mod shape;

use std::ops::Range;

pub use shape::SparseShape;
use shape::{columns, length};

use super::{
    Arena, Epilogue, Form, Place,
    curve::{Parted, bend, bent_by},
    lanes::{Lanes, all},
    program::{Context, Step},
    scalar::One,
};
use crate::{Level, vector::Registers};

/// Outputs that go together.
#[derive(Clone, Debug)]
struct Group {
    /// The first one's number among all in order, and how many there are.
    first: usize,
    rows: usize,
    /// Steps: a weight of each row.
    steps: usize,
    /// Where its offsets and weights begin.
    offsets: usize,
    weights: usize,
}

/// A weight that is there: where its input lies in an image, and what it is.
pub type Entry = (usize, f32);

/// A sparse layer with its weights.
#[derive(Debug)]
pub struct Sparse {
    level: Level,
    from: Place,
    to: Place,
    epilogue: Epilogue,
    shape: SparseShape,
    groups: Vec<Group>,
    /// Outputs in the order of the groups.
    order: Vec<u32>,
    offsets: Vec<u32>,
    weights: Vec<f32>,
    /// Of each output in order.
    bias: Vec<f32>,
    /// All bits where a pixel is, from the first one on.
    mask: Arena,
    /// Vectors of a plane.
    vectors: usize,
    /// What all groups before each take, and all of them at last.
    before: Vec<usize>,
}

impl Sparse {
    /// A layer of rows of entries, each in the order of its offsets. An offset is where the first output's input
    /// lies, from where an image of the input begins. Rows go together as `shape` says.
    ///
    /// # Panics
    /// If an offset leads out of the input, places are not channel by channel with rows equally far apart, or there is
    /// no loop for the shape, or not room for its vectors.
    pub fn new(
        level: Level,
        (from, to): (Place, Place),
        rows: &[Vec<Entry>],
        bias: &[f32],
        epilogue: Epilogue,
        shape: SparseShape,
    ) -> Self {
        from.check();
        to.check();
        epilogue.check(&to);
        shape.check(level);
        let pitch = to.steps()[0];
        let is_single = to.pixels() == 1;
        for place in [Some(from), Some(to), epilogue.residual].into_iter().flatten() {
            assert!(matches!(place.form, Form::Planar { .. }), "channel by channel");
            assert!(is_single || place.steps()[0] == pitch, "rows equally far apart");
        }
        assert!(rows.len() == to.channels && bias.len() == to.channels, "a row for each output");
        let vectors = length(&to).div_ceil(shape.lanes);
        let numbers = vectors * shape.lanes;
        assert!(shape.vectors <= vectors, "a tile ends in its plane");
        for place in [Some(to), epilogue.residual].into_iter().flatten() {
            assert!(place.lead() + numbers <= place.block(), "vectors end in their plane");
        }
        let reach = |entry: &Entry| entry.0.checked_add(numbers).is_some_and(|end| end <= from.image);
        assert!(
            rows.iter().flatten().all(reach) && from.image < u32::MAX as usize,
            "offsets lead to the input"
        );
        let mut mask = Arena::zeros(numbers.max(to.size[0] * pitch));
        for y in 0..to.size[0] {
            mask.values_mut()[y * pitch..][..to.size[1]].fill(f32::from_bits(u32::MAX));
        }
        let mut order: Vec<u32> = (0..rows.len() as u32).collect();
        if !shape.is_shared && shape.rows > 1 {
            // Rows of equal length wait for each other least.
            order.sort_by_key(|&row| (rows[row as usize].len(), row));
        }
        let mut layer = Self {
            level,
            from,
            to,
            epilogue,
            shape,
            groups: Vec::new(),
            bias: order.iter().map(|&row| bias[row as usize]).collect(),
            order,
            offsets: Vec::new(),
            weights: Vec::new(),
            mask,
            vectors,
            before: vec![0],
        };
        let mut first = 0;
        while first < rows.len() {
            let mut count = shape.rows;
            // What is left over goes in halves, or one by one.
            while rows.len() - first < count {
                count = if shape.is_shared { count / 2 } else { 1 };
            }
            let members: Vec<&[Entry]> =
                layer.order[first..first + count].iter().map(|&row| &rows[row as usize][..]).collect();
            layer.groups.push(Group {
                first,
                rows: count,
                steps: 0,
                offsets: layer.offsets.len(),
                weights: layer.weights.len(),
            });
            let steps = if shape.is_shared { layer.share(&members) } else { layer.line_up(&members) };
            if let Some(group) = layer.groups.last_mut() {
                group.steps = steps;
            }
            // What a row takes besides its products.
            let cost = steps * count + 8 * count;
            layer.before.push(layer.before.last().map_or(0, |before| before + cost));
            first += count;
        }
        layer
    }

    /// Writes rows down that share their columns: for each column that any of them has, a weight of each.
    fn share(&mut self, members: &[&[Entry]]) -> usize {
        let columns = columns(members);
        for &column in &columns {
            self.offsets.push(column as u32);
            for row in members {
                let found = row.binary_search_by_key(&column, |entry| entry.0);
                self.weights.push(found.map_or(0.0, |at| row[at].1));
            }
        }
        columns.len()
    }

    /// Writes rows down side by side; the shorter ones go on with zeros.
    fn line_up(&mut self, members: &[&[Entry]]) -> usize {
        let steps = members.iter().map(|row| row.len()).max().unwrap_or(0);
        for step in 0..steps {
            for row in members {
                let (offset, weight) =
                    row.get(step).copied().unwrap_or((row.first().map_or(0, |e| e.0), 0.0));
                self.offsets.push(offset as u32);
                self.weights.push(weight);
            }
        }
        steps
    }

    /// How its rows are summed.
    pub fn shape(&self) -> SparseShape {
        self.shape
    }

    /// Of the groups, one thread's share: all have about the same number of products.
    fn share_of(&self, index: usize, of: usize) -> Range<usize> {
        let total = self.before[self.groups.len()];
        let groups = &self.before[..self.groups.len()];
        let bound = |index: usize| groups.partition_point(|before| before * of < total * index);
        bound(index)..bound(index + 1)
    }
}

impl Step for Sparse {
    fn reads(&self) -> Vec<Place> {
        self.epilogue.reads(self.from)
    }

    fn writes(&self) -> Place {
        self.to
    }

    unsafe fn run(&self, context: &Context<'_>) {
        for group in self.share_of(context.member.index, context.member.of) {
            let group = &self.groups[group];
            let (rows, vectors) = (group.rows, self.shape.vectors);
            macro_rules! dispatch {
                ($run:ident: $(($s:literal, $r:literal, $v:literal))*) => {
                    match (self.shape.is_shared || rows == 1, rows, vectors) {
                        $(($s, $r, $v) => unsafe { $run::<$s, $r, $v>(self, context, group) },)*
                        // A row that is left over.
                        (true, 1, _) => unsafe { $run::<true, 1, 1>(self, context, group) },
                        _ => unreachable!("a shape without a loop"),
                    }
                };
            }
            macro_rules! few {
                ($run:ident) => {
                    dispatch!($run:
                        (true, 4, 1) (true, 4, 2)
                        (true, 2, 1) (true, 2, 2) (true, 2, 3) (true, 2, 4) (true, 2, 6)
                        (true, 1, 1) (true, 1, 2) (true, 1, 3) (true, 1, 4) (true, 1, 6) (true, 1, 8) (true, 1, 10) (true, 1, 12)
                        (false, 8, 1) (false, 4, 1) (false, 4, 2) (false, 2, 4) (false, 2, 5))
                };
            }
            macro_rules! many {
                ($run:ident) => {
                    dispatch!($run:
                        (true, 4, 1) (true, 4, 2) (true, 4, 3) (true, 4, 6)
                        (true, 2, 1) (true, 2, 2) (true, 2, 3) (true, 2, 4) (true, 2, 6) (true, 2, 8) (true, 2, 12)
                        (true, 1, 1) (true, 1, 2) (true, 1, 3) (true, 1, 4) (true, 1, 6) (true, 1, 8) (true, 1, 10) (true, 1, 12)
                        (true, 1, 16) (true, 1, 20) (true, 1, 24)
                        (false, 8, 1) (false, 4, 1) (false, 4, 2) (false, 4, 3) (false, 2, 4) (false, 2, 5))
                };
            }
            macro_rules! single {
                ($run:ident) => {
                    dispatch!($run: (true, 4, 1) (true, 2, 1) (true, 1, 1) (false, 8, 1) (false, 4, 1))
                };
            }
            // SAFETY (all): the program compared the places with the arena, the layer its offsets and vectors with
            // them, and the level was found.
            match (self.level, self.shape.lanes) {
                #[cfg(target_arch = "x86_64")]
                (Level::Avx512 | Level::Avx2, 1) => single!(single_fused),
                #[cfg(target_arch = "aarch64")]
                (Level::Neon, 1) => single!(single_fused),
                (_, 1) => single!(single_portable),
                #[cfg(target_arch = "x86_64")]
                (Level::Avx512, 8) => many!(avx512_half),
                #[cfg(target_arch = "x86_64")]
                (Level::Avx512, _) => many!(avx512),
                #[cfg(target_arch = "x86_64")]
                (Level::Avx2, _) => few!(avx2),
                #[cfg(target_arch = "aarch64")]
                (Level::Neon, _) => many!(neon),
                (Level::Portable, _) => few!(portable),
            }
        }
    }
}

/// The loops of each level.
macro_rules! level {
    ($(#[$attribute:meta])* $name:ident, $vector:ty) => {
        $(#[$attribute])*
        unsafe fn $name<const S: bool, const R: usize, const P: usize>(
            layer: &Sparse,
            context: &Context<'_>,
            group: &Group,
        ) {
            // SAFETY: the caller's.
            unsafe { sweep::<$vector, S, R, P>(layer, context, group) }
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
    #[target_feature(enable = "avx512f,avx512vl,fma")]
    avx512_half,
    <f32 as Registers>::Avx2
);
#[cfg(target_arch = "x86_64")]
level!(
    #[target_feature(enable = "avx2,fma")]
    avx2,
    <f32 as Registers>::Avx2
);
#[cfg(target_arch = "x86_64")]
level!(
    #[target_feature(enable = "avx2,fma")]
    single_fused,
    One<true>
);
#[cfg(target_arch = "aarch64")]
level!(single_fused, One<true>);
level!(single_portable, One<false>);
#[cfg(target_arch = "aarch64")]
level!(neon, <f32 as Registers>::Neon);
level!(portable, <f32 as Registers>::Portable);

/// All pixels of a group's outputs.
///
/// # Safety
/// The machine must have the registers, and the places lie in the arena.
#[inline(always)]
unsafe fn sweep<V: Lanes, const S: bool, const R: usize, const P: usize>(
    layer: &Sparse,
    context: &Context<'_>,
    group: &Group,
) {
    let (Form::Planar { plane, lead, .. }, total) = (layer.to.form, layer.vectors) else { return };
    let offsets = layer.offsets[group.offsets..].as_ptr();
    let weights = layer.weights[group.weights..].as_ptr();
    let mask = layer.mask.values().as_ptr();
    let curve = Parted::of(layer.epilogue.curve);
    for image in 0..context.images {
        let from = context.arena.wrapping_add(layer.from.at + image * layer.from.image).cast_const();
        let to = context.arena.wrapping_add(layer.to.at + image * layer.to.image);
        let (mut outputs, mut residuals) = ([to; R], [to.cast_const(); R]);
        for r in 0..R {
            let row = layer.order[group.first + r] as usize;
            outputs[r] = to.wrapping_add(row * plane + lead);
            if let Some(residual) = layer.epilogue.residual {
                let first = residual.at + image * residual.image + row * residual.block() + residual.lead();
                residuals[r] = context.arena.wrapping_add(first);
            }
            // SAFETY (all): this output is this thread's.
            unsafe {
                to.add(row * plane).write_bytes(0, lead);
                let end = lead + total * V::LANES;
                // Behind the last plane there is room for what shifted vectors read.
                let rest = if row + 1 == layer.to.channels { layer.to.image - row * plane } else { plane };
                to.add(row * plane + end).write_bytes(0, rest - end);
            }
        }
        let mut first = 0;
        while first < total {
            // The last tile begins earlier, so that it is whole; what it does again is the same.
            let at = first.min(total - P) * V::LANES;
            // SAFETY (all): offsets were compared with the input, and vectors with the planes of the output and of the
            // residual, which has as many.
            unsafe {
                let zero = V::splat(0.0);
                let mut sums = [[zero; P]; R];
                all!(8: R, r => {
                    let bias = V::splat(layer.bias[group.first + r]);
                    // One by one: an array that is filled as a whole stays in memory.
                    all!(28: P, p => {
                        sums[r][p] = bias;
                    });
                });
                for step in 0..group.steps {
                    if S {
                        let input = from.add(*offsets.add(step) as usize + at);
                        let mut of_rows = [V::splat(0.0); R];
                        all!(8: R, r => {
                            of_rows[r] = V::splat(*weights.add(step * R + r));
                        });
                        all!(28: P, p => {
                            let values = V::load(input.add(p * V::LANES));
                            all!(8: R, r => {
                                sums[r][p] = of_rows[r].multiply_add(values, sums[r][p]);
                            });
                        });
                    } else {
                        all!(8: R, r => {
                            let input = from.add(*offsets.add(step * R + r) as usize + at);
                            let weight = V::splat(*weights.add(step * R + r));
                            all!(28: P, p => {
                                sums[r][p] = weight.multiply_add(V::load(input.add(p * V::LANES)), sums[r][p]);
                            });
                        });
                    }
                }
                if layer.epilogue.residual.is_some() {
                    all!(8: R, r => {
                        all!(28: P, p => {
                            sums[r][p] = sums[r][p].plus(V::load(residuals[r].add(at + p * V::LANES)));
                        });
                    });
                }
                if let Some(curve) = curve.short {
                    all!(8: R, r => {
                        all!(28: P, p => {
                            sums[r][p] = bend(sums[r][p], curve);
                        });
                    });
                }
                all!(8: R, r => {
                    all!(28: P, p => {
                        let mask = V::load(mask.add(at + p * V::LANES));
                        sums[r][p].masked(mask).store(outputs[r].add(at + p * V::LANES));
                    });
                });
                if let Some(curve) = curve.long {
                    bent_by!(V, curve, of => {
                        for output in &outputs {
                            for p in 0..P {
                                let at = at + p * V::LANES;
                                // What lies between the pixels becomes zero again.
                                let bent = of(V::load(output.add(at))).masked(V::load(mask.add(at)));
                                bent.store(output.add(at));
                            }
                        }
                    });
                }
            }
            first += P;
        }
    }
}
