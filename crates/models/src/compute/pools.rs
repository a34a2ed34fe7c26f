//! The largest values and the means of windows, at the edges as PyTorch has them.

use burn::tensor::{
    Tensor, TensorData,
    module::{avg_pool2d, max_pool2d},
    ops::{AvgPoolOptions, MaxPoolOptions},
};
use sapwood_core::{AvgPool, Dims, Op, Pads, Window};

use crate::conv::{padded, split};

/// The largest value of each window.
///
/// # Shapes
/// `[N, C, H, W]` to `[N, C, H', W']`
pub(crate) fn max_pool(x: Tensor<4>, window: Window) -> Tensor<4> {
    let [oh, ow] = outputs(&x, window);
    let (both, mut rest) = split(window.padding);
    let [_, _, h, w] = x.dims();
    let pads = window.padding;
    rest.bottom +=
        missing(h + pads.top + pads.bottom, oh, window.kernel.h, window.stride.h, window.dilation.h);
    rest.right +=
        missing(w + pads.left + pads.right, ow, window.kernel.w, window.stride.w, window.dilation.w);
    let options = MaxPoolOptions::new(window.kernel.hw())
        .with_stride(window.stride.hw())
        .with_padding(both)
        .with_dilation(window.dilation.hw());
    // What is smaller than all is never chosen.
    max_pool2d(padded(x, rest, f32::NEG_INFINITY), options)
}

/// The mean of each window.
///
/// # Shapes
/// `[N, C, H, W]` to `[N, C, H', W']`
pub(crate) fn avg_pool(x: Tensor<4>, pool: AvgPool) -> Tensor<4> {
    let AvgPool { window, count_padding } = pool;
    if pool == AvgPool::touching(window.kernel) {
        return avg_pool2d(x, AvgPoolOptions::new(window.kernel.hw()).with_ceil_mode(true));
    }
    let [oh, ow] = outputs(&x, window);
    let [_, _, h, w] = x.dims();
    let Pads { top, left, bottom, right } = window.padding;
    let pads = Pads {
        bottom: bottom + missing(h + top + bottom, oh, window.kernel.h, window.stride.h, 1),
        right: right + missing(w + left + right, ow, window.kernel.w, window.stride.w, 1),
        ..window.padding
    };
    let options = AvgPoolOptions::new(window.kernel.hw()).with_stride(window.stride.hw());
    let y = avg_pool2d(padded(x, pads, 0.0), options);
    // Zeros were added up, and some of them are not to be counted.
    let counted = |n: usize, [before, after]: [usize; 2], outputs: usize, kernel: usize, stride: usize| {
        let (first, end) = if count_padding { (0, before + n + after) } else { (before, before + n) };
        let count = move |at: usize| {
            let (from, to) = ((at * stride).max(first), (at * stride + kernel).min(end));
            kernel as f64 / to.saturating_sub(from).max(1) as f64
        };
        (0..outputs).map(count).collect::<Vec<f64>>()
    };
    let rows = counted(h, [top, bottom], oh, window.kernel.h, window.stride.h);
    let columns = counted(w, [left, right], ow, window.kernel.w, window.stride.w);
    if rows.iter().chain(&columns).all(|factor| *factor == 1.0) {
        return y;
    }
    let factors: Vec<f64> =
        rows.iter().flat_map(|row| columns.iter().map(move |column| row * column)).collect();
    let factors = Tensor::<4>::from_data(TensorData::new(factors, [1, 1, oh, ow]), (&y.device(), y.dtype()));
    y * factors
}

/// Height and width that leave a pool.
fn outputs(x: &Tensor<4>, window: Window) -> [usize; 2] {
    let [_, c, h, w] = x.dims();
    let dims = Op::MaxPool(window).shape(&[Dims::images([c, h, w])]);
    // The graph's constructor and the pass have looked at this before.
    dims.map_or([h, w], |dims| [dims.image()[1], dims.image()[2]])
}

/// What a dimension lacks for its last window.
fn missing(size: usize, windows: usize, kernel: usize, stride: usize, dilation: usize) -> usize {
    ((windows - 1) * stride + dilation * (kernel - 1) + 1).saturating_sub(size)
}
