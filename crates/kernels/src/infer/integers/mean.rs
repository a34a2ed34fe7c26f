//! The mean of each channel.

use super::{Dots, Quads, after::nearest};
use crate::{
    infer::{
        Place,
        program::{Context, Step},
    },
    level::Loop,
};

/// Channels at once.
const TOGETHER: usize = 16;

/// The mean of all pixels of a channel (QLinearGlobalAveragePool).
#[derive(Debug)]
pub struct Mean {
    dots: Dots,
    from: Quads,
    to: Quads,
    factor: f32,
}

impl Mean {
    /// The most pixels of a channel, whose bytes are summed in 32 bits.
    pub const MOST: usize = i32::MAX as usize / u8::MAX as usize;

    /// # Panics
    /// If the values have other channels, the result more than one pixel, there are more than [`Mean::MOST`], or scales
    /// are too far apart.
    pub fn new(dots: Dots, from: Quads, to: Quads) -> Self {
        assert!(from.channels() == to.channels() && to.place().size == [1, 1], "a mean of each channel");
        assert!(from.place().pixels() <= Self::MOST, "sums of 32 bits");
        assert!(from.is_wide() && to.is_wide(), "room for whole registers");
        let factor = from.of().scale / (to.of().scale * from.place().pixels() as f32);
        assert!(factor.is_finite(), "scales that can be compared");
        Self { dots, from, to, factor }
    }
}

impl Step for Mean {
    fn reads(&self) -> Vec<Place> {
        vec![*self.from.place()]
    }

    fn writes(&self) -> Place {
        *self.to.place()
    }

    unsafe fn run(&self, context: &Context<'_>) {
        // SAFETY: the program compared the places with the arena.
        unsafe { context.fill_rims(self.to.place(), self.to.zero()) };
        self.dots.run(Means { mean: self, context });
    }
}

struct Means<'a> {
    mean: &'a Mean,
    context: &'a Context<'a>,
}

impl Loop for Means<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Mean { from, to, factor, .. } = self.mean;
        let (of, place) = (to.of(), from.place());
        let [low, high] = of.bounds.map(|bound| (bound - of.zero_point) as f32);
        let zeros = (place.pixels() as i32).wrapping_mul(i32::from(from.zero()));
        let blocks = to.channels().div_ceil(TOGETHER);
        for unit in self.context.member.share(self.context.images * blocks) {
            let (image, block) = (unit / blocks, unit % blocks);
            let mut sums = [0i32; TOGETHER];
            for y in 0..place.size[0] {
                let row = self.context.row(place, [image, 0, y]).cast_const().cast::<u8>();
                for x in 0..place.size[1] {
                    // SAFETY: channels of a pixel, for which there is room.
                    let pixel = unsafe {
                        row.add(x * 4 * from.quads() + block * TOGETHER).cast::<[u8; TOGETHER]>().read()
                    };
                    for (sum, byte) in sums.iter_mut().zip(pixel) {
                        *sum += i32::from(byte);
                    }
                }
            }
            let bytes = sums.map(|sum| {
                let sum = sum.wrapping_sub(zeros) as f32;
                (nearest(sum * factor, low, high) + of.zero_point + to.shift()) as u8
            });
            let to = self.context.row(to.place(), [image, 0, 0]).cast::<u8>();
            // SAFETY: as above.
            unsafe { to.add(block * TOGETHER).cast::<[u8; TOGETHER]>().write(bytes) };
        }
    }
}
