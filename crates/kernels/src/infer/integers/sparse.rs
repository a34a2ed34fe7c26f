//! Convolutions on bytes with few quads of weights that are not zero: pixels in the lanes.
//!
//! A quad of weights is of four channels that come in and one that goes out. It is multiplied with the same quad of as
//! many pixels as registers have lanes, so that one that is zero costs nothing. For that, what the windows of some pixels
//! see is turned around: quad by quad all pixels instead of pixel by pixel all quads.

use std::ops::Range;

use super::{
    After, Dots, Quads, Weights,
    after::Rounding,
    cut::{Cut, Size},
    quads::{QUAD, TOGETHER},
    rows::{Rows, entries},
    shape::Shape,
    turned,
};
use crate::infer::{
    Place, Window,
    dense::pixels,
    program::{Context, Step},
    window::assert_window,
};

/// A layer with its weights.
#[derive(Debug)]
pub struct Sparse {
    dots: Dots,
    pub(crate) from: Quads,
    pub(crate) to: Quads,
    pub(crate) rounding: Rounding,
    /// Of each output, of which there are whole blocks.
    pub(crate) bias: Vec<i32>,
    pub(crate) weights: Rows,
    /// Of each tap, in quads from where the window begins.
    pub(crate) taps: Vec<usize>,
    /// Of each pixel of an image: where its window begins, where it goes, where what is added lies.
    pub(crate) pixels: Vec<[u32; 3]>,
    /// Registers of pixels at once, for each number of images.
    widths: Vec<usize>,
    /// Where what windows see is written, and how much of it is a thread's.
    pub(crate) scratch: Range<usize>,
    pub(crate) own: usize,
    /// From one quad of all pixels to the next.
    pub(crate) step: usize,
}

impl Sparse {
    /// A layer whose result is integers, for at most `most` images and threads, with [`Self::room`] from `scratch` on.
    ///
    /// # Panics
    /// If the input has not the rim that the window needs, numbers have other sizes, scales are too far apart, or a value
    /// has no room for whole registers.
    pub fn new(
        dots: Dots,
        (from, to): (Quads, Quads),
        window: Window,
        weights: &Weights<'_>,
        after: &After,
        (most, scratch): ([usize; 2], usize),
    ) -> Self {
        assert!(to.is_wide() && to.channels() == weights.outputs, "room for the outputs");
        assert!(from.is_wide() && from.channels() == weights.inputs, "weights of the input");
        after.check(&to);
        assert_window(from.place(), to.place(), &window);
        weights.check(window.kernel);
        let (size, [images, threads]) = (size(dots, weights, from.quads(), window.kernel), most);
        let pixels_of = |images: usize| images * to.place().pixels();
        let cut = Cut::best(dots, size, pixels_of(images), usize::MAX);
        let width = |images: usize| Cut::best(dots, size, pixels_of(images), cut.width).width;
        let outputs = weights.outputs.next_multiple_of(TOGETHER);
        let bias = |output| if output < weights.outputs { weights.bias(output, from.zero()) } else { 0 };
        let rounding = Rounding::new(from.of(), weights.scales, outputs, after, &to);
        let other = rounding.added.as_ref().map(|(other, ..)| *other.place());
        let step = cut.width * dots.lanes();
        let own = size.seen * step;
        assert!(i32::try_from(own).is_ok(), "offsets of 32 bits");
        Self {
            dots,
            pixels: pixels(from.place(), to.place(), &window, other.as_ref()),
            bias: (0..outputs).map(bias).collect(),
            weights: Rows::of(dots, weights, from.quads(), window.kernel, (cut, step)),
            taps: window.taps(from.place().steps()),
            widths: (1..=images)
                .map(|images| if images == most[0] { cut.width } else { width(images) })
                .collect(),
            scratch: scratch..scratch.saturating_add(own.saturating_mul(threads)),
            own,
            step,
            rounding,
            from,
            to,
        }
    }

    /// Numbers of the arena that such a layer needs meanwhile, of a value with this number of quads a pixel, for this number of pixels
    /// of all images and threads.
    pub fn room(
        dots: Dots,
        (quads, window): (usize, &Window),
        weights: &Weights<'_>,
        [pixels, threads]: [usize; 2],
    ) -> usize {
        let size = size(dots, weights, quads, window.kernel);
        size.seen * Cut::best(dots, size, pixels, usize::MAX).width * dots.lanes() * threads
    }

    /// Whether a layer's zeros are worth skipping: its value has this number of quads a pixel, and this number of pixels of all images
    /// are computed by this number of threads.
    pub fn pays(
        dots: Dots,
        (quads, window): (usize, &Window),
        weights: &Weights<'_>,
        [pixels, threads]: [usize; 2],
    ) -> bool {
        let size = size(dots, weights, quads, window.kernel);
        let sparse = Cut::best(dots, size, pixels, usize::MAX).time(dots, size, [pixels, threads]);
        let blocks = weights.outputs.div_ceil(dots.lanes());
        let shape = Shape::best(dots, blocks, pixels, threads);
        let all = (blocks.div_ceil(shape.outputs) * pixels.div_ceil(shape.pixels)).div_ceil(threads);
        let steps = weights.each().div_ceil(QUAD) * window.kernel[0] * window.kernel[1];
        sparse < (all * steps) as f64 * shape.cost(dots)
    }

    /// How many registers of pixels are summed at once, with as many images as there are at most.
    pub fn width(&self) -> usize {
        self.widths[self.widths.len() - 1]
    }

    /// How many quads of weights there are.
    pub fn weights(&self) -> usize {
        self.weights.entries.len()
    }
}

fn size(dots: Dots, weights: &Weights<'_>, quads: usize, kernel: [usize; 2]) -> Size {
    let mut count = 0;
    for output in 0..weights.outputs {
        entries(dots, weights, output, quads, kernel, |_| count += 1);
    }
    Size { entries: count, outputs: weights.outputs, seen: kernel[0] * kernel[1] * quads }
}

impl Step for Sparse {
    fn reads(&self) -> Vec<Place> {
        self.rounding.reads(&self.from)
    }

    fn writes(&self) -> Place {
        *self.to.place()
    }

    fn scratch(&self) -> Range<usize> {
        self.scratch.clone()
    }

    fn most_threads(&self) -> usize {
        self.scratch.len() / self.own.max(1)
    }

    unsafe fn run(&self, context: &Context<'_>) {
        // SAFETY (all): the program compared the places with the arena, and the instructions were found.
        unsafe { context.fill_rims(self.to.place(), self.to.zero()) };
        macro_rules! dispatch {
            ($run:ident: $($width:literal)*) => {
                match self.widths[context.images - 1] {
                    $($width => unsafe { turned::$run::<$width>(self, context) },)*
                    _ => unreachable!("a width without a loop"),
                }
            };
        }
        match self.dots {
            #[cfg(target_arch = "x86_64")]
            Dots::Avx512Vnni => dispatch!(avx512_vnni: 1 2 3 4 5 6 7 8),
            #[cfg(target_arch = "x86_64")]
            Dots::AvxVnni => dispatch!(avx_vnni: 1 2 3 4 5 6 7 8),
            #[cfg(target_arch = "x86_64")]
            Dots::Avx2 => dispatch!(avx2: 1 2 3 4 5 6 7 8),
            Dots::Portable => dispatch!(portable: 1 2 3 4 5 6 7 8),
        }
    }
}
