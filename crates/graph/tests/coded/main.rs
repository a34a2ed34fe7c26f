//! Coded weight files: what comes back, what is refused, and what they cost.

mod bad_input;
mod files;
mod mutations;
mod round_trip;
mod sizes;
