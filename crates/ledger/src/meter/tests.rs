//! The meter on a machine that the tests set up.

use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use super::*;
use crate::{powercap::tests::domain, process::tests::fake};

/// A machine in a folder, whose clock and counters a test sets.
struct Machine {
    root: tempfile::TempDir,
    clock_ms: Arc<AtomicU64>,
    gpu_mj: Arc<AtomicU64>,
}

impl Machine {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fake(root.path(), 100, 1000, 5000);
        Self { root, clock_ms: Arc::default(), gpu_mj: Arc::default() }
    }

    fn root(&self) -> &Path {
        self.root.path()
    }

    fn sources(&self) -> Sources {
        let clock_ms = self.clock_ms.clone();
        Sources {
            proc_root: self.root().into(),
            powercap_root: self.root().join("powercap"),
            ..Sources::of_this_machine(move || Duration::from_millis(clock_ms.load(Ordering::Relaxed)))
        }
    }

    fn gpu(&self) -> Gpu {
        let gpu_mj = self.gpu_mj.clone();
        Gpu { name: "0".into(), counter: Ok(Arc::new(move || Ok(gpu_mj.load(Ordering::Relaxed)))) }
    }

    /// Ten seconds pass, in which the process uses 4 of 8 CPU seconds.
    fn work(&self) {
        self.clock_ms.fetch_add(10_000, Ordering::Relaxed);
        fake(self.root(), 100 + 400, 1000 + 800, 7000);
    }

    fn package(&self, energy_uj: u64) {
        domain(&self.root().join("powercap"), "intel-rapl:0", "package-0", energy_uj);
    }
}

fn check(usage: &Usage, joules: f64, how: &str) {
    assert!((usage.energy.joules() - joules).abs() < 1e-9, "{} J instead of {joules}", usage.energy.joules());
    assert_eq!(usage.energy.how(), how);
}

#[test]
fn a_worker_is_given_its_share_of_the_counter() {
    let machine = Machine::new();
    machine.package(1_000_000);
    let meter = Meter::start(&machine.sources());
    assert_eq!(meter.notes(), [""; 0]);
    check(&meter.usage(), 0.0, "measured: RAPL package");
    machine.work();
    machine.package(201_000_000);
    let usage = meter.usage();
    check(&usage, 100.0, "measured: RAPL package x 50 % of its CPU time");
    assert_eq!((usage.wall_s, usage.cpu_s), (10.0, Some(4.0)));
    let peak = Peak { bytes: 7000 * 1024, since: PeakSince::ProcessStart };
    assert_eq!(usage.peak_memory, Some(peak));
    assert_eq!(meter.usage(), usage, "asking changes nothing");
}

#[test]
fn the_peak_begins_at_the_start_where_the_kernel_allows_it() {
    let machine = Machine::new();
    std::fs::write(machine.root().join("self/clear_refs"), "").unwrap();
    let usage = Meter::start(&machine.sources()).usage();
    assert_eq!(usage.peak_memory.unwrap().since, PeakSince::MeterStart);
    assert_eq!(std::fs::read(machine.root().join("self/clear_refs")).unwrap(), b"5");
}

#[test]
fn without_a_counter_it_is_estimated_and_the_reason_noted() {
    let machine = Machine::new();
    let meter = Meter::start(&machine.sources());
    machine.work();
    check(&meter.usage(), 212.5, "estimated: 85 W TDP x 50 % x 50 % of its CPU time");
    let notes = meter.notes();
    assert!(
        notes.len() == 1
            && notes[0].starts_with("the processor's energy is estimated: no RAPL package counter"),
        "{notes:?}"
    );
}

#[test]
fn a_counter_that_vanishes_is_replaced_by_the_estimate() {
    let machine = Machine::new();
    machine.package(0);
    let meter = Meter::start(&machine.sources());
    machine.work();
    std::fs::remove_dir_all(machine.root().join("powercap")).unwrap();
    check(&meter.usage(), 212.5, "estimated: 85 W TDP x 50 % x 50 % of its CPU time");
}

#[test]
fn what_the_user_states_takes_the_place_of_the_counters() {
    let machine = Machine::new();
    machine.package(0);
    let watts = Some("65".parse().unwrap());
    let meter = Meter::start(&Sources { watts, gpus: vec![machine.gpu()], ..machine.sources() });
    machine.work();
    check(&meter.usage(), 325.0, "stated: 65 W x 50 % of its CPU time");
    assert_eq!(meter.notes(), [""; 0]);
}

#[test]
fn a_gpu_is_counted_whole() {
    let machine = Machine::new();
    machine.package(0);
    machine.gpu_mj.store(5_000_000, Ordering::Relaxed);
    let dead = Unmeasured::Gpu { gpu: "1".into(), problem: "it is old".into() };
    let gpus = vec![machine.gpu(), Gpu { name: "1".into(), counter: Err(dead) }];
    let meter = Meter::start(&Sources { gpus, ..machine.sources() });
    machine.work();
    machine.package(2_000_000);
    machine.gpu_mj.store(5_003_500, Ordering::Relaxed);
    check(
        &meter.usage(),
        1.0 + 3.5,
        "measured: RAPL package x 50 % of its CPU time + NVML total energy of GPU 0 + not measured: GPU 1",
    );
    assert_eq!(meter.notes(), ["the energy of GPU 1 is not measured: it is old: state the power in watts"]);
}

#[test]
fn where_the_system_tells_nothing_the_machine_counts_whole() {
    let machine = Machine::new();
    let nowhere = machine.root().join("nowhere");
    let meter = Meter::start(&Sources { proc_root: nowhere, ..machine.sources() });
    machine.work();
    let usage = meter.usage();
    check(&usage, 425.0, "estimated: 85 W TDP x 50 %");
    assert_eq!((usage.cpu_s, usage.peak_memory), (None, None));
}

#[test]
fn a_power_is_a_positive_number() {
    for text in ["0", "-3", "abc", "inf", "NaN", "65 W"] {
        let error = text.parse::<Watts>().unwrap_err().to_string();
        assert_eq!(error, format!("a power is a positive number of watts, like `65`, not `{text}`"));
    }
}
