//! Functions of the values at each place.

use std::mem::MaybeUninit;

use crate::Float;

/// Writes a function of what some rows have at each place, and gives what was written.
///
/// # Panics
/// If a row is shorter than the output.
#[inline(always)]
pub(crate) fn map<'a, T: Float, const N: usize>(
    rows: [&[T]; N],
    out: &'a mut [MaybeUninit<T>],
    f: impl Fn([T; N]) -> T,
) -> &'a mut [T] {
    let count = out.len();
    let rows = rows.map(|row| &row[..count]);
    for (i, out) in out.iter_mut().enumerate() {
        out.write(f(rows.map(|row| row[i])));
    }
    // SAFETY: every one was written.
    unsafe { &mut *(std::ptr::from_mut(out) as *mut [T]) }
}

/// Replaces each value by a function of it and of what another row has there.
#[inline(always)]
pub(crate) fn update<T: Float>(values: &mut [T], row: &[T], f: impl Fn(T, T) -> T) {
    for (value, other) in values.iter_mut().zip(row) {
        *value = f(*value, *other);
    }
}
