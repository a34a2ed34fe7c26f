//! One of a space's choices.

use serde::{Deserialize, Serialize};

/// A named list of options, one of which is chosen.
///
/// ```
/// use sapwood_search::Choice;
///
/// let depth = Choice::new("depth", ["2", "3"]);
/// let kernel = Choice::new("kernel.2", ["3", "5", "7"]).when("depth", ["3"]);
/// assert_eq!((depth.name(), kernel.options().len()), ("depth", 3));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    pub(crate) name: String,
    pub(crate) options: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) when: Option<When>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) gene: Option<String>,
}

/// When a choice has a meaning: while an earlier one has, and is one of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct When {
    pub(crate) choice: String,
    pub(crate) is: Vec<String>,
}

impl Choice {
    /// A choice between options, which always has a meaning. A name such as `ks.3`
    /// is element 3 of the list `ks` in the JSON form of a genome.
    pub fn new<S: Into<String>>(name: impl Into<String>, options: impl IntoIterator<Item = S>) -> Self {
        Self {
            name: name.into(),
            options: options.into_iter().map(Into::into).collect(),
            when: None,
            gene: None,
        }
    }

    /// The choice has a meaning only while the earlier `choice` has one and takes one
    /// of these options.
    #[must_use]
    pub fn when<S: Into<String>>(
        mut self,
        choice: impl Into<String>,
        is: impl IntoIterator<Item = S>,
    ) -> Self {
        self.when = Some(When { choice: choice.into(), is: is.into_iter().map(Into::into).collect() });
        self
    }

    /// Choices of one gene mutate together and are inherited together, such as the
    /// kernel and the width of one block. Without it a choice is its own gene.
    #[must_use]
    pub fn gene(mut self, gene: impl Into<String>) -> Self {
        self.gene = Some(gene.into());
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its options.
    pub fn options(&self) -> &[String] {
        &self.options
    }
}
