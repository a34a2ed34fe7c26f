//! Attention between places (Vaswani et al. 2017, equation 1), queries in the lanes.
//!
//! Keys pass block by block, and what is summed so far is scaled when a larger likeness comes (Milakov & Gimelshein 2018,
//! algorithm 3): so no memory is needed for all of them. A sum goes through the keys in one order, whatever is shared.

use super::{
    Form, Place,
    curve::exp_below,
    lanes::Lanes,
    product::rows_of,
    program::{Context, Step},
};
use crate::{Level, level::Loop, vector::Registers};

/// Queries, keys or values: some channels of a value.
#[derive(Clone, Copy, Debug)]
pub struct Heads {
    /// The value, without anything between its numbers.
    pub place: Place,
    /// The first of their channels.
    pub first: usize,
}

/// `softmax(Q K^T / sqrt(d)) V` in each head, of which each value has `d` channels of all places.
#[derive(Debug)]
pub struct Attention {
    level: Level,
    /// Queries, keys and values.
    from: [Heads; 3],
    to: Place,
    heads: usize,
}

/// Keys, queries and channels of a block: the likenesses of one, beside the sums, are what the first cache holds.
const BLOCK: usize = 64;

impl Attention {
    /// Of values without anything between their numbers, all of them channel by channel or pixel by pixel, the channels of a
    /// head together.
    ///
    /// # Panics
    /// If there is anything between the numbers of a value, they lie differently, have other pixels or fewer channels than
    /// the result, or the heads no equal shares of these.
    pub fn new(level: Level, from: [Heads; 3], to: Place, heads: usize) -> Self {
        for place in from.iter().map(|of| &of.place).chain([&to]) {
            place.check();
            assert!(
                place.is_tight() && is_by_pixels(place) == is_by_pixels(&to),
                "numbers one behind the other"
            );
            assert!(place.pixels() == to.pixels(), "values of the same pixels");
        }
        let is_there =
            |of: &Heads| of.first.checked_add(to.channels).is_some_and(|end| end <= of.place.channels);
        assert!(from.iter().all(is_there), "channels for those that go out");
        assert!(heads > 0 && to.channels.is_multiple_of(heads), "heads with equal shares of the channels");
        Self { level, from, to, heads }
    }

    /// How many blocks of queries there are, and how many each has: as equal as whole registers of them are.
    fn blocks(&self) -> (usize, usize) {
        let places = self.to.pixels();
        let lanes = self.level.numbers();
        let each = places.div_ceil(places.div_ceil(BLOCK)).next_multiple_of(lanes).min(BLOCK);
        (places.div_ceil(each), each)
    }
}

/// Whether a tight value lies pixel by pixel.
fn is_by_pixels(place: &Place) -> bool {
    matches!(place.form, Form::Blocked { .. })
}

/// From a channel of a tight value to the next, and from a pixel to the next.
fn steps(place: &Place) -> [usize; 2] {
    if is_by_pixels(place) { [1, place.channels] } else { [place.pixels(), 1] }
}

impl Step for Attention {
    fn reads(&self) -> Vec<Place> {
        self.from.iter().map(|of| of.place).collect()
    }

    fn writes(&self) -> Place {
        self.to
    }

    unsafe fn run(&self, context: &Context<'_>) {
        let places = self.to.pixels();
        let width = self.to.channels / self.heads;
        let (blocks, each) = self.blocks();
        for unit in context.member.share(context.images * self.heads * blocks) {
            let (image, head, first) =
                (unit / blocks / self.heads, unit / blocks % self.heads, unit % blocks * each);
            let part = |of: &Heads| {
                let steps = steps(&of.place);
                let begin = of.place.at + image * of.place.image + (of.first + head * width) * steps[0];
                Part { at: context.arena.wrapping_add(begin), steps }
            };
            let [queries, keys, values] = self.from.each_ref().map(part);
            let block = Block {
                queries: queries.from(first),
                keys,
                values,
                to: part(&Heads { place: self.to, first: 0 }).from(first),
                is_by_pixels: is_by_pixels(&self.to),
                count: each.min(places - first),
                places,
                width,
                level: self.level,
            };
            // SAFETY (all): a level's instructions are there, and the program compared the places with the arena.
            unsafe {
                match self.level {
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 => avx512(&block),
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 => avx2(&block),
                    #[cfg(target_arch = "aarch64")]
                    Level::Neon => attend::<<f32 as Registers>::Neon, 4, 3, true>(&block),
                    Level::Portable => attend::<<f32 as Registers>::Portable, 4, 3, false>(&block),
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,fma")]
unsafe fn avx512(block: &Block) {
    // SAFETY: the caller's.
    unsafe { attend::<<f32 as Registers>::Avx512, 8, 3, true>(block) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(block: &Block) {
    // SAFETY: the caller's.
    unsafe { attend::<<f32 as Registers>::Avx2, 6, 2, true>(block) }
}

/// The channels of a head at some places.
#[derive(Clone, Copy)]
struct Part {
    /// The first channel of the first place.
    at: *mut f32,
    /// From a channel to the next, and from a place to the next.
    steps: [usize; 2],
}

impl Part {
    /// The places from one on.
    fn from(self, place: usize) -> Self {
        Self { at: self.at.wrapping_add(place * self.steps[1]), ..self }
    }

    /// A channel of a place.
    fn number(self, channel: usize, place: usize) -> *mut f32 {
        self.at.wrapping_add(channel * self.steps[0] + place * self.steps[1])
    }
}

/// Some queries of a head.
struct Block {
    queries: Part,
    keys: Part,
    values: Part,
    to: Part,
    is_by_pixels: bool,
    /// Queries.
    count: usize,
    /// Keys.
    places: usize,
    /// Channels of a head.
    width: usize,
    level: Level,
}

/// Likenesses, or queries turned around: a row of lanes for each key, or channel.
type Square = [[f32; BLOCK]; BLOCK];

/// What a block of queries becomes, by products of `R` rows and `W` registers at once.
///
/// # Safety
/// The machine must have the registers, and the values be there.
#[inline(always)]
unsafe fn attend<V: Lanes, const R: usize, const W: usize, const FUSED: bool>(block: &Block) {
    let &Block { queries, keys, values, count, places, width, level, is_by_pixels, .. } = block;
    let [mut likeness, mut turned]: [Square; 2] = [[[0.0; BLOCK]; BLOCK]; 2];
    let mut running = Running { most: [f32::NEG_INFINITY; BLOCK], sums: [0.0; BLOCK], factors: [0.0; BLOCK] };
    // SAFETY (all): the caller's.
    unsafe {
        for first in (0..places).step_by(BLOCK) {
            let (keys, values, of_keys) = (keys.from(first), values.from(first), BLOCK.min(places - first));
            let begin = likeness.as_mut_ptr().cast::<f32>();
            for channel in (0..width).step_by(BLOCK) {
                let channels = BLOCK.min(width - channel);
                // Queries have to lie beside each other.
                let beside = if is_by_pixels {
                    if first == 0 || width > BLOCK {
                        for (c, row) in turned[..channels].iter_mut().enumerate() {
                            for (query, x) in row[..count].iter_mut().enumerate() {
                                *x = *queries.number(channel + c, query);
                            }
                        }
                    }
                    (turned.as_ptr().cast::<f32>(), BLOCK)
                } else {
                    (queries.number(channel, 0).cast_const(), queries.steps[0])
                };
                for row in (0..of_keys).step_by(R) {
                    let sizes = [R.min(of_keys - row), channels, count];
                    let a = (keys.number(channel, row).cast_const(), [keys.steps[1], keys.steps[0]]);
                    let to = (begin.add(row * BLOCK), BLOCK);
                    match channel {
                        0 => rows_of::<V, R, W, FUSED, false>(a, beside, to, sizes, 1.0),
                        _ => rows_of::<V, R, W, FUSED, true>(a, beside, to, sizes, 1.0),
                    }
                }
            }
            let factor = 1.0 / (width as f32).sqrt();
            level.run(Weigh { likeness: &mut likeness[..of_keys], running: &mut running, count, factor });
            let begin = begin.cast_const();
            if first == 0 {
                add_weighed::<V, R, W, FUSED, false>(block, values, begin, of_keys);
            } else {
                scale(block, &running.factors);
                add_weighed::<V, R, W, FUSED, true>(block, values, begin, of_keys);
            }
        }
        scale(block, &running.sums.map(|sum| 1.0 / sum));
    }
}

/// Adds up values by their weights; with `MORE` to what is there.
///
/// # Safety
/// As [`attend`].
#[inline(always)]
unsafe fn add_weighed<V: Lanes, const R: usize, const W: usize, const FUSED: bool, const MORE: bool>(
    block: &Block,
    values: Part,
    weights: *const f32,
    keys: usize,
) {
    let &Block { to, count, width, is_by_pixels, .. } = block;
    // SAFETY (all): the caller's.
    unsafe {
        if is_by_pixels {
            for row in (0..count).step_by(R) {
                let sizes = [R.min(count - row), keys, width];
                let (a, to) = ((weights.add(row), [1, BLOCK]), (to.number(0, row), to.steps[1]));
                rows_of::<V, R, W, FUSED, MORE>(a, (values.at, values.steps[1]), to, sizes, 1.0);
            }
        } else {
            for row in (0..width).step_by(R) {
                let sizes = [R.min(width - row), keys, count];
                let (a, to) =
                    ((values.number(row, 0).cast_const(), values.steps), (to.number(row, 0), to.steps[0]));
                rows_of::<V, R, W, FUSED, MORE>(a, (weights, BLOCK), to, sizes, 1.0);
            }
        }
    }
}

/// Multiplies all channels of each query by a factor.
///
/// # Safety
/// As [`attend`].
#[inline(always)]
unsafe fn scale(block: &Block, factors: &[f32; BLOCK]) {
    let &Block { to, count, width, is_by_pixels, .. } = block;
    // SAFETY (both): the caller's, and nobody else writes there.
    if is_by_pixels {
        for (query, factor) in factors[..count].iter().enumerate() {
            let to = unsafe { std::slice::from_raw_parts_mut(to.number(0, query), width) };
            to.iter_mut().for_each(|to| *to *= factor);
        }
    } else {
        for channel in 0..width {
            let to = unsafe { std::slice::from_raw_parts_mut(to.number(channel, 0), count) };
            to.iter_mut().zip(factors).for_each(|(to, factor)| *to *= factor);
        }
    }
}

/// Of each query the largest likeness so far, the sum of all exponentials below it, and what sums so far are multiplied by.
struct Running {
    most: [f32; BLOCK],
    sums: [f32; BLOCK],
    factors: [f32; BLOCK],
}

/// Turns likenesses to keys, times a factor, into exponentials below the largest one.
struct Weigh<'a> {
    likeness: &'a mut [[f32; BLOCK]],
    running: &'a mut Running,
    count: usize,
    factor: f32,
}

impl Loop for Weigh<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { likeness, running: Running { most, sums, factors }, count, factor } = self;
        let before = *most;
        for row in likeness.iter_mut() {
            for (most, x) in most[..count].iter_mut().zip(row) {
                *x *= factor;
                // What is not a number stays so.
                *most = if *most > *x || most.is_nan() { *most } else { *x };
            }
        }
        for query in 0..count {
            factors[query] = exp_below(before[query] - most[query]);
            sums[query] *= factors[query];
        }
        for row in likeness {
            for ((x, most), sum) in row[..count].iter_mut().zip(most.iter()).zip(sums.iter_mut()) {
                *x = exp_below(*x - most);
                *sum += *x;
            }
        }
    }
}
