//! Integers as a file has them: of weights, of biases, and the scales and zero points of values.

use std::borrow::Cow;

use sapwood_graph::{Array, DType, Grid, Per, Quantized};

use super::writing::{Attribute, Tensor, Writing};
use crate::proto::data_type;

/// The tensors that integers are told by.
pub(super) struct Whole {
    pub(super) values: String,
    pub(super) scale: String,
    pub(super) zero_point: String,
}

/// The bias that is added to the sums of a layer: integers of 32 bits with the scale of the products.
///
/// # Errors
/// Scales whose product f32 does not hold; a value that 32 bits do not hold.
pub(super) fn bias(bias: &Array, x: &Grid, weight: &Quantized) -> Result<Quantized, String> {
    let scales: Vec<f32> = weight.scale().iter::<f32>().map(|scale| x.scale() * scale).collect();
    let whole = |(at, value): (usize, f32)| {
        let step = scales[at % scales.len()];
        match value.abs() <= i32::MAX as f32 * step {
            true => Ok((value / step).round_ties_even() as i32),
            false => Err(format!(
                "has a bias of {value}, which 32 bits do not hold in steps of {step:e}: give its weights a larger scale"
            )),
        }
    };
    let values = bias.iter::<f32>().enumerate().map(whole).collect::<Result<Vec<i32>, String>>()?;
    let made = Array::new(bias.shape(), values).and_then(|values| {
        Quantized::new(values, weight.per(), Array::new(weight.scale().shape(), scales.clone())?, None)
    });
    made.map_err(|error| format!("has a bias without integers: {error}"))
}

/// Whether sums of a layer's products are whole: a tensor or each output has one scale.
pub(super) fn is_summed(weight: &Quantized) -> bool {
    matches!(weight.per(), Per::Tensor | Per::Axis(0))
}

/// A weight with columns for rows.
pub(super) fn turned(weight: &Quantized) -> Result<Quantized, String> {
    crate::turned::turned(weight).map_err(|error| format!("has a weight that is no matrix: {error}"))
}

impl<'s> Writing<'s> {
    /// Integers under the name of a parameter, with their scales and zero points beside them: each in a byte of its
    /// own, or as few bits as they have.
    ///
    /// # Errors
    /// Groups before opset 21.
    pub(super) fn whole(
        &mut self,
        path: &str,
        value: Cow<'s, Quantized>,
        packed: bool,
    ) -> Result<Whole, String> {
        if matches!(value.per(), Per::Group { .. }) && self.opset < 21 {
            return Err(
                self.refused_before(21, "has weights in groups, which are written from opset 21 on".into())
            );
        }
        let kind = match value.dtype() {
            DType::I4 if packed && 21 <= self.opset => data_type::INT4,
            DType::U4 if packed && 21 <= self.opset => data_type::UINT4,
            DType::I8 | DType::I4 | DType::I2 => data_type::INT8,
            DType::I32 => data_type::INT32,
            _ => data_type::UINT8,
        };
        let (shape, scale) = (value.shape().to_vec(), value.scale().clone());
        let count = scale.len();
        let points = match value.zero_point() {
            Some(points) => points.iter::<i64>().collect(),
            None => vec![0; count],
        };
        let bytes = match value {
            Cow::Borrowed(value) if stands(kind, value.dtype()) => value.values().as_bytes(),
            value if stands(kind, value.dtype()) => Cow::Owned(value.values().as_bytes().into_owned()),
            value => Cow::Owned(lying(kind, value.values().iter::<i64>())),
        };
        let values = self.tensor(path, kind, &shape, bytes);
        let scales = scale.iter::<f32>().flat_map(f32::to_le_bytes).collect();
        let zeros = lying(kind, points.into_iter());
        Ok(Whole {
            values,
            scale: self.tensor(&format!("{path}_scale"), data_type::FLOAT, scale.shape(), Cow::Owned(scales)),
            zero_point: self.tensor(&format!("{path}_zero_point"), kind, scale.shape(), Cow::Owned(zeros)),
        })
    }

    /// The integers of a bias, whose scale is known where they are added.
    pub(super) fn integers_of(&mut self, path: &str, bias: &Quantized) -> String {
        let bytes = lying(data_type::INT32, bias.values().iter::<i64>());
        self.tensor(path, data_type::INT32, bias.shape(), Cow::Owned(bytes))
    }

    /// Integers of a parameter, and the name of the numbers that they stand for.
    pub(super) fn dequantized(&mut self, path: &str, value: Cow<'s, Quantized>) -> Result<String, String> {
        let attributes = match value.per() {
            Per::Tensor => vec![],
            Per::Axis(axis) => vec![("axis", Attribute::Int(axis as i64))],
            Per::Group { axis, size } => {
                vec![("axis", Attribute::Int(axis as i64)), ("block_size", Attribute::Int(size as i64))]
            }
        };
        let Whole { values, scale, zero_point } = self.whole(path, value, true)?;
        Ok(self.layer("", "DequantizeLinear", vec![values, scale, zero_point], &attributes))
    }

    fn tensor(&mut self, name: &str, data_type: i64, shape: &[usize], bytes: Cow<'s, [u8]>) -> String {
        let name = self.unused(name.into());
        let dims = shape.iter().map(|size| *size as i64).collect();
        self.tensors.push(Tensor { name: name.clone(), data_type, dims, bytes });
        name
    }

    /// The scale and the zero point of a grid, under their names.
    ///
    /// # Errors
    /// Integers that are not all of a type of ONNX.
    pub(super) fn scale_of(&mut self, grid: &Grid) -> Result<[String; 2], String> {
        let [low, high] = grid.integers();
        let kind = match [low, high] {
            [0, 255] => data_type::UINT8,
            // Symmetric ones leave the lowest out.
            [-128 | -127, 127] => data_type::INT8,
            [0, 65535] if 21 <= self.opset => data_type::UINT16,
            [-32768 | -32767, 32767] if 21 <= self.opset => data_type::INT16,
            found => {
                let opset = self.opset;
                let why =
                    format!("is rounded to the integers {low} to {high}, which are no type of opset {opset}");
                return Err(match found {
                    [0, 65535] | [-32768 | -32767, 32767] => self.refused_before(21, why),
                    _ => why,
                });
            }
        };
        let zero = lying(kind, [i64::from(grid.zero_point())].into_iter());
        let said = format!("{} of {low} to {high}", grid.zero_point());
        Ok([self.number(grid.scale()), self.shared(kind, vec![], zero, said)])
    }

    /// A value in the integers of a grid.
    pub(super) fn quantize(&mut self, value: String, grid: &Grid) -> Result<String, String> {
        let [scale, zero] = self.scale_of(grid)?;
        Ok(self.layer("", "QuantizeLinear", vec![value, scale, zero], &[]))
    }

    /// The numbers that the integers of a value stand for.
    pub(super) fn dequantize(&mut self, value: String, grid: &Grid) -> Result<String, String> {
        let [scale, zero] = self.scale_of(grid)?;
        Ok(self.layer("", "DequantizeLinear", vec![value, scale, zero], &[]))
    }
}

/// Whether integers lie in memory as in a file.
fn stands(kind: i64, dtype: DType) -> bool {
    matches!(
        (kind, dtype),
        (data_type::INT8, DType::I8)
            | (data_type::UINT8, DType::U8)
            | (data_type::INT32, DType::I32)
            | (data_type::INT4, DType::I4)
            | (data_type::UINT4, DType::U4)
    )
}

/// Integers as they lie in a file.
fn lying(kind: i64, values: impl Iterator<Item = i64>) -> Vec<u8> {
    match kind {
        data_type::INT32 => values.flat_map(|value| (value as i32).to_le_bytes()).collect(),
        data_type::UINT16 | data_type::INT16 => {
            values.flat_map(|value| (value as u16).to_le_bytes()).collect()
        }
        data_type::INT4 | data_type::UINT4 => {
            let nibbles: Vec<u8> = values.map(|value| value as u8 & 0x0f).collect();
            nibbles.chunks(2).map(|pair| pair[0] | pair.get(1).copied().unwrap_or(0) << 4).collect()
        }
        _ => values.map(|value| value as u8).collect(),
    }
}
