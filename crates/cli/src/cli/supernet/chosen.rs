//! Architectures on the command line.

use std::path::Path;

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

/// Without the mark that some editors begin a file with.
fn plain(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}
