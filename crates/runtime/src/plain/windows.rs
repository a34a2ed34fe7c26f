//! Windows that no kernel moves.

use sapwood_graph::{ConvSpec, Window};
use sapwood_kernels::infer::Function;

use super::arithmetic::{larger, of};

/// Gives height and width of planes, which are 1 and the length of sequences.
pub(super) fn plane(sizes: &[usize]) -> [usize; 2] {
    match *sizes {
        [_, _, height, width] => [height, width],
        [.., width] => [1, width],
        [] => [1, 1],
    }
}

/// Says which number of a row of `size` a tap of a window sees, if any.
fn seen(
    window: usize,
    stride: usize,
    tap: usize,
    dilation: usize,
    before: usize,
    size: usize,
) -> Option<usize> {
    (window * stride + tap * dilation).checked_sub(before).filter(|at| *at < size)
}

/// Computes the transpose of a convolution: each input goes to all that its windows see, times a weight
/// `[inputs, outputs / groups, rows, columns]`.
pub(super) fn transposed(
    spec: ConvSpec,
    [from_size, to_size]: [[usize; 2]; 2],
    weight: Vec<f32>,
    bias: Vec<f32>,
) -> Function {
    let ConvSpec { inputs, outputs, groups, spatial, .. } = spec;
    let [kernel, stride, dilation] = [spec.kernel, spec.stride, spec.dilation].map(|pair| pair.hw());
    // A sequence has nothing above.
    let before = [if spatial == 1 { 0 } else { spec.padding.top }, spec.padding.left];
    let per_group = [inputs / groups, outputs / groups];
    of(move |from, to| {
        let goes = |axis: usize, at: usize, tap: usize| {
            seen(at, stride[axis], tap, dilation[axis], before[axis], to_size[axis])
        };
        let (pixels, taps) = (from_size[0] * from_size[1], kernel[0] * kernel[1]);
        for (output, to) in to.chunks_mut(to_size[0] * to_size[1]).enumerate() {
            to.fill(bias[output]);
            let (group, own) = (output / per_group[1], output % per_group[1]);
            for input in group * per_group[0]..(group + 1) * per_group[0] {
                let weights = &weight[(input * per_group[1] + own) * taps..][..taps];
                for (at, x) in from[0][input * pixels..][..pixels].iter().enumerate() {
                    for (tap, weight) in weights.iter().enumerate() {
                        let place = [
                            goes(0, at / from_size[1], tap / kernel[1]),
                            goes(1, at % from_size[1], tap % kernel[1]),
                        ];
                        if let [Some(y), Some(x_)] = place {
                            to[y * to_size[1] + x_] += x * weight;
                        }
                    }
                }
            }
        }
    })
}

/// Gives the largest number of each window.
pub(super) fn largest(window: Window, [from_size, to_size]: [[usize; 2]; 2]) -> Function {
    let [kernel, stride, dilation] = [window.kernel, window.stride, window.dilation].map(|pair| pair.hw());
    let before = [window.padding.top, window.padding.left];
    of(move |from, to| {
        let sees = |axis: usize, at: usize, tap: usize| {
            seen(at, stride[axis], tap, dilation[axis], before[axis], from_size[axis])
        };
        let planes = from[0].chunks(from_size[0] * from_size[1]);
        for (x, to) in planes.zip(to.chunks_mut(to_size[0] * to_size[1])) {
            for (at, to) in to.iter_mut().enumerate() {
                let rows = (0..kernel[0]).filter_map(|tap| sees(0, at / to_size[1], tap));
                let all = rows.flat_map(|y| {
                    let columns = (0..kernel[1]).filter_map(move |tap| sees(1, at % to_size[1], tap));
                    columns.map(move |column| x[y * from_size[1] + column])
                });
                *to = all.map(f64::from).fold(f64::NEG_INFINITY, larger) as f32;
            }
        }
    })
}
