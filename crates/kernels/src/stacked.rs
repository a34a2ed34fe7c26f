//! Convolutions of small planes, with the images beside each other.
//!
//! A plane of 4x4 pixels makes short rows, and every second of them lies at an
//! edge. Here the values of one pixel of all images are a row instead: rows are as
//! long as the batch, a tap that falls outside the plane is left out, and no zeros
//! are multiplied.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::{
    Convolution, Level,
    dots::{LANES, LEFT, Pieces, Products, RIGHT},
    memory::{slots, written},
    number::Number,
    rows::{BLOCK, Begin, OUTPUTS, Order, Position, Sum},
};

/// Blocks of outputs that one task computes, so that a row that was read from
/// memory is used by all of them.
const BLOCKS: usize = 8;

/// The room that the images of a pixel take.
pub(crate) fn room(images: usize) -> usize {
    images.next_multiple_of(BLOCK)
}

/// The room that a channel takes. Its pixels are often a power of two, and then
/// the rows of one pixel would all fall on the same few lines of every cache: they
/// are set apart by a line more.
fn spaced(pixels: usize, images: usize) -> usize {
    pixels * room(images) + LANES
}

/// For each pixel, by which taps it is linked with which others.
type Links = Vec<Vec<(usize, usize)>>;

/// Output pixels with the input pixels that they see.
fn links(c: &Convolution) -> Links {
    let [height, width] = c.output();
    let seen = |y: usize, x: usize| {
        let taps = (0..c.kernel[0]).flat_map(|ky| (0..c.kernel[1]).map(move |kx| [ky, kx]));
        taps.enumerate().filter_map(move |(number, tap)| {
            let at = |axis: usize, place: usize| {
                let shifted = place * c.stride[axis] + tap[axis] * c.dilation[axis];
                shifted.checked_sub(c.padding[axis]).filter(|at| *at < c.input[axis])
            };
            Some((number, at(0, y)? * c.input[1] + at(1, x)?))
        })
    };
    (0..height).flat_map(|y| (0..width).map(move |x| (y, x))).map(|(y, x)| seen(y, x).collect()).collect()
}

/// The same links seen from the other side.
fn inverted(links: &Links, pixels: usize) -> Links {
    let mut inverted = vec![Vec::new(); pixels];
    for (to, links) in links.iter().enumerate() {
        for &(tap, from) in links {
            inverted[from].push((tap, to));
        }
    }
    inverted
}

/// `[N, channels, pixels]` to `[channels, pixels, room]`, channels [`spaced`]
fn stack<T: Number>(values: &[T], images: usize, channels: usize, pixels: usize) -> Vec<T> {
    let room = room(images);
    let spaced = spaced(pixels, images);
    let mut stacked = vec![T::ZERO; channels * spaced];
    stacked.par_chunks_mut(spaced).enumerate().for_each(|(channel, to)| {
        for image in 0..images {
            let from = &values[(image * channels + channel) * pixels..][..pixels];
            from.iter().enumerate().for_each(|(pixel, value)| to[pixel * room + image] = *value);
        }
    });
    stacked
}

/// The opposite of [`stack`], with a function of channel and value.
fn unstack<T: Number>(
    stacked: &[T],
    images: usize,
    channels: usize,
    pixels: usize,
    place: impl Fn(usize) -> usize + Sync,
    f: impl Fn(usize, T) -> T + Sync,
) -> Vec<T> {
    let room = room(images);
    let write = |values: &mut [MaybeUninit<T>]| {
        let images = values.par_chunks_mut((channels * pixels).max(1)).enumerate();
        images.for_each(|(image, to)| {
            for (channel, to) in to.chunks_mut(pixels).enumerate() {
                let from = stacked[place(channel) * pixels * room + image..].iter().step_by(room);
                to.iter_mut().zip(from).for_each(|(to, from)| _ = to.write(f(channel, *from)));
            }
        });
    };
    // SAFETY: each channel of the stack has a value for each pixel of each image.
    unsafe { written(images * channels * pixels, write) }
}

pub(crate) fn forward<T: Number>(
    c: &Convolution,
    level: Level,
    x: &[T],
    weight: &[T],
    bias: Option<&[T]>,
) -> Vec<T> {
    let taps = c.kernel[0] * c.kernel[1];
    let weight = |group: usize, output: usize, input: usize, tap: usize| {
        weight[((group * c.outputs + output) * c.inputs + input) * taps + tap]
    };
    let bias = |channel: usize| bias.map_or(T::ZERO, |bias| bias[channel]);
    let sizes = [c.inputs, c.outputs, c.input[0] * c.input[1]];
    transform(c, level, x, &links(c), sizes, weight, |channel, value| value + bias(channel))
}

pub(crate) fn input_gradient<T: Number>(c: &Convolution, level: Level, dy: &[T], weight: &[T]) -> Vec<T> {
    let taps = c.kernel[0] * c.kernel[1];
    let weight = |group: usize, input: usize, output: usize, tap: usize| {
        weight[((group * c.outputs + output) * c.inputs + input) * taps + tap]
    };
    let [height, width] = c.output();
    let links = inverted(&links(c), c.input[0] * c.input[1]);
    transform(c, level, dy, &links, [c.outputs, c.inputs, height * width], weight, |_, value| value)
}

/// `out[o][pixel] = sum over sources and links of weight * x[source][linked pixel]`,
/// group by group. The sizes are sources and outputs of a group, and pixels of a
/// source.
fn transform<T: Number>(
    c: &Convolution,
    level: Level,
    x: &[T],
    links: &Links,
    [sources, outputs, pixels]: [usize; 3],
    weight: impl Fn(usize, usize, usize, usize) -> T + Sync,
    finish: impl Fn(usize, T) -> T + Sync,
) -> Vec<T> {
    let (room, taps) = (room(c.images), c.kernel[0] * c.kernel[1]);
    let x = stack(x, c.images, c.groups * sources, pixels);
    let together = if outputs == 1 { 1 } else { OUTPUTS };
    let rounded = outputs.next_multiple_of(together);
    let pitch = links.len() * room;
    let mut out = vec![T::ZERO; c.groups * rounded * pitch];
    let vectors = (0..c.images).step_by(level.lanes::<T>());
    let positions: Vec<Position> = vectors.map(|at| Position { from: at, to: at }).collect();
    // A task never reaches into the next group.
    let tasks: Vec<(usize, usize, &mut [T])> = out
        .chunks_mut(rounded * pitch)
        .enumerate()
        .flat_map(|(group, out)| {
            let tasks = out.chunks_mut(BLOCKS * together * pitch).enumerate();
            tasks.map(move |(task, out)| (group, task * BLOCKS * together, out))
        })
        .collect();
    tasks.into_par_iter().for_each(|(group, first, out)| {
        // Tap by tap, and for each the weights of all sources, as `Sum` wants them.
        let (blocks, block) = (out.len() / (together * pitch), taps * sources * together);
        let mut weights = vec![T::ZERO; blocks * block];
        for (number, weights) in weights.chunks_mut(block).enumerate() {
            let first = first + number * together;
            for o in first..outputs.min(first + together) {
                for source in 0..sources {
                    for tap in 0..taps {
                        weights[(tap * sources + source) * together + o - first] =
                            weight(group, o, source, tap);
                    }
                }
            }
        }
        let starts: Vec<usize> =
            (0..sources).map(|source| (group * sources + source) * spaced(pixels, c.images)).collect();
        for (pixel, links) in links.iter().enumerate() {
            for (number, &(tap, from)) in links.iter().enumerate() {
                let sum = Sum {
                    weights: &weights[tap * sources * together..],
                    order: Order::Blocks(block),
                    together,
                    starts: &starts,
                    data: &x[from * room..],
                    positions: &positions,
                    begin: if number == 0 { Begin::Zero } else { Begin::Sums },
                    outputs: blocks * together,
                    pitch,
                };
                // SAFETY: sums are numbers.
                sum.write(level, unsafe { slots(&mut out[pixel * room..]) });
            }
        }
    });
    let place = |channel: usize| channel / outputs * rounded + channel % outputs;
    unstack(&out, c.images, c.groups * outputs, links.len(), place, finish)
}

pub(crate) fn weight_gradient<T: Number>(c: &Convolution, level: Level, x: &[T], dy: &[T]) -> Vec<T> {
    let (room, taps) = (room(c.images), c.kernel[0] * c.kernel[1]);
    let (pixels, links) = (c.input[0] * c.input[1], links(c));
    let x = stack(x, c.images, c.groups * c.inputs, pixels);
    let dy = stack(dy, c.images, c.groups * c.outputs, links.len());
    // For each tap, the pairs of output and input pixels that it links.
    let mut pieces = vec![Vec::new(); taps];
    for (to, links) in links.iter().enumerate() {
        links.iter().for_each(|&(tap, from)| pieces[tap].push((to * room, from * room)));
    }
    let pieces: Vec<Pieces> = pieces.into_iter().map(|offsets| Pieces::new(offsets, room)).collect();
    let mut dw = vec![T::ZERO; c.groups * c.outputs * c.inputs * taps];
    // A task is a few outputs of one group.
    let tasks: Vec<(usize, usize, &mut [T])> = dw
        .chunks_mut(c.outputs * c.inputs * taps)
        .enumerate()
        .flat_map(|(group, dw)| {
            let blocks = dw.chunks_mut(LEFT * c.inputs * taps).enumerate();
            blocks.map(move |(block, dw)| (group, block * LEFT, dw))
        })
        .collect();
    tasks.into_par_iter().for_each(|(group, first, dw)| {
        let outputs: Vec<usize> = (first..c.outputs.min(first + LEFT))
            .map(|o| (group * c.outputs + o) * spaced(links.len(), c.images))
            .collect();
        for (tap, pieces) in pieces.iter().enumerate() {
            for inputs in (0..c.inputs).collect::<Vec<_>>().chunks(RIGHT) {
                let starts: Vec<usize> = inputs
                    .iter()
                    .map(|input| (group * c.inputs + input) * spaced(pixels, c.images))
                    .collect();
                let mut sums: [[T; RIGHT]; LEFT] = Default::default();
                let products = Products {
                    left: &dy,
                    left_starts: filled(&outputs),
                    right: &x,
                    right_starts: filled(&starts),
                    pieces,
                };
                products.add_to(level, &mut sums);
                for (output, sums) in (0..outputs.len()).zip(sums) {
                    for (input, sum) in inputs.iter().zip(sums) {
                        dw[(output * c.inputs + input) * taps + tap] = sum;
                    }
                }
            }
        }
    });
    dw
}

/// A block of starts; where it is short, filled up with its first, whose products
/// are then not wanted.
fn filled<const N: usize>(starts: &[usize]) -> [usize; N] {
    std::array::from_fn(|i| *starts.get(i).unwrap_or(&starts[0]))
}
