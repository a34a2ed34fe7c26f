//! The three passes of a two-dimensional convolution.

use rayon::prelude::*;

use super::{
    Float, Level,
    correlation::{Correlation, Spread, Tap, pack},
    dots::LEFT,
    planes::{Layout, Phase},
    stacked,
    transform::{Planes, Transform},
};

/// Images are taken together until a plane has about so many bytes, so that small
/// planes make long rows.
const LENGTH: usize = 4096;
/// But never more than this fraction of the batch, so that every thread has some.
const SHARES: usize = 8;
/// So many bytes of the input are laid out at a time for the weight gradient.
const LAID_OUT: usize = 1 << 26;
/// Rows of a weight gradient that one task computes.
const ROWS: usize = 64;

/// The sizes of a convolution. Weights are `[groups * outputs, inputs, kh, kw]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Convolution {
    pub(crate) images: usize,
    pub(crate) groups: usize,
    /// Input channels of a group.
    pub(crate) inputs: usize,
    /// Output channels of a group.
    pub(crate) outputs: usize,
    /// `[H, W]`
    pub(crate) input: [usize; 2],
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    pub(crate) padding: [usize; 2],
    pub(crate) dilation: [usize; 2],
}

/// A tap of the kernel: its place, the phase of the input that it sees, and the
/// shift there.
struct KernelTap {
    index: usize,
    phase: usize,
    shift: [isize; 2],
}

impl Convolution {
    /// The output size, `[OH, OW]`.
    pub(crate) fn output(&self) -> [usize; 2] {
        [0, 1].map(|axis| {
            let reach = self.dilation[axis] * (self.kernel[axis] - 1) + 1;
            (self.input[axis] + 2 * self.padding[axis]).saturating_sub(reach) / self.stride[axis] + 1
        })
    }

    /// Whether there are enough images, and few enough pixels, to put the images
    /// beside each other instead of the pixels.
    fn is_stackable(&self) -> bool {
        let area = |size: [usize; 2]| size[0] * size[1];
        4 * stacked::room(self.images) <= 5 * self.images
            && area(self.output()) <= 64
            && area(self.input) <= 256
    }

    /// An output pixel at `o` sees, through tap `k`, the input pixel
    /// `o * stride + k * dilation - padding`: in the phase that the remainder by
    /// the stride names, shifted by the quotient.
    fn kernel_taps(&self) -> Vec<KernelTap> {
        let [height, width] = self.kernel;
        let places = (0..height).flat_map(|y| (0..width).map(move |x| [y, x]));
        let tap = |(index, place): (usize, [usize; 2])| {
            let offset = [0, 1].map(|a| (place[a] * self.dilation[a]) as isize - self.padding[a] as isize);
            let stride = self.stride.map(|stride| stride as isize);
            let remainder = [0, 1].map(|a| offset[a].rem_euclid(stride[a]) as usize);
            let shift = [0, 1].map(|a| offset[a].div_euclid(stride[a]));
            KernelTap { index, phase: remainder[0] * self.stride[1] + remainder[1], shift }
        };
        places.enumerate().map(tap).collect()
    }

    /// Which input planes make an output plane: one group, tap by tap in the order
    /// of the weights.
    fn correlation(&self) -> (Correlation, Vec<Phase>) {
        let taps = self.kernel_taps();
        let all = Phase::all(self.input, self.stride);
        let mut used: Vec<usize> = taps.iter().map(|tap| tap.phase).collect();
        used.sort_unstable();
        used.dedup();
        let place = |phase: usize| used.binary_search(&phase).unwrap_or_default();
        let rows = (0..self.inputs).flat_map(|channel| {
            let (first, place) = (channel * used.len(), &place);
            taps.iter().map(move |tap| Tap {
                plane: first + place(tap.phase),
                dy: tap.shift[0],
                dx: tap.shift[1],
            })
        });
        let correlation = Correlation::new(rows.collect(), all[0].size, self.output());
        (correlation, used.into_iter().map(|phase| all[phase]).collect())
    }

    /// How many images are laid out together.
    pub(crate) fn together<T: Float>(&self, layout: &Layout) -> usize {
        let values = LENGTH / size_of::<T>();
        values.div_ceil(layout.image()).min(self.images.div_ceil(SHARES)).max(1)
    }

    pub(crate) fn spread(&self, together: usize) -> Spread {
        match self.images.div_ceil(together) < rayon::current_num_threads() {
            true => Spread::Outputs,
            false => Spread::Alone,
        }
    }

    /// # Shapes
    /// `[N, C, H, W]`, `[O, C/groups, kh, kw]` and `[O]` to `[N, O, OH, OW]`
    pub(crate) fn forward<T: Float>(
        &self,
        level: Level,
        x: &[T],
        weight: &[T],
        bias: Option<&[T]>,
    ) -> Vec<T> {
        if self.is_stackable() {
            return stacked::forward(self, level, x, weight, bias);
        }
        let (correlation, phases) = self.correlation();
        let (taps, outputs) = (correlation.taps.len(), self.outputs);
        let packed = |group: usize| {
            let weight = &weight[group * outputs * taps..];
            pack(outputs, taps, |o, k| weight[o * taps + k])
        };
        let [height, width] = self.output();
        let mut y = vec![T::ZERO; self.images * self.groups * outputs * height * width];
        let write = |channel: usize, from: &[T], to: &mut [T]| {
            correlation.layout.read(from, to, width, &Phase::whole([height, width]));
            if let Some(bias) = bias {
                to.iter_mut().for_each(|value| *value += bias[channel]);
            }
        };
        let transform = Transform {
            convolution: self,
            level,
            correlation: &correlation,
            packed: (0..self.groups).map(packed).collect(),
            planes: Planes { values: x, size: self.input, phases: &phases },
            outputs,
        };
        transform.run(&mut y, write);
        y
    }

    /// # Shapes
    /// `[N, O, OH, OW]` and `[O, C/groups, kh, kw]` to `[N, C, H, W]`
    pub(crate) fn input_gradient<T: Float>(&self, level: Level, dy: &[T], weight: &[T]) -> Vec<T> {
        if self.is_stackable() {
            return stacked::input_gradient(self, level, dy, weight);
        }
        let [height, width] = self.input;
        let mut dx = vec![T::ZERO; self.images * self.groups * self.inputs * height * width];
        let all = self.kernel_taps();
        let kernel = all.len();
        for (number, phase) in Phase::all(self.input, self.stride).into_iter().enumerate() {
            // What a tap brings to an output pixel, it takes back from there.
            let taps: Vec<&KernelTap> = all.iter().filter(|tap| tap.phase == number).collect();
            if taps.is_empty() || phase.size.contains(&0) {
                continue;
            }
            let tap = |plane: usize, tap: &KernelTap| Tap { plane, dy: -tap.shift[0], dx: -tap.shift[1] };
            let rows = (0..self.outputs).flat_map(|plane| taps.iter().map(move |found| tap(plane, found)));
            let correlation = Correlation::new(rows.collect(), self.output(), phase.size);
            let packed = |group: usize| {
                let weight = &weight[group * self.outputs * self.inputs * kernel..];
                pack(self.inputs, correlation.taps.len(), |c, k| {
                    let (o, tap) = (k / taps.len(), taps[k % taps.len()]);
                    weight[(o * self.inputs + c) * kernel + tap.index]
                })
            };
            let transform = Transform {
                convolution: self,
                level,
                correlation: &correlation,
                packed: (0..self.groups).map(packed).collect(),
                planes: Planes { values: dy, size: self.output(), phases: &[Phase::whole(self.output())] },
                outputs: self.inputs,
            };
            transform.run(&mut dx, |_, from, to| correlation.layout.read(from, to, width, &phase));
        }
        dx
    }

    /// # Shapes
    /// `[N, C, H, W]` and `[N, O, OH, OW]` to `[O, C/groups, kh, kw]`
    pub(crate) fn weight_gradient<T: Float>(&self, level: Level, x: &[T], dy: &[T]) -> Vec<T> {
        if self.is_stackable() {
            return stacked::weight_gradient(self, level, x, dy);
        }
        let (correlation, phases) = self.correlation();
        let (layout, taps) = (&correlation.layout, correlation.taps.len());
        let together = self.together::<T>(layout);
        let sources = Planes { values: x, size: self.input, phases: &phases };
        let whole = [Phase::whole(self.output())];
        let gradients = Planes { values: dy, size: self.output(), phases: &whole };
        let lay_out = |&first: &usize| {
            let images = together.min(self.images - first);
            let length = correlation.product_length(images);
            let mut rows = vec![T::ZERO; sources.per_image(self) * layout.plane(images)];
            sources.write(self, layout, first, images, layout.plane(images), layout.lead, &mut rows);
            let mut outputs = vec![T::ZERO; self.groups * self.outputs * length];
            gradients.write(self, layout, first, images, length, 0, &mut outputs);
            let of_group = sources.per_image(self) / self.groups;
            let starts = (0..self.groups).map(|group| correlation.starts(images, group * of_group));
            Laid { length, starts: starts.collect(), rows, outputs }
        };

        // A task is some outputs of a group and some of their weights: each weight
        // is summed by one task, over the images in their order.
        let place = |group: usize, output: usize, k: usize| Task {
            group,
            output,
            k,
            sums: [(); LEFT].map(|()| vec![T::ZERO; ROWS.min(taps - k)]),
        };
        let mut tasks: Vec<Task<T>> = Vec::new();
        for group in 0..self.groups {
            for output in (0..self.outputs).step_by(LEFT) {
                tasks.extend((0..taps).step_by(ROWS).map(|k| place(group, output, k)));
            }
        }
        let size = sources.per_image(self) * layout.plane(together) * size_of::<T>();
        let firsts: Vec<usize> = (0..self.images).step_by(together).collect();
        for part in firsts.chunks(LAID_OUT.div_ceil(size)) {
            let laid_out: Vec<Laid<T>> = part.par_iter().map(lay_out).collect();
            tasks.par_iter_mut().for_each(|Task { group, output, k, sums }| {
                for laid in &laid_out {
                    // Beyond the last output of the group any row will do.
                    let last = self.outputs - 1;
                    let left = |i: usize| (*group * self.outputs + (*output + i).min(last)) * laid.length;
                    let left = (&laid.outputs[..], std::array::from_fn(left));
                    let right = (&laid.rows[..], &laid.starts[*group][*k..taps.min(*k + ROWS)]);
                    correlation.products(level, left, right, laid.length, sums);
                }
            });
        }
        let mut dw = vec![T::ZERO; self.groups * self.outputs * taps];
        for Task { group, output, k, sums } in tasks {
            for (output, sums) in (output..self.outputs).zip(sums) {
                dw[(group * self.outputs + output) * taps + k..][..sums.len()].copy_from_slice(&sums);
            }
        }
        dw
    }
}

/// A few images, laid out for the weight gradient.
struct Laid<T> {
    /// Of an output plane.
    length: usize,
    /// Where each row begins, for each group.
    starts: Vec<Vec<usize>>,
    rows: Vec<T>,
    outputs: Vec<T>,
}

/// Some weights of some outputs, and the sums of their gradients.
struct Task<T> {
    group: usize,
    output: usize,
    k: usize,
    sums: [Vec<T>; LEFT],
}

#[cfg(test)]
mod tests;
