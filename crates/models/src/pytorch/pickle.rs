//! Pickles, without what makes them dangerous.
//!
//! A pickle is a program for a small machine with a stack, and one of its
//! instructions calls functions. Nothing is called here: what a call would have
//! made is an [`Instance`] that remembers function, arguments and state, and
//! whoever knows the function can tell what it stands for. All instructions of the
//! protocols 0 to 5 are understood (CPython's `Lib/pickletools.py` defines them).
//!
//! Objects lie in one list and name each other by their places in it. So objects
//! that contain themselves are nothing special, and nothing recurses however deep
//! they lie in one another.

mod escapes;
mod input;
mod machine;
mod numbers;
mod value;

pub(super) use machine::read;
pub(super) use value::{Id, Instance, Object, Pickle, Value};
