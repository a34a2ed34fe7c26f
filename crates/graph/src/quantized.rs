//! A tensor of integers with scales.

use crate::{Array, Bits, DType, Error, Per};

/// Integers that stand for real numbers: `x = scale * (q - zero_point)`, with a scale and a zero point
/// for the tensor, for each place of a dimension, or for each group along one (Jacob et al. 2018,
/// section 2.1; ONNX `DequantizeLinear`). A bias in i32 is one too.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantized {
    values: Array,
    per: Per,
    scale: Array,
    zero_point: Option<Array>,
}

impl Quantized {
    /// Integers with their scales, and zero points where 0 does not stand for 0.
    ///
    /// # Shapes
    /// - `values`: any, integers of at most 32 bits
    /// - `scale`: f32, positive; `[]` for the tensor, `[n]` for a dimension of size `n`, for groups that of
    ///   the values with the number of groups in the place of the dimension
    /// - `zero_point`: i32, as `scale`, each an integer that the values' type holds
    ///
    /// # Errors
    /// [`Error::Quantization`] for whatever is otherwise.
    pub fn new(values: Array, per: Per, scale: Array, zero_point: Option<Array>) -> Result<Self, Error> {
        let wrong = |problem: String| Err(Error::Quantization(problem));
        let dtype = values.dtype();
        let Some(held) = dtype.integers().filter(|_| dtype.bits() <= 32) else {
            return wrong(format!("expected integers of at most 32 bits, found {dtype}"));
        };
        let expected = parameters(values.shape(), per)?;
        let Some(scales) = scale.as_slice::<f32>().filter(|_| scale.shape() == expected) else {
            let (dtype, shape) = (scale.dtype(), scale.shape());
            return wrong(format!("its scale should be f32 {expected:?} but is {dtype} {shape:?}"));
        };
        if let Some(scale) = scales.iter().find(|scale| !(scale.is_finite() && **scale > 0.0)) {
            return wrong(format!("a scale should be finite and above 0, but is {scale}"));
        }
        if let Some(zero_point) = &zero_point {
            let Some(points) = zero_point.as_slice::<i32>().filter(|_| zero_point.shape() == expected) else {
                let (dtype, shape) = (zero_point.dtype(), zero_point.shape());
                return wrong(format!("its zero point should be i32 {expected:?} but is {dtype} {shape:?}"));
            };
            if let Some(point) = points.iter().find(|point| !held.contains(&i64::from(**point))) {
                return wrong(format!("a zero point should be a value of {dtype}, but is {point}"));
            }
        }
        Ok(Self { values, per, scale, zero_point })
    }

    /// The integers.
    pub fn values(&self) -> &Array {
        &self.values
    }

    /// Which of them share a scale.
    pub fn per(&self) -> Per {
        self.per
    }

    /// The scales, f32: see [`Quantized::new`].
    pub fn scale(&self) -> &Array {
        &self.scale
    }

    /// The integers that stand for 0, i32, where that is not 0.
    pub fn zero_point(&self) -> Option<&Array> {
        self.zero_point.as_ref()
    }

    /// The type of the integers.
    pub fn dtype(&self) -> DType {
        self.values.dtype()
    }

    /// The shape of the tensor.
    pub fn shape(&self) -> &[usize] {
        self.values.shape()
    }

    /// The numbers for which the integers stand, f32: the difference, rounded to f32, times the scale.
    pub fn dequantized(&self) -> Array {
        let scales: Vec<f32> = self.scale.iter().collect();
        let place = places(self.shape(), self.per);
        let points: Option<Vec<i64>> = self.zero_point.as_ref().map(|points| points.iter().collect());
        let number = |(at, value): (usize, i64)| {
            let place = place(at);
            (value - points.as_ref().map_or(0, |points| points[place])) as f32 * scales[place]
        };
        let numbers: Vec<f32> = self.values.iter::<i64>().enumerate().map(number).collect();
        self.values.with(numbers)
    }

    /// Which integers do not stand for 0.
    pub(crate) fn nonzero(&self) -> Bits {
        let Some(points) = &self.zero_point else { return self.values.nonzero() };
        let (values, points): (Vec<i64>, Vec<i64>) = (self.values.iter().collect(), points.iter().collect());
        let place = places(self.shape(), self.per);
        Bits::from_fn(values.len(), |at| values[at] != points[place(at)])
    }

    /// Sets what is masked to its zero point, which stands for 0.
    ///
    /// # Panics
    /// If the mask has another length.
    pub(crate) fn mask(&mut self, mask: &Bits) {
        let place = places(self.values.shape(), self.per);
        let points: Option<Vec<i64>> = self.zero_point.as_ref().map(|points| points.iter().collect());
        self.values.mask_with(mask, |at| points.as_ref().map_or(0, |points| points[place(at)]));
    }
}

impl Per {
    /// The shape of the scales of a tensor of this shape: see [`Quantized::new`].
    ///
    /// # Errors
    /// A dimension that the tensor does not have.
    pub fn scales(self, shape: &[usize]) -> Result<Vec<usize>, Error> {
        parameters(shape, self)
    }

    /// For each value of a tensor of this shape, by its position, that of its scale.
    pub fn places(self, shape: &[usize]) -> impl Fn(usize) -> usize + use<> {
        places(shape, self)
    }
}

/// The shape of the scales of a tensor.
fn parameters(shape: &[usize], per: Per) -> Result<Vec<usize>, Error> {
    let wrong = |axis| Error::Quantization(format!("there is no dimension {axis} in {shape:?}"));
    match per {
        Per::Tensor => Ok(vec![]),
        Per::Axis(axis) => Ok(vec![*shape.get(axis).ok_or_else(|| wrong(axis))?]),
        Per::Group { size: 0, .. } => {
            Err(Error::Quantization("expected groups of at least 1 value, found 0".into()))
        }
        Per::Group { axis, size } => {
            let mut found = shape.to_vec();
            let side = found.get_mut(axis).ok_or_else(|| wrong(axis))?;
            *side = side.div_ceil(size);
            Ok(found)
        }
    }
}

/// For each value of a tensor, by its position, that of its scale.
fn places(shape: &[usize], per: Per) -> impl Fn(usize) -> usize + use<> {
    let (axis, size) = match per {
        Per::Tensor => (None, 1),
        Per::Axis(axis) => (Some(axis), 1),
        Per::Group { axis, size } => (Some(axis), size),
    };
    let side = axis.map_or(1, |axis| shape[axis]);
    let inner: usize = axis.map_or(1, |axis| shape[axis + 1..].iter().product());
    move |at| match per {
        Per::Tensor => 0,
        Per::Axis(_) => at / inner % side,
        Per::Group { .. } => {
            let (outer, group) = (at / (inner * side), at / inner % side / size);
            (outer * side.div_ceil(size) + group) * inner + at % inner
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Packed;

    fn scales(shape: impl Into<Vec<usize>>, values: &[f32]) -> Array {
        Array::new(shape, values.to_vec()).unwrap()
    }

    fn numbers(quantized: &Quantized) -> Vec<f32> {
        quantized.dequantized().iter().collect()
    }

    #[test]
    fn a_tensor_has_one_scale_and_its_zero_point_stands_for_0() {
        // Onnx Runtime's scale and zero point for values from -1 to 3.
        let bytes = Array::new([4], vec![0u8, 64, 128, 255]).unwrap();
        let point = Array::new([], vec![64i32]).unwrap();
        let scale = scales([], &[0.015_686_275]);
        let found = Quantized::new(bytes, Per::Tensor, scale, Some(point)).unwrap();
        assert_eq!(numbers(&found), [-64.0, 0.0, 64.0, 191.0].map(|q: f32| q * 0.015_686_275));
    }

    #[test]
    fn each_place_of_a_dimension_has_its_scale() {
        let values = Array::new([2, 3], vec![1i8, 2, 3, -1, -2, -3]).unwrap();
        let by = |axis, scale: &[f32]| {
            let scale = scales([scale.len()], scale);
            numbers(&Quantized::new(values.clone(), Per::Axis(axis), scale, None).unwrap())
        };
        assert_eq!(by(0, &[1.0, 10.0]), [1.0, 2.0, 3.0, -10.0, -20.0, -30.0]);
        assert_eq!(by(1, &[1.0, 10.0, 100.0]), [1.0, 20.0, 300.0, -1.0, -20.0, -300.0]);
    }

    #[test]
    fn groups_lie_along_a_dimension_and_the_last_may_be_smaller() {
        let nibbles = Packed::new(DType::I4, [1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6]).unwrap();
        let values = |shape: [usize; 2]| Array::new(shape, nibbles.clone()).unwrap();
        let rows = Quantized::new(
            values([4, 3]),
            Per::Group { axis: 1, size: 2 },
            scales([4, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]),
            None,
        );
        let expected = [1.0, 2.0, 6.0, 12.0, 15.0, 24.0, -5.0, -10.0, -18.0, -28.0, -35.0, -48.0];
        assert_eq!(numbers(&rows.unwrap()), expected);
        let columns = Quantized::new(
            values([3, 4]),
            Per::Group { axis: 0, size: 2 },
            scales([2, 4], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]),
            None,
        );
        let expected = [1.0, 4.0, 9.0, 16.0, 5.0, 12.0, -3.0, -8.0, -15.0, -24.0, -35.0, -48.0];
        assert_eq!(numbers(&columns.unwrap()), expected);
    }

    #[test]
    fn what_is_masked_stands_for_0() {
        let point = Array::new([2], vec![5i32, -7]).unwrap();
        let values = Array::new([2, 2], vec![1i8, 2, 3, 4]).unwrap();
        let rows = Per::Axis(0);
        let mut found = Quantized::new(values, rows, scales([2], &[0.5, 2.0]), Some(point)).unwrap();
        found.mask(&[true, false, false, true].into_iter().collect());
        assert_eq!(found.values().as_slice::<i8>().unwrap(), [1, 5, -7, 4]);
        assert_eq!(numbers(&found), [-2.0, 0.0, 0.0, 22.0]);
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        let values = || Array::new([2, 2], vec![1u8, 2, 3, 4]).unwrap();
        let points = |value| Some(Array::new([], vec![value]).unwrap());
        let said = |per, scale, points| Quantized::new(values(), per, scale, points).unwrap_err().to_string();
        let tensor = Per::Tensor;
        for (found, expected) in [
            (said(tensor, scales([1], &[1.0]), None), "its scale should be f32 [] but is f32 [1]"),
            (said(tensor, scales([], &[0.0]), None), "a scale should be finite and above 0, but is 0"),
            (said(tensor, scales([], &[f32::NAN]), None), "a scale should be finite and above 0, but is NaN"),
            (
                said(tensor, scales([], &[1.0]), points(256)),
                "a zero point should be a value of u8, but is 256",
            ),
            (said(Per::Axis(2), scales([2], &[1.0; 2]), None), "there is no dimension 2 in [2, 2]"),
            (
                said(Per::Group { axis: 1, size: 0 }, scales([2, 0], &[]), None),
                "expected groups of at least 1 value, found 0",
            ),
        ] {
            assert_eq!(found, format!("quantisation: {expected}"));
        }
        let floats = Quantized::new(scales([1], &[1.0]), tensor, scales([], &[1.0]), None);
        let error = floats.unwrap_err().to_string();
        assert_eq!(error, "quantisation: expected integers of at most 32 bits, found f32");
    }
}
