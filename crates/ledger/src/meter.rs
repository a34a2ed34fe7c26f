//! The meter that runs beside a stretch of work.

use std::{
    fmt,
    path::PathBuf,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{
    Energy, EnergyPart, EnergySource, Gpu, PackageEnergy, Peak, PeakSince, Powercap, Unmeasured, Usage,
    powercap, process,
};

/// A power in watts that the user states, `--watts 65`: a positive number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Watts(f64);

/// What was stated is no power.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a power is a positive number of watts, like `65`, not `{0}`")]
pub struct WrongWatts(String);

impl FromStr for Watts {
    type Err = WrongWatts;

    fn from_str(text: &str) -> Result<Self, WrongWatts> {
        let watts = text.parse().ok().filter(|watts: &f64| watts.is_finite() && *watts > 0.0);
        watts.map(Self).ok_or_else(|| WrongWatts(text.into()))
    }
}

/// Where a meter reads.
#[derive(Clone)]
pub struct Sources {
    /// The time since any fixed moment.
    pub clock: Arc<dyn Fn() -> Duration + Send + Sync>,
    /// Linux's `/proc`.
    pub proc_root: PathBuf,
    /// Linux's powercap folder.
    pub powercap_root: PathBuf,
    /// The GPUs that the work runs on.
    pub gpus: Vec<Gpu>,
    /// What the whole machine draws while it works, its GPUs included, if the user
    /// states it: it then takes the place of all counters.
    pub watts: Option<Watts>,
}

impl Sources {
    /// This machine's, without GPUs.
    pub fn of_this_machine(clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self {
            clock: Arc::new(clock),
            proc_root: "/proc".into(),
            powercap_root: powercap::POWERCAP.into(),
            gpus: Vec::new(),
            watts: None,
        }
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("gpus", &self.gpus)
            .field("watts", &self.watts)
            .finish_non_exhaustive()
    }
}

/// Measures what this process uses from a start on.
///
/// Two meters at once in one process see each other's work, and the one that starts
/// later lets the peak of the memory begin anew for both.
#[derive(Debug)]
pub struct Meter {
    sources: Sources,
    start: Duration,
    process_s: Option<f64>,
    busy_s: Option<f64>,
    peak_since: PeakSince,
    packages: Result<Mutex<PackageEnergy>, Unmeasured>,
    gpus_mj: Vec<Result<u64, Unmeasured>>,
}

impl Meter {
    /// Starts now.
    pub fn start(sources: &Sources) -> Self {
        let reset = process::reset_peak_memory(&sources.proc_root);
        let packages = Powercap::open(&sources.powercap_root).and_then(PackageEnergy::start);
        let gpu_mj = |gpu: &Gpu| gpu.counter.clone().and_then(|read| read());
        Self {
            start: (sources.clock)(),
            process_s: process::process_cpu_s(&sources.proc_root),
            busy_s: process::busy_cpu_s(&sources.proc_root),
            peak_since: if reset { PeakSince::MeterStart } else { PeakSince::ProcessStart },
            packages: packages.map(Mutex::new),
            gpus_mj: sources.gpus.iter().map(gpu_mj).collect(),
            sources: sources.clone(),
        }
    }

    /// Why something is estimated, or left out, and not measured, for the user: one line each.
    pub fn notes(&self) -> Vec<String> {
        if self.sources.watts.is_some() {
            return Vec::new();
        }
        let packages =
            self.packages.as_ref().err().map(|why| format!("the processor's energy is estimated: {why}"));
        let gpus = self.gpus_mj.iter().filter_map(|start| start.as_ref().err()).map(Unmeasured::to_string);
        packages.into_iter().chain(gpus).collect()
    }

    /// What was used since the start. It may be asked again and again, and must be, once
    /// every minute or two, for the energy to be whole: see [`PackageEnergy`].
    pub fn usage(&self) -> Usage {
        let proc_root = &self.sources.proc_root;
        let wall_s = (self.sources.clock)().saturating_sub(self.start).as_secs_f64();
        let cpu_s = since(self.process_s, process::process_cpu_s(proc_root));
        let busy_s = since(self.busy_s, process::busy_cpu_s(proc_root));
        let peak_memory =
            process::peak_memory_bytes(proc_root).map(|bytes| Peak { bytes, since: self.peak_since });
        Usage { wall_s, cpu_s, peak_memory, energy: self.energy(wall_s, share(cpu_s, busy_s)) }
    }

    /// The energy, where `share` of what the machine used is this process's.
    fn energy(&self, wall_s: f64, share: f64) -> Energy {
        let shared = |source, counted_j| EnergyPart { source, counted_j, joules: counted_j * share };
        let assumed = |source: EnergySource| {
            let watts = source.assumed_w().unwrap_or_default();
            shared(source, watts * wall_s)
        };
        if let Some(Watts(watts)) = self.sources.watts {
            return Energy { parts: vec![assumed(EnergySource::StatedPower { watts })] };
        }
        let measured = self.packages.as_ref().ok().and_then(|packages| {
            let mut packages = packages.lock().unwrap_or_else(PoisonError::into_inner);
            let counted_j = packages.joules().ok()?;
            Some(shared(EnergySource::RaplPackages { packages: packages.packages() }, counted_j))
        });
        let machine = measured.unwrap_or_else(|| assumed(EnergySource::FALLBACK));
        let gpus = self.sources.gpus.iter().zip(&self.gpus_mj).map(|(gpu, start)| gpu_part(gpu, start));
        Energy { parts: std::iter::once(machine).chain(gpus).collect() }
    }
}

/// A GPU has one counter and no account of who used it: all of it is this run's.
fn gpu_part(gpu: &Gpu, start: &Result<u64, Unmeasured>) -> EnergyPart {
    let now = gpu.counter.as_ref().ok().and_then(|read| read().ok());
    let (source, joules) = match (start, now) {
        (&Ok(start), Some(now)) => {
            (EnergySource::NvmlTotal { gpu: gpu.name.clone() }, now.saturating_sub(start) as f64 * 1e-3)
        }
        _ => (EnergySource::UnmeasuredGpu { gpu: gpu.name.clone() }, 0.0),
    };
    EnergyPart { source, counted_j: joules, joules }
}

/// The growth of a counter, rounded to the hundredth in which it counts.
fn since(start: Option<f64>, now: Option<f64>) -> Option<f64> {
    Some(((now? - start?).max(0.0) * 100.0).round() / 100.0)
}

/// This process's share of the CPU time that the machine spent: all of it where nothing
/// is known of the others.
fn share(process_s: Option<f64>, busy_s: Option<f64>) -> f64 {
    match (process_s, busy_s) {
        (Some(process_s), Some(busy_s)) if busy_s > 0.0 => (process_s / busy_s).min(1.0),
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests;
