//! Channels leave, and outputs are those of the masked network.

mod dead;
mod dead_random;
mod evaluator;
mod exactness;
mod golden;
mod networks;
mod places;
mod surgery;
