//! The loops of layers with pixels in the lanes.

use super::{
    portable::Plain,
    quads::{QUAD, TOGETHER},
    rounded::{Both, Own},
    sparse::{Entry, Sparse},
    whole::Whole,
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

/// The most lanes that a register has.
const LANES: usize = 16;

/// Some registers of pixels.
struct Tile<const P: usize> {
    /// Of each pixel, where its window begins, where it goes and where what is added lies.
    pixels: [[[usize; 3]; LANES]; P],
}

impl<const P: usize> Tile<P> {
    fn of(layer: &Sparse, images: usize, lanes: usize, tile: usize) -> Self {
        let per_image = layer.pixels.len();
        let other = layer.rounding.added.as_ref().map_or(0, |(other, ..)| other.place().image);
        let steps = [layer.from.place().image, layer.to.place().image, other];
        let pixel = |p: usize, lane: usize| {
            // The last pixel again, where there are too few.
            let pixel = ((tile * P + p) * lanes + lane).min(images * per_image - 1);
            let (image, at) = (pixel / per_image, layer.pixels[pixel % per_image]);
            std::array::from_fn(|which| image * steps[which] + at[which] as usize)
        };
        let register = |p: usize| std::array::from_fn(|lane| if lane < lanes { pixel(p, lane) } else { [0; 3] });
        Self { pixels: std::array::from_fn(register) }
    }
}

/// This thread's share of blocks of outputs of tiles.
///
/// # Safety
/// The machine must have the registers, and the places lie in the arena.
#[inline(always)]
unsafe fn sweep<V: Whole, const P: usize>(layer: &Sparse, context: &Context<'_>) {
    let (member, images) = (context.member, context.images);
    let tiles = (images * layer.pixels.len()).div_ceil(P * V::LANES);
    let blocks = layer.bias.len() / TOGETHER;
    let patch = context.arena.wrapping_add(layer.scratch.start + member.index * layer.own).cast::<i32>();
    let mut last = None;
    for unit in member.share(tiles * blocks) {
        let (number, block) = (unit / blocks, unit % blocks);
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
            let sums = sums::<V, P>(layer, block, patch);
            finish(layer, context, block, &tile, &sums);
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
    let from = context.arena.wrapping_add(layer.from.place().at).cast_const().cast::<i32>();
    let mut to = patch;
    // SAFETY (all): the caller's.
    unsafe {
        for tap in &layer.taps {
            for quad in (0..layer.from.quads()).step_by(QUAD) {
                for (p, pixels) in tile.pixels.iter().enumerate() {
                    let columns = V::columns(|lane| from.add(pixels[lane][0] + tap + quad));
                    for (at, column) in columns.into_iter().enumerate() {
                        column.store(to.add((at * P + p) * V::LANES));
                    }
                }
                to = to.add(QUAD * P * V::LANES);
            }
        }
    }
}

/// The sums of a block of outputs.
///
/// # Safety
/// As [`sweep`]; the patch must be written.
#[inline(always)]
unsafe fn sums<V: Whole, const P: usize>(layer: &Sparse, block: usize, patch: *const i32) -> [[V; P]; TOGETHER] {
    let first = block * TOGETHER;
    let all: *const Entry = layer.entries.as_ptr();
    let mut entry = all.wrapping_add(first.checked_sub(1).map_or(0, |before| layer.ends[before]));
    std::array::from_fn(|output| {
        // SAFETY (all): the caller's.
        unsafe {
            let end = all.add(layer.ends[first + output]);
            let mut sums = [V::splat(layer.bias[first + output]); P];
            while entry != end {
                let [at, weights] = *entry;
                let (from, weights) = (patch.add(at as usize * P * V::LANES), V::splat(weights));
                all!(8: P, p => {
                    sums[p] = sums[p].dot(V::load(from.add(p * V::LANES)), weights);
                });
                entry = entry.add(1);
            }
            sums
        }
    })
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
    sums: &[[V; P]; TOGETHER],
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
                for (p, pixels) in tile.pixels.iter().enumerate() {
                    let byte = |at: usize| own.of(sums[at][p], V::reals(factors[at]));
                    let quad = |at| V::together([byte(at), byte(at + 1), byte(at + 2), byte(at + 3)]);
                    V::rows([quad(0), quad(4), quad(8), quad(12)], |lane| to.add(pixels[lane][1]));
                }
            }
            Some((other, line, is_second)) => {
                let both = Both::<V>::bytes_of(rounding, line, *is_second);
                let from = context.arena.add(other.place().at + quad).cast_const().cast::<i32>();
                for (p, pixels) in tile.pixels.iter().enumerate() {
                    let others = V::columns(|lane| from.add(pixels[lane][2]));
                    let byte = |at: usize, other| both.of(sums[at][p], V::reals(factors[at]), other);
                    let quad = |at: usize| {
                        let other = others[at / QUAD];
                        V::together([
                            byte(at, other.byte::<0>()),
                            byte(at + 1, other.byte::<1>()),
                            byte(at + 2, other.byte::<2>()),
                            byte(at + 3, other.byte::<3>()),
                        ])
                    };
                    V::rows([quad(0), quad(4), quad(8), quad(12)], |lane| to.add(pixels[lane][1]));
                }
            }
        }
    }
}
