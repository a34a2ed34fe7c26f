//! Layers that read channels of pixels.

use std::borrow::Cow;

use sapwood_graph::{ConvSpec, Dims, Op, Pads, norm_factors};
use sapwood_kernels::infer::{Pooling, Window};

use super::words::{curve, window};
use crate::{
    Error,
    layer::{Conv, Kind},
    plain::Values,
};

/// A linear layer of each pixel; none for another operation.
pub(super) fn at_pixels<'a>(op: &Op, values: Values<'_, 'a>) -> Result<Option<Kind<'a>>, Error> {
    let Op::Linear { inputs, outputs, bias, .. } = *op else { return Ok(None) };
    let (bias, weight) = (biases(bias, outputs, values)?, values("weight", &[outputs, inputs])?);
    Ok(Some(Kind::Conv(Conv::new(Window::new([1, 1], [1, 1]), inputs, weight, bias))))
}

/// How the value of an operation on images comes about, or of one that is done number by number; none where it is another
/// operation, or has a variety without a kernel.
pub(super) fn of_images<'a>(
    op: &Op,
    inputs: &[&Dims],
    found: &Dims,
    values: Values<'_, 'a>,
) -> Result<Option<Kind<'a>>, Error> {
    let has_channels = |dims: &&Dims| dims.example().is_some_and(|example| !example.is_empty());
    match op {
        // What is done number by number is done in any dimensions.
        Op::Activation(activation) => return Ok(Some(Kind::Curve(curve(*activation)))),
        Op::Add if inputs[0] == inputs[1] => return Ok(Some(Kind::Add(None))),
        _ if inputs.iter().chain([&found]).all(has_channels) => {}
        _ => return Ok(None),
    }
    let [channels, height, width] = inputs[0].image();
    Ok(Some(match *op {
        Op::Conv(spec) if spec.transposed.is_none() => {
            let ConvSpec { inputs, outputs, groups, .. } = spec;
            let (mut window, weight) = (window(&spec.window()), values("weight", &spec.weight())?);
            if spec.spatial == 1 {
                // A sequence has nothing above.
                window.before[0] = 0;
            }
            let bias = biases(spec.bias, outputs, values)?;
            Kind::Conv(Conv { groups, ..Conv::new(window, inputs, weight, bias) })
        }
        Op::Linear { inputs, outputs, bias, places: false } => {
            let weight = values("weight", &[outputs, inputs])?;
            let (window, bias) = (Window::new([height, width], [1, 1]), biases(bias, outputs, values)?);
            Kind::Conv(Conv::new(window, channels, weight, bias))
        }
        Op::BatchNorm { channels, epsilon, .. } => {
            let of = |name: &str| values(name, &[channels]).map(wide);
            let (gamma, beta) = (of("weight")?, of("bias")?);
            let (mean, variance) = (of("running_mean")?, of("running_var")?);
            let scale = norm_factors(gamma, variance, epsilon);
            let shift = beta.iter().zip(&mean).zip(&scale).map(|((beta, mean), scale)| beta - mean * scale);
            Kind::Affine { shift: shift.collect(), scale }
        }
        Op::MaxPool(pool) if pool.dilation.square() == Some(1) => Kind::Pool(window(&pool), Pooling::Largest),
        Op::AvgPool(pool) if pool.window.dilation.square() == Some(1) => {
            let Pads { bottom, right, .. } = pool.window.padding;
            let pooling = match pool.count_padding {
                true => Pooling::MeanWithPadding([bottom, right]),
                false => Pooling::Mean,
            };
            Kind::Pool(window(&pool.window), pooling)
        }
        Op::GlobalAvgPool => Kind::Mean,
        Op::Scale => Kind::Scale,
        Op::Subsample { stride, channels: outputs } => {
            Kind::Subsample { stride: [stride; 2], front: (outputs - channels) / 2 }
        }
        _ => return Ok(None),
    }))
}

/// The biases of a layer, of which one without has zeros.
fn biases(is_there: bool, outputs: usize, values: Values<'_, '_>) -> Result<Vec<f64>, Error> {
    match is_there {
        true => values("bias", &[outputs]).map(wide),
        false => Ok(vec![0.0; outputs]),
    }
}

fn wide(values: Cow<'_, [f32]>) -> Vec<f64> {
    values.iter().map(|x| f64::from(*x)).collect()
}
