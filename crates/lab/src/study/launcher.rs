//! Starting workers. A launcher does nothing else: what is done and what is left lies in
//! the study's folder.

mod commands;
mod local;
mod slurm;

pub use commands::commands;
pub use local::Local;
pub use slurm::{Slurm, script};

use std::path::PathBuf;

/// How a worker of a study is started: the program and what it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerCommand {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}

impl WorkerCommand {
    /// The command as a shell reads it.
    pub fn to_shell(&self) -> String {
        let program = self.program.to_string_lossy();
        to_shell(std::iter::once(program.as_ref()).chain(self.arguments.iter().map(String::as_str)))
    }
}

/// Words as a shell reads them, one by one.
pub fn to_shell<W: AsRef<str>>(words: impl IntoIterator<Item = W>) -> String {
    words.into_iter().map(|word| quoted(word.as_ref())).collect::<Vec<_>>().join(" ")
}

/// A word that a shell takes as it is.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=,+@%".contains(letter);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_the_words_as_they_are() {
        let command = WorkerCommand {
            program: "/opt/my tools/sapwood".into(),
            arguments: ["worker", "runs/it's", "--device", "cpu"].map(String::from).to_vec(),
        };
        assert_eq!(command.to_shell(), r"'/opt/my tools/sapwood' worker 'runs/it'\''s' --device cpu");
    }
}
