//! Spaces with fewer options, and few genomes that have all of them.

use super::Space;
use crate::{Choice, Error, Genome};

impl Space {
    /// The same space with some options of one choice alone. Its genomes become those of this space by
    /// [`Space::adopt`].
    ///
    /// # Errors
    /// A choice that there is not, none of its options, or a space that does not have all genomes.
    pub fn narrowed(&self, choice: &str, keep: impl Fn(&str) -> bool) -> Result<Self, Error> {
        let wrong = |problem: String| Error::Space { space: self.name.clone(), problem };
        if self.members.is_some() {
            return Err(wrong("it has some genomes alone: choose among those".into()));
        }
        if !self.choices.iter().any(|each| each.name == choice) {
            return Err(Error::unknown("choice", choice, self.choices.iter().map(Choice::name)));
        }
        let mut choices = self.choices.clone();
        for each in &mut choices {
            if each.name == choice {
                each.options.retain(|option| keep(option));
            } else if let Some(when) = each.when.as_mut().filter(|when| when.choice == choice) {
                when.is.retain(|option| keep(option));
            }
        }
        Self::new(self.name.clone(), choices)
    }

    /// The genome of this space with the options that one of another space has, of the same choices and of
    /// options that are here too.
    ///
    /// # Errors
    /// Another list of choices, or an option that is not here.
    pub fn adopt(&self, other: &Self, genome: &Genome) -> Result<Genome, Error> {
        if !self.choices.iter().map(Choice::name).eq(other.choices.iter().map(Choice::name)) {
            return Err(
                self.wrong(format!("the genome is one of space `{}`, with other choices", other.name))
            );
        }
        let position = |at: usize| {
            let (name, choice) = (&self.choices[at].name, &other.choices[at]);
            let option = &choice.options[usize::from(genome.positions()[at])];
            let found = self.choices[at].options.iter().position(|each| each == option);
            // A choice without a meaning has its first option, which may be another here.
            match found {
                Some(found) => Ok(found as u8),
                None if !other.active(genome, at) => Ok(0),
                None => Err(self.wrong(format!("choice `{name}` has no option `{option}`"))),
            }
        };
        let positions: Vec<u8> = (0..self.choices.len()).map(position).collect::<Result<_, _>>()?;
        self.genome(&positions)
    }

    /// Few genomes near one, in which all options of each gene stand, in all combinations, as far as the
    /// others leave them a meaning. Genes on which others hang are varied one after the other, and the rest
    /// all at once: of `n` blocks with `k` variants each there are `k` genomes and not `n k`. The choices
    /// in `fixed` stay as they are.
    ///
    /// # Panics
    /// If the genome is not of this space.
    pub fn spread(&self, near: &Genome, fixed: &[usize]) -> Vec<Genome> {
        let options = |at: &usize| if fixed.contains(at) { 1 } else { self.choices[*at].options.len() };
        let combinations = |gene: &[usize]| gene.iter().map(options).product::<usize>();
        let vary = |positions: &mut [u8], gene: &[usize], number: usize| {
            let mut left = number % combinations(gene);
            for at in gene.iter().filter(|at| !fixed.contains(at)) {
                positions[*at] = (left % options(at)) as u8;
                left /= options(at);
            }
        };
        let holds = |gene: &&Vec<usize>| gene.iter().any(|at| !self.nodes[*at].children.is_empty());
        let (holding, free): (Vec<&Vec<usize>>, Vec<_>) = self.genes.iter().partition(holds);
        let mut found = Vec::new();
        for number in 0..free.iter().map(|gene| combinations(gene)).max().unwrap_or(0) {
            let mut positions = near.positions().to_vec();
            free.iter().for_each(|gene| vary(&mut positions, gene, number));
            found.push(positions);
        }
        for gene in holding {
            for number in 0..combinations(gene) {
                let mut positions = near.positions().to_vec();
                vary(&mut positions, gene, number);
                found.push(positions);
            }
        }
        // Some of them a space of some genomes alone may not have.
        let mut found: Vec<Genome> =
            found.iter().filter_map(|positions| self.genome(positions).ok()).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng as _;

    use super::*;
    use crate::{Rng, ofa_mbv3};

    #[test]
    fn a_narrowed_space_has_the_same_networks_with_fewer_options() {
        let space = ofa_mbv3(&[160, 176, 192, 224]).unwrap();
        let narrow = space.narrowed("r", |option| ["176", "224"].contains(&option)).unwrap();
        assert_eq!(narrow.count().unwrap() * 2, space.count().unwrap());
        let mut rng = Rng::seed_from_u64(3);
        for _ in 0..50 {
            let genome = narrow.sample(&mut rng);
            let same = space.adopt(&narrow, &genome).unwrap();
            assert_eq!(space.text(&same), narrow.text(&genome));
            assert_eq!(narrow.adopt(&space, &same).unwrap(), genome);
        }
        let depth = space.narrowed("d.1", |option| option != "2").unwrap();
        for _ in 0..50 {
            let genome = depth.sample(&mut rng);
            assert_eq!(space.text(&space.adopt(&depth, &genome).unwrap()), depth.text(&genome));
        }
        let first = space.genome(&vec![0; space.choices().len()]).unwrap();
        assert!(narrow.adopt(&space, &first).unwrap_err().to_string().contains("no option `160`"));
        let other = crate::ofa_proxyless(&[160]).unwrap();
        assert!(other.adopt(&space, &first).unwrap_err().to_string().contains("other choices"));
        assert!(space.narrowed("r", |_| false).unwrap_err().to_string().contains("`r` has 0 options"));
        assert!(space.narrowed("q", |_| true).unwrap_err().to_string().contains("no choice `q`"));
    }

    #[test]
    fn few_genomes_have_every_option() {
        let space = ofa_mbv3(&[192, 224]).unwrap();
        let largest: Vec<u8> =
            space.choices().iter().map(|choice| (choice.options.len() - 1) as u8).collect();
        let few = space.spread(&space.genome(&largest).unwrap(), &[0]);
        assert!(few.len() <= 9 + 5 * 3, "{}", few.len());
        assert!(few.iter().all(|genome| space.option(genome, "r") == Some("224")));
        for block in 0..20 {
            let of = |genome: &Genome| {
                let option = |list| space.option(genome, &format!("{list}.{block}")).map(String::from);
                option("ks").zip(option("e"))
            };
            assert_eq!(few.iter().filter_map(of).collect::<BTreeSet<_>>().len(), 9, "block {block}");
        }
        let depths = few.iter().map(|genome| space.option(genome, "d.3").unwrap());
        assert_eq!(depths.collect::<BTreeSet<_>>().len(), 3);
    }
}
