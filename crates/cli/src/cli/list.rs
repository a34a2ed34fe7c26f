//! `list`

use std::io::Write;

use clap::{Args, ValueEnum};
use sapwood_models::MODELS;
use sapwood_prune::{ALLOCATIONS, Criteria, CriterionEntry};
use sapwood_report::{Cell, Table};

use crate::Error;

/// List what there is: models, spaces, data, criteria, allocations, inits
#[derive(Args)]
pub(super) struct List {
    #[arg(value_enum, value_name = "models|spaces|data|criteria|allocations|inits")]
    what: What,
    /// Only names that match, as in 'resnet*'
    pattern: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    Models,
    Spaces,
    Data,
    Criteria,
    Allocations,
    Inits,
}

impl List {
    pub(super) fn run(self, criteria: &Criteria, out: &mut dyn Write) -> Result<(), Error> {
        let rows: Vec<(&str, String)> = match self.what {
            What::Models => MODELS.iter().map(|row| (row.name, row.about.into())).collect(),
            What::Spaces => spaces()?,
            What::Data => sapwood_data::CATALOGUE.iter().map(|row| (row.name, row.about.into())).collect(),
            What::Criteria => criteria.entries().iter().map(|row| (row.name, described(row))).collect(),
            What::Allocations => {
                ALLOCATIONS.iter().map(|row| (row.name, cited(row.about, row.paper))).collect()
            }
            What::Inits => sapwood_models::INITS.iter().map(|row| (row.name, row.about.into())).collect(),
        };
        let pattern = self.pattern.as_deref().unwrap_or("*");
        if !rows.iter().any(|(name, _)| matches(pattern, name)) {
            let names = rows.iter().map(|(name, _)| *name);
            return Err(Error::Usage(sapwood_core::UnknownName::new("name", pattern, names).to_string()));
        }
        let mut table = Table::new(["name", "about"]);
        for (name, about) in rows.into_iter().filter(|(name, _)| matches(pattern, name)) {
            table.row([Cell::from(name), Cell::from(about)]);
        }
        write!(out, "{}", table.to_text())?;
        Ok(())
    }
}

/// The families of nested networks, and how many networks each has.
fn spaces() -> Result<Vec<(&'static str, String)>, Error> {
    let described = |row: &sapwood_supernet::FamilyEntry| {
        let family = sapwood_supernet::family(row.name, None, None)?;
        let count = family.space().count().map_or("more than 2^128".into(), |count| count.to_string());
        Ok((row.name, format!("{}; {count} networks", row.about)))
    };
    sapwood_supernet::FAMILIES.iter().map(described).collect()
}

/// A criterion, its paper and its options.
fn described(row: &CriterionEntry) -> String {
    let about = cited(row.about, row.paper);
    if row.options.is_empty() { about } else { format!("{about}; options: {}", row.options) }
}

fn cited(about: &str, paper: &str) -> String {
    if paper.is_empty() { about.into() } else { format!("{about} ({paper})") }
}

/// `*` stands for any characters.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, tail)) => name.strip_prefix(head).is_some_and(|rest| {
            (0..=rest.len()).any(|cut| rest.is_char_boundary(cut) && matches(tail, &rest[cut..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_characters() {
        assert!(matches("resnet*", "resnet-20") && matches("*-20", "resnet-20") && matches("*", ""));
        assert!(
            matches("r*-*0", "resnet-20") && !matches("vgg*", "resnet-20") && !matches("resnet", "resnet-20")
        );
    }
}
