//! The three passes of a two-dimensional convolution.

use super::{
    Level,
    correlation::{Spread, pack, plain},
    gradient,
    memory::written,
    number::Number,
    planes::{Layout, Phase, Tap},
    stacked,
    transform::{Part, Planes, Transform},
};

/// Images are taken together, but never more than this fraction of the batch, so
/// that every thread has some.
const SHARES: usize = 16;

/// The sizes of a convolution. Weights are `[groups * outputs, inputs, kh, kw]`.
///
/// Every size and stride must be above 0, and the kernel must reach no further than the padded
/// input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// How many images there are.
    pub images: usize,
    /// In how many groups channels are.
    pub groups: usize,
    /// Input channels of a group.
    pub inputs: usize,
    /// Output channels of a group.
    pub outputs: usize,
    /// The size of an input plane, `[H, W]`.
    pub input: [usize; 2],
    /// `[kh, kw]`
    pub kernel: [usize; 2],
    /// In rows and in columns.
    pub stride: [usize; 2],
    /// Zeros on either side, in rows and in columns.
    pub padding: [usize; 2],
    /// From one tap to the next, in rows and in columns.
    pub dilation: [usize; 2],
}

/// A tap of the kernel: its place, the phase of the input that it sees, and the
/// shift there.
struct KernelTap {
    index: usize,
    phase: usize,
    shift: [isize; 2],
}

impl Convolution {
    /// The size of an output plane, `[OH, OW]`.
    pub fn output(&self) -> [usize; 2] {
        [0, 1].map(|axis| {
            let padded = self.input[axis] + 2 * self.padding[axis];
            padded.saturating_sub(self.reach(axis)) / self.stride[axis] + 1
        })
    }

    /// Rows or columns from the kernel's first one to its last.
    fn reach(&self, axis: usize) -> usize {
        self.dilation[axis] * (self.kernel[axis] - 1) + 1
    }

    /// Whether the kernel reaches no further than the padded input.
    pub(crate) fn is_within(&self) -> bool {
        (0..2).all(|axis| self.reach(axis) <= self.input[axis] + 2 * self.padding[axis])
    }

    /// The size of the largest phase of the input.
    pub(crate) fn phase(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.input[axis].div_ceil(self.stride[axis]))
    }

    /// Whether output planes are input planes, weighted.
    pub(crate) fn is_pointwise(&self) -> bool {
        (self.kernel, self.stride, self.padding) == ([1, 1], [1, 1], [0, 0])
    }

    /// The same convolution with the longest rows: where pixels have no neighbours,
    /// a plane is a single row.
    fn with_long_rows(&self) -> Self {
        let mut long = self.clone();
        if self.is_pointwise() {
            long.input = [1, self.input[0] * self.input[1]];
        }
        long
    }

    /// Whether there are enough images, and few enough pixels in a row, to put the
    /// images beside each other instead of the pixels.
    fn is_stackable<T: Number>(&self, level: Level) -> bool {
        let area = |size: [usize; 2]| size[0] * size[1];
        // Single rows are multiplied sooner than images are put beside each other.
        let is_depthwise = self.inputs * self.outputs == 1;
        !is_depthwise
            && 4 * stacked::room(self.images) <= 5 * self.images
            && area(self.output()) <= 64
            && area(self.input) <= 256
            && self.output()[1] < level.lanes::<T>().min(8)
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
    /// of the weights; and the phases of the input that there are planes of.
    pub(crate) fn taps(&self) -> (Vec<Tap>, Vec<Phase>) {
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
        (rows.collect(), used.into_iter().map(|phase| all[phase]).collect())
    }

    /// How many images are laid out together.
    pub(crate) fn together<T: Number>(&self, layout: &Layout) -> usize {
        layout.images::<T>().min(self.images.div_ceil(SHARES)).max(1)
    }

    pub(crate) fn spread(&self, together: usize) -> Spread {
        match self.images.div_ceil(together) < rayon::current_num_threads() {
            true => Spread::Outputs,
            false => Spread::Alone,
        }
    }

    /// What every pass relies on: nothing is empty, the kernel lies in the padded input, and slices are as long as
    /// their shapes say.
    fn check<T>(&self, input: Option<&[T]>, output: Option<&[T]>, weight: Option<&[T]>) {
        let area = |[height, width]: [usize; 2]| height * width;
        let Self { images, groups, inputs, outputs, .. } = *self;
        let sizes =
            [images * groups * inputs * outputs, area(self.input), area(self.kernel), area(self.stride)];
        assert!(sizes.iter().all(|size| *size > 0), "nothing is empty: {self:?}");
        assert!(self.is_within(), "the kernel ends in the padded input: {self:?}");
        let expected = [
            (input, images * groups * inputs * area(self.input)),
            (output, images * groups * outputs * area(self.output())),
            (weight, groups * outputs * inputs * area(self.kernel)),
        ];
        let fits =
            |(values, count): &(Option<&[T]>, usize)| values.is_none_or(|values| values.len() == *count);
        assert!(expected.iter().all(fits), "slices are of this size: {self:?}");
    }

    pub(crate) fn output_of<T: Number>(
        &self,
        level: Level,
        x: &[T],
        weight: &[T],
        bias: Option<&[T]>,
    ) -> Vec<T> {
        self.check(Some(x), None, Some(weight));
        assert!(bias.is_none_or(|bias| bias.len() == self.groups * self.outputs), "each output has a bias");
        let c = &self.with_long_rows();
        if c.is_stackable::<T>(level) {
            return stacked::forward(c, level, x, weight, bias);
        }
        let (taps, phases) = c.taps();
        let layout = &Layout::new(c.phase(), c.output(), &taps);
        let (count, outputs) = (taps.len(), c.outputs);
        // What a few images use is not worth being packed.
        let is_packed = 2 * c.together::<T>(layout) < c.images;
        let weights = |group: usize| {
            let weight = &weight[group * outputs * count..][..outputs * count];
            match is_packed {
                true => pack(outputs, count, |o, k| weight[o * count + k]),
                false => plain(outputs, weight),
            }
        };
        let size @ [height, width] = c.output();
        let weights = (0..c.groups).map(weights).collect();
        let transform = Transform {
            convolution: c,
            layout,
            level: level.narrowed::<T>(width),
            bias,
            planes: Planes { values: x, channels: c.groups * c.inputs, size: c.input, phases: &phases },
            outputs,
            size,
            parts: vec![Part { taps, weights, phase: Phase::whole(size) }],
        };
        // SAFETY: the transform computes every pixel of every plane.
        unsafe { written(c.images * c.groups * outputs * height * width, |y| transform.run(y)) }
    }

    pub(crate) fn input_gradient_of<T: Number>(&self, level: Level, dy: &[T], weight: &[T]) -> Vec<T> {
        self.check(None, Some(dy), Some(weight));
        let c = &self.with_long_rows();
        if c.is_stackable::<T>(level) {
            return stacked::input_gradient(c, level, dy, weight);
        }
        let all = c.kernel_taps();
        // What a tap brings to an output pixel, it takes back from there.
        let tap = |plane: usize, tap: &KernelTap| Tap { plane, dy: -tap.shift[0], dx: -tap.shift[1] };
        let part = |(number, phase): (usize, Phase)| {
            let taps: Vec<&KernelTap> = all.iter().filter(|tap| tap.phase == number).collect();
            let rows = (0..c.outputs).flat_map(|plane| taps.iter().map(move |found| tap(plane, found)));
            let weights = |group: usize| {
                let weight = &weight[group * c.outputs * c.inputs * all.len()..];
                pack(c.inputs, c.outputs * taps.len(), |input, k| {
                    let (o, tap) = (k / taps.len(), taps[k % taps.len()]);
                    weight[(o * c.inputs + input) * all.len() + tap.index]
                })
            };
            Part { weights: (0..c.groups).map(weights).collect(), taps: rows.collect(), phase }
        };
        let phases = Phase::all(c.input, c.stride);
        let shifts: Vec<Tap> = all.iter().map(|found| tap(0, found)).collect();
        let size @ [height, width] = c.input;
        let whole = [Phase::whole(c.output())];
        let transform = Transform {
            convolution: c,
            layout: &Layout::new(c.output(), c.phase(), &shifts),
            level: level.narrowed::<T>(c.phase()[1]),
            bias: None,
            planes: Planes { values: dy, channels: c.groups * c.outputs, size: c.output(), phases: &whole },
            outputs: c.inputs,
            size,
            parts: phases.into_iter().enumerate().map(part).collect(),
        };
        // SAFETY: every pixel is in one phase, and the transform computes all pixels
        // of all phases, be it from no taps.
        unsafe { written(c.images * c.groups * c.inputs * height * width, |dx| transform.run(dx)) }
    }

    pub(crate) fn weight_gradient_of<T: Number>(&self, level: Level, x: &[T], dy: &[T]) -> Vec<T> {
        self.check(Some(x), Some(dy), None);
        let c = &self.with_long_rows();
        match c.is_stackable::<T>(level) {
            true => stacked::weight_gradient(c, level, x, dy),
            false => gradient::weight_gradient(c, level, x, dy),
        }
    }
}

#[cfg(test)]
mod tests;
