//! Convolutions on bytes with few quads of weights that are not zero: pixels in the lanes.
//!
//! A quad of weights is of four channels that come in and one that goes out. It is multiplied with the same quad of as
//! many pixels as registers have lanes, so that one that is zero costs nothing. For that, what the windows of some pixels
//! see is turned around: quad by quad all pixels instead of pixel by pixel all quads.

use std::ops::Range;

use super::{
    After, Dots, Quads, Weights,
    after::Rounding,
    quads::{QUAD, TOGETHER},
    shape::Shape,
    steps::{split, word},
    turned,
};
use crate::infer::{
    Place, Window,
    dense::{assert_window, pixels},
    program::{Context, Step},
};

/// How many registers of pixels there may be at once.
const WIDTHS: [usize; 6] = [1, 2, 3, 4, 6, 8];

/// What it takes, in about a cycle, to turn a register of pixels around, and to write one more than a dense layer does.
const TURNED: f64 = 4.0;
const WRITTEN: f64 = 3.0;

/// A quad of weights: which of those that a window sees it is multiplied with, and its four bytes.
pub(crate) type Entry = [i32; 2];

/// A layer with its weights.
#[derive(Debug)]
pub struct Sparse {
    dots: Dots,
    pub(crate) from: Quads,
    pub(crate) to: Quads,
    pub(crate) rounding: Rounding,
    /// Of each output, of which there are whole blocks.
    pub(crate) bias: Vec<i32>,
    /// Output by output, and where those of each end.
    pub(crate) entries: Vec<Entry>,
    pub(crate) ends: Vec<usize>,
    /// Of each tap, in quads from where the window begins.
    pub(crate) taps: Vec<usize>,
    /// Of each pixel of an image: where its window begins, where it goes, where what is added lies.
    pub(crate) pixels: Vec<[u32; 3]>,
    /// Registers of pixels at once, for each number of images.
    widths: Vec<usize>,
    /// Where patches are written, each thread's own.
    pub(crate) scratch: Range<usize>,
    pub(crate) own: usize,
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
        if let Some(added) = &after.added {
            let other = added.other;
            assert!(
                other.is_wide() && other.channels() == to.channels() && other.place().size == to.place().size,
                "a summand of the output's size"
            );
        }
        assert_window(from.place(), to.place(), &window);
        weights.check(window.kernel);
        let [row, pixel] = from.place().steps();
        let [rows, columns] = window.kernel;
        let tap = |tap: usize| tap / columns * window.dilation[0] * row + tap % columns * window.dilation[1] * pixel;
        let (mut entries, mut ends) = (Vec::new(), Vec::new());
        let outputs = weights.outputs.next_multiple_of(TOGETHER);
        for output in 0..outputs {
            of(dots, weights, output, from.quads(), window.kernel, |entry| entries.push(entry));
            ends.push(entries.len());
        }
        let bias = |output| if output < weights.outputs { weights.bias(output, from.zero()) } else { 0 };
        let rounding = Rounding::new(from.of(), weights.scales, outputs, after, &to);
        let other = rounding.added.as_ref().map(|(other, ..)| *other.place());
        let width = |images: usize| width(dots, images * to.place().pixels());
        let room = Self::room(dots, [&from, &to], &window, most);
        Self {
            dots,
            pixels: pixels(from.place(), to.place(), &window, other.as_ref()),
            bias: (0..outputs).map(bias).collect(),
            entries,
            ends,
            taps: (0..rows * columns).map(tap).collect(),
            widths: (1..=most[0]).map(width).collect(),
            scratch: scratch..scratch + room,
            own: room / most[1],
            rounding,
            from,
            to,
        }
    }

    /// Numbers of the arena that such a layer needs meanwhile, for at most so many images and threads.
    pub fn room(
        dots: Dots,
        [from, to]: [&Quads; 2],
        window: &Window,
        [images, threads]: [usize; 2],
    ) -> usize {
        let width = (1..=images).map(|images| width(dots, images * to.place().pixels())).max().unwrap_or(1);
        window.kernel[0] * window.kernel[1] * from.quads() * width * dots.lanes() * threads
    }

    /// Whether a layer's zeros are worth skipping: its value has so many quads a pixel, and so many pixels of all images
    /// are computed by so many threads. The figures are of one processor, so that a network is computed alike on all.
    pub fn pays(
        dots: Dots,
        (quads, window): (usize, &Window),
        weights: &Weights<'_>,
        [pixels, threads]: [usize; 2],
    ) -> bool {
        let mut entries = 0;
        for output in 0..weights.outputs {
            of(dots, weights, output, quads, window.kernel, |_| entries += 1);
        }
        let taps = window.kernel[0] * window.kernel[1];
        let width = width(dots, pixels);
        let tiles = pixels.div_ceil(width * dots.lanes());
        // Of a tile that several threads compute, each has what its windows see.
        let turned = (tiles.max(threads) * taps * quads * width) as f64 * TURNED;
        let written = (tiles * weights.outputs * width) as f64 * WRITTEN;
        let sparse = (tiles * entries) as f64 * cost(width) + turned + written;
        let blocks = weights.outputs.div_ceil(dots.lanes());
        let shape = Shape::best(dots, blocks, pixels, threads);
        let all = blocks.div_ceil(shape.outputs) * pixels.div_ceil(shape.pixels);
        let steps = weights.each().div_ceil(QUAD) * taps;
        sparse < (all * steps) as f64 * shape.cost(dots)
    }

    /// How many registers of pixels are summed at once, with one image.
    pub fn width(&self) -> usize {
        self.widths[0]
    }

    /// How many quads of weights there are.
    pub fn weights(&self) -> usize {
        self.entries.len()
    }
}

/// What an output is made of; where products of two neighbours could be too large, a quad becomes two.
fn of(
    dots: Dots,
    weights: &Weights<'_>,
    output: usize,
    quads: usize,
    kernel: [usize; 2],
    mut then: impl FnMut(Entry),
) {
    for (tap, quad) in (0..kernel[0] * kernel[1]).flat_map(|tap| (0..quads).map(move |quad| (tap, quad))) {
        let found = weights.quad(output, quad, [tap / kernel[1], tap % kernel[1]], kernel);
        let parts = if dots.saturates() { split(found) } else { [found, [0; QUAD]] };
        for part in parts.into_iter().filter(|part| *part != [0; QUAD]) {
            then([(tap * quads + quad) as i32, word(part)]);
        }
    }
}

/// Registers of pixels at once, of the ways in which they are done in the least time the one with the least.
fn width(dots: Dots, pixels: usize) -> usize {
    let registers = pixels.div_ceil(dots.lanes());
    let time = |width: usize| registers.div_ceil(width) as f64 * cost(width);
    WIDTHS.into_iter().min_by(|a, b| time(*a).total_cmp(&time(*b))).unwrap_or(1)
}

/// What a quad of weights takes for so many registers of pixels, in about a cycle: two loads at once.
fn cost(width: usize) -> f64 {
    (width + 2) as f64 / 2.0
}

impl Step for Sparse {
    fn reads(&self) -> Vec<Place> {
        let other = self.rounding.added.as_ref().map(|(other, ..)| *other.place());
        [Some(*self.from.place()), other].into_iter().flatten().collect()
    }

    fn writes(&self) -> Place {
        *self.to.place()
    }

    fn scratch(&self) -> Range<usize> {
        self.scratch.clone()
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
            Dots::Avx512Vnni => dispatch!(avx512_vnni: 1 2 3 4 6 8),
            #[cfg(target_arch = "x86_64")]
            Dots::AvxVnni => dispatch!(avx_vnni: 1 2 3 4 6 8),
            #[cfg(target_arch = "x86_64")]
            Dots::Avx2 => dispatch!(avx2: 1 2 3 4 6 8),
            Dots::Portable => dispatch!(portable: 1 2 3 4 6 8),
        }
    }
}
