//! A folder in which studies lie, and the program.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

/// A temporary folder with a study in it.
pub(crate) struct Place(tempfile::TempDir);

impl Place {
    /// With this study, `study.toml` in it, called `tickets`.
    pub(crate) fn with(study: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::write(place.path().join("tickets.toml"), study).unwrap();
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The program, in this folder.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sapwood"));
        command.args(line.split_whitespace()).current_dir(self.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    /// Runs it to its end, which is a good one, and tells what it said.
    pub(crate) fn succeed(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What came of the study.
    pub(crate) fn results(&self) -> String {
        self.succeed("report tickets --format csv");
        fs::read_to_string(self.path().join("runs/tickets/results.csv")).unwrap()
    }
}
