//! Architectures on the command line.

use std::path::Path;

use sapwood_lab::Error as Lab;
use sapwood_search::Genome;
use sapwood_supernet::Family;
use serde_json::Value;

use crate::Error;

/// `max`, `min`, JSON, `choice=option` words, or a file with one of these.
pub(crate) fn genome_of(family: &Family, text: &str) -> Result<Genome, Error> {
    let space = family.space();
    match text.trim() {
        "max" => Ok(family.largest()),
        // In full resolution, as all that is published.
        "min" => Ok(family.at_full_resolution(&family.smallest())?),
        json if json.starts_with('{') => {
            let value: Value = serde_json::from_str(json)
                .map_err(|error| Error::Usage(format!("the architecture is no JSON: {error}")))?;
            // What other commands say of a network besides does not matter.
            let own = value.get("architecture").filter(|inner| inner.is_object()).unwrap_or(&value);
            Ok(space.from_json(own)?)
        }
        words if words.contains('=') => Ok(space.parse(words)?),
        path => {
            let path = Path::new(path);
            let text = std::fs::read_to_string(path).map_err(Error::file("read", path))?;
            match plain(&text).trim() {
                inner if inner.starts_with('{') || inner.contains('=') => genome_of(family, inner),
                _ => {
                    let words = space.text(&family.smallest());
                    let first = words.split(' ').next().unwrap_or_default();
                    let problem = format!(
                        "expected an architecture, as JSON or in words that begin like `{first}` (`describe --space {} \
                         --json` shows one)",
                        family.name()
                    );
                    Err(Error::Content { problem, path: path.into() })
                }
            }
        }
    }
}

/// Architectures of a file: a JSON object in each line, or CSV whose columns are choices.
pub(crate) fn read_list(family: &Family, path: &Path) -> Result<Vec<Genome>, Error> {
    let text = std::fs::read_to_string(path).map_err(Error::file("read", path))?;
    let wrong = |line: usize, problem: String| {
        Error::from(Lab::Study { problem, line: Some(line), path: path.into(), source: None })
    };
    let text = plain(&text);
    if text.trim_start().starts_with('{') {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        return lines
            .map(|(at, line)| genome_of(family, line).map_err(|error| wrong(at + 1, error.to_string())))
            .collect();
    }
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let names = reader.headers().map_err(|error| wrong(1, error.to_string()))?.clone();
    let known = |name: &str| family.space().choices().iter().any(|choice| choice.name() == name);
    if !names.iter().any(known) {
        let problem =
            format!("expected a column for each choice, such as `{}`", family.space().choices()[0].name());
        return Err(wrong(1, problem));
    }
    let mut found = Vec::new();
    for (at, row) in reader.records().enumerate() {
        let row = row.map_err(|error| wrong(at + 2, error.to_string()))?;
        let words = names.iter().zip(&row).filter(|(name, option)| known(name) && !option.is_empty());
        let words: Vec<String> = words.map(|(name, option)| format!("{name}={option}")).collect();
        let genome = family.space().parse(&words.join(" "));
        found.push(genome.map_err(|error| wrong(at + 2, error.to_string()))?);
    }
    Ok(found)
}

/// Without the mark that some editors begin a file with.
fn plain(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}
