//! What energy blocks use.

use std::{
    collections::BTreeMap,
    fmt,
    path::Path,
    time::{Duration, Instant},
};

use burn::tensor::Tensor;
use rand::seq::SliceRandom as _;
use sapwood_backend::{Api, DeviceSpec, Seed, Stream};
use sapwood_core::{Graph, Observed as _};
use sapwood_models::{Init, Net};
use sapwood_search::LatencyTable;
use sapwood_supernet::Family;

use super::{
    FITTED_AT_LEAST, Stopwatch,
    cover::Cover,
    fitted, keys, nothing,
    rounds::{images, timed_run},
};
use crate::{
    Error, Reporter,
    ledger::{Gpu, Millijoules, POWERCAP, PackageEnergy, Powercap, Unmeasured, gpu_of},
    statistics::median,
};

/// Counts the energy of a device, whoever it works for: measure on one that does nothing else.
pub struct EnergyMeter {
    device: String,
    counter: Counter,
    stretch: Duration,
}

enum Counter {
    /// The processor's packages.
    Packages(PackageEnergy),
    Gpu(Millijoules),
}

/// Stretches of each network, in rounds over all of them.
const ROUNDS: u64 = 3;
/// Indices of random orders that no times were taken in.
const ENERGIES: u64 = 1 << 48;

impl EnergyMeter {
    /// The counter of a device, `cpu` or `cuda:0`, and how long a network runs between two looks at
    /// it: counters advance in steps, of about a millisecond in processors and up to a tenth of a
    /// second in GPUs.
    ///
    /// # Errors
    /// [`Error::NoEnergy`] where there is no counter, or where it may not be read.
    pub fn of_this_machine(device: &str, stretch: Duration) -> Result<Self, Error> {
        Self::of(device, stretch, Path::new(POWERCAP))
    }

    fn of(device: &str, stretch: Duration, powercap: &Path) -> Result<Self, Error> {
        let refused = |why: Unmeasured| Error::NoEnergy { device: device.into(), why: why.reason() };
        let counter = match (device.parse::<DeviceSpec>()?.api, gpu_of(device)) {
            (_, Some(Gpu { counter, .. })) => Counter::Gpu(counter.map_err(refused)?),
            (Api::Cpu | Api::NdArray, None) => {
                Counter::Packages(Powercap::open(powercap).and_then(PackageEnergy::start).map_err(refused)?)
            }
            _ => {
                let why = "only processors and NVIDIA's GPUs have a counter that is known".into();
                return Err(Error::NoEnergy { device: device.into(), why });
            }
        };
        Ok(Self { device: device.into(), counter, stretch })
    }

    /// Adds the energies of all blocks to a table of this family, and fits the fixed energy and
    /// its factor to whole networks.
    pub fn add_to(
        &mut self,
        table: &mut LatencyTable,
        family: &Family,
        stopwatch: &Stopwatch,
        reporter: &dyn Reporter,
    ) -> Result<(), Error> {
        let Cover { blocks, .. } = Cover::of(family)?;
        // A stretch takes longer than a run: no more than a line needs.
        let fitted = fitted(family, FITTED_AT_LEAST)?;
        let idle = nothing([family.whole().outputs()?, 1, 1])?;
        let all: Vec<&Graph> =
            blocks.values().chain(fitted.iter().map(|(_, graph)| graph)).chain([&idle]).collect();
        let found = self.each(&all, stopwatch, reporter)?;
        let overhead_mj = found[all.len() - 1];
        let energies: BTreeMap<&String, f64> = blocks.keys().zip(found.iter().copied()).collect();
        for (key, block) in &mut table.blocks {
            block.mj = energies.get(key).map(|mj| (mj - overhead_mj).max(0.0));
        }
        let whole = fitted.iter().zip(&found[blocks.len()..]);
        let measured: Result<Vec<_>, Error> =
            whole.map(|((genome, _), mj)| Ok((keys(family, genome)?, *mj))).collect();
        Ok(table.fit_energy(&measured?)?)
    }

    /// The millijoules of a run of each network: the median of its stretches.
    fn each(
        &mut self,
        graphs: &[&Graph],
        stopwatch: &Stopwatch,
        reporter: &dyn Reporter,
    ) -> Result<Vec<f64>, Error> {
        let build =
            |graph: &&Graph| Init::default().apply(Net::new((*graph).clone(), &stopwatch.device), Seed(0));
        let nets: Vec<Net> = graphs.iter().map(build).collect();
        let mut found = vec![Vec::new(); nets.len()];
        reporter.begin("stretches of energy", ROUNDS * nets.len() as u64);
        for round in 0..ROUNDS {
            let mut order: Vec<usize> = (0..nets.len()).collect();
            order.shuffle(&mut Seed(0).stream(Stream::Timing, ENERGIES | round));
            for at in order {
                let net = &nets[at];
                let input: Tensor<4> =
                    images(stopwatch.batch, net.graph().input())?.input(&stopwatch.device)?;
                let run = || timed_run(stopwatch, net, input.clone()).map(drop);
                found[at].push(self.per_run(run)?);
                reporter.advance(1);
            }
        }
        reporter.end();
        Ok(found.iter().map(|mj| median(mj)).collect())
    }

    /// The millijoules of a run, over a stretch of them.
    fn per_run(&mut self, mut run: impl FnMut() -> Result<(), Error>) -> Result<f64, Error> {
        run()?;
        let (before, begun, mut runs) = (self.millijoules()?, Instant::now(), 0u32);
        while runs == 0 || begun.elapsed() < self.stretch {
            run()?;
            runs += 1;
        }
        let used = self.millijoules()? - before;
        if used <= 0.0 {
            let why = format!("its counter stood still for {:.2} s", begun.elapsed().as_secs_f64());
            return Err(Error::NoEnergy { device: self.device.clone(), why });
        }
        Ok(used / f64::from(runs))
    }

    /// Since any fixed moment.
    fn millijoules(&mut self) -> Result<f64, Error> {
        let found = match &mut self.counter {
            Counter::Packages(packages) => packages.joules().map(|joules| 1e3 * joules),
            Counter::Gpu(read) => read().map(|mj| mj as f64),
        };
        found.map_err(|why| Error::NoEnergy { device: self.device.clone(), why: why.reason() })
    }
}

impl fmt::Debug for EnergyMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnergyMeter")
            .field("device", &self.device)
            .field("stretch", &self.stretch)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a package's counter as Linux shows it.
    fn package(root: &Path, energy_uj: u64) {
        let folder = root.join("intel-rapl:0");
        std::fs::create_dir_all(&folder).unwrap();
        for (file, content) in [
            ("name", "package-0".to_string()),
            ("energy_uj", energy_uj.to_string()),
            ("max_energy_range_uj", "262143328850".into()),
        ] {
            std::fs::write(folder.join(file), content + "\n").unwrap();
        }
    }

    #[test]
    fn a_run_uses_what_the_counter_grows_by_over_many() {
        let root = tempfile::tempdir().unwrap();
        let set = |energy_uj| package(root.path(), energy_uj);
        set(1_000_000);
        let stretch = Duration::from_millis(5);
        let mut meter = EnergyMeter::of("cpu", stretch, root.path()).unwrap();
        let (mut used, begun) = (1_000_000, Instant::now());
        let mj = meter.per_run(|| {
            used += 2500;
            set(used);
            Ok(())
        });
        // How many runs a stretch holds is the machine's affair, so only its length is known.
        assert!((mj.unwrap() - 2.5).abs() < 1e-9 && stretch <= begun.elapsed());
        let error = meter.per_run(|| Ok(())).unwrap_err().to_string();
        assert!(error.contains("its counter stood still for "), "{error}");
    }

    #[test]
    fn a_device_without_a_counter_is_refused_at_once_with_the_reason() {
        let root = tempfile::tempdir().unwrap();
        let nowhere = root.path().join("powercap");
        for (device, said) in [
            ("cpu", "no RAPL package counter below "),
            ("cuda:4000", "GPU "),
            ("vulkan", "only processors and NVIDIA's GPUs"),
        ] {
            let error = EnergyMeter::of(device, Duration::ZERO, &nowhere).unwrap_err();
            assert!(matches!(error, Error::NoEnergy { .. }), "{error}");
            let error = error.to_string();
            let begin = format!("the energy of blocks cannot be measured on `{device}` ({said}");
            assert!(error.starts_with(&begin) && error.ends_with("leave energies out"), "{error}");
        }
    }
}
