//! Matrix products whose sums are cut where every machine cuts them.
//!
//! The crate `gemm`, by which Burn's CPU backend multiplies, uses the same instructions on every
//! x86-64 that has AVX2 and FMA: it knows no wider ones without its feature `x86-v4`. But it sums long
//! rows in pieces whose length follows from the size and the associativity of the nearest cache: 512 on
//! one machine and 1024 on another. Here the pieces are made before, none longer than the shortest.

use burn::backend::{Flex, flex::FlexTensor, ops::FloatTensorOps};
use burn::tensor::Slice;

/// No machine takes shorter pieces.
const PIECE: usize = 512;
/// Up to this number of rows and columns every machine takes pieces of this length.
const SMALL: usize = 64;
/// Up to this number of results it takes others, everywhere the same.
const FEW: usize = 256;

/// `[.., M, K]` and `[.., K, N]` to `[.., M, N]`
pub(super) fn product(left: FlexTensor, right: FlexTensor) -> FlexTensor {
    let (of_left, of_right) = (left.layout().shape(), right.layout().shape());
    let [axis_left, axis_right] = [of_left.len() - 1, of_right.len() - 2];
    let [m, k, n] = [of_left[axis_left - 1], of_left[axis_left], of_right[axis_right + 1]];
    let is_alike = k <= PIECE || m.max(n) <= SMALL || m.min(n) <= 1 || m * n <= FEW;
    if is_alike {
        return Flex::float_matmul(left, right);
    }
    // As `gemm` does where pieces are the shortest: of one length, but for the last.
    let piece = k.div_ceil(k.div_ceil(PIECE));
    let pieces = (0..k).step_by(piece).map(|from| {
        let range = from..k.min(from + piece);
        let left = cut(&left, axis_left, range.clone());
        Flex::float_matmul(left, cut(&right, axis_right, range))
    });
    let sum = pieces.reduce(Flex::float_add);
    sum.unwrap_or_else(|| unreachable!("there is a piece"))
}

fn cut(x: &FlexTensor, axis: usize, range: std::ops::Range<usize>) -> FlexTensor {
    let slices: Vec<Slice> = (0..x.layout().shape().len())
        .map(|other| if other == axis { range.clone().into() } else { Slice::full() })
        .collect();
    Flex::float_slice(x.clone(), &slices)
}
