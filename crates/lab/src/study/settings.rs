//! From the text of a study's file to its experiments: unknown keys are named with their
//! line, settings of the command line are put in, and a sweep is written out.

use std::path::Path;

use serde::Deserialize as _;
use toml::{Table, Value};

use super::{Experiment, limit::MOST_RUNS};
use crate::{
    Error,
    experiment_file::{meaning, refuse},
};

/// One combination of the values of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// What sets it apart: `overcompleteness 8`; empty in a study without a sweep.
    pub label: String,
    /// The study with these values.
    pub experiment: Experiment,
}

/// Reads a study's file. `set` holds texts such as `training.epochs=2`, which replace
/// what the file says.
///
/// # Errors
/// [`Error::OtherKind`]; [`Error::Study`] for a text or a sweep that is none; [`Error::Override`] for a text of `set`
/// that is no setting of a study, or one that the sweep replaces.
pub fn read(text: &str, path: &Path, set: &[String]) -> Result<Vec<Variant>, Error> {
    let wrong = |problem: String| Error::Study { problem, line: None, path: path.into(), source: None };
    let mut table = settled(text, path, set)?;
    let sweep = axes_of(&table);
    table.remove("sweep");
    let mut variants = vec![(Vec::<String>::new(), table)];
    for (key, values) in sweep {
        let wrong = |problem: String| wrong(format!("sweep over `{key}`: {problem}"));
        let Value::Array(values) = values else {
            return Err(wrong("expected a list of values".into()));
        };
        if values.is_empty() {
            return Err(wrong("expected at least one value, found none: leave the key out".into()));
        }
        let count = variants.len().saturating_mul(values.len());
        if MOST_RUNS < count {
            return Err(wrong(format!("expected at most {MOST_RUNS} combinations of values, found {count}")));
        }
        let last = key.rsplit('.').next().unwrap_or(&key);
        let with = |(labels, table): &(Vec<String>, Table), value: &Value| {
            let (mut labels, mut table) = (labels.clone(), table.clone());
            put(&mut table, &key, value.clone()).map_err(wrong)?;
            labels.push(format!("{last} {}", bare(value)));
            Ok::<_, Error>((labels, table))
        };
        let each = |variant| values.iter().map(move |value| (variant, value));
        variants = variants
            .iter()
            .flat_map(each)
            .map(|(variant, value)| with(variant, value))
            .collect::<Result<_, _>>()?;
    }
    let experiment = |(labels, table): (Vec<String>, Table)| {
        let experiment = Experiment::deserialize(Value::Table(table)).map_err(|error| Error::Study {
            problem: meaning(error.message()),
            line: None,
            path: path.into(),
            source: Some(error.into()),
        })?;
        Ok(Variant { label: labels.join(", "), experiment })
    };
    variants.into_iter().map(experiment).collect()
}

/// The text of a study with settings put in its place.
///
/// # Errors
/// Where `set` has any, [`Error::OtherKind`], [`Error::Study`] and [`Error::Override`], as in [`read`]; else none.
pub fn with_settings(text: &str, path: &Path, set: &[String]) -> Result<String, Error> {
    match set.is_empty() {
        // With its comments.
        true => Ok(text.into()),
        false => toml::to_string(&settled(text, path, set)?).map_err(Error::unwritable),
    }
}

/// What a study's file says, with settings put in its place.
fn settled(text: &str, path: &Path, set: &[String]) -> Result<Table, Error> {
    // The text first: only there has a mistake a line.
    toml::from_str::<Experiment>(text).map_err(|error| refuse(text, path, "prune", &error))?;
    let mut table: Table = toml::from_str(text).map_err(|error| refuse(text, path, "prune", &error))?;
    for setting in set {
        let wrong = |problem: &str| Error::Override { setting: setting.clone(), problem: problem.into() };
        let (key, value) = setting.split_once('=').ok_or_else(|| wrong("expected KEY=VALUE"))?;
        put(&mut table, key.trim(), parse(value.trim())).map_err(|problem| wrong(&problem))?;
        let checked = Experiment::deserialize(Value::Table(table.clone()));
        checked.map_err(|error| wrong(&meaning(error.message())))?;
    }
    let sweep = axes_of(&table);
    for setting in set {
        let key = setting.split_once('=').map_or("", |(key, _)| key.trim());
        let replaces =
            |axis: &str| key.strip_prefix(axis).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        if let Some((axis, _)) = sweep.iter().find(|(axis, _)| replaces(axis)) {
            let problem =
                format!("the sweep over `{axis}` replaces it: set `sweep.{axis}` to a list of values");
            return Err(Error::Override { setting: setting.clone(), problem });
        }
    }
    Ok(table)
}

/// A setting's value: TOML, or else a word.
fn parse(text: &str) -> Value {
    let table: Result<Table, _> = toml::from_str(&format!("value = {text}"));
    table.ok().and_then(|mut table| table.remove("value")).unwrap_or_else(|| text.into())
}

/// No setting lies as deep as this.
const DEEPEST: usize = 32;

/// Puts a value in the place that a dotted key names. A number names a place in a list.
fn put(table: &mut Table, key: &str, value: Value) -> Result<(), String> {
    if DEEPEST < key.split('.').count() {
        return Err(format!("a key of more than {DEEPEST} parts is no setting"));
    }
    let empty = || Value::Table(Table::new());
    let (first, mut left) = split(key);
    let mut place = table.entry(first).or_insert_with(empty);
    while let Some(rest) = left {
        let name = &key[..key.len() - rest.len() - 1];
        let (next, after) = split(rest);
        place = match place {
            Value::Table(inner) => inner.entry(next).or_insert_with(empty),
            Value::Array(list) => {
                let length = list.len();
                let item = next.parse().ok().and_then(|index: usize| list.get_mut(index));
                item.ok_or_else(|| {
                    format!("`{name}` is a list of {length}, counted from 0, and has no `{next}`")
                })?
            }
            _ => return Err(format!("`{name}` is a value and has no `{rest}`")),
        };
        left = after;
    }
    *place = value;
    Ok(())
}

/// The first part of a dotted key, and what follows it.
fn split(key: &str) -> (&str, Option<&str>) {
    key.split_once('.').map_or((key, None), |(first, rest)| (first, Some(rest)))
}

/// The keys of a study's sweep, dotted, with their values.
fn axes_of(table: &Table) -> Vec<(String, Value)> {
    table.get("sweep").and_then(Value::as_table).map_or_else(Vec::new, |sweep| axes("", sweep))
}

/// The keys of a sweep, dotted, with their values.
fn axes(prefix: &str, table: &Table) -> Vec<(String, Value)> {
    table
        .iter()
        .flat_map(|(key, value)| {
            let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            match value {
                Value::Table(inner) => axes(&key, inner),
                value => vec![(key, value.clone())],
            }
        })
        .collect()
}

fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
kind = "prune"
sparsities = [0.9]

[data]
name = "digits"

[model]
name = "lenet-300-100"

[training]
batch_size = 64
epochs = 3
optimizer = { name = "sgd", momentum = 0.9 }
learning_rate = 0.05

[[methods]]
criterion = "snip"
"#;

    fn refused(text: &str, set: &[&str]) -> String {
        let set: Vec<String> = set.iter().map(ToString::to_string).collect();
        read(text, Path::new("study.toml"), &set).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_nearest_one() {
        let said = refused(&FILE.replace("epochs", "epoch"), &[]);
        assert!(said.contains("line 13") && said.contains("`epoch`") && said.contains("epochs"), "{said}");
        let said = refused(&FILE.replace("criterion =", "criterium ="), &[]);
        assert!(said.contains("line 18") && said.contains("criterion"), "{said}");
        let said = refused(FILE, &["training.epoch=2"]);
        assert!(said.contains("setting `training.epoch=2`") && said.contains("epochs"), "{said}");
        assert!(refused(FILE, &["epochs"]).contains("KEY=VALUE"));
        assert!(refused(FILE, &["methods.3.at=1ep"]).contains("counted from 0"));
        let expected = "`sparsities.0` is a value and has no `95`";
        assert!(refused(FILE, &["sparsities.0.95=0.7"]).contains(expected));
        let swept = format!("{FILE}\n[sweep]\nsparsities.0.95 = [0.7]\n");
        assert!(refused(&swept, &[]).contains(expected));
    }

    #[test]
    fn what_the_reader_of_toml_said_is_the_source_and_another_kind_is_named() {
        let refused = |text: &str| read(text, Path::new("study.toml"), &[]).unwrap_err();
        let error = refused(&FILE.replace("epochs", "epoch"));
        let source = std::error::Error::source(&error).unwrap();
        assert!(source.is::<toml::de::Error>(), "{source}");
        let error = refused(&FILE.replace("\"prune\"", "\"search\""));
        let Error::OtherKind { expected, found, .. } = &error else { panic!("{error}") };
        assert_eq!((expected.as_str(), found.as_str()), ("prune", "search"));
    }

    #[test]
    fn settings_replace_what_the_file_says_and_a_sweep_is_written_out() {
        let set = ["training.epochs=2".into(), "methods.0.at=1ep".into()];
        let read_back = &read(FILE, Path::new(""), &set).unwrap()[0].experiment;
        assert_eq!((read_back.training.epochs, read_back.methods[0].at.is_some()), (2, true));

        let swept = format!("{FILE}\n[sweep]\nmodel.width = [0.5, 1.0]\nseed = [0, 100]\n");
        let variants = read(&swept, Path::new(""), &[]).unwrap();
        let labels: Vec<&str> = variants.iter().map(|variant| variant.label.as_str()).collect();
        assert_eq!(
            labels,
            ["width 0.5, seed 0", "width 0.5, seed 100", "width 1.0, seed 0", "width 1.0, seed 100"]
        );
        assert_eq!(variants[1].experiment.seed, 100);

        let set = |settings: &[&str]| {
            let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
            read(&swept, Path::new(""), &settings).map(|variants| variants.len())
        };
        let said = set(&["model.width=2.0"]).unwrap_err().to_string();
        assert!(said.contains("setting `model.width=2.0`") && said.contains("`sweep.model.width`"), "{said}");
        assert_eq!(set(&["sweep.model.width=[2.0]", "training.epochs=1"]).unwrap(), 2);
        let said = set(&["sweep.model.width=[]"]).unwrap_err().to_string();
        assert!(said.contains("sweep over `model.width`: expected at least one value"), "{said}");
        assert_eq!(variants[3].experiment.model.width, Some(1.0));
    }
}
