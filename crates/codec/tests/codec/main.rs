//! Tensors there and back, damaged ones, and how small they become.

mod damage;
mod mutations;
mod rounding;
mod roundtrip;
mod sizes;
mod sources;
