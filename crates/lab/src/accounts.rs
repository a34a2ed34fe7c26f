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
        let clock = Instant::now();
        let mut sources = Sources { watts, ..Sources::of_this_machine(move || clock.elapsed()) };
        sources.gpus.extend(gpu_of(device));
        let path = |number: usize| folder.join(format!("{PREFIX}{number}{SUFFIX}"));
        let number = (0..).find(|number| !path(*number).exists()).unwrap_or(0);
        let level = device.eq("cpu").then(|| sapwood_backend::level().into());
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self { path: path(number), meter: Meter::start(&sources), started, device: device.into(), level }
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

/// What a run cost, all stretches together.
pub fn account(folder: &RunFolder) -> Result<Account, Error> {
    let mut entries = Vec::new();
    for number in 0.. {
        let path = folder.path().join(format!("{PREFIX}{number}{SUFFIX}"));
        let text = match fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => break,
            read => read.map_err(Error::file("read", &path))?,
        };
        let entry: Entry = serde_json::from_slice(&text).map_err(|error| Error::Json {
            problem: format!(
                "not an entry of this version's ledger ({error}): remove it, which loses what it cost"
            ),
            path,
            error,
        })?;
        entries.push(entry);
    }
    Ok(entries.iter().collect())
}
