//! A run's folder.
//!
//! The folder is the truth: `config.json` says what runs there, `checkpoints/`
//! how far it is, and once `record.json` is there it is done. Every file is
//! written whole or not at all, so a run that was killed is started again by the
//! same call.

use std::{
    fs::{self, File, TryLockError},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use burn::prelude::Device;
use sapwood_core::{Step, is_temporary, sweep, write_atomic};
use sapwood_models::Net;
use sapwood_quant::Rounded;
use serde::Serialize;
use serde_json::Value;

use crate::{Error, rounded, run_kind::of_another_kind};

/// A run's folder.
#[derive(Clone, Debug)]
pub struct RunFolder(PathBuf);

impl RunFolder {
    /// The folder of a run: it is made when something is written there.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The trained network.
    pub fn weights(&self) -> PathBuf {
        self.0.join("weights.safetensors")
    }

    /// The network as it was at a position of the training, where that was asked for.
    pub fn weights_at(&self, step: Step) -> PathBuf {
        match step {
            Step::End => self.weights(),
            step => self.0.join(format!("weights-{step}.safetensors")),
        }
    }

    /// How the error runs between this network and its twin's.
    pub(crate) fn connectivity(&self) -> PathBuf {
        self.0.join("connectivity.json")
    }

    /// The trained network in few bytes, where a study wants to know how many these are.
    pub fn packed(&self) -> PathBuf {
        self.0.join("weights.sapwood")
    }

    /// The run of the last layer alone that came before this one, if one did.
    pub fn probe(&self) -> PathBuf {
        self.0.join("probe")
    }

    /// Its checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.0.join("checkpoints")
    }

    /// What it began with, where that was computed of the data.
    pub(crate) fn begun(&self) -> PathBuf {
        self.0.join("begun.safetensors")
    }

    /// How it went, epoch by epoch, as a table.
    pub(crate) fn curve(&self) -> PathBuf {
        self.0.join("curve.csv")
    }

    /// What runs there.
    pub(crate) fn config(&self) -> PathBuf {
        self.0.join("config.json")
    }

    /// What marks the run as done.
    pub fn record(&self) -> PathBuf {
        self.0.join("record.json")
    }

    /// Whether the run is done.
    pub fn is_done(&self) -> bool {
        self.record().exists()
    }

    fn lock_file(&self) -> PathBuf {
        self.0.join("lock")
    }

    /// Takes the folder, which is made, for this process, until the answer is dropped
    /// or the process ends in whatever way, and clears away what an earlier one was
    /// writing. Whatever is looked at before may have changed meanwhile.
    pub(crate) fn lock(&self) -> Result<File, Error> {
        fs::create_dir_all(&self.0).map_err(Error::file("make the folder", &self.0))?;
        let path = self.lock_file();
        // A file of that name that somebody else has left keeps its content.
        let opened = File::options().write(true).create(true).truncate(false).open(&path);
        let file = opened.map_err(Error::file("write", path))?;
        // A file system without locks refuses in other words: there, nobody checks.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(Error::Busy { path: self.0.clone() });
        }
        sweep(&self.0)?;
        Ok(file)
    }

    /// Refuses a folder that cannot be made, or in which another process works. Nothing is made.
    pub(crate) fn check_lockable(&self) -> Result<(), Error> {
        if let Ok(file) = File::options().write(true).open(self.lock_file()) {
            return match file.try_lock() {
                Err(TryLockError::WouldBlock) => Err(Error::Busy { path: self.0.clone() }),
                _ => Ok(()),
            };
        }
        match self.0.ancestors().find(|path| path.exists()) {
            Some(there) if !there.is_dir() => {
                let error = std::io::Error::from(ErrorKind::NotADirectory);
                Err(Error::file("make the folder", &self.0)(error))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a folder in which no run has begun, and a file lies that a training would write over.
    pub(crate) fn check_unused(&self, keep: &[Step]) -> Result<(), Error> {
        self.check_free(self.written(keep))
    }

    /// What a training writes, with the weights of these positions; first what marks it as done.
    fn written(&self, keep: &[Step]) -> impl Iterator<Item = PathBuf> {
        let own = [self.record(), self.weights(), self.curve(), self.checkpoints(), self.begun()];
        own.into_iter().chain(keep.iter().map(move |step| self.weights_at(*step)))
    }

    /// Removes what a training wrote, with the weights of these positions, for it to be done again.
    pub(crate) fn clear(&self, keep: &[Step]) -> Result<(), Error> {
        self.written(keep).filter(|path| path.exists()).try_for_each(remove)
    }

    /// Refuses a folder with files that no run has left, for a run after which the whole folder is removed.
    ///
    /// # Errors
    /// Such a file, and a folder that cannot be listed.
    pub fn check_removable(&self) -> Result<(), Error> {
        let entries = match fs::read_dir(&self.0) {
            Err(missing) if missing.kind() == ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(Error::file("list", &self.0))?,
        };
        if self.config().exists() {
            return Ok(());
        }
        let lock = self.lock_file();
        for entry in entries {
            let path = entry.map_err(Error::file("list", &self.0))?.path();
            // A run that was killed before it wrote its configuration leaves its lock, which is empty.
            let is_lock = path == lock && fs::metadata(&path).is_ok_and(|lock| lock.len() == 0);
            // Nor does what it was writing, as `write_atomic` names that, stand for anything.
            if !is_lock && !is_temporary(&path) {
                let problem = "a file that no run has left here would be removed with the folder: move it, or choose another \
                               place";
                return Err(Error::Content { problem: problem.into(), path });
            }
        }
        Ok(())
    }

    /// Removes the checkpoints of a run that is done, if a kill has left them: nobody goes on from them, so those that
    /// cannot be removed cost room and nothing else.
    pub(crate) fn drop_checkpoints(&self) {
        let _ = fs::remove_dir_all(self.checkpoints());
    }

    /// Removes the folder. Whatever a kill leaves of it can be run again.
    ///
    /// # Errors
    /// What the file system refuses.
    pub fn remove(&self) -> Result<(), Error> {
        self.clear(&[])?;
        // What says whose the other files are goes behind them.
        for entry in fs::read_dir(&self.0).map_err(Error::file("list", &self.0))? {
            let path = entry.map_err(Error::file("list", &self.0))?.path();
            if path != self.config() {
                remove(path)?;
            }
        }
        fs::remove_dir_all(&self.0).map_err(Error::file("remove", &self.0))
    }

    /// The same, where these are written.
    pub(crate) fn check_free(&self, written: impl IntoIterator<Item = PathBuf>) -> Result<(), Error> {
        let found = written.into_iter().find(|path| path.exists());
        // A run writes its configuration before everything else.
        match found.filter(|_| !self.config().exists()) {
            None => Ok(()),
            Some(path) => {
                let problem = "a file that no run has left here would be written over: choose another folder";
                Err(Error::Content { problem: problem.into(), path })
            }
        }
    }

    /// Refuses to be without the weights of positions that have passed.
    pub(crate) fn check_kept(&self, passed: impl IntoIterator<Item = Step>) -> Result<(), Error> {
        match passed.into_iter().find(|step| !self.weights_at(*step).exists()) {
            None => Ok(()),
            Some(step) => Err(Error::Content {
                problem: format!(
                    "weights of {step} were to be kept, but this run has passed that without: choose another folder"
                ),
                path: self.0.clone(),
            }),
        }
    }

    /// Leaves the folder to whatever runs next, with the probe that came before, if nothing else lies there that a run
    /// would go on from: weights of these positions are not.
    pub(crate) fn give_back(&self, keep: &[Step]) {
        let kept = keep.iter().map(|step| self.weights_at(*step));
        let begun: Vec<PathBuf> =
            kept.chain([self.begun(), self.0.join("level.txt"), self.config()]).collect();
        let stays = [self.lock_file(), self.probe()];
        let is_ours = |path: PathBuf| begun.contains(&path) || stays.contains(&path);
        let nothing_else = fs::read_dir(&self.0)
            .is_ok_and(|mut entries| entries.all(|entry| entry.is_ok_and(|entry| is_ours(entry.path()))));
        if nothing_else {
            begun.iter().for_each(|path| drop(fs::remove_file(path)));
        }
    }

    /// The trained network as its file means it, if that is the one that the record speaks of.
    pub(crate) fn trained(&self, device: &Device) -> Result<Rounded<Net>, Error> {
        let read = |path: PathBuf| fs::read(&path).map_err(Error::file("read", path));
        let record: Value = serde_json::from_slice(&read(self.record())?).map_err(|error| Error::Json {
            problem: format!("not a run's record ({error})"),
            path: self.record(),
            error,
        })?;
        if record["weights"] != digest(&read(self.weights())?) {
            return Err(Error::Altered { path: self.weights() });
        }
        Ok(rounded(&sapwood_models::open(&self.weights(), None, device)?))
    }

    /// Claims the folder for a configuration: it must be new or hold the same. Tells the folder's, in which lists of
    /// examples may lie elsewhere.
    pub(crate) fn claim(&self, config: &impl Serialize) -> Result<Value, Error> {
        let path = self.config();
        let expected = serde_json::to_value(config).map_err(Error::unwritable)?;
        match fs::read(&path) {
            Ok(bytes) => {
                let found: Value = serde_json::from_slice(&bytes).map_err(|error| Error::Json {
                    problem: format!("not a run's configuration ({error})"),
                    path: path.clone(),
                    error,
                })?;
                if let Some(found) = of_another_kind(&expected, &found) {
                    return Err(Error::OtherFolder { found, path: self.0.clone() });
                }
                match first_difference("", &without_places(expected), &without_places(found.clone())) {
                    None => Ok(found),
                    Some((field, _, found)) if field.ends_with("data.content") => Err(Error::OtherFolder {
                        found: match found == "null" {
                            true => "a run that does not say which images it learnt from".into(),
                            false => "a run that learnt from other images".into(),
                        },
                        path: self.0.clone(),
                    }),
                    Some((field, expected, found)) => {
                        Err(Error::OtherRun { field, expected, found, path: self.0.clone() })
                    }
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let text = serde_json::to_string_pretty(config).map_err(Error::unwritable)?;
                write_atomic(&path, text.as_bytes())?;
                Ok(expected)
            }
            Err(error) => Err(Error::file("read", path)(error)),
        }
    }
}

fn remove(path: PathBuf) -> Result<(), Error> {
    let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
    removed.map_err(Error::file("remove", path))
}

/// BLAKE3 in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// A configuration but for where lists of examples lie, wherever it says what is on a list.
pub(crate) fn without_places(mut config: Value) -> Value {
    remove_places(&mut config);
    config
}

fn remove_places(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::Object(chosen)) = fields.get_mut("only")
                && chosen.get("digest").is_some_and(Value::is_string)
            {
                chosen.remove("list");
            }
            fields.values_mut().for_each(remove_places);
        }
        Value::Array(values) => values.iter_mut().for_each(remove_places),
        _ => {}
    }
}

/// The first setting in which two configurations differ.
pub(crate) fn first_difference(path: &str, a: &Value, b: &Value) -> Option<(String, String, String)> {
    match (a, b) {
        _ if a == b => None,
        (Value::Object(x), Value::Object(y)) => {
            let keys: std::collections::BTreeSet<_> = x.keys().chain(y.keys()).collect();
            keys.into_iter().find_map(|key| {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let side =
                    |object: &serde_json::Map<String, Value>| object.get(key).cloned().unwrap_or_default();
                first_difference(&path, &side(x), &side(y))
            })
        }
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => {
            let pairs = x.iter().zip(y).enumerate();
            pairs.into_iter().find_map(|(at, (x, y))| first_difference(&format!("{path}.{at}"), x, y))
        }
        _ => Some((path.into(), a.to_string(), b.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_called_lock_keeps_its_content() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("lock");
        fs::write(&path, "somebody's").unwrap();
        let run = RunFolder::new(place.path());
        drop(run.lock().unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"somebody's");
        let held = run.lock().unwrap();
        assert!(matches!(run.lock(), Err(Error::Busy { .. })));
        drop(held);
    }

    #[test]
    fn where_a_list_of_examples_lies_decides_nothing_wherever_it_is_named() {
        let place = tempfile::tempdir().unwrap();
        let run = RunFolder::new(place.path());
        let config = |list: &str, digest: &str| {
            let data = json!({ "name": "digits", "only": { "list": list, "digest": digest } });
            json!({ "experiment": { "data": data }, "run": "all-r0" })
        };
        let first = config("a.json", "x");
        assert_eq!(run.claim(&first).unwrap(), first);
        assert_eq!(run.claim(&config("b.json", "x")).unwrap(), first);
        let error = run.claim(&config("a.json", "y")).unwrap_err();
        assert!(error.to_string().contains("whose experiment.data.only.digest is"), "{error}");
    }

    #[test]
    fn a_folder_with_somebody_elses_files_is_not_for_removal() {
        let place = tempfile::tempdir().unwrap();
        let run = RunFolder::new(place.path().join("m.run"));
        run.check_removable().unwrap();
        drop(run.lock().unwrap());
        fs::write(run.path().join(".sapwood-A1b2C3.tmp"), "killed while writing").unwrap();
        run.check_removable().unwrap();
        let other = run.path().join("notes.txt");
        fs::write(&other, "").unwrap();
        let said = run.check_removable().unwrap_err().to_string();
        assert!(said.contains("removed with the folder") && said.ends_with("notes.txt"), "{said}");
        fs::remove_file(&other).unwrap();
        fs::write(run.path().join("lock"), "somebody's").unwrap();
        assert!(run.check_removable().is_err());
        // What a run has claimed is that run's, and another is refused when it claims.
        fs::write(run.config(), "{}").unwrap();
        run.check_removable().unwrap();
    }
}
