//! Functions of the values at each place.

use std::mem::MaybeUninit;

use crate::number::Number;

/// Rows shorter than this go in blocks of [`LANES`]. The vectors of a loop of no known length take
/// several registers of values at once, and short rows end before, or soon behind, the first of
/// them.
const SHORT: usize = 128;
/// Values of a block.
const LANES: usize = 8;

/// Writes a function of what some rows have at each place, and gives what was written.
///
/// # Panics
/// If a row is shorter than the output.
#[inline(always)]
pub(crate) fn map<'a, T: Number, const N: usize>(
    rows: [&[T]; N],
    out: &'a mut [MaybeUninit<T>],
    f: impl Fn([T; N]) -> T,
) -> &'a mut [T] {
    let count = out.len();
    let rows = rows.map(|row| &row[..count]);
    let whole = if count < SHORT { count / LANES * LANES } else { 0 };
    for at in (0..whole).step_by(LANES) {
        // SAFETY: whole blocks begin here.
        let blocks = rows.map(|row| unsafe { &*row.as_ptr().add(at).cast::<[T; LANES]>() });
        let mut values = [T::ZERO; LANES];
        for l in 0..LANES {
            values[l] = f(blocks.map(|block| block[l]));
        }
        // SAFETY: as above.
        unsafe { out.as_mut_ptr().add(at).cast::<[T; LANES]>().write_unaligned(values) };
    }
    for (i, out) in out[whole..].iter_mut().enumerate() {
        out.write(f(rows.map(|row| row[whole + i])));
    }
    // SAFETY: every one was written.
    unsafe { &mut *(std::ptr::from_mut(out) as *mut [T]) }
}

/// Replaces each value by a function of it and of what another row has there.
#[inline(always)]
pub(crate) fn update<T: Number>(values: &mut [T], row: &[T], f: impl Fn(T, T) -> T) {
    let count = values.len().min(row.len());
    let (values, row) = (&mut values[..count], &row[..count]);
    let whole = if count < SHORT { count / LANES * LANES } else { 0 };
    let ((blocks, values), (rows, row)) = (values.split_at_mut(whole), row.split_at(whole));
    for (block, row) in blocks.as_chunks_mut::<LANES>().0.iter_mut().zip(rows.as_chunks::<LANES>().0) {
        let mut found = *block;
        for l in 0..LANES {
            found[l] = f(block[l], row[l]);
        }
        *block = found;
    }
    for (value, other) in values.iter_mut().zip(row) {
        *value = f(*value, *other);
    }
}
