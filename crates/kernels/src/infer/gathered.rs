//! Sparse layers without pixels: an output in each lane, whose inputs are gathered from where its weights look.
//!
//! Rows are in the order of their lengths, a register of them goes together, and the shorter ones go on with
//! zeros (SELL, Monakov et al. 2010).

use super::{
    Epilogue, Place,
    program::{Context, Step},
    sparse::Entry,
};
use crate::Level;
#[cfg(target_arch = "x86_64")]
use crate::{
    infer::curve::{Curve, Parted, bend, bent_by},
    vector::{Registers, Vector},
};

/// Rows that go together.
const ROWS: usize = 16;

/// A sparse layer of one pixel, with its weights.
#[derive(Debug)]
pub struct Gathered {
    from: Place,
    to: Place,
    epilogue: Epilogue,
    /// Outputs in the order of the groups.
    order: Vec<u32>,
    /// Of each group, where its entries begin; and where the last one's end.
    begins: Vec<usize>,
    offsets: Vec<u32>,
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Gathered {
    /// Whether the level has an instruction for it that is worth it.
    pub fn is_there(level: Level) -> bool {
        #[cfg(target_arch = "x86_64")]
        return level == Level::Avx512;
        #[cfg(not(target_arch = "x86_64"))]
        {
            let _ = level;
            false
        }
    }

    /// A layer of rows of entries.
    ///
    /// # Panics
    /// If an offset leads out of the input, the level has no such instruction, or outputs are not one behind the
    /// other.
    pub fn new(
        level: Level,
        (from, to): (Place, Place),
        rows: &[Vec<Entry>],
        bias: &[f32],
        epilogue: Epilogue,
    ) -> Self {
        from.check();
        to.check();
        epilogue.check(&to);
        assert!(Self::is_there(level), "an instruction that gathers");
        assert!(rows.len() == to.channels && bias.len() == to.channels, "a row for each output");
        for place in [Some(to), epilogue.residual].into_iter().flatten() {
            assert!(place.pixels() == 1 && place.image == to.channels, "outputs one behind the other");
        }
        let leads = |entry: &Entry| entry.0 < from.image;
        assert!(
            rows.iter().flatten().all(leads) && from.image < i32::MAX as usize,
            "offsets lead to the input"
        );
        let mut order: Vec<u32> = (0..rows.len() as u32).collect();
        order.sort_by_key(|&row| (rows[row as usize].len(), row));
        let (mut begins, mut offsets, mut weights) = (vec![0], Vec::new(), Vec::new());
        for group in order.chunks(ROWS) {
            let longest = group.iter().map(|&row| rows[row as usize].len()).max().unwrap_or(0);
            for step in 0..longest {
                for lane in 0..ROWS {
                    let row: &[Entry] = group.get(lane).map_or(&[], |&row| &rows[row as usize]);
                    // Times nothing, an input that is looked at anyway.
                    let nothing = (row.first().map_or(0, |entry| entry.0), 0.0);
                    let (offset, weight) = row.get(step).copied().unwrap_or(nothing);
                    offsets.push(offset as u32);
                    weights.push(weight);
                }
            }
            begins.push(offsets.len());
        }
        Self { from, to, epilogue, order, begins, offsets, weights, bias: bias.to_vec() }
    }
}

impl Step for Gathered {
    fn reads(&self) -> Vec<Place> {
        self.epilogue.reads(self.from)
    }

    fn writes(&self) -> Place {
        self.to
    }

    unsafe fn run(&self, context: &Context<'_>) {
        let groups = self.order.len().div_ceil(ROWS);
        for unit in context.member.share(context.images * groups) {
            let (image, group) = (unit / groups, unit % groups);
            let from = context.arena.wrapping_add(self.from.at + image * self.from.image).cast_const();
            let mut sums = [0.0f32; ROWS];
            let begin = self.begins[group];
            let steps = (self.begins[group + 1] - begin) / ROWS;
            let (offsets, weights) = (self.offsets[begin..].as_ptr(), self.weights[begin..].as_ptr());
            // SAFETY (all): offsets were compared with the input, the places with the arena, and the level was found.
            #[cfg(target_arch = "x86_64")]
            unsafe {
                gather(from, (offsets, weights), steps, &mut sums);
            }
            #[cfg(not(target_arch = "x86_64"))]
            let _ = (from, offsets, weights, steps, &mut sums);
            let rows = &self.order[group * ROWS..self.order.len().min((group + 1) * ROWS)];
            for (sum, &row) in sums.iter_mut().zip(rows) {
                let row = row as usize;
                *sum += self.bias[row];
                if let Some(residual) = self.epilogue.residual {
                    *sum += unsafe { *context.arena.add(residual.at + image * residual.image + row) };
                }
            }
            #[cfg(target_arch = "x86_64")]
            if let Some(curve) = self.epilogue.curve {
                unsafe { bend_all(curve, &mut sums) };
            }
            for (sum, &row) in sums.iter().zip(rows) {
                unsafe { *context.arena.add(self.to.at + image * self.to.image + row as usize) = *sum };
            }
        }
    }
}

/// A curve of all of them.
///
/// # Safety
/// The machine must have the instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,fma")]
unsafe fn bend_all(curve: Curve, sums: &mut [f32; ROWS]) {
    type Register = <f32 as Registers>::Avx512;
    let (Parted { short, long }, at) = (Parted::of(Some(curve)), sums.as_mut_ptr());
    // SAFETY (all): the caller's, and there are as many as a register has lanes.
    unsafe {
        let sums = Register::load(at);
        if let Some(curve) = short {
            bend(sums, curve).store(at);
        }
        if let Some(curve) = long {
            bent_by!(Register, curve, of => {
                of(sums).store(at);
            });
        }
    }
}

/// Sums of steps of as many products as there are lanes, in two chains.
///
/// # Safety
/// The machine must have the instructions, and there must be as many offsets, each of a number, and weights.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,fma")]
unsafe fn gather(
    from: *const f32,
    (offsets, weights): (*const u32, *const f32),
    steps: usize,
    sums: &mut [f32; ROWS],
) {
    use std::arch::x86_64::*;
    // SAFETY (all): the caller's.
    unsafe {
        let product = |step: usize, sum: __m512| {
            let offsets = _mm512_loadu_si512(offsets.add(step * ROWS).cast());
            let inputs = _mm512_i32gather_ps::<4>(offsets, from.cast());
            _mm512_fmadd_ps(_mm512_loadu_ps(weights.add(step * ROWS)), inputs, sum)
        };
        let zero = _mm512_setzero_ps();
        let (mut a, mut b) = (zero, zero);
        for pair in 0..steps / 2 {
            a = product(2 * pair, a);
            b = product(2 * pair + 1, b);
        }
        if steps % 2 == 1 {
            a = product(steps - 1, a);
        }
        _mm512_storeu_ps(sums.as_mut_ptr(), _mm512_add_ps(a, b));
    }
}
