//! Running a correlation over a batch.

use rayon::prelude::*;

use super::{
    Convolution, Float, Level,
    correlation::{Correlation, Packed, Rows},
    planes::{Layout, Phase},
};

/// The planes of a batch that are summed or multiplied.
#[derive(Clone, Copy)]
pub(crate) struct Planes<'a, T> {
    /// `[N, channels, H, W]`
    pub(crate) values: &'a [T],
    /// `[H, W]`
    pub(crate) size: [usize; 2],
    /// Each channel gives so many planes.
    pub(crate) phases: &'a [Phase],
}

impl<T: Float> Planes<'_, T> {
    fn channels(&self, convolution: &Convolution) -> usize {
        self.values.len() / (convolution.images * self.size[0] * self.size[1]).max(1)
    }

    /// Planes of one image.
    pub(crate) fn per_image(&self, convolution: &Convolution) -> usize {
        self.channels(convolution) * self.phases.len()
    }

    /// Lays some images out: planes of `plane` values that begin with `lead` zeros.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn write(
        &self,
        convolution: &Convolution,
        layout: &Layout,
        first: usize,
        images: usize,
        plane: usize,
        lead: usize,
        to: &mut [T],
    ) {
        let (channels, size) = (self.channels(convolution), self.size[0] * self.size[1]);
        for image in 0..images {
            for channel in 0..channels {
                let from = &self.values[((first + image) * channels + channel) * size..][..size];
                for (number, phase) in self.phases.iter().enumerate() {
                    let to = &mut to[(channel * self.phases.len() + number) * plane..][..plane];
                    layout.write(&mut to[lead + image * layout.image()..], from, self.size[1], phase);
                }
            }
        }
    }
}

/// A correlation over a batch: a few images at a time, each group of channels with
/// its weights.
pub(crate) struct Transform<'a, T> {
    pub(crate) convolution: &'a Convolution,
    pub(crate) level: Level,
    pub(crate) correlation: &'a Correlation,
    /// One for each group.
    pub(crate) packed: Vec<Packed<T>>,
    pub(crate) planes: Planes<'a, T>,
    /// Output planes of a group.
    pub(crate) outputs: usize,
}

/// What one thread works in.
#[derive(Default)]
struct Scratch<T> {
    images: usize,
    planes: Vec<T>,
    sums: Vec<T>,
}

impl<T: Float> Transform<'_, T> {
    /// `write` takes an output channel of one image to its place.
    pub(crate) fn run(&self, out: &mut [T], write: impl Fn(usize, &[T], &mut [T]) + Sync) {
        let Self { convolution, correlation, .. } = self;
        let (layout, groups) = (&correlation.layout, convolution.groups);
        let together = convolution.together::<T>(layout);
        let spread = convolution.spread(together);
        let sources = self.planes.per_image(convolution);
        let rooms = self.packed.first().map_or(0, |packed| packed.outputs(correlation.taps.len()));
        let of_plane = out.len() / (convolution.images * groups * self.outputs).max(1);
        let of_image = of_plane * groups * self.outputs;
        if of_image == 0 {
            return;
        }
        let batches = out.par_chunks_mut(together * of_image).enumerate();
        batches.for_each_init(Scratch::default, |scratch, (number, out)| {
            let images = out.len() / of_image;
            let (plane, pitch) = (layout.plane(images), correlation.output(images));
            // The zeros between rows stay from one use to the next of equal size.
            if scratch.images != images {
                *scratch = Scratch {
                    images,
                    planes: vec![T::ZERO; sources * plane],
                    sums: vec![T::ZERO; rooms * pitch],
                };
            }
            let Scratch { planes, sums, .. } = scratch;
            self.planes.write(convolution, layout, number * together, images, plane, layout.lead, planes);
            for (group, packed) in self.packed.iter().enumerate() {
                let starts = correlation.starts(images, group * sources / groups);
                correlation.sum(self.level, &Rows { images, starts, data: planes }, packed, sums, spread);
                for (image, out) in out.chunks_mut(of_image).enumerate() {
                    let first = group * self.outputs;
                    let out = out[first * of_plane..].chunks_mut(of_plane).take(self.outputs);
                    for (output, (out, sums)) in out.zip(sums.chunks(pitch)).enumerate() {
                        write(first + output, &sums[image * layout.image()..], out);
                    }
                }
            }
        });
    }
}
