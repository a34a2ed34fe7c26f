//! How long networks take on this device, and what energy: [`sapwood_deploy::latency`], with the day,
//! this machine's counters of energy, and the commands that measure what is lacking.

mod counters;
mod day;
mod remedy;

pub use counters::energy_meter;
pub use day::today;
pub use remedy::{remedy, remedy_of};
pub use sapwood_deploy::latency::{
    Coverage, Covered, EnergyMeter, ImportWarning, Imported, Measured, Stopwatch, Timed, Times, draw, import,
    keys, predicted, predicted_energy,
};
