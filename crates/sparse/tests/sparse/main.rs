//! Masks that change, in trainings of a small network.

mod exchange;
mod gradual;
mod regularisers;
mod small;
