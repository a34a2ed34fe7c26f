//! Who works at a run.
//!
//! A claim is a file that is made exclusively, which holds on network file systems too.
//! Claims of one run are numbered, and the highest number is in force: whoever finds the
//! holder dead makes the next one, and of several who do so only one succeeds. The holder
//! touches its file from time to time; it is dead when it has not for long, or when it was
//! a process of this machine that is no more.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    process,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use crate::{Error, ledger::host};

const PREFIX: &str = "claim-";

/// How long a holder may be silent before it counts as dead. It touches its claim ten
/// times as often.
pub(super) const SILENCE: Duration = Duration::from_secs(60);

/// A run that this process holds, until it is released.
#[derive(Debug)]
pub(super) struct Claim {
    folder: PathBuf,
    number: u64,
}

/// What a claim says of its holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder {
    pub(super) host: String,
    pub(super) process: u32,
    /// Which numbers of processes are meant: two containers may call themselves alike.
    #[serde(default)]
    numbers: Option<String>,
    /// When the process started, in the kernel's ticks, so that another one with the same
    /// number is not taken for it.
    started: Option<u64>,
}

/// The holder of a run, as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// Nobody holds it.
    Free,
    /// Somebody does, and is alive as far as can be seen.
    By(Holder),
    /// Whoever did is dead.
    Abandoned,
}

impl Holder {
    fn this() -> Self {
        Self { host: host(), process: process::id(), numbers: numbers(), started: started(process::id()) }
    }

    /// Whether it is a process of this machine that is certainly gone.
    fn is_gone(&self) -> bool {
        self.host == host()
            && self.numbers == numbers()
            && self.started.is_some()
            && started(self.process) != self.started
    }
}

impl Claim {
    /// Takes a run, if nobody alive holds it.
    pub(super) fn take(folder: &Path) -> Result<Option<Self>, Error> {
        let newest = newest(folder)?;
        let number = match look(folder, newest, || now(folder))? {
            Held::By(_) => return Ok(None),
            Held::Free => newest.unwrap_or(0),
            Held::Abandoned => newest.map_or(0, |newest| newest + 1),
        };
        fs::create_dir_all(folder).map_err(Error::file("make the folder", folder))?;
        let path = path(folder, number);
        match File::create_new(&path) {
            Ok(mut file) => {
                let text = serde_json::to_string(&Holder::this()).map_err(Error::unwritable)?;
                let written = file.write_all(text.as_bytes());
                if let Err(error) = written {
                    // Half a claim would keep others away for a while.
                    let _ = fs::remove_file(&path);
                    return Err(Error::file("write", path)(error));
                }
                tracing::debug!(number, folder = %folder.display(), "claim taken");
                Ok(Some(Self { folder: folder.into(), number }))
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(Error::file("write", path)(error)),
        }
    }

    /// Whether the file of this claim is still the one that this process wrote: a holder
    /// that was thought dead may find another's under the same number.
    fn is_mine(&self) -> bool {
        let text = fs::read(path(&self.folder, self.number)).unwrap_or_default();
        serde_json::from_slice::<Holder>(&text).is_ok_and(|holder| holder == Holder::this())
    }

    /// Shows that the holder is alive, and tells whether the claim is still in force.
    pub(super) fn touch(&self) -> bool {
        if !self.is_mine() {
            self.tell("claim lost");
            return false;
        }
        let path = path(&self.folder, self.number);
        // By the clock that the others look at: this machine's may be wrong.
        let touched = now(&self.folder).is_ok_and(|now| {
            File::options().write(true).open(&path).is_ok_and(|file| file.set_modified(now).is_ok())
        });
        let mine = touched && newest(&self.folder).is_ok_and(|newest| newest == Some(self.number));
        if !mine {
            self.tell("claim lost");
        }
        mine
    }

    /// Gives the run back, if it is still held.
    pub(super) fn release(self) -> Result<(), Error> {
        if !self.is_mine() {
            return Ok(());
        }
        for number in (0..=self.number).rev() {
            let path = path(&self.folder, number);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(Error::file("remove", path)(error));
                }
                _ => {}
            }
        }
        self.tell("claim given back");
        Ok(())
    }

    fn tell(&self, what: &str) {
        tracing::debug!(number = self.number, folder = %self.folder.display(), "{what}");
    }
}

/// Who holds a run.
pub(super) fn held(folder: &Path) -> Result<Held, Error> {
    // Whoever only looks may not be allowed to write there: this machine's clock is enough then.
    look(folder, newest(folder)?, || Ok(now(folder).unwrap_or_else(|_| SystemTime::now())))
}

/// Who holds a run whose newest claim has this number, by a clock that is asked where there is one.
fn look(
    folder: &Path,
    newest: Option<u64>,
    now: impl FnOnce() -> Result<SystemTime, Error>,
) -> Result<Held, Error> {
    let Some(number) = newest else { return Ok(Held::Free) };
    let path = path(folder, number);
    let read = fs::read(&path).and_then(|text| Ok((text, fs::metadata(&path)?.modified()?)));
    let (text, touched) = match read {
        Ok(read) => read,
        // Released meanwhile.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Held::Free),
        Err(error) => return Err(Error::file("read", path)(error)),
    };
    // A clock that was set back must not keep a dead holder alive until that time comes again.
    let silent = now()?.duration_since(touched).unwrap_or_else(|ahead| ahead.duration());
    Ok(match serde_json::from_slice::<Holder>(&text) {
        Ok(holder) if silent < SILENCE && !holder.is_gone() => Held::By(holder),
        // It is being written, or its writer was killed then.
        Err(_) if silent < SILENCE => {
            Held::By(Holder { host: "a worker".into(), process: 0, numbers: None, started: None })
        }
        _ => Held::Abandoned,
    })
}

/// The time by the clock of the file system, which may be another machine's.
fn now(folder: &Path) -> Result<SystemTime, Error> {
    let error = |error| Error::file("write a file in", folder)(error);
    let file = tempfile::tempfile_in(folder).map_err(error)?;
    file.metadata().and_then(|data| data.modified()).map_err(error)
}

fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{PREFIX}{number}"))
}

fn newest(folder: &Path) -> Result<Option<u64>, Error> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        entries => entries.map_err(Error::file("list", folder))?,
    };
    let mut newest = None;
    for entry in entries {
        let name = entry.map_err(Error::file("list", folder))?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.parse().ok());
        newest = newest.max(number);
    }
    Ok(newest)
}

/// The boot of this machine, and the space of process numbers in which this process is; `None` where that cannot be known.
fn numbers() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let space = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), space.display()))
}

/// When a process of this machine started; `None` where that cannot be known, or where
/// there is no such process.
fn started(process: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, in parentheses, may hold spaces; the start is the twentieth field after it.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_held_once_and_free_after_its_release() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("r0");
        assert_eq!(held(&run).unwrap(), Held::Free);
        let claim = Claim::take(&run).unwrap().unwrap();
        assert!(claim.touch());
        assert_eq!(held(&run).unwrap(), Held::By(Holder::this()));
        assert!(Claim::take(&run).unwrap().is_none());
        claim.release().unwrap();
        assert_eq!(held(&run).unwrap(), Held::Free);
        assert!(fs::read_dir(&run).unwrap().next().is_none());
    }

    #[test]
    fn what_a_dead_holder_left_goes_to_one_of_many() {
        let folder = tempfile::tempdir().unwrap();
        let dead = Holder { started: Some(1), ..Holder::this() };
        fs::write(folder.path().join("claim-3"), serde_json::to_string(&dead).unwrap()).unwrap();
        assert_eq!(held(folder.path()).unwrap(), Held::Abandoned);
        let taken: usize = std::thread::scope(|scope| {
            let take =
                || usize::from(Claim::take(folder.path()).unwrap().is_some_and(|claim| claim.number == 4));
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(take)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(taken, 1);
    }

    /// Somebody took the run over and gave it back, and a third one took it.
    #[test]
    fn a_holder_that_wakes_up_late_leaves_the_claim_of_another_alone() {
        let folder = tempfile::tempdir().unwrap();
        let late = Claim::take(folder.path()).unwrap().unwrap();
        let path = folder.path().join("claim-0");
        let elsewhere = elsewhere();
        fs::write(&path, serde_json::to_string(&elsewhere).unwrap()).unwrap();
        assert!(!late.touch());
        late.release().unwrap();
        assert_eq!(held(folder.path()).unwrap(), Held::By(elsewhere));
    }

    #[test]
    fn the_clock_decides_who_is_silent_and_is_asked_of_a_claim_alone() {
        let folder = tempfile::tempdir().unwrap();
        let refused = || {
            Err::<SystemTime, _>(Error::file("write a file in", "claims")(ErrorKind::PermissionDenied.into()))
        };
        assert_eq!(look(folder.path(), None, refused).unwrap(), Held::Free);
        let path = folder.path().join("claim-0");
        fs::write(&path, serde_json::to_string(&elsewhere()).unwrap()).unwrap();
        let touched = fs::metadata(&path).unwrap().modified().unwrap();
        let at = |time: SystemTime| look(folder.path(), Some(0), || Ok(time)).unwrap();
        assert_eq!(at(touched), Held::By(elsewhere()));
        assert_eq!(at(touched + SILENCE), Held::Abandoned);
        assert!(look(folder.path(), Some(0), refused).is_err());
    }

    /// Of a study that somebody else may not write to.
    #[test]
    fn who_holds_a_run_is_seen_where_nothing_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("claim-0"), serde_json::to_string(&elsewhere()).unwrap()).unwrap();
        let before = fs::metadata(folder.path()).unwrap().permissions();
        let mut read_only = before.clone();
        read_only.set_readonly(true);
        fs::set_permissions(folder.path(), read_only).unwrap();
        let seen = held(folder.path());
        fs::set_permissions(folder.path(), before).unwrap();
        assert_eq!(seen.unwrap(), Held::By(elsewhere()));
    }

    fn elsewhere() -> Holder {
        Holder { host: "elsewhere".into(), process: 1, numbers: None, started: Some(1) }
    }

    /// Containers with the name of their machine have process numbers of their own, which say nothing here.
    #[test]
    fn a_holder_of_the_same_name_with_other_process_numbers_is_believed() {
        let folder = tempfile::tempdir().unwrap();
        let other = Holder { numbers: Some("another".into()), started: Some(1), ..Holder::this() };
        fs::write(folder.path().join("claim-0"), serde_json::to_string(&other).unwrap()).unwrap();
        assert_eq!(held(folder.path()).unwrap(), Held::By(other));
    }

    #[test]
    fn a_holder_elsewhere_is_believed_until_it_has_been_silent_for_long() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("claim-0");
        let elsewhere = elsewhere();
        fs::write(&path, serde_json::to_string(&elsewhere).unwrap()).unwrap();
        assert_eq!(held(folder.path()).unwrap(), Held::By(elsewhere));
        let file = File::options().write(true).open(&path).unwrap();
        let long = SILENCE + Duration::from_secs(1);
        // Or since before the clock was set back.
        for touched in [SystemTime::now() + long, SystemTime::now() - long] {
            file.set_modified(touched).unwrap();
            assert_eq!(held(folder.path()).unwrap(), Held::Abandoned);
        }
        let claim = Claim::take(folder.path()).unwrap().unwrap();
        // A holder that wakes up again sees that another one has its run.
        let late = Claim { folder: folder.path().into(), number: 0 };
        assert!(claim.touch() && !late.touch());
    }
}
