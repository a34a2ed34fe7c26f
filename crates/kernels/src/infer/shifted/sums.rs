//! A tile: products of the taps of some outputs with vectors of pixels, and what comes behind.

use super::{Context, Shifted, Tile, shape::at_once};
use crate::{
    Level,
    infer::{
        curve::{Parted, bend, bent_by},
        lanes::{Lanes, all},
    },
    vector::Registers,
};

impl Shifted {
    /// # Safety
    /// As [`sum`].
    pub(super) unsafe fn tile(&self, context: &Context<'_>, tile: &Tile<'_>) {
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
    // SAFETY (all): taps were compared with the input, and vectors with the planes of the output and of the residual,
    // which has as many.
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
        sums = add::<V, R, P, E>(sums, from, taps(2));
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
        let curve = Parted::of(layer.epilogue.curve);
        if let Some(curve) = curve.short {
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
        if let Some(curve) = curve.long {
            bent_by!(V, curve, of => {
                for r in 0..R {
                    for p in 0..P {
                        let at = to.add(r * block + p * V::LANES);
                        // What lies between the pixels becomes zero again.
                        of(V::load(at)).masked(V::load(mask.add(p * V::LANES))).store(at);
                    }
                }
            });
        }
    }
}
