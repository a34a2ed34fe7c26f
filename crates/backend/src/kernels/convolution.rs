//! The three passes of a two-dimensional convolution.

use rayon::prelude::*;

use super::{
    Level,
    correlation::{Correlation, Packed, Rows, Spread, Tap, pack},
    dots::LEFT,
    planes::{Layout, Phase},
    stacked,
};

/// Images are taken together until a plane has about so many values, so that
/// small planes make long rows.
const LENGTH: usize = 1024;
/// But never more than this fraction of the batch, so that every thread has some.
const SHARES: usize = 8;
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

    fn together(&self, layout: &Layout) -> usize {
        LENGTH.div_ceil(layout.image()).min(self.images.div_ceil(SHARES)).max(1)
    }

    fn spread(&self, together: usize) -> Spread {
        match self.images.div_ceil(together) < rayon::current_num_threads() {
            true => Spread::Outputs,
            false => Spread::Alone,
        }
    }

    /// # Shapes
    /// `[N, C, H, W]`, `[O, C/groups, kh, kw]` and `[O]` to `[N, O, OH, OW]`
    pub(crate) fn forward(&self, level: Level, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
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
        let mut y = vec![0.0; self.images * self.groups * outputs * height * width];
        let write = |channel: usize, from: &[f32], to: &mut [f32]| {
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
    pub(crate) fn input_gradient(&self, level: Level, dy: &[f32], weight: &[f32]) -> Vec<f32> {
        if self.is_stackable() {
            return stacked::input_gradient(self, level, dy, weight);
        }
        let [height, width] = self.input;
        let mut dx = vec![0.0; self.images * self.groups * self.inputs * height * width];
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
    pub(crate) fn weight_gradient(&self, level: Level, x: &[f32], dy: &[f32]) -> Vec<f32> {
        if self.is_stackable() {
            return stacked::weight_gradient(self, level, x, dy);
        }
        let (correlation, phases) = self.correlation();
        let (layout, taps) = (&correlation.layout, correlation.taps.len());
        let together = self.together(layout);
        let channels = self.groups * self.outputs;

        // All planes are laid out first; then every weight is summed by one task,
        // over the images in their order.
        let sources = Planes { values: x, size: self.input, phases: &phases };
        let whole = [Phase::whole(self.output())];
        let gradients = Planes { values: dy, size: self.output(), phases: &whole };
        let starts_of: Vec<usize> = (0..self.images).step_by(together).collect();
        let laid_out: Vec<Laid> = starts_of
            .into_par_iter()
            .map(|first| {
                let images = together.min(self.images - first);
                let length = correlation.product_length(images);
                let mut rows = vec![0.0; sources.per_image(self) * layout.plane(images)];
                sources.write(self, layout, first, images, layout.plane(images), layout.lead, &mut rows);
                let mut outputs = vec![0.0; channels.next_multiple_of(LEFT) * length];
                gradients.write(self, layout, first, images, length, 0, &mut outputs);
                Laid { images, length, rows, outputs }
            })
            .collect();

        let mut dw = vec![0.0; channels * taps];
        // A task is some outputs of a group and some of their weights.
        let blocks = self.outputs.div_ceil(LEFT);
        let of_group = dw.par_chunks_mut(self.outputs * taps).enumerate();
        of_group.for_each(|(group, dw)| {
            let first = group * sources.per_image(self) / self.groups;
            let starts: Vec<_> = laid_out.iter().map(|laid| correlation.starts(laid.images, first)).collect();
            let tasks: Vec<(usize, usize)> = (0..blocks)
                .flat_map(|block| (0..taps).step_by(ROWS).map(move |k| (block * LEFT, k)))
                .collect();
            let found: Vec<[Vec<f32>; LEFT]> = tasks
                .par_iter()
                .map(|&(output, k)| {
                    let mut sums = [(); LEFT].map(|()| vec![0.0; ROWS.min(taps - k)]);
                    for (laid, starts) in laid_out.iter().zip(&starts) {
                        // Beyond the last output of the group any row will do.
                        let left = std::array::from_fn(|i| {
                            (group * self.outputs + (output + i).min(self.outputs - 1)) * laid.length
                        });
                        let right = (&laid.rows[..], &starts[k..taps.min(k + ROWS)]);
                        correlation.products(level, (&laid.outputs, left), right, laid.length, &mut sums);
                    }
                    sums
                })
                .collect();
            for ((output, k), sums) in tasks.into_iter().zip(found) {
                for (output, sums) in (output..self.outputs).zip(sums) {
                    dw[output * taps + k..][..sums.len()].copy_from_slice(&sums);
                }
            }
        });
        dw
    }
}

/// A few images, laid out for the weight gradient.
struct Laid {
    images: usize,
    /// Of an output plane.
    length: usize,
    rows: Vec<f32>,
    outputs: Vec<f32>,
}

/// The planes of a batch that are summed or multiplied.
#[derive(Clone, Copy)]
struct Planes<'a> {
    /// `[N, channels, H, W]`
    values: &'a [f32],
    /// `[H, W]`
    size: [usize; 2],
    /// Each channel gives so many planes.
    phases: &'a [Phase],
}

impl Planes<'_> {
    fn channels(&self, convolution: &Convolution) -> usize {
        self.values.len() / (convolution.images * self.size[0] * self.size[1]).max(1)
    }

    fn per_image(&self, convolution: &Convolution) -> usize {
        self.channels(convolution) * self.phases.len()
    }

    /// Lays some images out: planes of `plane` values that begin with `lead` zeros.
    #[allow(clippy::too_many_arguments)]
    fn write(
        &self,
        convolution: &Convolution,
        layout: &Layout,
        first: usize,
        images: usize,
        plane: usize,
        lead: usize,
        to: &mut [f32],
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
struct Transform<'a> {
    convolution: &'a Convolution,
    level: Level,
    correlation: &'a Correlation,
    /// One for each group.
    packed: Vec<Packed>,
    planes: Planes<'a>,
    /// Output planes of a group.
    outputs: usize,
}

/// What one thread works in.
#[derive(Default)]
struct Scratch {
    images: usize,
    planes: Vec<f32>,
    sums: Vec<f32>,
}

impl Transform<'_> {
    /// `write` takes an output channel of one image to its place.
    fn run(&self, out: &mut [f32], write: impl Fn(usize, &[f32], &mut [f32]) + Sync) {
        let Self { convolution, correlation, .. } = self;
        let (layout, groups) = (&correlation.layout, convolution.groups);
        let together = convolution.together(layout);
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
                *scratch =
                    Scratch { images, planes: vec![0.0; sources * plane], sums: vec![0.0; rooms * pitch] };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{Size, channel_sums};
    use proptest::prelude::*;

    /// The definition, in f64: output, and gradients for an output gradient.
    fn reference(c: &Convolution, x: &[f32], w: &[f32], b: &[f32], dy: &[f32]) -> [Vec<f64>; 4] {
        let [oh, ow] = c.output();
        let [h, width] = c.input;
        let (ins, outs) = (c.groups * c.inputs, c.groups * c.outputs);
        let mut y = vec![0.0; c.images * outs * oh * ow];
        let (mut dx, mut dw, mut db) = (vec![0.0; x.len()], vec![0.0; w.len()], vec![0.0; outs]);
        for n in 0..c.images {
            for o in 0..outs {
                for (oy, ox) in (0..oh).flat_map(|y| (0..ow).map(move |x| (y, x))) {
                    let out = ((n * outs + o) * oh + oy) * ow + ox;
                    y[out] += f64::from(b[o]);
                    db[o] += f64::from(dy[out]);
                    for i in 0..c.inputs {
                        for (ky, kx) in (0..c.kernel[0]).flat_map(|y| (0..c.kernel[1]).map(move |x| (y, x))) {
                            let iy = (oy * c.stride[0] + ky * c.dilation[0]).wrapping_sub(c.padding[0]);
                            let ix = (ox * c.stride[1] + kx * c.dilation[1]).wrapping_sub(c.padding[1]);
                            if iy < h && ix < width {
                                let channel = o / c.outputs * c.inputs + i;
                                let input = ((n * ins + channel) * h + iy) * width + ix;
                                let weight = ((o * c.inputs + i) * c.kernel[0] + ky) * c.kernel[1] + kx;
                                y[out] += f64::from(x[input]) * f64::from(w[weight]);
                                dx[input] += f64::from(dy[out]) * f64::from(w[weight]);
                                dw[weight] += f64::from(dy[out]) * f64::from(x[input]);
                            }
                        }
                    }
                }
            }
        }
        [y, dx, dw, db]
    }

    fn numbers(n: usize, seed: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 7919 + seed * 104_729) % 1009) as f32 / 504.5 - 1.0).collect()
    }

    fn close(found: &[f32], expected: &[f64]) -> bool {
        let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
        let difference = norm(&mut found.iter().zip(expected).map(|(a, b)| f64::from(*a) - b));
        found.len() == expected.len() && difference <= 1e-5 * norm(&mut expected.iter().copied())
    }

    fn pairs(range: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = [usize; 2]> {
        [range.clone(), range]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn all_passes_are_the_definition(
            images in prop_oneof![4 => 1usize..=9, 1 => 60usize..=64],
            (groups, inputs, outputs) in (1usize..=3, 1usize..=5, 1usize..=6),
            input in pairs(1..=11), kernel in pairs(1..=4), stride in pairs(1..=3), padding in pairs(0..=3),
            dilation in pairs(1..=2),
        ) {
            let c = Convolution { images, groups, inputs, outputs, input, kernel, stride, padding, dilation };
            let fits = (0..2).all(|a| dilation[a] * (kernel[a] - 1) < input[a] + 2 * padding[a]);
            prop_assume!(fits);
            let [oh, ow] = c.output();
            let x = numbers(images * groups * inputs * input[0] * input[1], 1);
            let w = numbers(groups * outputs * inputs * kernel[0] * kernel[1], 2);
            let b = numbers(groups * outputs, 3);
            let dy = numbers(images * groups * outputs * oh * ow, 4);
            let [y, dx, dw, db] = reference(&c, &x, &w, &b, &dy);
            for level in [Level::detect(), Level::Portable] {
                prop_assert!(close(&c.forward(level, &x, &w, Some(&b)), &y), "forward");
                prop_assert!(close(&c.input_gradient(level, &dy, &w), &dx), "input gradient");
                prop_assert!(close(&c.weight_gradient(level, &x, &dy), &dw), "weight gradient");
            }
            let size = Size { images, channels: groups * outputs, plane: oh * ow };
            prop_assert!(close(&channel_sums(size, &dy), &db), "bias gradient");
        }
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        for images in [13, 64] {
            threads_change_no_bit(images);
        }
    }

    fn threads_change_no_bit(images: usize) {
        let c = Convolution {
            images,
            groups: 1,
            inputs: 5,
            outputs: 7,
            input: [9, 8],
            kernel: [3, 3],
            stride: [2, 1],
            padding: [1, 1],
            dilation: [1, 1],
        };
        let [oh, ow] = c.output();
        let (x, w) = (numbers(images * 5 * 72, 1), numbers(7 * 5 * 9, 2));
        let dy = numbers(images * 7 * oh * ow, 3);
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let level = Level::detect();
            pool.install(|| {
                [
                    c.forward(level, &x, &w, None),
                    c.input_gradient(level, &dy, &w),
                    c.weight_gradient(level, &x, &dy),
                ]
            })
        };
        assert_eq!(run(1), run(5));
        assert_eq!(run(1), run(32));
    }
}
