//! Sums and products in an order that a level decides, and not the machine.
//!
//! Burn's CPU backend sums rows by the widest registers that a machine has, and cuts long sums of
//! matrix products by the size of its cache. Where a level is pinned ([`crate::pin_level`]) these
//! functions take the order from that level. Elsewhere they are Burn's, but for [`sum`] and
//! [`mean`] of many values, for which Burn's threads leave no order at all.

use burn::{
    backend::Dispatch,
    tensor::{DType, Tensor, activation, module},
};

use super::{Ops, extension::Kernels, is_cpu};

/// From this number of values on Burn's CPU backend sums f32 in parallel, by how threads happen to take the parts.
const MANY: usize = 1 << 22;
/// The number of values in a part, where they are summed part by part.
const ROW: usize = 1 << 16;

/// Whether there is anything to be summed, and a level is to say how.
fn is_pinned<const D: usize>(x: &Tensor<D>) -> bool {
    crate::pinned_level().is_some()
        && matches!(x.dtype(), DType::F32 | DType::F64)
        && x.shape().num_elements() > 0
        && Ops::Kernels.has_kernels("ordered", x, [])
}

fn is_long<const D: usize>(x: &Tensor<D>) -> bool {
    x.dtype() == DType::F32 && x.shape().num_elements() >= MANY && is_cpu(&x.device())
}

fn summed<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as Kernels>::sum_last(x.into_dispatch()))
}

fn spread<const D: usize>(x: Tensor<D>, times: usize) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as Kernels>::spread_last(x.into_dispatch(), times))
}

/// The sum of all values, `[1]`.
pub fn sum<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    let count = x.shape().num_elements();
    if is_long(&x) && !is_pinned(&x) {
        // The sums of rows, and of what is left over.
        let x: Tensor<1> = x.reshape([count]);
        let even = count / ROW * ROW;
        let of_rows = |x: Tensor<1>| sum::<2>(sum_last(x.reshape([even / ROW, ROW])));
        return match even == count {
            true => of_rows(x),
            false => of_rows(x.clone().slice(0..even)) + sum(x.slice(even..count)),
        };
    }
    match is_pinned(&x) {
        true => summed(x.reshape([count])),
        false => x.sum(),
    }
}

/// The mean of all values, `[1]`.
pub fn mean<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    if !is_pinned(&x) && !is_long(&x) {
        return x.mean();
    }
    let count = x.shape().num_elements();
    sum(x) / count as f64
}

/// The sum over the last dimension, which stays with size 1.
pub fn sum_last<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    match is_pinned(&x) {
        true => summed(x),
        false => x.sum_dim(D - 1),
    }
}

/// The softmax over the last dimension.
pub fn softmax<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if !is_pinned(&x) {
        return activation::softmax(x, D - 1);
    }
    let powers = shifted(x).exp();
    let times = powers.dims()[D - 1];
    powers.clone() / spread(summed(powers), times)
}

/// The logarithm of the softmax over the last dimension.
pub fn log_softmax<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if !is_pinned(&x) {
        return activation::log_softmax(x, D - 1);
    }
    let (times, shifted) = (x.dims()[D - 1], shifted(x));
    let logarithm = summed(shifted.clone().exp()).log();
    shifted - spread(logarithm, times)
}

/// Less the largest of the last dimension, which is a constant.
fn shifted<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let largest = x.clone().detach().max_dim(D - 1);
    x - largest
}

/// Normalisation over the last dimension, of size `C`, with a scale and a shift.
///
/// # Shapes
/// `[.., C]`, `[C]`, `[C]` to the first
pub fn layer_norm<const D: usize>(
    x: Tensor<D>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> Tensor<D> {
    if !is_pinned(&x) {
        return module::layer_norm(x, gamma, Some(beta), epsilon);
    }
    let times = x.dims()[D - 1];
    let mean = |x: Tensor<D>| summed(x) / times as f64;
    let centred = x.clone() - spread(mean(x), times);
    let variance = mean(centred.clone() * centred.clone());
    let normalised = centred / spread((variance + epsilon).sqrt(), times);
    normalised * gamma.unsqueeze() + beta.unsqueeze()
}

/// The tensor in a larger shape of its rank, where dimensions of size 1 are repeated.
pub fn expand<const D: usize>(x: Tensor<D>, shape: [usize; D]) -> Tensor<D> {
    let sizes = x.dims();
    if sizes == shape {
        return x;
    }
    // The gradient of what is repeated along rows is a sum along rows.
    let x = match is_pinned(&x) && sizes[D - 1] == 1 && 1 < shape[D - 1] {
        true => spread(x, shape[D - 1]),
        false => x,
    };
    x.expand(shape)
}

/// Less the mean of the last dimension and over its deviation, `sqrt(variance + epsilon)`.
pub fn standardize<const D: usize>(x: Tensor<D>, epsilon: f64) -> Tensor<D> {
    let shape = x.dims();
    let mean = |x: Tensor<D>| expand(sum_last(x) / shape[D - 1] as f64, shape);
    let centred = x.clone() - mean(x);
    let variance = mean(centred.clone() * centred.clone());
    centred / (variance + epsilon).sqrt()
}

/// Each channel times its factor.
///
/// # Shapes
/// `[N, C, H, W]` and `[N, C, 1, 1]` to the first
pub fn scale(x: Tensor<4>, factors: Tensor<4>) -> Tensor<4> {
    match is_pinned(&x) && factors.dims()[3] == 1 {
        true => {
            let times = x.dims()[3];
            x * spread(factors, times)
        }
        false => x * factors,
    }
}

/// A matrix product, of matrices of equally many pairs.
///
/// # Shapes
/// `[.., M, K]` and `[.., K, N]` to `[.., M, N]`
pub fn product<const D: usize>(left: Tensor<D>, right: Tensor<D>) -> Tensor<D> {
    match is_pinned(&left) && left.dims()[..D - 2] == right.dims()[..D - 2] {
        true => {
            Tensor::from_dispatch(<Dispatch as Kernels>::product(left.into_dispatch(), right.into_dispatch()))
        }
        false => left.matmul(right),
    }
}

/// A fully connected layer.
///
/// # Shapes
/// `[N, in]`, `[in, out]` and `[out]` to `[N, out]`
pub fn linear(x: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    if !is_pinned(&x) {
        return module::linear(x, weight, bias);
    }
    let y = product(x, weight);
    match bias {
        Some(bias) => y + bias.unsqueeze(),
        None => y,
    }
}
