//! Which layers an operation on a network leaves alone: one way to say it for all operations.

use std::{collections::BTreeSet, fmt, str::FromStr};

use regex_lite::Regex;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Error, nearest};

/// A description of layers that are left alone.
///
/// | written | which layers |
/// |---|---|
/// | `fc`, `layer1.0.conv1.weight` | the layer of this name, or of this weight |
/// | `layer1` | all layers below it |
/// | `fc.*`, `*.downsample` | `*` stands for any text |
/// | `features.0-5` | all layers below `features.0` to `features.5` |
/// | `re:layer[12]\..*` | a regular expression that describes the whole name |
/// | `type:conv` | all layers of a type |
#[derive(Clone, Debug)]
pub struct Except {
    text: String,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Name,
    /// A name with a range of numbers for one of its parts.
    Numbers(Vec<String>),
    Pattern(Regex),
    Kind,
}

/// Descriptions of the layers that are left alone: those that one of them describes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Exceptions(Vec<Except>);

impl Exceptions {
    /// The layers that these texts describe.
    ///
    /// # Errors
    /// [`Error::Exception`] for a regular expression that is none.
    pub fn parse<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self, Error> {
        texts.into_iter().map(|text| text.as_ref().parse()).collect::<Result<_, _>>().map(Self)
    }

    /// Whether nothing is left alone.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of those layers that are left alone, of layers given by name and type (`conv`, `linear`).
    ///
    /// # Errors
    /// [`Error::Exception`] for a description that no layer fits; it names the layers that are nearest.
    pub fn among<'a>(
        &self,
        layers: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<BTreeSet<&'a str>, Error> {
        let layers: Vec<(&str, &str)> = layers.into_iter().collect();
        let mut found = BTreeSet::new();
        for except in &self.0 {
            let described: Vec<&str> =
                layers.iter().filter(|layer| except.describes(**layer)).map(|(name, _)| *name).collect();
            if described.is_empty() {
                return Err(except.unused(&layers));
            }
            found.extend(described);
        }
        Ok(found)
    }
}

impl FromIterator<Except> for Exceptions {
    fn from_iter<I: IntoIterator<Item = Except>>(all: I) -> Self {
        Self(all.into_iter().collect())
    }
}

impl Except {
    /// Whether a layer of this name and type is among those meant.
    fn describes(&self, (name, kind): (&str, &str)) -> bool {
        match &self.what {
            What::Kind => self.text.strip_prefix(KIND) == Some(kind),
            What::Pattern(pattern) => pattern.is_match(name) || pattern.is_match(&format!("{name}.weight")),
            What::Name => lies_below(&self.text, name),
            What::Numbers(names) => names.iter().any(|text| lies_below(text, name)),
        }
    }

    /// Whether a layer of this name and type is among those meant.
    pub fn means(&self, name: &str, kind: &str) -> bool {
        self.describes((name, kind))
    }

    /// The error that nothing is described, with what may have been meant.
    fn unused(&self, layers: &[(&str, &str)]) -> Error {
        let kinds: BTreeSet<&str> = layers.iter().map(|(_, kind)| *kind).collect();
        let (meant, known): (&str, Vec<&str>) = match &self.what {
            What::Kind => (&self.text[KIND.len()..], kinds.into_iter().collect()),
            What::Pattern(_) => (&self.text[PATTERN.len()..], layers.iter().map(|(name, _)| *name).collect()),
            What::Name | What::Numbers(_) => (&self.text, layers.iter().map(|(name, _)| *name).collect()),
        };
        let problem = match (&self.what, known.is_empty()) {
            (_, true) => "describes nothing: there are no layers that it could".into(),
            (What::Kind, _) => format!("is no type of a layer here: expected {}", some(&known)),
            (What::Pattern(_), _) => {
                format!("describes no layer's whole name: the nearest are {}", some(&nearest(meant, known)))
            }
            (What::Name | What::Numbers(_), _) => {
                format!("describes no layer: the nearest are {}", some(&nearest(meant, known)))
            }
        };
        Error::Exception { exception: self.text.clone(), problem, source: None }
    }
}

/// How a type begins, and a regular expression.
const KIND: &str = "type:";
const PATTERN: &str = "re:";

impl FromStr for Except {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let what = match text.strip_prefix(PATTERN) {
            Some(pattern) => What::Pattern(Regex::new(&format!("^(?:{pattern})$")).map_err(|error| {
                let problem = format!("is no regular expression: {error}");
                Error::Exception { exception: text.into(), problem, source: Some(error.into()) }
            })?),
            None if text.starts_with(KIND) => What::Kind,
            None => numbered(text).map_or(What::Name, What::Numbers),
        };
        Ok(Self { text: text.into(), what })
    }
}

impl fmt::Display for Except {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Except {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Except {}

impl Serialize for Except {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Except {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Whether a layer, what it lies below, or its weight is what a name describes.
fn lies_below(text: &str, name: &str) -> bool {
    let weight = format!("{name}.weight");
    let mut ends = weight.match_indices('.').map(|(end, _)| end).chain([weight.len()]);
    ends.any(|end| is_text(text, &weight[..end]))
}

/// The most numbers that a range may have.
const MOST_NUMBERS: usize = 1000;

/// The names that a name with a range of numbers in one part stands for.
fn numbered(text: &str) -> Option<Vec<String>> {
    let parts: Vec<&str> = text.split('.').collect();
    let range = |part: &str| {
        let (first, last) = part.split_once('-')?;
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        (first <= last && last - first < MOST_NUMBERS).then_some(first..=last)
    };
    let (at, range) = parts.iter().enumerate().find_map(|(at, part)| Some((at, range(part)?)))?;
    let name = |number: usize| {
        let number = number.to_string();
        let named = parts.iter().enumerate().map(|(part, text)| if part == at { &number } else { *text });
        named.collect::<Vec<&str>>().join(".")
    };
    Some(range.map(name).collect())
}

/// The first few names, and how many more there are.
fn some<T: AsRef<str>>(names: &[T]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Whether a text is what a name with stars describes.
fn is_text(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    // The leftmost place is always good enough for a piece between two stars.
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYERS: [(&str, &str); 5] = [
        ("conv1", "conv"),
        ("layer1.0.conv1", "conv"),
        ("layer1.1.conv1", "conv"),
        ("layer10.conv1", "conv"),
        ("fc", "linear"),
    ];

    fn among(texts: &[&str]) -> Result<Vec<&'static str>, String> {
        let exceptions = Exceptions::parse(texts).map_err(|error| error.to_string())?;
        let found = exceptions.among(LAYERS).map_err(|error| error.to_string())?;
        Ok(found.into_iter().collect())
    }

    #[test]
    fn layers_are_named_by_name_by_what_they_lie_below_by_pattern_and_by_type() {
        for (texts, expected) in [
            (["fc"].as_slice(), ["fc"].as_slice()),
            (&["fc.weight"], &["fc"]),
            (&["fc.*", "fc"], &["fc"]),
            (&["conv1"], &["conv1"]),
            (&["layer1"], &["layer1.0.conv1", "layer1.1.conv1"]),
            (&["layer1*"], &["layer1.0.conv1", "layer1.1.conv1", "layer10.conv1"]),
            (&["layer1.1-9"], &["layer1.1.conv1"]),
            (&["layer1.0-1.conv1"], &["layer1.0.conv1", "layer1.1.conv1"]),
            (&[r"re:layer\d+\.conv1"], &["layer10.conv1"]),
            (
                &["re:fc|layer1.*", "conv1"],
                &["conv1", "fc", "layer1.0.conv1", "layer1.1.conv1", "layer10.conv1"],
            ),
            (&["type:linear", "conv1"], &["conv1", "fc"]),
            (&[], &[]),
        ] {
            assert_eq!(among(texts).unwrap(), expected, "{texts:?}");
        }
    }

    #[test]
    fn what_describes_nothing_is_refused_with_what_may_have_been_meant() {
        for (text, expected) in [
            ("fcc", "the exception `fcc` describes no layer: the nearest are fc"),
            ("fc.bias", "the exception `fc.bias` describes no layer: the nearest are"),
            ("xyz", "the nearest are conv1, layer1.0.conv1, layer1.1.conv1, layer10.conv1 and 1 more"),
            ("re:conv", "the exception `re:conv` describes no layer's whole name: the nearest are conv1"),
            ("re:a(", "the exception `re:a(` is no regular expression: "),
            ("type:dense", "the exception `type:dense` is no type of a layer here: expected conv, linear"),
        ] {
            let error = among(&["fc", text]).unwrap_err();
            assert!(error.starts_with(expected) || error.ends_with(expected), "{error}");
            assert_eq!(error.lines().count(), 1);
        }
    }

    #[test]
    fn they_are_written_down_as_they_were_said() {
        let texts = r#"["fc.*","re:a|b","type:conv"]"#;
        let exceptions: Exceptions = serde_json::from_str(texts).unwrap();
        assert_eq!(serde_json::to_string(&exceptions).unwrap(), texts);
        assert!(serde_json::from_str::<Exceptions>(r#"["re:("]"#).is_err());
    }

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, text, expected) in [
            ("fc.weight", "fc.weight", true),
            ("fc.weight", "fc.weights", false),
            ("fc.*", "fc.weight", true),
            ("*.weight", "a.b.weight", true),
            ("*a*a", "a", false),
            ("*a*a", "aa", true),
            ("layer1.*.conv", "layer1.0.conv", true),
            ("layer1.*.conv", "layer1.conv", false),
            ("*", "", true),
            ("", "x", false),
        ] {
            assert_eq!(is_text(pattern, text), expected, "{pattern} {text}");
        }
    }
}
