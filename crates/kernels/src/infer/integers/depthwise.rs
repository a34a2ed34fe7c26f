//! Depthwise convolutions on bytes: each channel with a kernel of its own, a channel in each lane.

use super::{
    After, Dots, Quads, Weights,
    after::Rounding,
    portable::Plain,
    rounded::{Both, Own},
    whole::Whole,
};
use crate::infer::{
    Arena, Place, Window,
    lanes::all,
    program::{Context, Step},
    window::assert_window,
};

/// Pixels of a row at once.
const PIXELS: usize = 8;

/// A depthwise convolution with its weights.
#[derive(Debug)]
pub struct Depthwise {
    dots: Dots,
    from: Quads,
    to: Quads,
    window: Window,
    rounding: Rounding,
    /// Of each register of channels the bias, and then the weights of each tap.
    weights: Arena,
    /// Of each tap, in quads from where the window begins.
    taps: Vec<usize>,
}

impl Depthwise {
    /// A layer of as many groups as channels come in and go out.
    ///
    /// # Panics
    /// If there are other groups, a value has not the room or rim that is needed, or numbers have other sizes.
    pub fn new(
        dots: Dots,
        (from, to): (Quads, Quads),
        window: Window,
        weights: &Weights<'_>,
        after: &After,
    ) -> Self {
        let channels = weights.groups;
        assert!(channels == weights.inputs && channels == weights.outputs, "a kernel for each channel");
        assert!(from.channels() == channels && to.channels() == channels, "values of these channels");
        assert!(from.is_wide() && to.is_wide(), "room for whole registers");
        after.check(&to);
        assert_window(from.place(), to.place(), &window);
        weights.check(window.kernel);
        let lanes = dots.lanes();
        let blocks = channels.div_ceil(lanes);
        let count = window.kernel[0] * window.kernel[1];
        let mut packed = Arena::zeros(blocks * (count + 1) * lanes);
        for channel in 0..channels {
            let first = channel / lanes * (count + 1) * lanes + channel % lanes;
            packed.words_mut()[first] = weights.bias(channel, from.zero());
            for tap in 0..count {
                packed.words_mut()[first + (tap + 1) * lanes] = weights.values[channel * count + tap].into();
            }
        }
        let rounding = Rounding::new(from.of(), weights.scales, blocks * lanes, after, &to);
        let taps = window.taps(from.place().steps());
        Self { dots, from, to, window, rounding, weights: packed, taps }
    }
}

impl Step for Depthwise {
    fn reads(&self) -> Vec<Place> {
        self.rounding.reads(&self.from)
    }

    fn writes(&self) -> Place {
        *self.to.place()
    }

    unsafe fn run(&self, context: &Context<'_>) {
        // SAFETY (all): the program compared the places with the arena, and the instructions were found.
        unsafe {
            context.fill_rims(self.to.place(), self.to.zero());
            match self.dots {
                #[cfg(target_arch = "x86_64")]
                Dots::Avx512Vnni => avx512_vnni(self, context),
                #[cfg(target_arch = "x86_64")]
                Dots::AvxVnni => avx_vnni(self, context),
                #[cfg(target_arch = "x86_64")]
                Dots::Avx2 => avx2(self, context),
                Dots::Portable => sweep::<Plain>(self, context),
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,fma")]
unsafe fn avx512_vnni(layer: &Depthwise, context: &Context<'_>) {
    // SAFETY (all): the caller's.
    unsafe { sweep::<super::x86_64::Wide>(layer, context) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avxvnni")]
unsafe fn avx_vnni(layer: &Depthwise, context: &Context<'_>) {
    unsafe { sweep::<super::x86_64::Half<true>>(layer, context) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(layer: &Depthwise, context: &Context<'_>) {
    unsafe { sweep::<super::x86_64::Half<false>>(layer, context) }
}

/// This thread's rows of registers of channels.
///
/// # Safety
/// The machine must have the registers, and the places lie in the arena.
#[inline(always)]
unsafe fn sweep<V: Whole>(layer: &Depthwise, context: &Context<'_>) {
    let Depthwise { from, to, window, rounding, .. } = layer;
    let (from, to) = (from.place(), to.place());
    let (columns, stride) = (to.size[1], window.stride[1] * from.steps()[1]);
    let padding = window.before[0] * from.steps()[0] + window.before[1] * from.steps()[1];
    let count = layer.taps.len() + 1;
    let blocks = layer.to.channels().div_ceil(V::LANES);
    // SAFETY: the caller's.
    let own = unsafe { Own::<V>::bytes_of(rounding) };
    let units = context.member.share(context.images * blocks * to.size[0]);
    for unit in units {
        let (image, block, y) = (unit / to.size[0] / blocks, unit / to.size[0] % blocks, unit % to.size[0]);
        let lane = block * V::LANES;
        let input = context.row(from, [image, 0, y * window.stride[0]]).wrapping_sub(padding);
        let input = input.cast_const().cast::<u8>().wrapping_add(lane);
        let output = context.row(to, [image, 0, y]).cast::<u8>().wrapping_add(lane);
        let other = rounding.added.as_ref().map(|(other, line, is_second)| {
            let row = context.row(other.place(), [image, 0, y]).cast_const().cast::<u8>();
            // SAFETY: the caller's.
            let both = unsafe { Both::<V>::bytes_of(rounding, line, *is_second) };
            (row.wrapping_add(lane), 4 * other.quads(), both)
        });
        let weights = layer.weights.words()[block * count * V::LANES..].as_ptr();
        // SAFETY: a factor of each lane.
        let factors = unsafe { V::load_reals(rounding.factors[lane..].as_ptr()) };
        for first in (0..columns).step_by(PIXELS) {
            // SAFETY (all): the window lies in the padded input, and pixels in their places.
            unsafe {
                // The last pixel again, where there are too few.
                let at: [usize; PIXELS] = std::array::from_fn(|p| (first + p).min(columns - 1));
                let mut sums = [V::load(weights); PIXELS];
                for (number, tap) in layer.taps.iter().enumerate() {
                    let weight = V::load(weights.add((number + 1) * V::LANES));
                    let from = input.add(4 * tap);
                    all!(8: PIXELS, p => {
                        sums[p] = sums[p].product(V::bytes(from.add(4 * at[p] * stride)), weight);
                    });
                }
                let to = |p: usize| output.add(at[p] * 4 * layer.to.quads());
                match other {
                    None => all!(8: PIXELS, p => {
                        own.of(sums[p], factors).put(to(p));
                    }),
                    Some((row, step, both)) => {
                        // Apart, as rare as it is.
                        for (p, sums) in sums.into_iter().enumerate() {
                            both.of(sums, factors, V::bytes(row.add(at[p] * step))).put(to(p));
                        }
                    }
                }
            }
        }
    }
}
