//! How long networks take on this device, and what energy: [`sapwood_deploy::latency`], with the day,
//! this machine's counters of energy.

mod counters;
mod day;

pub use counters::energy_meter;
pub use day::today;
pub use sapwood_deploy::latency::{
    Coverage, Covered, EnergyMeter, Engine, ImportWarning, Imported, Measured, Stopwatch, Timed, Times, draw,
    import, keys, level, predicted, predicted_energy,
};
