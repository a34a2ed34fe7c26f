//! Commands that would write over a file that they read.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use clap::{ArgMatches, parser::ValueSource};
use sapwood_models::PythonModule;

use crate::Error;

/// The options that name a file or folder to write.
const WRITTEN: [(&str, &str); 3] = [("out", "--out"), ("page", "--page"), ("history", "--history")];

/// What a command leaves in a folder that it is given.
fn within(command: &str) -> &'static [&'static str] {
    match command {
        "compress" => &["net.safetensors", "net.onnx", "net-int8.safetensors", "net-int8.onnx"],
        "export" => &[PythonModule::STATE_DICT],
        _ => &["weights.safetensors"],
    }
}

/// Refuses a command line with an option whose file is also read.
pub(super) fn refuse(line: &ArgMatches) -> Result<(), Error> {
    let (mut name, mut command) = ("", line);
    while let Some((inner_name, inner)) = command.subcommand() {
        (name, command) = (inner_name, inner);
    }
    for (id, option) in WRITTEN {
        let Some(out) = values(command, id).into_iter().next().map(PathBuf::from) else { continue };
        let others = command.ids().map(clap::Id::as_str).filter(|other| *other != id);
        for read in others.flat_map(|other| files(command, other)) {
            if is_same(&read, &out) || within(name).iter().any(|file| is_same(&read, &out.join(file))) {
                let problem = format!(
                    "a file that the command reads would be written over: give `{option}` another name"
                );
                return Err(Error::Content { problem, path: read });
            }
        }
    }
    Ok(())
}

/// Whether both are one file that is there, also through links.
pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other && one.is_file(),
        _ => false,
    }
}

/// What the user wrote for an argument.
fn values(command: &ArgMatches, id: &str) -> Vec<OsString> {
    let typed =
        command.try_contains_id(id).is_ok() && command.value_source(id) == Some(ValueSource::CommandLine);
    let raw = typed.then(|| command.try_get_raw(id).ok().flatten()).flatten();
    raw.into_iter().flatten().map(OsStr::to_os_string).collect()
}

/// The files that an argument may name: of a text only what cannot be a plain name, but for data, of which
/// a file goes before a data set of its name.
fn files(command: &ArgMatches, id: &str) -> Vec<PathBuf> {
    let is_path = id == "data" || matches!(command.try_get_many::<PathBuf>(id), Ok(Some(_)));
    let values = values(command, id).into_iter().map(|value| match value.to_str() {
        Some(text) => PathBuf::from(text.strip_prefix("tabular:").unwrap_or(text)),
        None => PathBuf::from(value),
    });
    let is_name = |path: &Path| path.extension().is_none() && path.components().count() < 2;
    values.filter(|path| is_path || !is_name(path)).collect()
}
