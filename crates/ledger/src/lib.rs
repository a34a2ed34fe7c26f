//! The ledger: what a run cost in time, memory, energy and CO2e, and how each
//! figure was obtained.
//!
//! A [`Meter`] runs beside a stretch of work and gives its [`Usage`], as often as it
//! is asked. The stretch leaves an [`Entry`]; the entries of a run that was resumed,
//! and the runs of a study, add up in an [`Account`], which is a row of `ledger.csv`.
//!
//! The one design decision: a figure never travels without its origin. Energy is a
//! list of parts that each know whether they were measured, stated or estimated, and
//! whatever could not be measured leaves its reason in [`Meter::notes`]. What is
//! measured is a difference between two readings of a counter, never a sampled power,
//! which may miss most of what happens between the samples.
//!
//! ```
//! use std::time::Instant;
//! use sapwood_ledger::{Carbon, Meter, Sources};
//!
//! let clock = Instant::now();
//! let meter = Meter::start(&Sources::of_this_machine(move || clock.elapsed()));
//! // ... the work ...
//! let usage = meter.usage();
//! let co2e_g = Carbon::default().grams(usage.energy.joules());
//! println!("{:.0} s, {:.0} J ({}), {co2e_g:.1} g", usage.wall_s, usage.energy.joules(), usage.energy.how());
//! ```

mod account;
mod economics;
mod energy;
mod entry;
mod error;
mod gpu;
mod grid;
mod host;
mod macs;
mod meter;
mod powercap;
mod process;
pub mod published;
mod table;
mod unmeasured;
mod usage;

pub use account::Account;
pub use economics::{Approach, Cost, KG_PER_LB, Rates};
pub use energy::{Energy, EnergyPart, EnergySource};
pub use entry::Entry;
pub use error::Error;
pub use gpu::{Gpu, Millijoules, gpu_of, nvml_gpu, visible_gpu};
pub use grid::{Carbon, DEFAULT_GRID, GRIDS, Grid, co2e_grams, grid};
pub use host::{host, processor};
pub use macs::Macs;
pub use meter::{Meter, Sources, Watts, WrongWatts};
pub use powercap::{POWERCAP, PackageEnergy, Powercap, Reading};
pub use table::{csv_header, csv_row};
pub use unmeasured::Unmeasured;
pub use usage::{Peak, PeakSince, Usage};

/// Joules per kilowatt-hour.
pub const JOULES_PER_KWH: f64 = 3.6e6;
