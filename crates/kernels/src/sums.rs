//! Long sums.

use crate::number::Number;

/// Lanes that are summed beside each other, so that no addition waits for another.
const LANES: usize = 16;

/// The number of values that are summed in their own type before the sums become `f64`; up to twice
/// as many where rows end elsewhere. They are few enough for the rounding not to matter.
const PENDING: usize = 1024;

/// A sum over many short rows.
pub(crate) struct Total<T> {
    lanes: [T; LANES],
    pending: usize,
    total: f64,
}

impl<T: Number> Default for Total<T> {
    fn default() -> Self {
        Self { lanes: [T::ZERO; LANES], pending: 0, total: 0.0 }
    }
}

impl<T: Number> Total<T> {
    /// Adds some function of each value.
    #[inline(always)]
    pub(crate) fn add(&mut self, values: &[T], f: impl Fn(T) -> T) {
        self.add_pairs(values, values, |value, _| f(value));
    }

    /// Adds some function of each pair of values.
    #[inline(always)]
    pub(crate) fn add_pairs(&mut self, left: &[T], right: &[T], f: impl Fn(T, T) -> T) {
        for (left, right) in left.chunks(PENDING).zip(right.chunks(PENDING)) {
            self.add_some(left, right, &f);
        }
    }

    /// No more than [`PENDING`].
    #[inline(always)]
    fn add_some(&mut self, left: &[T], right: &[T], f: &impl Fn(T, T) -> T) {
        let mut lanes = self.lanes;
        let ((lefts, left), (rights, right)) = (left.as_chunks::<LANES>(), right.as_chunks::<LANES>());
        for (left, right) in lefts.iter().zip(rights) {
            for l in 0..LANES {
                lanes[l] += f(left[l], right[l]);
            }
        }
        for (lane, (left, right)) in lanes.iter_mut().zip(left.iter().zip(right)) {
            *lane += f(*left, *right);
        }
        self.lanes = lanes;
        self.pending += LANES * lefts.len() + left.len();
        if self.pending >= PENDING {
            self.settle();
        }
    }

    #[inline(always)]
    fn settle(&mut self) {
        for lane in &mut self.lanes {
            self.total += lane.to_f64();
            *lane = T::ZERO;
        }
        self.pending = 0;
    }

    #[inline(always)]
    pub(crate) fn get(mut self) -> f64 {
        self.settle();
        self.total
    }
}
