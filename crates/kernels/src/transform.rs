//! Running a correlation over a batch.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::{
    Convolution, Level,
    correlation::{Rows, Spread, Weights},
    cover::Cover,
    moves::Moves,
    number::Number,
    planes::{Layout, Phase, Tap},
};

/// The planes of a batch that are summed or multiplied.
#[derive(Clone, Copy)]
pub(crate) struct Planes<'a, T> {
    /// `[N, channels, H, W]`
    pub(crate) values: &'a [T],
    pub(crate) channels: usize,
    /// `[H, W]`
    pub(crate) size: [usize; 2],
    /// How many planes each channel gives.
    pub(crate) phases: &'a [Phase],
}

impl<T: Number> Planes<'_, T> {
    /// How each of its planes is taken apart, and how many values the planes have that come of it.
    pub(crate) fn moves(&self, layout: &Layout, plane: usize) -> Moves {
        Moves::new(self.phases, self.size[1], |phase, y| phase * plane + y * layout.pitch)
    }

    /// Lays some channels of some images out, in planes of `plane` values that begin
    /// with `lead` zeros.
    pub(crate) fn write(
        &self,
        (layout, moves): (&Layout, &Moves),
        [first, images]: [usize; 2],
        [channel, channels]: [usize; 2],
        ([plane, lead], to): ([usize; 2], &mut [T]),
    ) {
        let size = self.size[0] * self.size[1];
        for image in 0..images {
            let from = &self.values[((first + image) * self.channels + channel) * size..];
            for (number, from) in from.chunks_exact(size).take(channels).enumerate() {
                let to = &mut to[number * self.phases.len() * plane + lead + image * layout.image()..];
                moves.take_apart(from, to);
            }
        }
    }
}

/// Some pixels of the output planes.
pub(crate) struct Part<'a, T: Clone> {
    pub(crate) taps: Vec<Tap>,
    /// The weights of each group.
    pub(crate) weights: Vec<Weights<'a, T>>,
    pub(crate) phase: Phase,
}

/// Correlations over a batch: a few images at a time, each group of channels with
/// its weights, and each phase of the output with its taps.
pub(crate) struct Transform<'a, T: Clone> {
    pub(crate) convolution: &'a Convolution,
    pub(crate) layout: &'a Layout,
    pub(crate) level: Level,
    pub(crate) bias: Option<&'a [T]>,
    pub(crate) planes: Planes<'a, T>,
    /// Output planes of a group.
    pub(crate) outputs: usize,
    /// Their size.
    pub(crate) size: [usize; 2],
    /// All their phases, row by row.
    pub(crate) parts: Vec<Part<'a, T>>,
}

impl<T: Number> Transform<'_, T> {
    /// Computes all output planes of all images.
    pub(crate) fn run(&self, out: &mut [MaybeUninit<T>]) {
        let Self { convolution, layout, outputs, .. } = self;
        let (groups, lanes) = (convolution.groups, self.level.lanes::<T>());
        let together = convolution.together::<T>(layout);
        let spread = convolution.spread(together);
        let of_plane = self.size[0] * self.size[1];
        let of_image = of_plane * groups * outputs;
        let is_dense = spread == Spread::Alone && self.parts.len() == 1 && self.size[1].is_multiple_of(lanes);
        // The first phase is the largest, and all are computed alike.
        let cover = match is_dense {
            true => Cover::rows(layout, self.size, together, lanes, of_image),
            false => Cover::loose(layout, self.parts[0].phase.size, together, lanes),
        };
        let room = cover.room(together);
        let phases: Vec<Phase> = self.parts.iter().map(|part| part.phase).collect();
        let together_again =
            Moves::new(&phases, self.size[1], |part, y| part * outputs * room + y * cover.pitch);
        let starts: Vec<_> = self.parts.iter().map(|part| layout.starts(&part.taps, together)).collect();
        let plane = layout.plane(together);
        let sources = self.planes.channels * self.planes.phases.len();
        let moves = self.planes.moves(layout, plane);
        let sums = if is_dense { 0 } else { self.parts.len() * outputs * room };
        // The zeros between rows stay from one use to the next.
        let scratch = || (vec![T::ZERO; sources * plane], vec![MaybeUninit::uninit(); sums]);
        let batches = out.par_chunks_mut(together * of_image).enumerate();
        batches.for_each_init(scratch, |(planes, sums), (number, out)| {
            let images = out.len() / of_image;
            let (range, channels) = ([number * together, images], [0, self.planes.channels]);
            self.planes.write((layout, &moves), range, channels, ([plane, layout.lead], planes));
            for group in 0..groups {
                let first = group * outputs;
                let bias = self.bias.map(|bias| &bias[first..][..*outputs]);
                for (number, part) in self.parts.iter().enumerate() {
                    let rows = Rows {
                        starts: &starts[number],
                        data: &planes[group * sources / groups * plane..],
                        positions: cover.of(images, together),
                    };
                    let to = match is_dense {
                        true => (&mut out[first * of_plane..], of_plane),
                        false => (&mut sums[number * outputs * room..][..outputs * room], room),
                    };
                    rows.sum(self.level, &part.weights[group], bias, to, spread);
                }
                if !is_dense {
                    for (image, out) in out.chunks_mut(of_image).enumerate() {
                        let out = out[first * of_plane..].chunks_mut(of_plane).take(*outputs);
                        for (output, out) in out.enumerate() {
                            together_again.put_together(&sums[output * room + image * cover.image..], out);
                        }
                    }
                }
            }
        });
    }
}
