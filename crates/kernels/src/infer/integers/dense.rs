//! Convolutions and linear layers on bytes: outputs in the lanes.
//!
//! A linear layer is a convolution whose window is all of its input. Groups of channels are quads that some outputs do
//! not read.

use std::{mem::MaybeUninit, ops::Range};

use super::{
    After, Dots, Quads,
    after::Rounding,
    portable::Plain,
    quads::QUAD,
    rounded::{Both, Own},
    shape::Shape,
    steps::{Piece, pack},
    tile::{add, begin},
    whole::Whole,
};
use crate::infer::{
    Arena, Form, Place, Window,
    dense::{assert_window, pixels},
    program::{Context, Step},
};

/// The whole numbers of a layer.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// `[outputs, inputs / groups, rows, columns]`
    pub values: &'a [i8],
    /// One, or one for each output.
    pub scales: &'a [f32],
    /// One for each output, in steps of what a product stands for.
    pub bias: &'a [i32],
    /// Channels that come in, and that go out.
    pub inputs: usize,
    /// As above.
    pub outputs: usize,
    /// Groups of channels that do not see each other.
    pub groups: usize,
}

impl Weights<'_> {
    /// Inputs that an output sees.
    pub(crate) fn each(&self) -> usize {
        self.inputs / self.groups
    }

    /// Outputs of a group.
    pub(crate) fn share(&self) -> usize {
        self.outputs / self.groups
    }

    /// Whether they are those of such a window.
    pub(crate) fn check(&self, kernel: [usize; 2]) {
        let size = self.each() * kernel[0] * kernel[1];
        assert_eq!(self.values.len(), self.outputs * size, "a weight of each output for all that it sees");
        assert!([1, self.outputs].contains(&self.scales.len()), "one scale, or one for each output");
        assert_eq!(self.bias.len(), self.outputs, "a bias for each output");
    }

    /// The weights of an output for a quad of channels; 0 where there is none.
    pub(crate) fn quad(&self, output: usize, quad: usize, [y, x]: [usize; 2], kernel: [usize; 2]) -> [i8; 4] {
        std::array::from_fn(|at| {
            let seen = (output < self.outputs)
                .then(|| (4 * quad + at).checked_sub(output / self.share() * self.each()));
            let channel = seen.flatten().filter(|channel| *channel < self.each());
            channel.map_or(0, |channel| {
                self.values[((output * self.each() + channel) * kernel[0] + y) * kernel[1] + x]
            })
        })
    }

    /// The bias of an output whose input's zeros are bytes like others: less the products with them.
    pub(crate) fn bias(&self, output: usize, zero: u8) -> i32 {
        let size = self.values.len() / self.outputs;
        let sum: i32 = self.values[output * size..][..size].iter().map(|weight| i32::from(*weight)).sum();
        self.bias[output].wrapping_sub(sum.wrapping_mul(i32::from(zero)))
    }
}

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
struct Group {
    /// Its first block, and how many there are.
    first: usize,
    outputs: usize,
    /// Its steps, in pieces whose weights stay in the first cache while pixels pass.
    pieces: Vec<Piece>,
    /// Where its weights begin.
    weights: usize,
    /// Pixels at once, for each number of images.
    pixels: Vec<usize>,
}

/// A layer with its weights.
#[derive(Debug)]
pub struct Dense {
    dots: Dots,
    from: Quads,
    to: To,
    /// Of all lanes.
    bias: Vec<i32>,
    weights: Arena,
    groups: Vec<Group>,
    /// Of each pixel of an image: where its window begins, where it goes, where what is added lies.
    pixels: Vec<[u32; 3]>,
}

impl Dense {
    /// A layer whose result is integers, for so many images and threads at most.
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
        if let Some(added) = &after.added {
            let other = added.other;
            assert!(
                other.is_wide() && other.channels() == to.channels() && other.place().size == to.place().size,
                "a summand of the output's size"
            );
        }
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
        assert!(
            matches!(to.form, Form::Blocked { lanes, .. } if lanes == dots.lanes())
                && to.channels == weights.outputs,
            "outputs in blocks"
        );
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

    /// Of its tiles, counted group by group, those of one of so many threads.
    fn share(&self, images: usize, index: usize, of: usize) -> impl Iterator<Item = (&Group, Range<usize>)> {
        let pixels = images * self.pixels.len();
        let tiles = move |group: &Group| pixels.div_ceil(group.pixels[images - 1]);
        let cost = move |group: &Group| {
            let shape = Shape { outputs: group.outputs, pixels: group.pixels[images - 1] };
            let steps: usize = group.pieces.iter().map(Piece::len).sum();
            (steps as f64 * shape.cost(self.dots)) as usize + 8 * shape.outputs * shape.pixels
        };
        let total: usize = self.groups.iter().map(|group| tiles(group) * cost(group)).sum();
        let bounds = [total * index / of, total * (index + 1) / of];
        let mut before = 0;
        self.groups.iter().filter_map(move |group| {
            let (tiles, cost) = (tiles(group), cost(group));
            // A tile is whose its begin is.
            let [first, end] = bounds.map(|bound| bound.saturating_sub(before).div_ceil(cost).min(tiles));
            before += tiles * cost;
            (first < end).then_some((group, first..end))
        })
    }
}

impl To {
    fn place(&self) -> &Place {
        match self {
            Self::Bytes(to, _) => to.place(),
            Self::Floats(to, _) => to,
        }
    }

    /// The value that is added.
    fn other(&self) -> Option<&Quads> {
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
                        $(($o, $p) => unsafe { $run::<$o, $p>(self, context, group, tiles) },)*
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

/// The loops for each kind of instructions.
macro_rules! dots {
    ($(#[$attribute:meta])* $name:ident, $finish:ident, $register:ty) => {
        $(#[$attribute])*
        unsafe fn $name<const O: usize, const P: usize>(
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
                    let mut sums = if number == 0 { begin::<V, O, P>(bias) } else { kept.assume_init() };
                    // What comes next, part by part with each tile.
                    let next = weights.wrapping_add(piece.len() * (O + slot) * V::LANES);
                    add(&mut sums, [weights, next], piece, from, &inputs);
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

/// Tiles that pass while a piece's weights stay in the first cache.
const STRIP: usize = 8;
/// Bytes of weights that stay there.
const STAY: usize = 28 << 10;

/// How many of some steps a piece has, of so many bytes each, where there are so many tiles: all of them, where nothing
/// would be gained.
fn most(steps: usize, bytes: usize, tiles: usize) -> usize {
    let pieces = (steps * bytes).div_ceil(STAY);
    if tiles < STRIP / 2 || pieces == 1 { steps.max(1) } else { steps.div_ceil(pieces) }
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
