//! Values on the host.

use crate::{BF16, Bits, DType, Error, F16, Number, Values};

/// Values of one type in a shape, row by row: the last index runs fastest. They are equal if their
/// types, shapes and bytes are, so what is not a number equals itself and -0 is not 0.
#[derive(Clone, Debug)]
pub struct Array {
    shape: Vec<usize>,
    values: Values,
}

impl Array {
    /// Values in a shape.
    ///
    /// # Errors
    /// [`Error::Size`] for a shape of another size.
    ///
    /// ```
    /// use sapwood_graph::{Array, DType};
    ///
    /// let array = Array::new([2, 2], vec![1.0f32, 2.0, 3.0, 4.0]).unwrap();
    /// assert_eq!((array.dtype(), array.iter::<f64>().sum::<f64>()), (DType::F32, 10.0));
    /// assert!(Array::new([3], vec![1.0f32]).is_err());
    /// ```
    pub fn new(shape: impl Into<Vec<usize>>, values: impl Into<Values>) -> Result<Self, Error> {
        let (shape, values) = (shape.into(), values.into());
        let found = values.len();
        let expected = shape.iter().try_fold(1usize, |size, side| size.checked_mul(*side));
        match expected == Some(found) {
            true => Ok(Self { shape, values }),
            false => Err(Error::Size { shape, found }),
        }
    }

    /// For each position, in the order in which they lie, what a function says.
    pub fn from_fn<T: Number>(shape: impl Into<Vec<usize>>, value: impl FnMut(usize) -> T) -> Self
    where
        Values: From<Vec<T>>,
    {
        let shape = shape.into();
        let values: Vec<T> = (0..shape.iter().product()).map(value).collect();
        Self { shape, values: values.into() }
    }

    /// The shape; empty for a single number.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type of the values.
    pub fn dtype(&self) -> DType {
        self.values.dtype()
    }

    /// The values.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// Shape and values, without a copy.
    pub fn into_parts(self) -> (Vec<usize>, Values) {
        (self.shape, self.values)
    }

    /// The values, if they are of this type.
    pub fn as_slice<T: Number>(&self) -> Option<&[T]> {
        T::of(&self.values)
    }

    /// The values, if they are of this type, to be changed.
    pub fn as_mut_slice<T: Number>(&mut self) -> Option<&mut [T]> {
        T::of_mut(&mut self.values)
    }

    /// The values in another type: exactly, where that has them, and else as [`Number`] says.
    pub fn iter<T: Number>(&self) -> Box<dyn Iterator<Item = T> + '_> {
        if let Some(values) = self.as_slice::<T>() {
            return Box::new(values.iter().copied());
        }
        match &self.values {
            Values::F64(values) => Box::new(values.iter().map(|x| T::from_f64(*x))),
            Values::F32(values) => Box::new(values.iter().map(|x| T::from_f64(f64::from(*x)))),
            Values::F16(values) => Box::new(values.iter().map(|x| T::from_f64(f64::from(x.to_f32())))),
            Values::BF16(values) => Box::new(values.iter().map(|x| T::from_f64(f64::from(x.to_f32())))),
            Values::I64(values) => Box::new(values.iter().map(|x| T::from_i64(*x))),
            Values::I32(values) => Box::new(values.iter().map(|x| T::from_i64(i64::from(*x)))),
            Values::I8(values) => Box::new(values.iter().map(|x| T::from_i64(i64::from(*x)))),
            Values::U8(values) => Box::new(values.iter().map(|x| T::from_i64(i64::from(*x)))),
            Values::Packed(packed) => Box::new(packed.iter().map(T::from_i64)),
        }
    }

    /// The same values in another type.
    pub fn cast<T: Number>(&self) -> Self
    where
        Values: From<Vec<T>>,
    {
        Self { shape: self.shape.clone(), values: self.iter::<T>().collect::<Vec<T>>().into() }
    }

    /// The same values in another shape, without a copy.
    ///
    /// # Errors
    /// [`Error::Size`] for a shape of another size.
    pub fn reshape(self, shape: impl Into<Vec<usize>>) -> Result<Self, Error> {
        Self::new(shape, self.values)
    }

    /// As many other values in the same shape.
    ///
    /// # Panics
    /// If there are more or fewer.
    pub(crate) fn with(&self, values: impl Into<Values>) -> Self {
        let values = values.into();
        assert_eq!(self.len(), values.len(), "values of another shape");
        Self { shape: self.shape.clone(), values }
    }

    /// Which values have another representation than 0: a negative zero counts.
    pub(crate) fn nonzero(&self) -> Bits {
        let len = self.len();
        match &self.values {
            Values::F64(values) => Bits::from_fn(len, |at| values[at].to_bits() != 0),
            Values::F32(values) => Bits::from_fn(len, |at| values[at].to_bits() != 0),
            Values::F16(values) => Bits::from_fn(len, |at| values[at].to_bits() != 0),
            Values::BF16(values) => Bits::from_fn(len, |at| values[at].to_bits() != 0),
            Values::I64(values) => Bits::from_fn(len, |at| values[at] != 0),
            Values::I32(values) => Bits::from_fn(len, |at| values[at] != 0),
            Values::I8(values) => Bits::from_fn(len, |at| values[at] != 0),
            Values::U8(values) => Bits::from_fn(len, |at| values[at] != 0),
            Values::Packed(packed) => Bits::from_fn(len, |at| packed.get(at) != 0),
        }
    }

    /// Sets the values to zero whose bit is not set.
    ///
    /// # Panics
    /// If the mask has another length.
    pub(crate) fn mask(&mut self, mask: &Bits) {
        self.mask_with(mask, |_| 0);
    }

    /// Replaces the values whose bit is not set by what stands for zero at their place.
    ///
    /// # Panics
    /// If the mask has another length.
    pub(crate) fn mask_with(&mut self, mask: &Bits, zero: impl Fn(usize) -> i64) {
        assert_eq!(self.len(), mask.len(), "a mask of another length");
        let gone = mask.iter().enumerate().filter(|(_, kept)| !kept).map(|(at, _)| at);
        macro_rules! clear {
            ($values:expr, $type:ty) => {
                gone.for_each(|at| $values[at] = <$type as Number>::from_i64(zero(at)))
            };
        }
        match &mut self.values {
            Values::F64(values) => clear!(values, f64),
            Values::F32(values) => clear!(values, f32),
            Values::F16(values) => clear!(values, F16),
            Values::BF16(values) => clear!(values, BF16),
            Values::I64(values) => clear!(values, i64),
            Values::I32(values) => clear!(values, i32),
            Values::I8(values) => clear!(values, i8),
            Values::U8(values) => clear!(values, u8),
            Values::Packed(packed) => gone.for_each(|at| {
                // Whoever made the array has seen that its type holds what stands for zero.
                let _ = packed.set(at, zero(at));
            }),
        }
    }
}

impl PartialEq for Array {
    fn eq(&self, other: &Self) -> bool {
        self.shape == other.shape && self.dtype() == other.dtype() && self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Array {}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Packed;

    /// The same numbers in every type, as near as it comes to them.
    pub(crate) fn all() -> Vec<Array> {
        let values: [Values; 9] = [
            vec![-1.5f64, 0.0, 3.0].into(),
            vec![-1.5f32, 0.0, 3.0].into(),
            [-1.5, 0.0, 3.0].map(F16::from_f64).to_vec().into(),
            [-1.5, 0.0, 3.0].map(BF16::from_f64).to_vec().into(),
            vec![-1i64, 0, 3].into(),
            vec![-1i32, 0, 3].into(),
            vec![-1i8, 0, 3].into(),
            vec![255u8, 0, 3].into(),
            Packed::new(DType::I4, [-1, 0, 3]).unwrap().into(),
        ];
        values.map(|values| Array::new([3], values).unwrap()).into()
    }

    #[test]
    fn values_are_the_same_in_every_type_that_has_them() {
        for array in all() {
            let found: Vec<f64> = array.iter().collect();
            let first = match array.dtype() {
                DType::U8 => 255.0,
                dtype if dtype.integers().is_some() => -1.0,
                _ => -1.5,
            };
            assert_eq!(found, [first, 0.0, 3.0], "{}", array.dtype());
            assert_eq!(array.cast::<f64>().as_slice::<f64>().unwrap(), found);
        }
        let large = Array::new([1], vec![(1i64 << 53) + 1]).unwrap();
        assert_eq!(large.iter::<i64>().next(), Some((1 << 53) + 1));
        assert_eq!(Array::new([1], vec![-7.9f32]).unwrap().iter::<i8>().next(), Some(-7));
    }

    #[test]
    fn equal_is_what_has_the_same_bytes() {
        let of = |value: f32| Array::new([1], vec![value]).unwrap();
        assert_eq!(of(f32::NAN), of(f32::NAN));
        assert_ne!(of(0.0), of(-0.0));
        assert_ne!(of(1.0), of(1.0).reshape([1, 1]).unwrap());
        assert_ne!(of(0.0), Array::new([1], vec![0i32]).unwrap());
    }

    #[test]
    fn masked_values_are_zero_and_others_keep_their_bits() {
        for mut array in all() {
            let before = array.clone();
            array.mask(&[true, true, false].into_iter().collect());
            let found: Vec<f64> = array.iter().collect();
            assert_eq!(found, [before.iter::<f64>().next().unwrap(), 0.0, 0.0]);
            assert_eq!(array.dtype(), before.dtype());
        }
    }

    #[test]
    fn a_shape_of_another_size_is_refused_also_one_that_overflows() {
        let error = Array::new([2, 3], vec![1u8, 2]).unwrap_err().to_string();
        assert_eq!(error, "a tensor of shape [2, 3] cannot have 2 values");
        let overflowing = [usize::MAX, 2, 1 << 40];
        assert!(Array::new(overflowing, vec![0u8; 2]).is_err());
        assert!(Array::of_bytes(DType::U1, overflowing, &[0]).is_err());
        assert_eq!(Array::new(Vec::new(), vec![1u8]).unwrap().shape(), [0; 0]);
    }
}
