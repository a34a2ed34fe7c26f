//! Integers, exactly as ONNX Runtime 1.32 computes with them: scalar code that says what every faster kernel must give.
//!
//! Numbers are `scale * (q - zero_point)`. Products are summed in whole numbers, and a sum becomes an integer of its
//! result in f32: times one factor, bounded, and rounded with halves to the even integer. Each function is one of
//! ONNX Runtime's operators; `benches/pytorch/integers.py` compares the formulas with it.
//!
//! ```
//! use sapwood_kernels::{Convolution, exact::{Factors, Integers, sums}};
//!
//! // One pixel, one weight: 0.5 * (7 - 3) times 0.25 * 2, as a multiple of 0.125.
//! let [x, y] = [Integers { scale: 0.5, zero_point: 3, bounds: [0, 255] }, Integers { scale: 0.125, zero_point: 0, bounds: [0, 255] }];
//! let pixel = Convolution { images: 1, groups: 1, inputs: 1, outputs: 1, input: [1, 1], kernel: [1, 1],
//!     stride: [1, 1], padding: [0, 0], dilation: [1, 1] };
//! let sum = sums(&pixel, &[7], x.zero_point, &[2], &[]);
//! assert_eq!((sum[0], Factors::of(&x, &[0.25], &y).requantise(&sum, 1)[0]), (8, 8));
//! ```

use crate::Convolution;

/// Which numbers integers stand for, and between which bounds they lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Integers {
    /// The distance of two neighbours.
    pub scale: f32,
    /// The integer that stands for 0.
    pub zero_point: i32,
    /// The least and the largest.
    pub bounds: [i32; 2],
}

impl Integers {
    /// Those that do not stand for less than 0.
    pub fn rectified(self) -> Self {
        let [low, high] = self.bounds;
        Self { bounds: [low.max(self.zero_point), high], ..self }
    }

    /// Those that do not stand for more than this, rounded as it is.
    pub fn at_most(self, number: f32) -> Self {
        let [low, high] = self.bounds;
        let most = (number / self.scale).round_ties_even() as i32;
        Self { bounds: [low, high.min(most.saturating_add(self.zero_point)).max(low)], ..self }
    }

    /// Whether some stand for more than this, beyond the rounding of their scale.
    pub fn exceed(&self, number: f32) -> bool {
        number * 1.000_01 < (self.bounds[1] - self.zero_point) as f32 * self.scale
    }

    /// The nearest of them.
    pub fn clamp(&self, q: i32) -> i32 {
        q.clamp(self.bounds[0], self.bounds[1])
    }

    fn bounded(&self, q: f32) -> i32 {
        // The cast saturates, and the bounds are those of a byte.
        (q.round_ties_even() as i32).clamp(self.bounds[0], self.bounds[1])
    }
}

/// The products of a convolution or a linear layer (which is one of a single pixel), summed in whole numbers with a
/// bias for each output, or none. Padding stands for 0.
///
/// # Shapes
/// - `x`: `[N, C, H, W]`, `weight`: `[O, C/groups, KH, KW]`, `bias`: `[O]` or empty; the result `[N, O, OH, OW]`
///
/// # Panics
/// If they have other sizes, or the kernel reaches beyond the padded input.
pub fn sums(conv: &Convolution, x: &[i32], zero_point: i32, weight: &[i32], bias: &[i32]) -> Vec<i32> {
    assert!(conv.is_within(), "the kernel ends in the padded input: {conv:?}");
    let ([h, w], [kh, kw], [oh, ow]) = (conv.input, conv.kernel, conv.output());
    // Of a group, and of all.
    let (each, share) = (conv.inputs, conv.outputs);
    let [inputs, outputs] = [each, share].map(|channels| conv.groups * channels);
    assert_eq!(x.len(), conv.images * inputs * h * w, "values of the input");
    assert_eq!(weight.len(), outputs * each * kh * kw, "weights");
    assert!(bias.is_empty() || bias.len() == outputs, "a bias for each output");
    let size = each * kh * kw;
    let mut all = vec![0; conv.images * outputs * oh * ow];
    let mut patch = vec![0; size];
    let place = |o: usize, k: usize, side: usize, end: usize| {
        (o * conv.stride[side] + k * conv.dilation[side])
            .checked_sub(conv.padding[side])
            .filter(|at| *at < end)
    };
    for (number, image) in x.chunks_exact((inputs * h * w).max(1)).enumerate() {
        for (group, pixel) in (0..conv.groups).flat_map(|group| (0..oh * ow).map(move |pixel| (group, pixel)))
        {
            // What one pixel of the group's outputs is made of, less the zero point.
            for (tap, value) in patch.iter_mut().enumerate() {
                let (channel, ky, kx) = (group * each + tap / (kh * kw), tap / kw % kh, tap % kw);
                let [y, x] = [place(pixel / ow, ky, 0, h), place(pixel % ow, kx, 1, w)];
                *value = y.zip(x).map_or(0, |(y, x)| image[(channel * h + y) * w + x] - zero_point);
            }
            for output in group * share..(group + 1) * share {
                let products =
                    weight[output * size..][..size].iter().zip(&patch).map(|(w, x)| w.wrapping_mul(*x));
                let sum = products.fold(0i32, i32::wrapping_add);
                let bias = bias.get(output).copied().unwrap_or(0);
                all[(number * outputs + output) * oh * ow + pixel] = sum.wrapping_add(bias);
            }
        }
    }
    all
}

/// By what a sum becomes an integer of its result: for each channel `x scale * weight scale / y scale`.
#[derive(Clone, Debug, PartialEq)]
pub struct Factors {
    factors: Vec<f32>,
    result: Integers,
}

impl Factors {
    /// Of a layer with these scales of its weights: one, or one for each output (QLinearConv, QLinearMatMul).
    pub fn of(x: &Integers, weights: &[f32], y: &Integers) -> Self {
        Self { factors: weights.iter().map(|w| x.scale * w / y.scale).collect(), result: *y }
    }

    /// The integers of sums whose channels have planes of `plane` values.
    pub fn requantise(&self, sums: &[i32], plane: usize) -> Vec<i32> {
        let Integers { zero_point, bounds: [low, high], .. } = self.result;
        let bounds = [low - zero_point, high - zero_point].map(|bound| bound as f32);
        let one = |(at, sum): (usize, &i32)| {
            let factor = self.factors[at / plane.max(1) % self.factors.len()];
            (*sum as f32 * factor).clamp(bounds[0], bounds[1]).round_ties_even() as i32 + zero_point
        };
        sums.iter().enumerate().map(one).collect()
    }
}

/// The sum of two values in one affine form (QLinearAdd): `a ra + (c rc + (zy - (ra za + rc zc)))`, each product added
/// without rounding it, with `ra = scale of a / scale of y`.
pub fn add([a, c]: [&[i32]; 2], [of_a, of_c]: [&Integers; 2], y: &Integers) -> Vec<i32> {
    let [ra, rc] = [of_a.scale / y.scale, of_c.scale / y.scale];
    let zeros = ra.mul_add(of_a.zero_point as f32, rc * of_c.zero_point as f32);
    let fixed = y.zero_point as f32 - zeros;
    let one = |(a, c): (&i32, &i32)| y.bounded((*a as f32).mul_add(ra, (*c as f32).mul_add(rc, fixed)));
    a.iter().zip(c).map(one).collect()
}

/// The integers of another grid (QLinearConcat, of each value): the nearest ones of the numbers for which these stand.
pub fn requantised(x: &[i32], of_x: &Integers, y: &Integers) -> Vec<i32> {
    if of_x == y {
        return x.to_vec();
    }
    let one = |q: &i32| {
        let number = (q - of_x.zero_point) as f32 * of_x.scale;
        y.bounded((number / y.scale).round_ties_even() + y.zero_point as f32)
    };
    x.iter().map(one).collect()
}

/// The mean of planes of `plane` values (QLinearGlobalAveragePool): of whole sums.
pub fn mean(x: &[i32], plane: usize, of_x: &Integers, y: &Integers) -> Vec<i32> {
    let sum = |values: &[i32]| values.iter().map(|q| q - of_x.zero_point).sum::<i32>();
    let sums: Vec<i32> = x.chunks_exact(plane.max(1)).map(sum).collect();
    let factors = vec![of_x.scale / (y.scale * plane as f32)];
    Factors { factors, result: *y }.requantise(&sums, 1)
}

/// The mean of windows that touch, of which those at the edges have that of what they hold (QLinearAveragePool): of
/// numbers in f32.
pub fn means(x: &[i32], [h, w]: [usize; 2], kernel: usize, of_x: &Integers, y: &Integers) -> Vec<i32> {
    let mut all = Vec::new();
    for plane in x.chunks_exact((h * w).max(1)) {
        for (top, left) in
            (0..h).step_by(kernel).flat_map(|top| (0..w).step_by(kernel).map(move |left| (top, left)))
        {
            let (bottom, right) = ((top + kernel).min(h), (left + kernel).min(w));
            let inside = (top..bottom).flat_map(|row| &plane[row * w + left..row * w + right]);
            let sum = inside.fold(0.0, |sum, q| sum + of_x.scale * (q - of_x.zero_point) as f32);
            let count = ((bottom - top) * (right - left)) as f32;
            all.push(y.bounded(sum / count / y.scale + y.zero_point as f32));
        }
    }
    all
}

/// The largest of each window (kernel, stride, and what is added above and to the left); padding is never the largest
/// (MaxPool).
pub fn largest(
    x: &[i32],
    [h, w]: [usize; 2],
    [kernel, stride, padding]: [[usize; 2]; 3],
    [oh, ow]: [usize; 2],
) -> Vec<i32> {
    let reach = |o: usize, side: usize, size: usize| {
        let start = o * stride[side];
        start.saturating_sub(padding[side])..(start + kernel[side]).saturating_sub(padding[side]).min(size)
    };
    let of_plane = |plane: &[i32]| {
        let window = |o: usize| {
            let rows = reach(o / ow, 0, h).flat_map(|row| plane[row * w..][reach(o % ow, 1, w)].iter());
            rows.copied().max().unwrap_or(i32::MIN)
        };
        (0..oh * ow).map(window).collect::<Vec<_>>()
    };
    x.chunks_exact((h * w).max(1)).flat_map(of_plane).collect()
}
