//! In which order sub-networks are trained.

use std::collections::BTreeMap;

use sapwood_backend::Seed;
use sapwood_search::Space;
use sapwood_train::Recipe;
use serde::{Deserialize, Serialize};

use crate::{Distillation, Error, Opened, Rule};

/// A phase of training: what becomes smaller in it, and how it is learnt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// Its name.
    pub name: String,
    /// The options that are trained from now on, beside those of earlier phases and the
    /// largest ones, which always are.
    #[serde(default)]
    pub open: Open,
    /// Which networks learn from a batch.
    #[serde(default)]
    pub rule: Rule,
    /// What they learn from the largest network, beside the labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distillation: Option<Distillation>,
    /// How weights move.
    pub recipe: Recipe,
}

/// What a phase opens: `"all"`, or options by the list or the choice that they belong to, as in
/// `{ ks = [3, 5], "d.0" = [1] }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Open {
    /// Everything.
    All(All),
    /// These options.
    Options(BTreeMap<String, Vec<OptionText>>),
}

/// The word `all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum All {
    /// Everything.
    All,
}

/// An option, which may be written as a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OptionText {
    /// `3`
    Whole(u64),
    /// `0.25`
    Decimal(f64),
    /// `"wide"`
    Text(String),
}

impl Default for Open {
    fn default() -> Self {
        Self::Options(BTreeMap::new())
    }
}

impl Open {
    /// Opens everything.
    pub fn all() -> Self {
        Self::All(All::All)
    }

    /// Opens these options, by the list or the choice that they belong to.
    pub fn options<'a, O: IntoIterator<Item = &'a str>>(
        lists: impl IntoIterator<Item = (&'a str, O)>,
    ) -> Self {
        let text = |options: O| options.into_iter().map(|option| OptionText::Text(option.into())).collect();
        Self::Options(lists.into_iter().map(|(name, options)| (name.into(), text(options))).collect())
    }
}

impl std::fmt::Display for OptionText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(number) => write!(f, "{number}"),
            Self::Decimal(number) => write!(f, "{number:?}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Phase {
    /// Whether networks learn from the one that was trained alone in the first phase: under the
    /// sandwich rule they learn from the largest as it is.
    pub(crate) fn is_taught(&self) -> bool {
        self.distillation.is_some() && matches!(self.rule, Rule::Random { .. })
    }

    /// The seed of what the phase of this number draws: far from those of the next seeds.
    pub(crate) fn draws(number: usize, seed: Seed) -> Seed {
        Seed(seed.0.wrapping_add((number as u64) << 32))
    }

    /// What is open in each of some phases.
    ///
    /// # Errors
    /// Options that the space does not have or that were open before, a list of none, names that occur
    /// twice, a distillation without weight, and no phases.
    pub fn opened(phases: &[Self], space: &Space) -> Result<Vec<Opened>, Error> {
        let mut now = Opened::largest(space);
        let mut found = Vec::new();
        for (at, phase) in phases.iter().enumerate() {
            let wrong = |problem: String| Error::Phase { phase: phase.name.clone(), problem };
            if phases[..at].iter().any(|earlier| earlier.name == phase.name) {
                return Err(wrong("there are two phases of this name".into()));
            }
            phase.rule.check().map_err(wrong)?;
            phase.distillation.map_or(Ok(()), Distillation::check).map_err(wrong)?;
            if phase.is_taught() && found.first() != Some(&Opened::largest(space)) {
                let problem = "it learns from the largest network, which no earlier phase trains alone: let the first open nothing";
                return Err(wrong(problem.into()));
            }
            match &phase.open {
                Open::All(All::All) if now == Opened::all(space) => {
                    return Err(wrong("it opens everything, and everything is open already".into()));
                }
                Open::All(All::All) => now = Opened::all(space),
                Open::Options(lists) => {
                    for (name, options) in lists {
                        if options.is_empty() {
                            let problem = format!(
                                "it opens no option of `{name}`: list those that are new, or leave it out"
                            );
                            return Err(wrong(problem));
                        }
                        for option in options {
                            now.open(space, name, &option.to_string()).map_err(wrong)?;
                        }
                    }
                }
            }
            found.push(now.clone());
        }
        match found.is_empty() {
            true => Err(Error::Phase { phase: "none".into(), problem: "expected at least one phase".into() }),
            false => Ok(found),
        }
    }
}
