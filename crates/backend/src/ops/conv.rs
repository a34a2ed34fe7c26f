//! Convolutions.

use burn::{
    backend::Dispatch,
    tensor::{Tensor, module, ops::ConvOptions},
};
use sapwood_kernels::Convolution;

use super::{
    Ops,
    extension::{Kernels, Maybe},
};

impl Ops {
    /// A two-dimensional convolution.
    ///
    /// # Shapes
    /// - `x`: `[N, C, H, W]`
    /// - `weight`: `[O, C/groups, kh, kw]`
    /// - `bias`: `[O]`
    /// - returns: `[N, O, H', W']`
    pub fn conv2d(
        self,
        x: Tensor<4>,
        weight: Tensor<4>,
        bias: Option<Tensor<1>>,
        options: ConvOptions<2>,
    ) -> Tensor<4> {
        let types = [weight.dtype()].into_iter().chain(bias.as_ref().map(Tensor::dtype));
        let outputs = weight.dims()[0];
        let is_biased = bias.as_ref().is_none_or(|bias| bias.dims() == [outputs]);
        match sizes(x.dims(), weight.dims(), &options) {
            Some(sizes) if is_biased && self.has_kernels("conv2d", &x, types) => {
                let (x, weight, bias) =
                    (x.into_dispatch(), weight.into_dispatch(), Maybe::of(bias.map(Tensor::into_dispatch)));
                Tensor::from_dispatch(<Dispatch as Kernels>::convolve(x, weight, bias, sizes))
            }
            _ => module::conv2d(x, weight, bias, options),
        }
    }
}

/// The sizes of what the kernels can compute: equal padding on both sides. What does
/// not fit is left to Burn, whose message names it.
fn sizes(
    [n, c, h, w]: [usize; 4],
    [o, inputs, kh, kw]: [usize; 4],
    options: &ConvOptions<2>,
) -> Option<Convolution> {
    if options.is_asymmetric() {
        return None;
    }
    let (groups, padding) = (options.groups, options.padding_begin());
    let fits = groups * inputs == c && o % groups == 0 && n * c * h * w * o * kh * kw > 0;
    let reaches = [0, 1].map(|a| options.dilation[a] * ([kh, kw][a].max(1) - 1) < [h, w][a] + 2 * padding[a]);
    (fits && reaches == [true, true]).then(|| Convolution {
        images: n,
        groups,
        inputs,
        outputs: o / groups,
        input: [h, w],
        kernel: [kh, kw],
        stride: options.stride,
        padding,
        dilation: options.dilation,
    })
}
