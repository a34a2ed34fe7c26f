//! The steps of a study: each in a folder of its own, with what it cost.

use std::{fs, path::Path};

use sapwood_core::{identity, write_atomic};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    Conditions, Error, RunFolder, Work,
    accounts::{Accounts, account},
    ledger::{Account, Watts},
    run_folder::without_places,
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
    /// Does a step, from where it was left, or reads what came of it. The job is told the settings as the step's folder
    /// has them.
    pub(super) fn step<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        settings: &Value,
        job: impl FnOnce(&RunFolder, &Conditions<'_>, &Value) -> Result<T, Error>,
    ) -> Result<Done<T>, Error> {
        let run = self.run(name, settings);
        let lock = run.lock()?;
        let settings = run.claim(settings)?;
        if !run.is_done() {
            crate::lines::note(self.conditions.reporter, name);
            let work = Work::default();
            let conditions = Conditions { work: &work, ..*self.conditions };
            let accounts = Accounts::open(run.path(), self.device, self.watts);
            let value = accounts.during(&work, || job(&run, &conditions, &settings))?;
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

    /// The folder of a step, named by the hash of its settings, which are all that decides it.
    fn run(&self, name: &str, settings: &Value) -> RunFolder {
        let named = |settings: &Value| {
            RunFolder::new(self.folder.join(format!("{name}-{}", &identity(settings)[..DIGITS])))
        };
        // In folders of earlier versions where lists of examples lie has a part in it.
        let earlier = named(settings);
        match earlier.config().exists() {
            true => earlier,
            false => named(&without_places(settings.clone())),
        }
    }
}

/// Removes the steps of a study that were done with what is about to be done anew, as their settings tell but for where
/// lists of examples lie.
pub(super) fn forget(folder: &Path, is_of: impl Fn(&Value) -> bool) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(Error::file("read", folder))? {
        let run = RunFolder::new(entry.map_err(Error::file("read", folder))?.path());
        let settings = fs::read(run.config()).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        if settings.is_some_and(|settings: Value| is_of(&without_places(settings))) {
            // Refused where another process is at it.
            drop(run.lock()?);
            run.remove()?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use sapwood_backend::DeviceSpec;
    use serde_json::json;

    use super::*;
    use crate::{CheckpointEvery, Datasets, Silent};

    #[test]
    fn a_step_is_known_wherever_its_list_of_examples_lies() {
        let place = tempfile::tempdir().unwrap();
        let conditions = Conditions {
            datasets: &Datasets::below("data"),
            device: &DeviceSpec::CPU.resolve().unwrap(),
            every: CheckpointEvery::default(),
            keep: &[],
            reporter: &Silent,
            work: &Work::default(),
            stop: &AtomicBool::new(false),
        };
        let steps = Steps { folder: place.path(), conditions: &conditions, device: "cpu", watts: None };
        let settings = |list: &str| {
            let data = json!({ "name": "digits", "only": { "list": list, "digest": "x" } });
            json!({ "training": { "data": data } })
        };
        let step = |list: &str| {
            let done =
                steps.step("supernet", &settings(list), |_, _, settings| Ok(identity(settings))).unwrap();
            (done.run.path().to_path_buf(), done.value)
        };
        let first = step("a.json");
        assert_eq!(step("b.json"), first);
        // Checkpoints of a step that goes on are of what was begun.
        fs::remove_file(first.0.join("record.json")).unwrap();
        assert_eq!(step("b.json"), first);

        let earlier = place.path().join(format!("supernet-{}", &identity(&settings("c.json"))[..DIGITS]));
        fs::create_dir(&earlier).unwrap();
        RunFolder::new(&earlier).claim(&settings("c.json")).unwrap();
        assert_eq!(step("c.json"), (earlier.clone(), identity(&settings("c.json"))));

        forget(place.path(), |found| *found == without_places(settings("d.json"))).unwrap();
        assert!(!first.0.exists() && !earlier.exists());
    }
}
