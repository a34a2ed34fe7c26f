//! Genomes as people and other programs write them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Space;
use crate::{Choice, Error, Genome};

/// What the JSON form calls the name of the space.
const NAME: &str = "space";

impl Space {
    /// One line: each choice that has a meaning and its option, as in
    /// `r=224 d.0=2 ks.0=3`.
    pub fn text(&self, genome: &Genome) -> String {
        let active = (0..self.choices.len()).filter(|at| self.active(genome, *at));
        let word = |at: usize| {
            let choice = &self.choices[at];
            format!("{}={}", choice.name, choice.options[usize::from(genome.positions()[at])])
        };
        active.map(word).collect::<Vec<_>>().join(" ")
    }

    /// Reads what [`Space::text`] writes. Choices without a meaning may be there.
    ///
    /// # Errors
    /// A choice that is missing, twice or unknown, or an option that it does not have.
    pub fn parse(&self, text: &str) -> Result<Genome, Error> {
        let mut found: BTreeMap<&str, &str> = BTreeMap::new();
        for word in text.split_whitespace() {
            let (name, option) = word
                .split_once('=')
                .ok_or_else(|| self.wrong(format!("expected `choice=option`, found `{word}`")))?;
            if found.insert(name, option).is_some() {
                return Err(self.wrong(format!("choice `{name}` is written twice")));
            }
        }
        self.chosen(found.into_iter().map(|(name, option)| (name.to_string(), Some(option.to_string()))))
    }

    /// The JSON form: the space's name, and each choice; those named `ks.0`, `ks.1`
    /// and so on are the list `ks`, unless something else has that name. A choice
    /// without a meaning shows its first option, so that the lists have the length
    /// that the published tools expect.
    pub fn to_json(&self, genome: &Genome) -> Value {
        let mut object = Map::from_iter([(NAME.to_string(), Value::from(self.name.as_str()))]);
        for (choice, position) in self.choices.iter().zip(genome.positions()) {
            let value = number_or_text(&choice.options, usize::from(*position));
            match self.list(&choice.name) {
                Some(list) => match object.entry(list).or_insert_with(|| Value::Array(Vec::new())) {
                    Value::Array(values) => values.push(value),
                    single => *single = value,
                },
                None => drop(object.insert(choice.name.clone(), value)),
            }
        }
        Value::Object(object)
    }

    /// Reads what [`Space::to_json`] writes. What stands in the place of a choice
    /// without a meaning may be any of its options, or null.
    ///
    /// # Errors
    /// The name of another space, a choice that is missing or unknown, a list of the
    /// wrong length, or an option that a choice does not have.
    pub fn from_json(&self, value: &Value) -> Result<Genome, Error> {
        let expected = || self.wrong("expected a JSON object with one entry for each choice".into());
        let written = |choice: &Choice, value: &Value| match value {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text.clone())),
            Value::Number(_) | Value::Bool(_) => Ok(Some(value.to_string())),
            Value::Array(_) | Value::Object(_) => {
                let found = if value.is_array() { "a list" } else { "an object" };
                let (name, options) = (&choice.name, choice.options.join(", "));
                Err(self.wrong(format!("choice `{name}` is one of {options}: found {found}")))
            }
        };
        let mut found = Vec::new();
        for (name, value) in value.as_object().ok_or_else(expected)? {
            if name == NAME && value.as_str().is_some_and(|space| space == self.name) {
                continue;
            }
            match (value, self.entry(name)) {
                (Value::String(space), Entry::None) if name == NAME => {
                    let problem = format!("the genome is one of space `{space}`: choose that space");
                    return Err(self.wrong(problem));
                }
                (_, Entry::None) => return Err(Error::unknown("choice", name, self.entries())),
                (Value::Array(values), Entry::List(choices)) if values.len() == choices.len() => {
                    for (choice, value) in choices.into_iter().zip(values) {
                        found.push((choice.name.clone(), written(choice, value)?));
                    }
                }
                (value, Entry::List(choices)) => {
                    let found = match value {
                        Value::Array(values) => format!("a list of {}", values.len()),
                        other => format!("{other}, which is none"),
                    };
                    return Err(self.wrong(format!("`{name}` is {}: found {found}", list_of(&choices))));
                }
                (value, Entry::Single(choice)) => found.push((name.clone(), written(choice, value)?)),
            }
        }
        self.chosen(found.into_iter())
    }

    /// What the JSON form has under a name.
    fn entry(&self, name: &str) -> Entry<'_> {
        if let Some(single) = self.choices.iter().find(|choice| choice.name == name) {
            return Entry::Single(single);
        }
        let of_list = |choice: &&Choice| self.list(&choice.name) == Some(name);
        let choices: Vec<&Choice> = self.choices.iter().filter(of_list).collect();
        if choices.is_empty() { Entry::None } else { Entry::List(choices) }
    }

    /// The names of the JSON form: a list once, and not each of its elements.
    fn entries(&self) -> impl Iterator<Item = &str> {
        let mut last = None;
        let names = self.choices.iter().map(move |choice| self.list(&choice.name).unwrap_or(&choice.name));
        names.filter(move |name| last.replace(*name) != Some(*name))
    }

    /// The list of the JSON form that a choice is in: `ks` for `ks.3`. There is none where a choice of its own has that
    /// name, as in a table with the columns `op` and `op.1`.
    fn list<'a>(&self, choice: &'a str) -> Option<&'a str> {
        let (list, index) = choice.rsplit_once('.')?;
        let is_taken = list == NAME || self.choices.iter().any(|other| other.name == list);
        (index.parse::<usize>().is_ok() && !is_taken).then_some(list)
    }

    fn chosen(&self, found: impl Iterator<Item = (String, Option<String>)>) -> Result<Genome, Error> {
        let names = || self.choices.iter().map(|choice| choice.name.as_str());
        let mut positions: Vec<Option<u8>> = vec![None; self.choices.len()];
        for (name, option) in found {
            let at = names().position(|each| each == name);
            let at = at.ok_or_else(|| match self.entry(&name) {
                Entry::List(choices) => {
                    let first = &choices[0].name;
                    self.wrong(format!("`{name}` is {}: give each, as in `{first}=`", list_of(&choices)))
                }
                _ => Error::unknown("choice", &name, self.entries()),
            })?;
            let options = &self.choices[at].options;
            let Some(option) = option else { continue };
            let position = position(options, &option).ok_or_else(|| {
                self.wrong(format!(
                    "choice `{name}` has no option `{option}`: expected one of {}",
                    options.join(", ")
                ))
            })?;
            positions[at] = Some(position as u8);
        }
        let known: Vec<u8> = positions.iter().map(|position| position.unwrap_or(0)).collect();
        if let Some(missing) =
            (0..known.len()).find(|at| positions[*at].is_none() && self.is_active(&known, *at))
        {
            let choice = &self.choices[missing];
            return Err(self.wrong(format!(
                "choice `{}` is missing: give one of {}",
                choice.name,
                choice.options.join(", ")
            )));
        }
        self.genome(&known)
    }
}

/// An option as a number, where that is read as this option again.
fn number_or_text(options: &[String], at: usize) -> Value {
    match options[at].parse::<serde_json::Number>() {
        Ok(number) if position(options, &number.to_string()) == Some(at) => Value::Number(number),
        _ => Value::from(options[at].as_str()),
    }
}

/// What the JSON form of a space has under a name.
enum Entry<'a> {
    Single(&'a Choice),
    List(Vec<&'a Choice>),
    None,
}

/// A list of choices in words.
fn list_of(choices: &[&Choice]) -> String {
    let alike = choices.iter().all(|choice| choice.options == choices[0].options);
    let options = match alike {
        true => format!("each one of {}", choices[0].options.join(", ")),
        false => choices
            .iter()
            .map(|choice| format!("{} one of {}", choice.name, choice.options.join(" ")))
            .collect::<Vec<_>>()
            .join(", "),
    };
    let first = &choices[0].options;
    let what = if first.iter().all(|option| option.parse::<f64>().is_ok()) { "numbers" } else { "texts" };
    format!("a list of {} {what}, {options}", choices.len())
}

/// Where the option stands that was written so: the same text, or else the same number, as `1` and `1.0`.
fn position(options: &[String], written: &str) -> Option<usize> {
    let number = |text: &str| text.parse::<f64>().ok();
    let is_same = |option: &String| number(option).is_some_and(|found| Some(found) == number(written));
    options.iter().position(|option| option == written).or_else(|| options.iter().position(is_same))
}
