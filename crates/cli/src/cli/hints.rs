//! What only the command line can add to an error: its own commands and options.

use std::path::Path;

use sapwood_data::Error as Data;
use sapwood_deploy::{Error as Deploy, latency::Measured};
use sapwood_lab::Error as Lab;
use sapwood_models::Error as Models;
use sapwood_supernet::Error as Nested;

use super::remedy::remedy;
use crate::Error;

/// The error with the command or option that helps, where there is one. The path stays at the end.
pub(super) fn with_hint(error: Error) -> Error {
    match error {
        Error::Lab(error) => match of_lab(&error) {
            Some(said) => Error::Hinted { said, error: error.into() },
            None => error.into(),
        },
        error => error,
    }
}

fn of_lab(error: &Lab) -> Option<String> {
    Some(match error {
        Lab::Data(error) => return of_data(error),
        Lab::Models(error) | Lab::Supernet(Nested::Models(error)) => return of_models(error),
        Lab::Override { setting, problem } => format!("`--set {setting}`: {problem}"),
        Lab::OtherKind { expected, found, path } => {
            let command = command_of(found)?;
            let path = path.display();
            format!("expected kind `{expected}`, found `{found}`: `{command}` carries it out: {path}")
        }
        Lab::OtherRun { path, .. } | Lab::Busy { path } | Lab::Altered { path } => {
            before_path(error, path, " with `--out`")
        }
        Lab::OtherFolder { found, path } => {
            format!("the folder holds {found}: choose another with `--out`, or remove it: {}", path.display())
        }
        Lab::Deploy(error @ Deploy::NoTable { measured }) => match measured {
            Measured::Times => format!("{error}: measure one with `latency build`"),
            Measured::Energies => format!("{error}: measure one with `latency build --energy`"),
        },
        Lab::Deploy(Deploy::Lacking { error, measured, space, naming }) => {
            format!("{error} ({})", remedy(*naming, space, *measured))
        }
        Lab::StudyImages { data } => format!(
            "the images of `{data}` differ from those that this study was started with: start it again with `run`"
        ),
        Lab::NoEnergy { device, why } => {
            format!("the energy of blocks cannot be measured on `{device}` ({why}): leave `--energy` out")
        }
        _ => return None,
    })
}

/// The command that carries out a kind of experiment.
fn command_of(kind: &str) -> Option<&'static str> {
    let commands = [("prune", "run"), ("supernet", "supernet train"), ("search", "search")];
    commands.iter().find(|(name, _)| *name == kind).map(|(_, command)| *command)
}

fn of_data(error: &Data) -> Option<String> {
    Some(match error {
        Data::NoFile { name, path } if let Some([given, around]) = inner_folder(name, path) => {
            let (given, around, path) = (given.display(), around.display(), path.display());
            format!(
                "data set `{name}` is not there: `--data-root` is the folder around those of the data sets, {around} and not \
                 {given}: {path}"
            )
        }
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

/// The folder in which data sets were looked for, if it is that of one whose file this is, and the one around it.
fn inner_folder<'a>(name: &str, path: &'a Path) -> Option<[&'a Path; 2]> {
    let given = path.parent()?.parent()?;
    let is_inner = given.file_name()? == name && given.join(path.file_name()?).is_file();
    let around = given.parent()?;
    is_inner.then(|| [given, if around == Path::new("") { Path::new(".") } else { around }])
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
pub(super) fn before_path(error: &impl ToString, path: &Path, hint: &str) -> String {
    let (text, path) = (error.to_string(), path.display());
    let said = text.strip_suffix(&format!(": {path}")).unwrap_or(&text);
    format!("{said}{hint}: {path}")
}

#[cfg(test)]
mod tests {
    use sapwood_search::{Blocks, LatencyTable};

    use super::*;

    #[test]
    fn a_table_without_energies_names_the_command_that_measures_them() {
        let family = sapwood_supernet::family("resnet-tiny-image", None, None).unwrap();
        let table = LatencyTable::of(family.name(), "here", 1, Blocks::new());
        let found = sapwood_deploy::latency::predicted_energy(&table, &family, &family.smallest());
        let error = with_hint(Error::from(Lab::from(found.unwrap_err())));
        let said = error.to_string();
        assert!(said.contains("`latency build --space resnet-tiny-image --energy --out FILE`"), "{said}");
        assert!(matches!(error, Error::Hinted { .. }), "what is below stays there");
    }
}
