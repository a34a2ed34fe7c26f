//! Some places of one dimension of an array.

use sapwood_graph::{Array, Bits, Values};

/// The places of a dimension that are kept, in their order; none of integers of less than a byte.
pub(crate) fn take(array: &Array, axis: usize, kept: &[usize]) -> Option<Array> {
    let mut shape = array.shape().to_vec();
    let places = Places::of(&shape, axis, kept);
    macro_rules! taken {
        ($values:expr) => {
            places.of_slice($values).into()
        };
    }
    let values: Values = match array.values() {
        Values::F64(values) => taken!(values),
        Values::F32(values) => taken!(values),
        Values::F16(values) => taken!(values),
        Values::BF16(values) => taken!(values),
        Values::I64(values) => taken!(values),
        Values::I32(values) => taken!(values),
        Values::I8(values) => taken!(values),
        Values::U8(values) => taken!(values),
        Values::Packed(_) => return None,
    };
    shape[axis] = kept.len();
    Array::new(shape, values).ok()
}

/// The same of the mask of an array of this shape.
pub(crate) fn take_bits(bits: &Bits, shape: &[usize], axis: usize, kept: &[usize]) -> Bits {
    let all: Vec<bool> = bits.iter().collect();
    Places::of(shape, axis, kept).of_slice(&all).into_iter().collect()
}

struct Places<'a> {
    size: usize,
    inner: usize,
    kept: &'a [usize],
}

impl<'a> Places<'a> {
    fn of(shape: &[usize], axis: usize, kept: &'a [usize]) -> Self {
        Self { size: shape[axis], inner: shape[axis + 1..].iter().product(), kept }
    }

    fn of_slice<T: Copy>(&self, values: &[T]) -> Vec<T> {
        let Self { size, inner, kept } = *self;
        let mut found = Vec::with_capacity(values.len() / size.max(1) * kept.len());
        for block in values.chunks(size * inner) {
            kept.iter().for_each(|at| found.extend_from_slice(&block[at * inner..(at + 1) * inner]));
        }
        found
    }
}
