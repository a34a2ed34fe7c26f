//! The loops over a layer's tiles.

use std::{mem::MaybeUninit, ops::Range};

use super::{
    dense::{Dense, Group, To},
    portable::Plain,
    rounded::{Both, Own},
    steps::STRIP,
    tile::{add, begin},
    whole::Whole,
};
use crate::infer::program::Context;

/// The loops for each kind of instructions.
macro_rules! dots {
    ($(#[$attribute:meta])* $name:ident, $finish:ident, $register:ty) => {
        $(#[$attribute])*
        pub(crate) unsafe fn $name<const O: usize, const P: usize>(
            dense: &Dense,
            context: &Context<'_>,
            group: &Group,
            tiles: Range<usize>,
        ) {
            // SAFETY: the caller's.
            unsafe { sweep::<$register, O, P>(dense, context, group, tiles, $finish) }
        }

        /// Apart from the loops, of which there are many.
        $(#[$attribute])*
        #[inline(never)]
        unsafe fn $finish(dense: &Dense, context: &Context<'_>, group: &Group, tile: &Tile<'_, $register>) {
            // SAFETY: the caller's.
            unsafe { finish::<$register>(dense, context, group, tile) }
        }
    };
}

#[cfg(target_arch = "x86_64")]
dots!(
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni,fma")]
    avx512_vnni,
    finish_avx512_vnni,
    super::x86_64::Wide
);
#[cfg(target_arch = "x86_64")]
dots!(
    #[target_feature(enable = "avx2,fma,avxvnni")]
    avx_vnni,
    finish_avx_vnni,
    super::x86_64::Half<true>
);
#[cfg(target_arch = "x86_64")]
dots!(
    #[target_feature(enable = "avx2,fma")]
    avx2,
    finish_avx2,
    super::x86_64::Half<false>
);
dots!(portable, finish_portable, Plain);

/// The sums of a tile, and where they go.
struct Tile<'a, V> {
    /// Output by output, of all pixels.
    sums: &'a [V],
    /// Of each pixel, where it goes and where what is added lies.
    outputs: &'a [usize],
    others: &'a [usize],
}

/// What is done with a tile.
type Finish<V> = unsafe fn(&Dense, &Context<'_>, &Group, &Tile<'_, V>);

/// Some tiles of a group.
///
/// # Safety
/// The machine must have the registers, and the places lie in the arena.
#[inline(always)]
unsafe fn sweep<V: Whole, const O: usize, const P: usize>(
    dense: &Dense,
    context: &Context<'_>,
    group: &Group,
    tiles: Range<usize>,
    finish: Finish<V>,
) {
    let (place, per_image) = (dense.to.place(), dense.pixels.len());
    let total = context.images * per_image;
    let from = context.arena.wrapping_add(dense.from.place().at).cast_const().cast::<i32>();
    let weights = dense.weights.words()[group.weights..].as_ptr();
    let bias = dense.bias[group.first * V::LANES..].as_ptr();
    let other = dense.to.other().map_or(0, |other| other.place().image);
    let last = group.pieces.len() - 1;
    let strip = if last == 0 { 1 } else { STRIP };
    // What is not yet summed up.
    let mut kept = [const { MaybeUninit::<[[V; P]; O]>::uninit() }; STRIP];
    for first in tiles.clone().step_by(strip) {
        let mut weights = weights;
        for (number, piece) in group.pieces.iter().enumerate() {
            for (tile, kept) in (first..tiles.end).zip(&mut kept[..strip]) {
                let slot = if last == 0 { tile - tiles.start } else { tile - first };
                let (mut inputs, mut outputs, mut others) = ([0usize; P], [0usize; P], [0usize; P]);
                for p in 0..P {
                    // The last pixel again, where there are too few.
                    let pixel = (tile * P + p).min(total - 1);
                    let (image, pixel) = match context.images {
                        1 => (0, pixel),
                        _ => (pixel / per_image, pixel % per_image),
                    };
                    let [input, output, at] = dense.pixels[pixel];
                    inputs[p] = image * dense.from.place().image + input as usize;
                    outputs[p] = image * place.image + output as usize;
                    others[p] = image * other + at as usize;
                }
                // SAFETY (all): the sizes were compared when the layer was made, and the places with the arena; what
                // was kept was written with the first piece.
                unsafe {
                    let sums = if number == 0 { begin::<V, O, P>(bias) } else { kept.assume_init() };
                    // What comes next, part by part with each tile.
                    let next = weights.wrapping_add(piece.len() * (O + slot) * V::LANES);
                    let sums = add(sums, [weights, next], piece, from, &inputs);
                    if number < last {
                        kept.write(sums);
                        continue;
                    }
                    let tile = Tile { sums: sums.as_flattened(), outputs: &outputs, others: &others };
                    finish(dense, context, group, &tile);
                }
            }
            weights = weights.wrapping_add(piece.len() * O * V::LANES);
        }
    }
}

/// Writes what a tile's sums become.
///
/// # Safety
/// As [`sweep`].
#[inline(always)]
unsafe fn finish<V: Whole>(dense: &Dense, context: &Context<'_>, group: &Group, tile: &Tile<'_, V>) {
    let Tile { sums, outputs, others } = *tile;
    let registers = sums.chunks_exact(outputs.len()).zip((group.first..).map(|block| block * V::LANES));
    // SAFETY (all): the sizes were compared when the layer was made, and the places with the arena.
    unsafe {
        match &dense.to {
            To::Bytes(to, rounding) => {
                let to = context.arena.add(to.place().at).cast::<u8>();
                match &rounding.added {
                    None => {
                        let own = Own::<V>::bytes_of(rounding);
                        for (sums, lane) in registers {
                            let factors = V::load_reals(rounding.factors[lane..].as_ptr());
                            for (sum, at) in sums.iter().zip(outputs) {
                                own.of(*sum, factors).put(to.add(4 * at + lane));
                            }
                        }
                    }
                    Some((other, line, is_second)) => {
                        let both = Both::<V>::bytes_of(rounding, line, *is_second);
                        let other = context.arena.add(other.place().at).cast_const().cast::<u8>();
                        for (sums, lane) in registers {
                            let factors = V::load_reals(rounding.factors[lane..].as_ptr());
                            for ((sum, at), from) in sums.iter().zip(outputs).zip(others) {
                                let other = V::bytes(other.add(4 * from + lane));
                                both.of(*sum, factors, other).put(to.add(4 * at + lane));
                            }
                        }
                    }
                }
            }
            To::Floats(to, steps) => {
                let (block, to) = (to.block() / V::LANES, context.arena.add(to.at));
                for (sums, lane) in registers {
                    let steps = V::load_reals(steps[lane..].as_ptr());
                    for (sum, at) in sums.iter().zip(outputs) {
                        V::put_reals(V::times(sum.real(), steps), to.add(lane * block + at));
                    }
                }
            }
        }
    }
}
