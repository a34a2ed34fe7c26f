//! Convolutions over one and two dimensions, and their transposes.

use burn::{
    module::{Module, Param},
    prelude::Device,
    tensor::{
        Tensor,
        module::conv_transpose2d,
        ops::{ConvOptions, ConvTransposeOptions},
    },
};
use sapwood_backend::Ops;
use sapwood_core::{ConvSpec, Pads};

use crate::{layers::zeros, value::Value};

/// The four kinds of layers, which differ in the order of their weight and its rank: by their names
/// `sapwood_core` knows which.
macro_rules! layer {
    ($(#[$about:meta])* $name:ident, $rank:literal, $shape:literal) => {
        $(#[$about])*
        #[derive(Module, Debug)]
        pub struct $name {
            #[doc = $shape]
            pub weight: Param<Tensor<$rank>>,
            /// `[out]`
            pub bias: Option<Param<Tensor<1>>>,
        }

        impl $name {
            pub(crate) fn new(spec: ConvSpec, device: &Device) -> Self {
                let shape = spec.weight();
                let shape: [usize; $rank] = std::array::from_fn(|dim| shape[dim]);
                Self { weight: zeros(shape, device), bias: spec.bias.then(|| zeros([spec.outputs], device)) }
            }

            /// # Shapes
            /// `[N, in, H, W]` to `[N, out, H', W']`, with a height of 1 over one spatial dimension
            pub(crate) fn forward(&self, x: Tensor<4>, spec: ConvSpec, ops: Ops) -> Tensor<4> {
                let bias = self.bias.as_ref().map(Param::val);
                convolve(x, Value::from(self.weight.val()).images(), bias, spec, ops)
            }
        }
    };
}

layer!(
    /// A two-dimensional convolution.
    Conv2d, 4, "`[out, in/groups, kh, kw]`"
);
layer!(
    /// A one-dimensional convolution.
    Conv1d, 3, "`[out, in/groups, k]`"
);
layer!(
    /// A transposed two-dimensional convolution.
    ConvTranspose2d, 4, "`[in, out/groups, kh, kw]`"
);
layer!(
    /// A transposed one-dimensional convolution.
    ConvTranspose1d, 3, "`[in, out/groups, k]`"
);

fn convolve(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>, spec: ConvSpec, ops: Ops) -> Tensor<4> {
    // A sequence has nothing above and below.
    let padding = match spec.spatial {
        1 => Pads { top: 0, bottom: 0, ..spec.padding },
        _ => spec.padding,
    };
    let (both, rest) = split(padding);
    let ConvSpec { stride, dilation, groups, .. } = spec;
    if let Some(more) = spec.transposed {
        let options = ConvTransposeOptions::new(stride.hw(), both, more.hw(), dilation.hw(), groups);
        return without(conv_transpose2d(x, weight, bias, options), rest);
    }
    let options = ConvOptions::new(stride.hw(), both, dilation.hw(), groups);
    ops.conv2d(padded(x, rest, 0.0), weight, bias, options)
}

/// What is the same on both sides, vertically and horizontally, and what is more on one.
pub(crate) fn split(pads: Pads) -> ([usize; 2], Pads) {
    let (h, w) = (pads.top.min(pads.bottom), pads.left.min(pads.right));
    let rest =
        Pads { top: pads.top - h, bottom: pads.bottom - h, left: pads.left - w, right: pads.right - w };
    ([h, w], rest)
}

/// The planes with this value around them.
pub(crate) fn padded(x: Tensor<4>, pads: Pads, value: f32) -> Tensor<4> {
    match pads.sides() {
        [0, 0, 0, 0] => x,
        [top, left, bottom, right] => x.pad((left, right, top, bottom), value),
    }
}

/// The planes without what lies at their edges.
fn without(x: Tensor<4>, pads: Pads) -> Tensor<4> {
    match pads.sides() {
        [0, 0, 0, 0] => x,
        [top, left, bottom, right] => {
            let [_, _, h, w] = x.dims();
            x.narrow(2, top, h - top - bottom).narrow(3, left, w - left - right)
        }
    }
}
