//! Integers that go elsewhere: in another order, some of them, or with zeros between them.

use super::Quads;
use crate::infer::{
    Place,
    program::{Context, Step},
};

/// For each integer of the target one of another value, or what stands for 0.
#[derive(Debug)]
pub struct Pick {
    from: Quads,
    to: Quads,
    /// Of each channel of each pixel of the target, row by row: the byte of an image; [`NONE`] where there is none.
    bytes: Vec<u32>,
}

/// No byte.
const NONE: u32 = u32::MAX;

impl Pick {
    /// Takes for each channel, row and column of the target those of the other value, if there are any.
    ///
    /// # Panics
    /// If these lie beyond it, or the values' integers stand for other numbers.
    pub fn new((from, to): (Quads, Quads), source: impl Fn([usize; 3]) -> Option<[usize; 3]>) -> Self {
        assert_eq!(from.of(), to.of(), "integers of the same numbers");
        let ([height, width], [row, pixel]) = (to.place().size, from.place().steps());
        let byte = |[channel, y, x]: [usize; 3]| {
            let [h, w] = from.place().size;
            assert!(channel < from.channels() && y < h && x < w, "integers of the value");
            (4 * (from.place().lead() + y * row + x * pixel) + channel) as u32
        };
        assert!(4 * from.place().image < NONE as usize, "offsets of 32 bits");
        let mut bytes = Vec::with_capacity(height * width * to.channels());
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            bytes.extend((0..to.channels()).map(|channel| source([channel, y, x]).map_or(NONE, byte)));
        }
        Self { from, to, bytes }
    }
}

impl Step for Pick {
    fn reads(&self) -> Vec<Place> {
        vec![*self.from.place()]
    }

    fn writes(&self) -> Place {
        *self.to.place()
    }

    unsafe fn run(&self, context: &Context<'_>) {
        let (from, to) = (self.from.place(), self.to.place());
        // SAFETY: the program compared the places with the arena.
        unsafe { context.fill_rims(to, self.to.zero()) };
        let channels = self.to.channels();
        for [image, block, y] in context.rows(to) {
            let input = context.arena.wrapping_add(from.at + image * from.image).cast_const().cast::<u8>();
            let output = context.row(to, [image, block, y]).cast::<u8>();
            let bytes = &self.bytes[y * to.size[1] * channels..][..to.size[1] * channels];
            for (x, bytes) in bytes.chunks_exact(channels).enumerate() {
                for (channel, at) in bytes.iter().enumerate() {
                    // SAFETY: bytes of an image, and channels of a pixel.
                    unsafe {
                        let byte = if *at == NONE { self.to.zero() } else { *input.add(*at as usize) };
                        *output.add(x * 4 * self.to.quads() + channel) = byte;
                    }
                }
            }
        }
    }
}
