//! The choice of a network for a device, from outside.

mod pairs;
mod searching;
mod small;
