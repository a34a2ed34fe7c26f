//! Commands that would write over a file that they read, or a file where a folder is, or below a file.

use std::{
    ffi::{OsStr, OsString},
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use clap::{ArgMatches, Command, parser::ValueSource};
use sapwood_models::{PythonModule, files_beside};

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

/// Refuses a command line with an option whose file is also read, is a folder, or lies below a file: better now than after the
/// work.
pub(super) fn refuse(mut command: &Command, mut line: &ArgMatches) -> Result<(), Error> {
    while let Some((name, inner)) = line.subcommand()
        && let Some(found) = command.find_subcommand(name)
    {
        (command, line) = (found, inner);
    }
    for (id, option) in WRITTEN {
        let Ok(Some(out)) = line.try_get_one::<PathBuf>(id) else { continue };
        if out.is_dir() && is_file_of(command, id) {
            let problem = format!(
                "`{option}`: expected the name of a file to write, found a folder: give a file in it"
            );
            return Err(Error::Content { problem, path: out.clone() });
        }
        // Nor is there a folder below a file.
        if out.ancestors().skip(1).find(|path| path.exists()).is_some_and(|there| !there.is_dir()) {
            return Err(Error::file("make the folder for", out)(ErrorKind::NotADirectory.into()));
        }
        // What is not there is not written over.
        if !out.exists() {
            continue;
        }
        let others = line.ids().map(clap::Id::as_str).filter(|other| *other != id);
        for read in others.flat_map(|other| files(line, other)).flat_map(with_beside) {
            let mut inside = within(command.get_name()).iter();
            if is_same(&read, out) || inside.any(|file| is_same(&read, &out.join(file))) {
                let problem = format!(
                    "a file that the command reads would be written over: give `{option}` another name"
                );
                return Err(Error::Content { problem, path: read });
            }
        }
    }
    Ok(())
}

/// A file, and those beside it in which its weights lie. One that cannot be read is left to what reads it.
fn with_beside(file: PathBuf) -> Vec<PathBuf> {
    // What is no file, such as a pipe, can be read once only.
    let bytes = Some(&file).filter(|file| file.is_file()).and_then(|file| fs::read(file).ok());
    let beside = bytes.and_then(|bytes| files_beside(&bytes, &file).ok()).unwrap_or_default();
    [vec![file], beside].concat()
}

/// Whether an option of a command names a file, and no folder, as its help says.
fn is_file_of(command: &Command, id: &str) -> bool {
    let named = command.get_arguments().find(|arg| arg.get_id().as_str() == id);
    named
        .and_then(clap::Arg::get_value_names)
        .is_some_and(|names| names.iter().any(|name| name.as_str() == "FILE"))
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
