//! The steps of a study: each in a folder of its own, with what it cost.

use std::{fs, path::Path};

use sapwood_core::{identity, write_atomic};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    Conditions, Error, RunFolder, Work,
    accounts::{Accounts, account},
    ledger::{Account, Watts},
};

/// Does the steps of a study that are not done.
pub(super) struct Steps<'a> {
    pub(super) folder: &'a Path,
    pub(super) conditions: &'a Conditions<'a>,
    /// What computes, for the ledger.
    pub(super) device: &'a str,
    pub(super) watts: Option<Watts>,
}

/// What came of a step, where, and what it cost.
pub(super) struct Done<T> {
    pub(super) run: RunFolder,
    pub(super) value: T,
    pub(super) account: Account,
}

/// Digits of the hash in the name of a folder.
const DIGITS: usize = 8;

impl Steps<'_> {
    /// Does a step, from where it was left, or reads what came of it. Its folder is named by the
    /// hash of its settings, which are all that decides it.
    pub(super) fn step<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        settings: &Value,
        job: impl FnOnce(&RunFolder, &Conditions<'_>, String) -> Result<T, Error>,
    ) -> Result<Done<T>, Error> {
        let label = identity(settings);
        let run = RunFolder::new(self.folder.join(format!("{name}-{}", &label[..DIGITS])));
        let lock = run.lock()?;
        run.claim(settings)?;
        if !run.is_done() {
            crate::lines::note(self.conditions.reporter, name);
            let work = Work::default();
            let conditions = Conditions { work: &work, ..*self.conditions };
            let accounts = Accounts::open(run.path(), self.device, self.watts);
            let value = accounts.during(&work, || job(&run, &conditions, label))?;
            let text = serde_json::to_string_pretty(&value).map_err(Error::unwritable)?;
            write_atomic(&run.record(), text.as_bytes())?;
        }
        // One that was killed between the two may have left them.
        run.drop_checkpoints();
        let bytes = fs::read(run.record()).map_err(Error::file("read", run.record()))?;
        let value = serde_json::from_slice(&bytes).map_err(|error| Error::Json {
            problem: error.to_string(),
            path: run.record(),
            error,
        })?;
        drop(lock);
        let account = account(&run)?;
        Ok(Done { run, value, account })
    }
}

/// Removes the steps of a study that were done with what is about to be done anew, as their settings tell.
pub(super) fn forget(folder: &Path, is_of: impl Fn(&Value) -> bool) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(Error::file("read", folder))? {
        let run = RunFolder::new(entry.map_err(Error::file("read", folder))?.path());
        let settings = fs::read(run.config()).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        if settings.is_some_and(|settings: Value| is_of(&settings)) {
            // Refused where another process is at it.
            drop(run.lock()?);
            run.remove()?;
        }
    }
    Ok(())
}
