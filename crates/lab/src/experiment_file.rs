//! Reading experiments from TOML, and saying where one is wrong.

use std::path::Path;

use sapwood_core::UnknownName;
use serde::de::DeserializeOwned;

use crate::Error;

/// The kinds of experiments.
const KINDS: [&str; 3] = ["prune", "supernet", "search"];

/// Reads an experiment of one kind and checks it.
pub(crate) fn read<T: DeserializeOwned>(
    path: &Path,
    kind: &str,
    check: impl FnOnce(&T) -> Result<(), Error>,
) -> Result<T, Error> {
    let text = std::fs::read_to_string(path).map_err(Error::file("read", path))?;
    let experiment = toml::from_str(&text).map_err(|error| refuse(&text, path, kind, &error))?;
    let wrong = |error: Error| Error::of_study(error, path);
    check(&experiment).map_err(wrong)?;
    Ok(experiment)
}

/// The error of a file that is no TOML, or not of this kind.
pub(crate) fn refuse(text: &str, path: &Path, kind: &str, error: &toml::de::Error) -> Error {
    let line = error.span().map(|span| 1 + text[..span.start.min(text.len())].matches('\n').count());
    let table: Option<toml::Table> = toml::from_str(text).ok();
    let found = table.as_ref().and_then(|table| table.get("kind")?.as_str());
    match KINDS.iter().find(|name| **name != kind && Some(**name) == found) {
        Some(other) => Error::OtherKind { expected: kind.into(), found: (*other).into(), path: path.into() },
        None => Error::Study {
            problem: meaning(error.message()),
            line,
            path: path.into(),
            source: Some(error.clone().into()),
        },
    }
}

/// What is wrong, with the nearest names where a name is unknown. serde's message lists
/// the names that it knows between backticks.
pub(crate) fn meaning(message: &str) -> String {
    let message = message.replace('\n', " ");
    for (unknown, kind) in [("unknown field `", "key"), ("unknown variant `", "value")] {
        if let Some(rest) = message.strip_prefix(unknown) {
            let mut names = rest.split('`').step_by(2);
            let found = names.next().unwrap_or_default();
            // Every other piece from here on lies between the names.
            let known: Vec<&str> =
                rest.split('`').skip(2).step_by(2).filter(|name| !name.is_empty()).collect();
            if !known.is_empty() {
                return UnknownName::new(kind, found, known).to_string();
            }
        }
    }
    message.trim().into()
}
