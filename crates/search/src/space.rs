//! What can be chosen.

mod count;
mod encoding;
mod fewer;
mod form;
mod published;
mod vary;

pub use encoding::Encoding;
pub use published::{PUBLISHED, PublishedSpace, ofa_mbv3, ofa_proxyless, ofa_resnet50d, published};

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{Choice, Error, Genome};

/// A search space: ordered choices, some of which have a meaning only while an
/// earlier one takes certain options. It is a value; everything that can be done
/// with its genomes follows from it.
///
/// Each choice depends on at most one other. This is what keeps counting exact and
/// sampling uniform: the choices form trees, and the number of ways to choose within
/// one is a sum of products.
///
/// ```
/// use sapwood_search::{Choice, Space};
///
/// let space = Space::new("two-blocks", vec![
///     Choice::new("depth", ["1", "2"]),
///     Choice::new("kernel.0", ["3", "5"]),
///     Choice::new("kernel.1", ["3", "5"]).when("depth", ["2"]),
/// ])?;
/// assert_eq!(space.count(), Some(2 + 2 * 2));
/// // The second kernel has no meaning at depth 1.
/// assert_eq!(space.genome(&[0, 1, 1])?, space.genome(&[0, 1, 0])?);
/// # Ok::<(), sapwood_search::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Space {
    name: String,
    choices: Vec<Choice>,
    nodes: Vec<Node>,
    /// For each gene its choices.
    genes: Vec<Vec<usize>>,
    gene_of: Vec<usize>,
    /// The only genomes that there are, if not all.
    members: Option<Arc<Members>>,
}

/// Genomes of a space that does not have all, sorted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    genomes: Vec<Genome>,
    /// What stands for one of them, and for which.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<(Genome, Genome)>,
}

/// Where a choice stands among the others.
#[derive(Clone, Debug, PartialEq)]
struct Node {
    parent: Option<Parent>,
    children: Vec<usize>,
    /// For each option, the number of ways to choose everything below it.
    ways: Vec<u128>,
}

#[derive(Clone, Debug, PartialEq)]
struct Parent {
    at: usize,
    /// For each of its options, whether the child has a meaning then.
    opens: Vec<bool>,
}

/// The form in which a space is written down.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    choices: Vec<Choice>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    members: Option<Members>,
}

impl Space {
    /// A space of these choices.
    ///
    /// # Errors
    /// Names that occur twice, choices without options or with more than 256, a
    /// choice that depends on one that does not stand before it, or more than 2^128
    /// ways to choose below one choice.
    pub fn new(name: impl Into<String>, choices: Vec<Choice>) -> Result<Self, Error> {
        let name = name.into();
        let wrong = |problem: String| Error::Space { space: name.clone(), problem };
        if choices.is_empty() {
            return Err(wrong("it has no choice: give it at least one".into()));
        }
        let mut nodes: Vec<Node> = Vec::new();
        let mut index: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, choice) in choices.iter().enumerate() {
            if choice.options.is_empty() || 256 < choice.options.len() {
                let found = choice.options.len();
                return Err(wrong(format!(
                    "choice `{}` has {found} options: expected 1 to 256",
                    choice.name
                )));
            }
            if let Some(twice) = first_twice(&choice.options) {
                return Err(wrong(format!("choice `{}` has option `{twice}` twice", choice.name)));
            }
            let parent = match &choice.when {
                None => None,
                Some(when) => {
                    let missing = || {
                        let (name, on) = (&choice.name, &when.choice);
                        wrong(format!("choice `{name}` depends on `{on}`, which does not stand before it"))
                    };
                    let parent = *index.get(when.choice.as_str()).ok_or_else(missing)?;
                    let options = &choices[parent].options;
                    if let Some(unknown) = when.is.iter().find(|option| !options.contains(option)) {
                        let (name, on) = (&choice.name, &when.choice);
                        let problem =
                            format!("choice `{name}` depends on `{on}` = `{unknown}`, which is none of");
                        return Err(wrong(format!("{problem} its options {}", options.join(", "))));
                    }
                    let opens = options.iter().map(|option| when.is.contains(option)).collect();
                    nodes[parent].children.push(at);
                    Some(Parent { at: parent, opens })
                }
            };
            if index.insert(&choice.name, at).is_some() {
                return Err(wrong(format!("choice `{}` is there twice", choice.name)));
            }
            nodes.push(Node { parent, children: Vec::new(), ways: Vec::new() });
        }
        count::fill(&mut nodes, &choices).map_err(|at| {
            wrong(format!(
                "more than 2^128 ways to choose depend on `{}`: let fewer depend on it",
                choices[at].name
            ))
        })?;
        let (genes, gene_of) = group(&choices);
        Ok(Self { name, choices, nodes, genes, gene_of, members: None })
    }

    /// A space of independent choices.
    ///
    /// # Errors
    /// As [`Space::new`].
    pub fn product<N: Into<String>, S: Into<String>, O: IntoIterator<Item = S>>(
        name: impl Into<String>,
        choices: impl IntoIterator<Item = (N, O)>,
    ) -> Result<Self, Error> {
        Self::new(name, choices.into_iter().map(|(name, options)| Choice::new(name, options)).collect())
    }

    /// Restricts the space to these genomes: no other is then sampled, reached by mutation, or a
    /// neighbour.
    ///
    /// # Errors
    /// No genomes, or one that is not of this space.
    pub fn only(self, genomes: impl IntoIterator<Item = Genome>) -> Result<Self, Error> {
        self.with_aliases(genomes, [])
    }

    /// As [`Space::only`], where other genomes stand for one of these: `(alias, genome)`. So a
    /// space in which equal networks are not just a matter of choices without a meaning, as
    /// where branches can be swapped, keeps the promise that equal networks have equal genomes,
    /// and mutation may still pass through any of them.
    ///
    /// # Errors
    /// As [`Space::only`]; an alias that is one of the genomes, or stands for two or for none.
    pub fn with_aliases(
        self,
        genomes: impl IntoIterator<Item = Genome>,
        aliases: impl IntoIterator<Item = (Genome, Genome)>,
    ) -> Result<Self, Error> {
        let plain = Self { members: None, ..self };
        let mut members: Vec<Genome> = genomes.into_iter().collect();
        let mut aliases: Vec<(Genome, Genome)> = aliases.into_iter().collect();
        for genome in members.iter().chain(aliases.iter().map(|(alias, _)| alias)) {
            plain.check(genome)?;
        }
        members.sort_unstable();
        members.dedup();
        aliases.sort_unstable();
        aliases.dedup();
        if members.is_empty() {
            let problem = "no genome is left in it: leave it at least one".into();
            return Err(Error::Space { space: plain.name, problem });
        }
        let is_member = |genome: &Genome| members.binary_search(genome).is_ok();
        let twice = aliases.windows(2).find(|pair| pair[0].0 == pair[1].0).map(|pair| &pair[0]);
        let stray = aliases.iter().find(|(alias, genome)| is_member(alias) || !is_member(genome));
        if let Some((alias, _)) = twice.or(stray) {
            let problem = format!(
                "expected each alias to stand for one genome of the space, and not to be one: {}",
                plain.text(alias)
            );
            return Err(Error::Space { space: plain.name, problem });
        }
        Ok(Self { members: Some(Arc::new(Members { genomes: members, aliases })), ..plain })
    }

    /// Renames the space, for example where two families share it.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its choices, in the order of a genome's positions.
    pub fn choices(&self) -> &[Choice] {
        &self.choices
    }

    /// The genome of these positions, in canonical form.
    ///
    /// # Errors
    /// The wrong number of positions, a position without an option, or a genome that
    /// is not among the space's [only](Space::only) ones.
    pub fn genome(&self, positions: &[u8]) -> Result<Genome, Error> {
        self.fits(positions)?;
        let mut positions = positions.to_vec();
        self.canonicalise(&mut positions);
        let text = || format!("{} is not in it", self.text(&Genome::new(positions.clone())));
        self.resolve(Genome::new(positions.clone())).ok_or_else(|| self.wrong(text()))
    }

    /// Refuses a genome that is not of this space or not in canonical form.
    ///
    /// # Errors
    /// As [`Space::genome`].
    pub fn check(&self, genome: &Genome) -> Result<(), Error> {
        match self.genome(genome.positions())? == *genome {
            true => Ok(()),
            false => {
                let stray = (0..self.choices.len())
                    .find(|at| genome.positions()[*at] != 0 && !self.is_active(genome.positions(), *at));
                let Some(stray) = stray else {
                    let text = self.text(genome);
                    return Err(
                        self.wrong(format!("{text} stands for another: make it with `Space::genome`"))
                    );
                };
                let name = &self.choices[stray].name;
                Err(self.wrong(format!(
                    "the genome has an option for `{name}`, which has no meaning in it: make it with `Space::genome`"
                )))
            }
        }
    }

    /// Whether this choice has a meaning in the genome.
    pub fn active(&self, genome: &Genome, choice: usize) -> bool {
        self.is_active(genome.positions(), choice)
    }

    /// The option that the genome takes for a choice, if that has a meaning in it.
    pub fn option<'a>(&'a self, genome: &Genome, choice: &str) -> Option<&'a str> {
        let at = self.choices.iter().position(|each| each.name == choice)?;
        let option = usize::from(*genome.positions().get(at)?);
        self.active(genome, at).then(|| self.choices[at].options[option].as_str())
    }

    /// For each gene, the choices that mutate and are inherited together.
    pub fn genes(&self) -> &[Vec<usize>] {
        &self.genes
    }

    fn fits(&self, positions: &[u8]) -> Result<(), Error> {
        if positions.len() != self.choices.len() {
            let (expected, found) = (self.choices.len(), positions.len());
            return Err(
                self.wrong(format!("expected {expected} positions, one for each choice, found {found}"))
            );
        }
        for (choice, position) in self.choices.iter().zip(positions) {
            let options = choice.options.len();
            if options <= usize::from(*position) {
                let problem = format!("choice `{}` has {options} options, counted from 0", choice.name);
                return Err(self.wrong(format!("{problem}, found number {position}")));
            }
        }
        Ok(())
    }

    /// The genome itself or the one that it stands for, if the space has it.
    fn resolve(&self, genome: Genome) -> Option<Genome> {
        let Some(members) = &self.members else { return Some(genome) };
        if members.genomes.binary_search(&genome).is_ok() {
            return Some(genome);
        }
        let at = members.aliases.binary_search_by(|(alias, _)| alias.cmp(&genome)).ok()?;
        Some(members.aliases[at].1.clone())
    }

    fn is_active(&self, positions: &[u8], at: usize) -> bool {
        match &self.nodes[at].parent {
            None => true,
            Some(parent) => {
                parent.opens[usize::from(positions[parent.at])] && self.is_active(positions, parent.at)
            }
        }
    }

    fn canonicalise(&self, positions: &mut [u8]) {
        for at in 0..positions.len() {
            if !self.is_active(positions, at) {
                positions[at] = 0;
            }
        }
    }

    fn wrong(&self, problem: String) -> Error {
        Error::Genome { space: self.name.clone(), problem }
    }
}

impl TryFrom<Written> for Space {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self, Error> {
        let space = Self::new(written.name, written.choices)?;
        match written.members {
            Some(members) => space.with_aliases(members.genomes, members.aliases),
            None => Ok(space),
        }
    }
}

impl From<Space> for Written {
    fn from(space: Space) -> Self {
        let members = space.members.map(Arc::unwrap_or_clone);
        Self { name: space.name, choices: space.choices, members }
    }
}

fn first_twice(names: &[String]) -> Option<&String> {
    (1..names.len()).find(|at| names[..*at].contains(&names[*at])).map(|at| &names[at])
}

/// The genes, ordered by their first choice, and the gene of each choice.
fn group(choices: &[Choice]) -> (Vec<Vec<usize>>, Vec<usize>) {
    let mut named: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut genes, mut gene_of): (Vec<Vec<usize>>, _) = (Vec::new(), Vec::new());
    for (at, choice) in choices.iter().enumerate() {
        let new = genes.len();
        let gene = choice.gene.as_deref().map_or(new, |name| *named.entry(name).or_insert(new));
        if gene == new {
            genes.push(Vec::new());
        }
        genes[gene].push(at);
        gene_of.push(gene);
    }
    (genes, gene_of)
}
