//! A convolution's input as a matrix.

use burn::tensor::{Tensor, s};
use sapwood_graph::{ConvSpec, Op, Pads};

/// The convolution over planes that a layer is for what a [tap](crate::Tap) sees of its input: a linear layer is one of a
/// single pixel, each of its places an example. None where its weights are no matrix that patches of the input are
/// multiplied with, as those of a transposed convolution.
pub fn as_convolution(op: &Op) -> Option<ConvSpec> {
    match *op {
        Op::Conv(spec) if spec.transposed.is_some() => None,
        // A sequence has nothing above and below.
        Op::Conv(spec) if spec.spatial == 1 => {
            Some(ConvSpec { padding: Pads { top: 0, bottom: 0, ..spec.padding }, ..spec })
        }
        Op::Conv(spec) => Some(spec),
        Op::Linear { inputs, outputs, bias, .. } => {
            Some(ConvSpec { bias, ..ConvSpec::new(inputs, outputs, 1) })
        }
        _ => None,
    }
}

/// Numbers of an unfolded input that are in memory at a time: 32 MiB in f32.
const IN_MEMORY: usize = 1 << 23;

/// [`unfold`] of some examples after the others, for sums over all columns: only that many are unfolded at a time that
/// their columns have at most 2^23 numbers, or one.
///
/// # Shapes
/// `[N, C, H, W]` to `[groups, C/groups * kh * kw, n * OH * OW]` each, in the order of the examples
pub fn unfold_in_parts(x: Tensor<4>, spec: &ConvSpec) -> impl Iterator<Item = Tensor<3>> {
    let [n, c, h, w] = x.dims();
    let each = c * h * w * spec.kernel.product() / spec.stride.product();
    let parts = x.split((IN_MEMORY / each.max(1)).clamp(1, n.max(1)), 0);
    parts.into_iter().map(move |part| unfold(part, spec))
}

/// The patches that a convolution sees, one column for each example and position: the convolution is the product of
/// its weights with them.
///
/// # Shapes
/// `[N, C, H, W]` to `[groups, C/groups * kh * kw, N * OH * OW]`
pub fn unfold(x: Tensor<4>, spec: &ConvSpec) -> Tensor<3> {
    let [n, c, h, w] = x.dims();
    let (kernel, stride, dilation, pads) = (spec.kernel, spec.stride, spec.dilation, spec.padding);
    let size = |n: usize, around: usize, kernel: usize, dilation: usize, stride: usize| {
        (n + around - dilation * (kernel - 1) - 1) / stride + 1
    };
    let oh = size(h, pads.top + pads.bottom, kernel.h, dilation.h, stride.h);
    let ow = size(w, pads.left + pads.right, kernel.w, dilation.w, stride.w);
    let x = match pads.sides() {
        [0, 0, 0, 0] => x,
        [top, left, bottom, right] => x.pad((left, right, top, bottom), 0.0),
    };
    let tap = |ky: usize, kx: usize| {
        let reach = |first: usize, count: usize, stride: usize| first + (count - 1) * stride + 1;
        let (y, x0) = (ky * dilation.h, kx * dilation.w);
        let (sh, sw) = (stride.h as isize, stride.w as isize);
        let rows = s![.., .., y..reach(y, oh, stride.h);sh, x0..reach(x0, ow, stride.w);sw];
        x.clone().slice(rows).reshape([n, c, 1, oh * ow])
    };
    let places = (0..kernel.h).flat_map(|ky| (0..kernel.w).map(move |kx| (ky, kx)));
    let patches = Tensor::cat(places.map(|(ky, kx)| tap(ky, kx)).collect(), 2);
    let rows = c / spec.groups * kernel.product();
    patches.permute([1, 2, 0, 3]).reshape([spec.groups, rows, n * oh * ow])
}
