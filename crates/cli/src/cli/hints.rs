//! What only the command line can add to an error: its own commands and options.

use std::path::Path;

use sapwood_data::Error as Data;
use sapwood_models::Error as Models;
use sapwood_supernet::Error as Nested;

use sapwood_lab::Error;

/// The error with the command or option that helps, where there is one. The path stays at the end.
pub(super) fn with_hint(error: Error) -> Error {
    let hinted = match &error {
        Error::Data(error) => of_data(error),
        Error::Models(error) | Error::Supernet(Nested::Models(error)) => of_models(error),
        _ => None,
    };
    hinted.map_or(error, Error::Usage)
}

fn of_data(error: &Data) -> Option<String> {
    Some(match error {
        Data::NoFile { name, path } => {
            let path = path.display();
            format!(
                "data set `{name}` is not there: a file is missing; get it with `data get {name}`: {path}"
            )
        }
        Data::Size { name, split, expected, found } => format!(
            "data set `{name}`: its {split} split should have {expected} examples but has {found}; \
             get it again with `data get {name}`"
        ),
        Data::Acquire { name, tried } => format!(
            "data set `{name}` could not be had; tried {tried}; with `--from PATH` it is read from a folder or \
             archive that you have"
        ),
        Data::Unreadable { path, .. } => {
            let hint = "`data verify image-folder` lists all such files, and `--skip-bad` leaves them out \
                        (`skip_bad = true` in the `[data]` of a study)";
            before_path(error, path, &format!("; {hint}"))
        }
        _ => return None,
    })
}

fn of_models(error: &Models) -> Option<String> {
    Some(match error {
        Models::OtherModel { expected, found } => format!(
            "the weights are those of `{found}`, not of `{expected}`: leave `--model` out, or name the right one"
        ),
        Models::OfSupernet { path } => {
            let path = path.display();
            format!(
                "cannot read weights: they are those of a supernet: cut a network out of it with `supernet extract`: \
                 {path}"
            )
        }
        _ => return None,
    })
}

/// The error with a hint in front of the path that it ends with.
fn before_path(error: &impl ToString, path: &Path, hint: &str) -> String {
    let (text, path) = (error.to_string(), path.display());
    let said = text.strip_suffix(&format!(": {path}")).unwrap_or(&text);
    format!("{said}{hint}: {path}")
}
