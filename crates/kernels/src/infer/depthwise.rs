//! Depthwise convolutions: each channel with a kernel of its own.

use super::{
    Arena, Epilogue, Place, Window,
    curve::{Parted, bend, bent_by},
    lanes::{Lanes, all},
    program::{Context, Step},
    window::assert_window,
};
use crate::{Level, vector::Registers};

/// Pixels of a row at once.
const PIXELS: usize = 8;

/// A depthwise convolution with its weights.
#[derive(Debug)]
pub struct Depthwise {
    level: Level,
    from: Place,
    to: Place,
    window: Window,
    epilogue: Epilogue,
    /// Of each block the bias, and then the weights of each tap.
    weights: Arena,
    /// Of each tap, from where the window begins.
    taps: Vec<usize>,
}

impl Depthwise {
    /// A layer with the weight of each channel, row and column of the kernel, and a bias of each channel.
    ///
    /// # Panics
    /// If a place does not hold what the window needs, or is not in blocks of the level's lanes.
    pub fn new(
        level: Level,
        (from, to): (Place, Place),
        window: Window,
        (weight, bias): (&dyn Fn(usize, usize, usize) -> f32, &[f32]),
        epilogue: Epilogue,
    ) -> Self {
        let lanes = level.lanes::<f32>();
        for place in [&from, &to] {
            assert!(place.lanes() == Some(lanes), "in blocks");
        }
        assert!(from.channels == to.channels && bias.len() == to.channels, "a kernel for each channel");
        assert_window(&from, &to, &window);
        epilogue.check(&to);
        let [rows, columns] = window.kernel;
        let count = rows * columns + 1;
        let mut weights = Arena::zeros(to.blocks() * count * lanes);
        for (channel, bias) in bias.iter().enumerate() {
            let mut put = |number: usize, value: f32| {
                weights.values_mut()[(channel / lanes * count + number) * lanes + channel % lanes] = value;
            };
            put(0, *bias);
            for row in 0..rows {
                for column in 0..columns {
                    put(1 + row * columns + column, weight(channel, row, column));
                }
            }
        }
        Self { level, from, to, window, epilogue, weights, taps: window.taps(from.steps()) }
    }
}

impl Step for Depthwise {
    fn reads(&self) -> Vec<Place> {
        self.epilogue.reads(self.from)
    }

    fn writes(&self) -> Place {
        self.to
    }

    unsafe fn run(&self, context: &Context<'_>) {
        // SAFETY (all): the program compared the places with the arena, and the level was found.
        unsafe {
            context.clear_rims(&self.to);
            match self.level {
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => avx512(self, context),
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => avx2(self, context),
                #[cfg(target_arch = "aarch64")]
                Level::Neon => sweep::<<f32 as Registers>::Neon>(self, context),
                Level::Portable => sweep::<<f32 as Registers>::Portable>(self, context),
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,fma")]
unsafe fn avx512(layer: &Depthwise, context: &Context<'_>) {
    // SAFETY (all): the caller's.
    unsafe { sweep::<<f32 as Registers>::Avx512>(layer, context) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(layer: &Depthwise, context: &Context<'_>) {
    unsafe { sweep::<<f32 as Registers>::Avx2>(layer, context) }
}

/// This thread's rows.
///
/// # Safety
/// The machine must have the registers, and the places lie in the arena.
#[inline(always)]
unsafe fn sweep<V: Lanes>(layer: &Depthwise, context: &Context<'_>) {
    let Depthwise { from, to, window, .. } = layer;
    let (columns, stride) = (to.size[1], window.stride[1] * V::LANES);
    let padding = window.before[0] * from.steps()[0] + window.before[1] * from.steps()[1];
    let count = layer.taps.len() + 1;
    let curve = Parted::of(layer.epilogue.curve);
    for [image, block, y] in context.rows(to) {
        let input = context.row(from, [image, block, y * window.stride[0]]).wrapping_sub(padding);
        let output = context.row(to, [image, block, y]);
        let residual = layer.epilogue.residual.map(|place| context.row(&place, [image, block, y]));
        let weights = layer.weights.values()[block * count * V::LANES..].as_ptr();
        for first in (0..columns).step_by(PIXELS) {
            // SAFETY (all): the window lies in the padded input, and pixels in their places.
            unsafe {
                // The last pixel again, where there are too few.
                let at: [usize; PIXELS] = std::array::from_fn(|p| (first + p).min(columns - 1));
                let bias = V::load(weights);
                let mut sums = [bias; PIXELS];
                for (number, tap) in layer.taps.iter().enumerate() {
                    let weight = V::load(weights.add((number + 1) * V::LANES));
                    let from = input.add(*tap);
                    all!(8: PIXELS, p => {
                        sums[p] = weight.multiply_add(V::load(from.add(at[p] * stride)), sums[p]);
                    });
                }
                all!(8: PIXELS, p => {
                    if let Some(residual) = residual {
                        sums[p] = sums[p].plus(V::load(residual.add(at[p] * V::LANES)));
                    }
                    if let Some(curve) = curve.short {
                        sums[p] = bend(sums[p], curve);
                    }
                    sums[p].store(output.add(at[p] * V::LANES));
                });
            }
        }
        if let Some(curve) = curve.long {
            // SAFETY: pixels of this row, which was just written.
            unsafe {
                bent_by!(V, curve, of => {
                    for x in 0..columns {
                        let at = output.add(x * V::LANES);
                        of(V::load(at)).store(at);
                    }
                });
            }
        }
    }
}
