//! What a run cost, in files beside it: one for each stretch of work.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use sapwood_core::write_atomic;

use crate::{
    Error, RunFolder, Work,
    ledger::{Account, Entry, Meter, Sources, Watts, gpu_of, host},
};

const PREFIX: &str = "ledger-";
const SUFFIX: &str = ".json";

/// How much of what work cost is lost when it is killed.
pub(crate) const ACCOUNTED: Duration = Duration::from_secs(2);

/// Keeps the account of one stretch of work.
pub(crate) struct Accounts {
    path: PathBuf,
    meter: Meter,
    started: u64,
    device: String,
    level: Option<String>,
}

impl Accounts {
    /// Begins a stretch. It is written next to those that are there.
    pub(crate) fn open(folder: &Path, device: &str, watts: Option<Watts>) -> Self {
        let path = |number: usize| folder.join(format!("{PREFIX}{number}{SUFFIX}"));
        let number = (0..).find(|number| !path(*number).exists()).unwrap_or(0);
        let level = device.eq("cpu").then(|| sapwood_backend::level().into());
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self { path: path(number), meter: meter(device, watts), started, device: device.into(), level }
    }

    /// Does some work, and writes what it cost while it goes on and when it has ended, in
    /// whatever way.
    pub(crate) fn during<T>(mut self, work: &Work, job: impl FnOnce() -> T) -> T {
        let (ended, end) = channel::<()>();
        thread::scope(|scope| {
            scope.spawn(move || {
                while end.recv_timeout(ACCOUNTED) == Err(RecvTimeoutError::Timeout) {
                    self.write(work);
                }
                self.write(work);
            });
            let outcome = job();
            drop(ended);
            outcome
        })
    }

    /// Writes what was done so far. An account that cannot be kept is no reason to give
    /// up the work.
    pub(crate) fn write(&mut self, work: &Work) {
        let entry = Entry {
            started: self.started,
            host: host(),
            device: self.device.clone(),
            device_count: 1,
            level: self.level.clone(),
            usage: self.meter.usage(),
            examples_seen: work.examples_seen(),
            training_macs: work.training_macs(),
            evaluation_macs: work.evaluation_macs(),
        };
        let text = serde_json::to_string_pretty(&entry).unwrap_or_default();
        let _ = write_atomic(&self.path, text.as_bytes());
    }
}

/// A meter that starts now, of what this machine uses to compute on a device.
fn meter(device: &str, watts: Option<Watts>) -> Meter {
    let clock = Instant::now();
    let machine = Sources::of_this_machine(move || clock.elapsed());
    Meter::start(&Sources { watts, gpus: gpu_of(device).into_iter().collect(), ..machine })
}

/// Why the energy of what is computed on a device is estimated, or left out, where it is not measured: one line each.
pub fn unmeasured(device: &str, watts: Option<Watts>) -> Vec<String> {
    meter(device, watts).notes()
}

/// What a run cost, all stretches together.
///
/// # Errors
/// A folder that cannot be listed and a file that cannot be read; [`Error::Json`] for one that is no entry of this
/// version's ledger.
pub fn account(folder: &RunFolder) -> Result<Account, Error> {
    let entries = stretches(folder.path())?.into_iter().map(|(_, path)| entry(path));
    Ok(entries.collect::<Result<Vec<_>, _>>()?.iter().collect())
}

/// The files of all stretches, by their numbers, some of which may be missing: one that cannot be read is removed.
fn stretches(folder: &Path) -> Result<Vec<(usize, PathBuf)>, Error> {
    let mut found = Vec::new();
    for file in fs::read_dir(folder).map_err(Error::file("list", folder))? {
        let file = file.map_err(Error::file("list", folder))?;
        let name = file.file_name();
        let number =
            name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok());
        found.extend(number.map(|number| (number, file.path())));
    }
    // Sums of floats depend on their order.
    found.sort();
    Ok(found)
}

fn entry(path: PathBuf) -> Result<Entry, Error> {
    let text = fs::read(&path).map_err(Error::file("read", &path))?;
    serde_json::from_slice(&text).map_err(|error| Error::Json {
        problem: format!(
            "not an entry of this version's ledger ({error}): remove it, which loses what it cost"
        ),
        path,
        error,
    })
}

#[cfg(test)]
mod tests {
    use sapwood_core::Anatomy;

    use super::*;
    use crate::ledger::{EnergySource, Macs};

    #[test]
    fn a_gpu_that_nobody_counts_is_left_out_by_name() {
        let energy = meter("vulkan", None).usage().energy;
        let last = energy.parts.last().map(|part| &part.source);
        assert_eq!(last, Some(&EnergySource::UnmeasuredGpu { gpu: "vulkan:0".into() }));
        let said = unmeasured("vulkan", None).pop().unwrap();
        assert!(said.starts_with("the energy of GPU vulkan:0 is not measured: "), "{said}");
        assert_eq!(unmeasured("vulkan", Some("65".parse().unwrap())), [""; 0]);
    }

    /// The ledger knows no networks, and says the number itself.
    #[test]
    fn training_costs_the_same_in_the_ledger_and_in_forecasts() {
        assert_eq!(Macs::TRAINING_PASSES, Anatomy::TRAINING_PASSES);
    }

    /// Neither a disk that is full nor a folder that cannot be written ends what is computed.
    #[test]
    fn an_account_that_cannot_be_written_gives_up_no_work_and_one_that_cannot_be_read_is_told() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("run");
        fs::write(&folder, "a file").unwrap();
        let mut accounts = Accounts::open(&folder, "cpu", None);
        accounts.write(&Work::default());
        assert_eq!(accounts.during(&Work::default(), || 7), 7);
        assert_eq!(fs::read(&folder).unwrap(), b"a file");
        let said = account(&RunFolder::new(&folder)).unwrap_err().to_string();
        assert!(said.starts_with("cannot list: ") && said.ends_with("run"), "{said}");
    }

    #[test]
    fn an_entry_that_was_removed_loses_what_it_cost_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let begin = || Accounts::open(place.path(), "cpu", None).write(&Work::default());
        (0..3).for_each(|_| begin());
        let run = RunFolder::new(place.path());
        let damaged = place.path().join("ledger-0.json");
        fs::write(&damaged, "{").unwrap();
        let said = account(&run).unwrap_err().to_string();
        assert!(said.contains("remove it, which loses what it cost"), "{said}");
        fs::remove_file(damaged).unwrap();
        assert_eq!(account(&run).unwrap().stretches, 2);
        begin();
        assert_eq!(account(&run).unwrap().stretches, 3);
    }
}
