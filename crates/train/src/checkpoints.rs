//! The folder in which a run's checkpoints lie.

use std::{
    fmt,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

use sapwood_core::{FileError, seal, sweep, unseal, write_atomic};

use crate::{Error, Row};

const PREFIX: &str = "checkpoint-";
const SUFFIX: &str = ".sapwood";
/// Digits of the iteration between them, so that names are in its order.
const DIGITS: usize = 12;
/// How many are kept: the newest, and the one to fall back to.
const KEPT: usize = 2;

type Clock<'a> = Box<dyn Fn() -> Duration + 'a>;

/// Where and how often a run writes its checkpoints.
///
/// A checkpoint is a safetensors file behind a checksum. The last two are kept;
/// one whose checksum is wrong is passed over for the one before it. One is
/// always written at the end of the run. The folder belongs to one run alone.
///
/// ```
/// use std::{num::NonZeroUsize, time::{Duration, Instant}};
/// use sapwood_train::Checkpoints;
///
/// let start = Instant::now();
/// let checkpoints = Checkpoints::in_folder("runs/a/checkpoints")
///     .every_iterations(NonZeroUsize::new(500).unwrap())
///     .every(Duration::from_secs(60), move || start.elapsed());
/// # let _ = checkpoints;
/// ```
pub struct Checkpoints<'a> {
    folder: PathBuf,
    pub(crate) label: String,
    iterations: Option<NonZeroUsize>,
    time: Option<Time<'a>>,
    /// Those known to be whole, oldest first.
    whole: Vec<PathBuf>,
}

struct Time<'a> {
    every: Duration,
    clock: Clock<'a>,
    last: Duration,
    /// How long the last one took to write.
    cost: Duration,
}

/// Writing may take this fraction of the time: the next checkpoint is put off
/// until then where one takes long.
const SHARE: u32 = 20;

/// From where a run was continued.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resumed {
    /// The number of complete iterations of the checkpoint; `None` if there was
    /// none to continue from.
    pub from: Option<usize>,
    /// Newer checkpoints that were cut short or altered, newest first.
    pub rejected: Vec<Rejected>,
    /// The rows of the epochs that the checkpoint has behind it.
    pub curve: Vec<Row>,
}

/// A checkpoint that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
}

/// A checkpoint whose checksum is right.
pub(crate) struct Whole {
    pub(crate) path: PathBuf,
    pub(crate) payload: Vec<u8>,
}

impl<'a> Checkpoints<'a> {
    /// Checkpoints in this folder, which is made when it is needed, and only at
    /// the end of the run.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        let (folder, label) = (folder.into(), String::new());
        Self { folder, label, iterations: None, time: None, whole: Vec::new() }
    }

    /// Also whenever the number of iterations is a multiple of `n`.
    pub fn every_iterations(self, n: NonZeroUsize) -> Self {
        Self { iterations: Some(n), ..self }
    }

    /// Also after the first step that ends this long after the last checkpoint (or
    /// longer, where that one took more than a twentieth of it to write), by
    /// a clock that tells the time since some fixed moment.
    pub fn every(self, every: Duration, clock: impl Fn() -> Duration + 'a) -> Self {
        let last = clock();
        Self { time: Some(Time { every, clock: Box::new(clock), last, cost: Duration::ZERO }), ..self }
    }

    /// What only the caller knows of the run (the seed of its data, say). A
    /// checkpoint with another label is refused, as one of another run.
    pub fn labelled(self, label: impl Into<String>) -> Self {
        Self { label: label.into(), ..self }
    }

    /// The newest whole checkpoint, and those that were passed over for it.
    pub(crate) fn newest(&mut self) -> Result<(Option<Whole>, Vec<Rejected>), Error> {
        // A run that was killed while it wrote leaves its temporary file behind,
        // and nobody else would remove it.
        sweep(&self.folder)?;
        let mut rejected = Vec::new();
        let mut present = self.present()?;
        while let Some(path) = present.pop() {
            let bytes = std::fs::read(&path).map_err(failed("read", &path))?;
            match unseal(&bytes) {
                Ok(payload) => {
                    self.whole = vec![path.clone()];
                    // Who was killed between writing one and removing another may have been at its end.
                    for old in &present[..(present.len() + 1).saturating_sub(KEPT)] {
                        std::fs::remove_file(old).map_err(failed("remove", old))?;
                    }
                    return Ok((Some(Whole { path, payload: payload.to_vec() }), rejected));
                }
                Err(error) => {
                    let problem = error.to_string();
                    tracing::warn!(name: "checkpoint_passed_over", problem, path = %path.display(), "broken checkpoint passed over");
                    rejected.push(Rejected { path, problem });
                }
            }
        }
        Ok((None, rejected))
    }

    /// Whether it is time for a checkpoint after this number of iterations.
    pub(crate) fn due(&self, iteration: usize) -> bool {
        self.iterations.is_some_and(|n| iteration % n == 0)
            || self
                .time
                .as_ref()
                .is_some_and(|time| time.last + time.every.max(SHARE * time.cost) <= (time.clock)())
    }

    /// Writes a checkpoint, then removes all but the last two whole ones.
    pub(crate) fn write(&mut self, iteration: usize, payload: &[u8]) -> Result<(), Error> {
        let started = self.time.as_ref().map(|time| (time.clock)());
        let path = self.folder.join(format!("{PREFIX}{iteration:0DIGITS$}{SUFFIX}"));
        let sealed = seal(payload);
        write_atomic(&path, &sealed)?;
        let bytes = sealed.len();
        tracing::info!(name: "checkpoint", iteration, bytes, path = %path.display(), "checkpoint written");
        self.whole.retain(|whole| *whole != path);
        self.whole.push(path);
        self.whole.drain(..self.whole.len().saturating_sub(KEPT));
        for path in self.present()? {
            if !self.whole.contains(&path) {
                std::fs::remove_file(&path).map_err(failed("remove", &path))?;
            }
        }
        if let (Some(time), Some(started)) = (&mut self.time, started) {
            time.last = (time.clock)();
            time.cost = time.last.saturating_sub(started);
        }
        Ok(())
    }

    /// The checkpoints in the folder, oldest first: their names are in the order of
    /// their iterations.
    fn present(&self) -> Result<Vec<PathBuf>, Error> {
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed("list", &self.folder)(error)),
        };
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed("list", &self.folder))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            // A copy of one under another name is somebody's, and not removed.
            let number = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
            if number
                .is_some_and(|number| DIGITS <= number.len() && number.bytes().all(|b| b.is_ascii_digit()))
            {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths)
    }
}

impl fmt::Debug for Checkpoints<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkpoints").field("folder", &self.folder).finish_non_exhaustive()
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    FileError::of(action, path.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_checkpoint_is_passed_over_and_then_removed() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Checkpoints::in_folder(folder.path());
        let mut checkpoints = open();
        for iteration in [1, 2, 10] {
            checkpoints.write(iteration, &[iteration as u8]).unwrap();
        }
        let present = open().present().unwrap();
        assert_eq!(present.len(), KEPT);
        std::fs::write(&present[1], b"SAPWOOD1 cut short").unwrap();
        std::fs::write(folder.path().join(".sapwood-A1b2C3.tmp"), b"killed while writing").unwrap();

        let mut again = open();
        let (whole, rejected) = again.newest().unwrap();
        assert_eq!(whole.unwrap().payload, [2]);
        assert_eq!(rejected.iter().map(|r| &r.path).collect::<Vec<_>>(), [&present[1]]);
        again.write(5, &[5]).unwrap();
        let left: Vec<_> = again.present().unwrap();
        assert_eq!(left.len(), KEPT);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), KEPT);
        assert_eq!(again.newest().unwrap().0.unwrap().payload, [5]);
    }

    #[test]
    fn a_copy_of_a_checkpoint_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut checkpoints = Checkpoints::in_folder(folder.path());
        checkpoints.write(500, &[5]).unwrap();
        let copy = folder.path().join("checkpoint-keep.sapwood");
        std::fs::copy(&checkpoints.present().unwrap()[0], &copy).unwrap();
        (600..603).for_each(|iteration| checkpoints.write(iteration, &[6]).unwrap());
        assert_eq!(Checkpoints::in_folder(folder.path()).newest().unwrap().0.unwrap().payload, [6]);
        assert!(copy.exists());
    }

    #[test]
    fn what_a_killed_run_had_not_removed_yet_is_removed_by_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut checkpoints = Checkpoints::in_folder(folder.path());
        for iteration in [1, 2] {
            checkpoints.write(iteration, &[iteration as u8]).unwrap();
        }
        let last = folder.path().join("checkpoint-000000000003.sapwood");
        std::fs::write(&last, seal(&[3])).unwrap();
        let mut again = Checkpoints::in_folder(folder.path());
        assert_eq!(again.newest().unwrap().0.unwrap().payload, [3]);
        let left = again.present().unwrap();
        assert_eq!(left.len(), KEPT);
        assert!(left[0].ends_with("checkpoint-000000000002.sapwood") && left[1] == last);
    }

    #[test]
    fn the_clock_that_was_passed_in_decides() {
        let now = std::cell::Cell::new(0);
        let folder = tempfile::tempdir().unwrap();
        let mut checkpoints = Checkpoints::in_folder(folder.path())
            .every(Duration::from_secs(10), || Duration::from_secs(now.get()));
        assert!(!checkpoints.due(1));
        now.set(10);
        assert!(checkpoints.due(2));
        checkpoints.write(2, b"").unwrap();
        assert!(!checkpoints.due(3));
    }
}
