//! The loops of layers with pixels in the lanes.

use std::mem::MaybeUninit;

use super::{
    cut::MOST as MOST_OUTPUTS,
    portable::Plain,
    quads::{QUAD, TOGETHER},
    rounded::{Both, Own},
    rows::{Entry, Part},
    sparse::Sparse,
    whole::{MOST, Whole},
};
use crate::infer::{lanes::all, program::Context};

/// The loops for each kind of instructions.
macro_rules! dots {
    ($(#[$attribute:meta])* $name:ident, $register:ty) => {
        $(#[$attribute])*
        pub(crate) unsafe fn $name<const P: usize>(layer: &Sparse, context: &Context<'_>) {
            // SAFETY: the caller's.
            unsafe { sweep::<$register, P>(layer, context) }
        }
    };
}

#[cfg(target_arch = "x86_64")]
dots!(
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni,fma")]
    avx512_vnni,
    super::x86_64::Wide
);
#[cfg(target_arch = "x86_64")]
dots!(
    #[target_feature(enable = "avx2,fma,avxvnni")]
    avx_vnni,
    super::x86_64::Half<true>
);
#[cfg(target_arch = "x86_64")]
dots!(
    #[target_feature(enable = "avx2,fma")]
    avx2,
    super::x86_64::Half<false>
);
dots!(portable, Plain);

/// What adds a number to each byte, times the number.
const ONES: i32 = 0x0101_0101;

/// Where a tile's pixels lie, register by register: where their windows begin, where they go, and where what is added
/// lies.
struct Tile<const P: usize> {
    inputs: [[usize; MOST]; P],
    outputs: [[usize; MOST]; P],
    others: [[usize; MOST]; P],
}

impl<const P: usize> Tile<P> {
    fn of(layer: &Sparse, images: usize, lanes: usize, number: usize) -> Self {
        let per_image = layer.pixels.len();
        let other = layer.rounding.added.as_ref().map_or(0, |(other, ..)| other.place().image);
        let mut tile = Self { inputs: [[0; MOST]; P], outputs: [[0; MOST]; P], others: [[0; MOST]; P] };
        for (p, lane) in (0..P).flat_map(|p| (0..lanes).map(move |lane| (p, lane))) {
            // The last pixel again, where there are too few.
            let pixel = ((number * P + p) * lanes + lane).min(images * per_image - 1);
            let (image, pixel) =
                if images == 1 { (0, pixel) } else { (pixel / per_image, pixel % per_image) };
            let [input, output, at] = layer.pixels[pixel];
            tile.inputs[p][lane] = image * layer.from.place().image + input as usize;
            tile.outputs[p][lane] = image * layer.to.place().image + output as usize;
            tile.others[p][lane] = image * other + at as usize;
        }
        tile
    }
}

/// This thread's share of groups of outputs of tiles.
///
/// # Safety
/// The machine must have the registers, and the places lie in the arena.
#[inline(always)]
unsafe fn sweep<V: Whole, const P: usize>(layer: &Sparse, context: &Context<'_>) {
    let (member, images) = (context.member, context.images);
    let tiles = (images * layer.pixels.len()).div_ceil(P * V::LANES);
    let groups = &layer.weights.groups;
    let patch = context.arena.wrapping_add(layer.scratch.start + member.index * layer.own).cast::<i32>();
    let mut found = [const { MaybeUninit::<[V; P]>::uninit() }; MOST_OUTPUTS];
    let mut last = None;
    for unit in member.share(tiles * groups.len()) {
        let (number, group) = (unit / groups.len(), &groups[unit % groups.len()]);
        // SAFETY (all): the sizes were compared when the layer was made, and the places with the arena.
        unsafe {
            let tile = match last.take() {
                Some((same, tile)) if same == number => tile,
                _ => {
                    let tile = Tile::<P>::of(layer, images, V::LANES, number);
                    turn::<V, P>(layer, context, &tile, patch);
                    tile
                }
            };
            let (first, outputs) = (group[0].first, group[0].outputs);
            for (number, part) in group.iter().enumerate() {
                match number {
                    0 => add::<V, P, true>(layer, part, patch, &mut found),
                    _ => add::<V, P, false>(layer, part, patch, &mut found),
                }
            }
            // The first part wrote all of them.
            let sums = &*(&raw const found[..outputs] as *const [[V; P]]);
            for (block, sums) in sums.chunks_exact(TOGETHER).enumerate() {
                finish(layer, context, first / TOGETHER + block, &tile, sums);
            }
            last = Some((number, tile));
        }
    }
}

/// Writes what a tile's windows see: quad by quad all pixels.
///
/// # Safety
/// As [`sweep`].
#[inline(always)]
unsafe fn turn<V: Whole, const P: usize>(
    layer: &Sparse,
    context: &Context<'_>,
    tile: &Tile<P>,
    patch: *mut i32,
) {
    let (mut to, step) = (patch, layer.step);
    // SAFETY (all): the caller's.
    unsafe {
        let from = context.arena.add(layer.from.place().at).cast_const().cast::<i32>();
        for tap in &layer.taps {
            // Pixels of a register outside, so that a line of the cache is read at once.
            for (p, inputs) in tile.inputs.iter().enumerate() {
                for quad in (0..layer.from.quads()).step_by(QUAD) {
                    let [a, b, c, d] = V::columns(from.add(tap + quad), inputs);
                    let to = to.add(quad * step + p * V::LANES);
                    a.store(to);
                    b.store(to.add(step));
                    c.store(to.add(2 * step));
                    d.store(to.add(3 * step));
                }
            }
            to = to.add(layer.from.quads() * step);
        }
    }
}

/// Adds a part's products to the sums of its outputs, or to the biases.
///
/// # Safety
/// As [`sweep`]; the patch must be written, and so must be the sums but for the first part.
#[inline(always)]
unsafe fn add<V: Whole, const P: usize, const IS_FIRST: bool>(
    layer: &Sparse,
    part: &Part,
    patch: *const i32,
    sums: &mut [MaybeUninit<[V; P]>; MOST_OUTPUTS],
) {
    let all: *const Entry = layer.weights.entries.as_ptr();
    let bias = &layer.bias[part.first..];
    let mut entry = all.wrapping_add(part.entry);
    for [output, end] in &layer.weights.rows[part.rows[0]..part.rows[1]] {
        // SAFETY (all): the caller's.
        unsafe {
            let end = all.add(*end as usize);
            let sums = &mut sums[*output as usize];
            let mut of_output = match IS_FIRST {
                true => [V::splat(bias[*output as usize]); P],
                false => sums.assume_init(),
            };
            while entry != end {
                let [at, weights] = *entry;
                let (from, weights) = (patch.add(at as usize), V::splat(weights));
                all!(8: P, p => {
                    of_output[p] = of_output[p].dot(V::load(from.add(p * V::LANES)), weights);
                });
                entry = entry.add(1);
            }
            sums.write(of_output);
        }
    }
}

/// Writes what a block's sums become.
///
/// # Safety
/// As [`sweep`].
#[inline(always)]
unsafe fn finish<V: Whole, const P: usize>(
    layer: &Sparse,
    context: &Context<'_>,
    block: usize,
    tile: &Tile<P>,
    sums: &[[V; P]],
) {
    let rounding = &layer.rounding;
    let factors = &rounding.factors[block * TOGETHER..][..TOGETHER];
    let quad = block * TOGETHER / QUAD;
    // SAFETY (all): the caller's.
    unsafe {
        let to = context.arena.add(layer.to.place().at + quad).cast::<i32>();
        match &rounding.added {
            None => {
                let own = Own::<V>::bytes_of(rounding);
                let zeros = V::splat((rounding.zero_point + rounding.shift).wrapping_mul(ONES));
                for (p, outputs) in tile.outputs.iter().enumerate() {
                    let mut quads = [V::splat(0); QUAD];
                    all!(4: QUAD, q => {
                        let mut bytes = [V::splat(0); QUAD];
                        all!(4: QUAD, at => {
                            let output = QUAD * q + at;
                            bytes[at] = own.differences(sums[output][p], V::reals(factors[output]));
                        });
                        quads[q] = V::together(bytes).plus(zeros);
                    });
                    V::rows(quads, to, outputs);
                }
            }
            Some((other, line, is_second)) => {
                let both = Both::<V>::bytes_of(rounding, line, *is_second);
                let zeros = V::splat(line.shifts[2].wrapping_mul(ONES));
                let from = context.arena.add(other.place().at + quad).cast_const().cast::<i32>();
                for (p, (outputs, others)) in tile.outputs.iter().zip(&tile.others).enumerate() {
                    let others = V::columns(from, others);
                    let mut quads = [V::splat(0); QUAD];
                    all!(4: QUAD, q => {
                        let mut bytes = [V::splat(0); QUAD];
                        all!(4: QUAD, at => {
                            let output = QUAD * q + at;
                            let other = others[q].byte(at as u32);
                            bytes[at] = both.integers(sums[output][p], V::reals(factors[output]), other);
                        });
                        quads[q] = V::together(bytes).plus(zeros);
                    });
                    V::rows(quads, to, outputs);
                }
            }
        }
    }
}
