//! The integers of weights.

use sapwood_graph::{Array, DType, Grid, Op, Packed, Per, Quantized, Scheme, Symmetry, Values};

use crate::Error;

/// The scheme of weights with this number of bits: symmetric, from `-n` to `n`, in the smallest type that holds them.
/// With 7, two of them times bytes fit 16 bits (255 * 126 < 2^15), in which processors with AVX2 alone sum products.
///
/// # Errors
/// Fewer bits than 2, or more than 8.
pub fn weight_scheme(bits: usize, per: Per) -> Result<Scheme, Error> {
    let dtype = match bits {
        5..=8 => DType::I8,
        3 | 4 => DType::I4,
        2 => DType::I2,
        found => return Err(Error::Bits { found }),
    };
    let most = (1 << (bits - 1)) - 1;
    shared(Scheme::new(dtype, Symmetry::Symmetric)?.within(-most..=most)?, per)
}

/// The bits that the integers of a scheme need.
pub fn bits_of(scheme: Scheme) -> u32 {
    let (low, high) = scheme.integers().into_inner();
    (high - low).ilog2() + 1
}

/// Integers of which these share a scale, by a scheme of one scale for all.
fn shared(whole: Scheme, per: Per) -> Result<Scheme, Error> {
    Ok(match per {
        Per::Tensor => whole,
        Per::Axis(axis) => whole.per_axis(axis),
        Per::Group { axis, size } => whole.groups(axis, size)?,
    })
}

/// A scheme, asked for with weights in mind that are `[out, in, ...]`, as the weight of an operation has it. Groups of
/// more inputs than an output has are all that it has, in one scale for each output. A transposed convolution has its
/// outputs in dimension 1 and its inputs in dimension 0. Where each input has outputs of its own (depthwise), these lie
/// at its place of dimension 0, and share a scale if they are several. With groups of several inputs outputs lie
/// nowhere side by side, and all weights share one.
pub(crate) fn suited(asked: Scheme, op: &Op) -> Result<Scheme, Error> {
    let inputs = match op {
        Op::Conv(spec) => spec.inputs / spec.groups.max(1),
        Op::Linear { inputs, .. } => *inputs,
        _ => usize::MAX,
    };
    let per = match asked.per() {
        Per::Group { axis: 1, size } if inputs < size => Per::Axis(0),
        per => per,
    };
    let per = match (op, per) {
        (Op::Conv(spec), Per::Axis(0)) if spec.transposed.is_some() => match spec.groups {
            1 => Per::Axis(1),
            groups if groups == spec.inputs => Per::Axis(0),
            _ => Per::Tensor,
        },
        (Op::Conv(spec), Per::Group { axis: 1, size }) if spec.transposed.is_some() => {
            Per::Group { axis: 0, size }
        }
        (_, per) => per,
    };
    shared(Scheme::new(asked.dtype(), asked.symmetry())?.within(asked.integers())?, per)
}

/// The scale of weights that are all zero.
pub(crate) const OF_ZEROS: f32 = 1.0 / (1 << 20) as f32;

/// The grids of a weight between its extremes: one for each scale. Zeros have the least scale of the others: their own
/// would be any, and the steps of a bias are multiples of it.
///
/// # Errors
/// A dimension that the weight does not have; values that are not finite.
pub fn grids_of(weight: &Array, scheme: Scheme) -> Result<Vec<Grid>, Error> {
    let extremes = extremes(weight, scheme.per())?;
    let is_zero = |[min, max]: [f32; 2]| min == 0.0 && max == 0.0;
    let grids = extremes.iter().map(|[min, max]| scheme.grid(*min, *max)).collect::<Result<Vec<_>, _>>()?;
    let others = extremes.iter().zip(&grids).filter(|(extremes, _)| !is_zero(**extremes));
    let least = others.map(|(_, grid)| grid.scale()).reduce(f32::min).unwrap_or(OF_ZEROS);
    let with_scale = |(extremes, grid): (&[f32; 2], Grid)| match is_zero(*extremes) {
        true => Ok(Grid::new(least, grid.zero_point(), grid.integers())?),
        false => Ok(grid),
    };
    extremes.iter().zip(grids).map(with_scale).collect()
}

/// The least and the largest value of each scale.
fn extremes(weight: &Array, per: Per) -> Result<Vec<[f32; 2]>, Error> {
    let scales: usize = per.scales(weight.shape())?.iter().product();
    let place = per.places(weight.shape());
    let mut extremes = vec![[0.0f32; 2]; scales];
    for (at, value) in weight.iter::<f32>().enumerate() {
        let [min, max] = &mut extremes[place(at)];
        // What is not a number is kept: `min` and `max` would pass over it.
        if value.is_nan() || value < *min {
            *min = value;
        }
        if value > *max {
            *max = value;
        }
    }
    Ok(extremes)
}

/// A weight as the nearest integers.
///
/// # Errors
/// As for [`grids_of`].
pub fn nearest(weight: &Array, scheme: Scheme, grids: &[Grid]) -> Result<Quantized, Error> {
    let place = scheme.per().places(weight.shape());
    let integers = weight.iter::<f32>().enumerate().map(|(at, value)| grids[place(at)].nearest(value));
    of_integers(weight.shape(), integers.collect(), scheme, grids)
}

/// Integers with their scales.
///
/// # Errors
/// Integers that the scheme's type does not hold.
pub(crate) fn of_integers(
    shape: &[usize],
    integers: Vec<i32>,
    scheme: Scheme,
    grids: &[Grid],
) -> Result<Quantized, Error> {
    let values: Values = match scheme.dtype() {
        DType::I8 => integers.into_iter().map(|q| q as i8).collect::<Vec<_>>().into(),
        DType::U8 => integers.into_iter().map(|q| q as u8).collect::<Vec<_>>().into(),
        dtype => Packed::new(dtype, integers.into_iter().map(i64::from))?.into(),
    };
    let of_scales = scheme.per().scales(shape)?;
    let scale = Array::new(of_scales.clone(), grids.iter().map(Grid::scale).collect::<Vec<_>>())?;
    let points: Vec<i32> = grids.iter().map(Grid::zero_point).collect();
    let points = points.iter().any(|point| *point != 0).then(|| Array::new(of_scales, points)).transpose()?;
    Ok(Quantized::new(Array::new(shape, values)?, scheme.per(), scale, points)?)
}

#[cfg(test)]
mod tests {
    use sapwood_graph::ConvSpec;

    use super::*;

    fn numbers(quantized: &Quantized) -> Vec<f32> {
        quantized.dequantized().iter().collect()
    }

    #[test]
    fn a_channel_of_zeros_has_a_scale_and_stays_zero() {
        let weight = Array::new([3, 2], vec![0.0f32, 0.0, 0.25, 0.25, 1000.0, 0.5]).unwrap();
        let scheme = weight_scheme(8, Per::Axis(0)).unwrap();
        let grids = grids_of(&weight, scheme).unwrap();
        let found = nearest(&weight, scheme, &grids).unwrap();
        assert_eq!(found.values().as_slice::<i8>().unwrap(), [0, 0, 127, 127, 127, 0]);
        // Of which the bias has as fine steps as that of others.
        let scales = [0.25 / 127.0, 0.25 / 127.0, 1000.0 / 127.0];
        assert_eq!(found.scale().iter::<f32>().collect::<Vec<_>>(), scales);
        assert!(found.zero_point().is_none());
        assert!((numbers(&found)[2] - 0.25).abs() <= grids[1].scale() / 2.0);
        let zeros = grids_of(&Array::from_fn([3, 2], |_| 0.0f32), scheme).unwrap();
        assert!(zeros.iter().all(|grid| grid.scale() == OF_ZEROS));
    }

    #[test]
    fn every_number_of_bits_lies_within_half_a_step() {
        let weight = Array::from_fn([4, 6], |at| ((at * 37 % 101) as f32 - 50.0) / 50.0);
        for bits in 2..=8 {
            for per in [Per::Tensor, Per::Axis(0), Per::Axis(1), Per::Group { axis: 1, size: 4 }] {
                let scheme = weight_scheme(bits, per).unwrap();
                let grids = grids_of(&weight, scheme).unwrap();
                let found = nearest(&weight, scheme, &grids).unwrap();
                let place = per.places(weight.shape());
                for (at, (a, b)) in weight.iter::<f32>().zip(numbers(&found)).enumerate() {
                    assert!((a - b).abs() <= grids[place(at)].scale() * 0.500_001, "{bits} {per:?} {a} {b}");
                }
                assert!(found.values().iter::<i64>().all(|q| scheme.integers().contains(&q)));
            }
        }
        for bits in [0, 1, 9] {
            let error = weight_scheme(bits, Per::Tensor).unwrap_err().to_string();
            assert_eq!(error, format!("weights have 2 to 8 bits, not {bits}"));
        }
    }

    #[test]
    fn two_products_of_bytes_and_weights_of_7_bits_fit_16_bits() {
        let scheme = weight_scheme(7, Per::Axis(0)).unwrap();
        assert_eq!((scheme.dtype(), scheme.integers(), bits_of(scheme)), (DType::I8, -63..=63, 7));
        let both = |bits| 2 * 255 * *weight_scheme(bits, Per::Tensor).unwrap().integers().end();
        assert!(both(7) <= i64::from(i16::MAX) && i64::from(i16::MAX) < both(8));

        let weight = Array::new([2, 2], vec![0.5f32, -0.3, -3.0, 1.0]).unwrap();
        let found = nearest(&weight, scheme, &grids_of(&weight, scheme).unwrap()).unwrap();
        assert_eq!(found.values().as_slice::<i8>().unwrap(), [63, -38, -63, 21]);
    }

    #[test]
    fn scales_are_those_of_outputs_and_of_groups_of_inputs() {
        let conv = |inputs, outputs, groups| ConvSpec { groups, ..ConvSpec::new(inputs, outputs, 3) };
        let back = |inputs, outputs, groups| ConvSpec {
            transposed: Some(0.into()),
            ..conv(inputs, outputs, groups)
        };
        let group = |axis, size| Per::Group { axis, size };
        for (spec, channel, groups_of_4) in [
            (conv(8, 6, 1), Per::Axis(0), group(1, 4)),
            (conv(4, 6, 1), Per::Axis(0), group(1, 4)),
            (conv(3, 6, 1), Per::Axis(0), Per::Axis(0)),
            (conv(8, 8, 8), Per::Axis(0), Per::Axis(0)),
            (back(8, 6, 1), Per::Axis(1), group(0, 4)),
            (back(3, 6, 1), Per::Axis(1), Per::Axis(1)),
            (back(8, 6, 2), Per::Tensor, group(0, 4)),
            (back(6, 6, 2), Per::Tensor, Per::Tensor),
            (back(8, 8, 8), Per::Axis(0), Per::Axis(0)),
            (back(4, 8, 4), Per::Axis(0), Per::Axis(0)),
        ] {
            let of = |per| suited(weight_scheme(4, per).unwrap(), &Op::Conv(spec)).unwrap();
            assert_eq!([of(Per::Axis(0)).per(), of(group(1, 4)).per()], [channel, groups_of_4], "{spec:?}");
            assert_eq!(of(Per::Tensor), weight_scheme(4, Per::Tensor).unwrap());
        }
    }

    #[test]
    fn what_is_not_finite_has_no_grid() {
        for value in [f32::NAN, f32::INFINITY] {
            let weight = Array::new([2], vec![1.0, value]).unwrap();
            assert!(grids_of(&weight, weight_scheme(8, Per::Tensor).unwrap()).is_err());
        }
    }
}
