//! A folder to work in, with a small trained network.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use crate::child::{self, Outcome};

/// The trained network of a workplace.
pub(crate) const NET: &str = "net.safetensors";

/// A temporary folder in which commands run.
pub(crate) struct Workplace(tempfile::TempDir);

impl Workplace {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// One with [`NET`]: a small lenet-300-100 that has seen `digits` once.
    pub(crate) fn with_net() -> Self {
        static TRAINED: OnceLock<Vec<u8>> = OnceLock::new();
        let bytes = TRAINED.get_or_init(|| {
            let place = Self::new();
            place.succeed("train --model lenet-300-100 --width 0.1 --data digits --epochs 1 --out run");
            place.read("run/weights.safetensors")
        });
        let place = Self::new();
        place.put(NET, bytes);
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn put(&self, file: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.path().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    pub(crate) fn has(&self, file: &str) -> bool {
        self.path().join(file).exists()
    }

    /// Runs a command, written as in a shell without quotes.
    pub(crate) fn run(&self, line: &str) -> Outcome {
        child::run(self.path(), &line.split_whitespace().collect::<Vec<_>>())
    }

    /// Runs a command that succeeds, and returns its standard output.
    pub(crate) fn succeed(&self, line: &str) -> String {
        let outcome = self.run(line);
        assert_eq!(outcome.code, Some(0), "{line}: {outcome:#?}");
        outcome.out
    }

    /// Runs a command that is refused: exit code 2, one line that says all of this,
    /// and no file made, changed or removed.
    pub(crate) fn refuse(&self, line: &str, expected: &[&str]) {
        let before = self.files();
        let outcome = self.run(line);
        one_line_error(line, &outcome, expected);
        assert_eq!(self.files(), before, "{line}: files have changed");
    }

    /// Everything below the folder, and what is in it.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let content = |name: &PathBuf| fs::read(self.path().join(name)).unwrap_or_default();
        self.names().into_iter().map(|name| (name.clone(), content(&name))).collect()
    }

    /// Everything below the folder, in order. What disappears meanwhile is left out.
    pub(crate) fn names(&self) -> Vec<PathBuf> {
        let (mut found, mut folders) = (Vec::new(), vec![self.path().to_path_buf()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(entry.path());
                }
                found.push(entry.path().strip_prefix(self.path()).unwrap().to_path_buf());
            }
        }
        found.sort();
        found
    }
}

pub(crate) fn one_line_error(line: &str, outcome: &Outcome, expected: &[&str]) {
    assert_eq!(outcome.code, Some(2), "{line}: {outcome:#?}");
    assert_eq!(outcome.out, "", "{line}: {outcome:#?}");
    assert!(outcome.err.starts_with("error: ") && outcome.err.ends_with('\n'), "{line}: {outcome:#?}");
    assert_eq!(outcome.err.lines().count(), 1, "{line}: {outcome:#?}");
    for part in expected {
        assert!(outcome.err.contains(part), "{line}: expected `{part}` in {}", outcome.err);
    }
}
