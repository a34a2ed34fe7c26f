//! Other names for the layers of a file.

use std::{fmt, str::FromStr};

/// `OLD=NEW`: what the file calls OLD is called NEW here. Both are whole parts of dotted names, one
/// or several (`head`, `encoder.stem`); OLD is replaced wherever it stands in a name, and without
/// NEW it is taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    old: Vec<String>,
    new: Vec<String>,
}

impl FromStr for Rename {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rename = text.split_once('=').map(|(old, new)| Self::new(old, new));
        let rename = rename.filter(|rename| !rename.old.is_empty());
        rename.ok_or_else(|| format!("expected OLD=NEW, as in head=fc, found `{text}`"))
    }
}

impl fmt::Display for Rename {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.old.join("."), self.new.join("."))
    }
}

impl Rename {
    /// What is called `old` in a file is called `new`.
    pub(crate) fn new(old: &str, new: &str) -> Self {
        // A dot at the end, as prefixes are often written, adds nothing.
        let parts = |name: &str| -> Vec<String> {
            name.trim_end_matches('.').split('.').filter(|_| !name.is_empty()).map(Into::into).collect()
        };
        Self { old: parts(old), new: parts(new) }
    }

    /// What is replaced.
    pub fn old(&self) -> String {
        self.old.join(".")
    }

    /// Whether a name of these parts has it.
    pub(crate) fn concerns(&self, parts: &[&str]) -> bool {
        parts.windows(self.old.len()).any(|window| window.iter().zip(&self.old).all(|(a, b)| a == b))
    }

    /// Replaces in the parts of a name.
    pub(crate) fn apply<'a>(&'a self, parts: Vec<&'a str>) -> Vec<&'a str> {
        let (mut renamed, mut at) = (Vec::with_capacity(parts.len()), 0);
        while at < parts.len() {
            if parts[at..].len() >= self.old.len() && parts[at..].iter().zip(&self.old).all(|(a, b)| a == b) {
                renamed.extend(self.new.iter().map(String::as_str));
                at += self.old.len();
            } else {
                renamed.push(parts[at]);
                at += 1;
            }
        }
        renamed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_parts_of_names_are_replaced_wherever_they_stand() {
        for (rename, name, expected) in [
            ("head=fc", "head.weight", "fc.weight"),
            ("head=fc", "head2.head.weight", "head2.fc.weight"),
            ("head=fc", "overhead.weight", "overhead.weight"),
            ("stem.0=conv1", "stem.0.weight", "conv1.weight"),
            ("stem.0=conv1", "stem.01.weight", "stem.01.weight"),
            ("encoder.=", "encoder.conv1.weight", "conv1.weight"),
            ("a=b.c", "a.a", "b.c.b.c"),
        ] {
            let rename: Rename = rename.parse().unwrap();
            assert_eq!(rename.apply(name.split('.').collect()).join("."), expected);
        }
        for wrong in ["head", "=fc", "", "."] {
            assert!(wrong.parse::<Rename>().is_err(), "{wrong}");
        }
    }
}
