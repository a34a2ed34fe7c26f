//! Memory that is written before it is read: setting it to zero first would cost
//! as much as a pass over the values.

use std::mem::MaybeUninit;

use crate::number::Number;

/// A vector of `count` values, initialised by `write`.
///
/// # Safety
/// `write` must write every one of the slots that it is given.
pub(crate) unsafe fn written<T: Number>(count: usize, write: impl FnOnce(&mut [MaybeUninit<T>])) -> Vec<T> {
    let mut values = Vec::with_capacity(count);
    write(&mut values.spare_capacity_mut()[..count]);
    // SAFETY: the caller promises that all of them were written.
    unsafe { values.set_len(count) };
    values
}

/// Values as slots to be written.
///
/// # Safety
/// Only numbers may be written there.
pub(crate) unsafe fn slots<T: Number>(values: &mut [T]) -> &mut [MaybeUninit<T>] {
    // SAFETY: a slot lies as its value does, and the caller promises that it stays one.
    unsafe { &mut *(std::ptr::from_mut(values) as *mut [MaybeUninit<T>]) }
}
