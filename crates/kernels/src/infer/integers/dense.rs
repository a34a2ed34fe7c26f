//! Convolutions and linear layers on bytes: outputs in the lanes.
//!
//! A linear layer is a convolution whose window is all of its input. Groups of channels are quads that some outputs do
//! not read.

use std::ops::Range;

use super::{
    After, Dots, Quads, Weights,
    after::Rounding,
    quads::QUAD,
    shape::Shape,
    steps::{Piece, most, pack},
    sweep,
};
use crate::infer::{
    Arena, Place, Window,
    dense::{pixels, share},
    program::{Context, Step},
    window::assert_window,
};

/// Where sums go.
#[derive(Clone, Debug)]
pub(crate) enum To {
    /// As integers of another grid.
    Bytes(Quads, Rounding),
    /// As the numbers that they stand for, with what each output's step is.
    Floats(Place, Vec<f32>),
}

/// Blocks of outputs that are summed together.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// Its first block, and how many there are.
    pub(crate) first: usize,
    pub(crate) outputs: usize,
    /// Its steps, in pieces whose weights stay in the first cache while pixels pass.
    pub(crate) pieces: Vec<Piece>,
    /// Where its weights begin.
    pub(crate) weights: usize,
    /// Pixels at once, for each number of images.
    pub(crate) pixels: Vec<usize>,
}

/// A layer with its weights.
#[derive(Debug)]
pub struct Dense {
    pub(crate) dots: Dots,
    pub(crate) from: Quads,
    pub(crate) to: To,
    /// Of all lanes.
    pub(crate) bias: Vec<i32>,
    pub(crate) weights: Arena,
    pub(crate) groups: Vec<Group>,
    /// Of each pixel of an image: where its window begins, where it goes, where what is added lies.
    pub(crate) pixels: Vec<[u32; 3]>,
}

impl Dense {
    /// A layer whose result is integers, for at most `most` images and threads.
    ///
    /// # Panics
    /// If the input has not the rim that the window needs, numbers have other sizes, scales are too far apart, or the
    /// output has no room for whole registers.
    pub fn new(
        dots: Dots,
        (from, to): (Quads, Quads),
        window: Window,
        weights: &Weights<'_>,
        after: &After,
        most: [usize; 2],
    ) -> Self {
        assert!(to.is_wide() && to.channels() == weights.outputs, "room for the outputs");
        after.check(&to);
        let lanes = weights.outputs.next_multiple_of(dots.lanes());
        let rounding = Rounding::new(from.of(), weights.scales, lanes, after, &to);
        Self::with(dots, from, To::Bytes(to, rounding), window, weights, most)
    }

    /// A layer whose result is the numbers that its sums stand for, in blocks of as many lanes as sums.
    ///
    /// # Panics
    /// As [`Self::new`]; if the output is not in such blocks.
    pub fn floats(
        dots: Dots,
        (from, to): (Quads, Place),
        window: Window,
        weights: &Weights<'_>,
        most: [usize; 2],
    ) -> Self {
        assert!(to.lanes() == Some(dots.lanes()) && to.channels == weights.outputs, "outputs in blocks");
        let lanes = weights.outputs.next_multiple_of(dots.lanes());
        let step = |output: usize| from.of().scale * weights.scales.get(output).unwrap_or(&weights.scales[0]);
        let steps = (0..lanes).map(step).collect();
        Self::with(dots, from, To::Floats(to, steps), window, weights, most)
    }

    fn with(
        dots: Dots,
        from: Quads,
        to: To,
        window: Window,
        weights: &Weights<'_>,
        [images, threads]: [usize; 2],
    ) -> Self {
        let place = to.place();
        assert_window(from.place(), place, &window);
        assert_eq!(from.channels(), weights.inputs, "weights of the input");
        weights.check(window.kernel);
        let lanes = dots.lanes();
        let blocks = weights.outputs.div_ceil(lanes);
        let shape = Shape::best(dots, blocks, images * place.pixels(), threads);
        let (mut groups, mut packed) = (Vec::new(), Vec::new());
        let mut first = 0;
        while first < blocks {
            let mut outputs = shape.outputs;
            // What is left of the outputs, in halves; and those that see the same.
            let group = |block: usize| (block * lanes).min(weights.outputs - 1) / weights.share();
            while blocks - first < outputs || (outputs > 1 && group(first) != group(first + outputs - 1)) {
                outputs /= 2;
            }
            let pixels = (1..=images).map(|images| {
                Shape::of(dots, outputs, images * place.pixels()).map_or(1, |shape| shape.pixels)
            });
            let (at, range) = (packed.len(), [first * lanes, (first + outputs) * lanes]);
            let pixels: Vec<usize> = pixels.collect();
            let steps = weights.each().div_ceil(QUAD) * window.kernel[0] * window.kernel[1];
            let most = most(steps, 4 * outputs * lanes, place.pixels() / pixels[0]);
            let pieces = pack(dots, (&from, &window), weights, (range, most), &mut packed);
            groups.push(Group { first, outputs, pieces, weights: at, pixels });
            first += outputs;
        }
        let mut all = Arena::zeros(packed.len());
        all.words_mut().copy_from_slice(&packed);
        let mut bias: Vec<i32> =
            (0..weights.outputs).map(|output| weights.bias(output, from.zero())).collect();
        bias.resize(blocks * lanes, 0);
        let other = to.other().map(|other| *other.place());
        let pixels = pixels(from.place(), place, &window, other.as_ref());
        Self { dots, from, to, bias, weights: all, groups, pixels }
    }

    /// How many registers of outputs and how many pixels most of its tiles have, with one image.
    pub fn shape(&self) -> [usize; 2] {
        [self.groups[0].outputs, self.groups[0].pixels[0]]
    }

    /// How many quads of weights there are.
    pub fn weights(&self) -> usize {
        self.weights.len()
    }

    /// Of its tiles, counted group by group, those of thread `index` of `of`.
    fn share(&self, images: usize, index: usize, of: usize) -> impl Iterator<Item = (&Group, Range<usize>)> {
        let pixels = images * self.pixels.len();
        share(&self.groups, [index, of], move |group: &Group| {
            let shape = Shape { outputs: group.outputs, pixels: group.pixels[images - 1] };
            let steps: usize = group.pieces.iter().map(Piece::len).sum();
            let cost = (steps as f64 * shape.cost(self.dots)) as usize + 8 * shape.outputs * shape.pixels;
            [pixels.div_ceil(shape.pixels), cost]
        })
    }
}

impl To {
    pub(crate) fn place(&self) -> &Place {
        match self {
            Self::Bytes(to, _) => to.place(),
            Self::Floats(to, _) => to,
        }
    }

    /// The value that is added.
    pub(crate) fn other(&self) -> Option<&Quads> {
        match self {
            Self::Bytes(_, Rounding { added: Some((other, ..)), .. }) => Some(other),
            _ => None,
        }
    }
}

impl Step for Dense {
    fn reads(&self) -> Vec<Place> {
        let mut reads = vec![*self.from.place()];
        reads.extend(self.to.other().map(|other| *other.place()));
        reads
    }

    fn writes(&self) -> Place {
        *self.to.place()
    }

    unsafe fn run(&self, context: &Context<'_>) {
        let member = context.member;
        // SAFETY (all): the program compared the places with the arena, and the instructions were found.
        unsafe {
            match &self.to {
                To::Bytes(to, _) => context.fill_rims(to.place(), to.zero()),
                To::Floats(to, _) => context.clear_rims(to),
            }
        }
        for (group, tiles) in self.share(context.images, member.index, member.of) {
            let shape = (group.outputs, group.pixels[context.images - 1]);
            macro_rules! dispatch {
                ($run:ident: $(($o:literal, $p:literal))*) => {
                    match shape {
                        $(($o, $p) => unsafe { sweep::$run::<$o, $p>(self, context, group, tiles) },)*
                        _ => unreachable!("a shape without a loop"),
                    }
                };
            }
            match self.dots {
                #[cfg(target_arch = "x86_64")]
                Dots::Avx512Vnni => dispatch!(avx512_vnni:
                    (8, 1) (8, 2) (4, 1) (4, 2) (4, 4) (4, 6)
                    (2, 1) (2, 2) (2, 4) (2, 8) (2, 12) (1, 1) (1, 2) (1, 4) (1, 8) (1, 12)),
                #[cfg(target_arch = "x86_64")]
                Dots::AvxVnni => {
                    dispatch!(avx_vnni: (4, 1) (4, 2) (2, 1) (2, 2) (2, 4) (1, 1) (1, 2) (1, 4) (1, 8))
                }
                #[cfg(target_arch = "x86_64")]
                Dots::Avx2 => dispatch!(avx2: (4, 1) (4, 2) (2, 1) (2, 2) (2, 4) (1, 1) (1, 2) (1, 4) (1, 8)),
                Dots::Portable => dispatch!(portable: (2, 1) (2, 2) (1, 1) (1, 4)),
            }
        }
    }
}
