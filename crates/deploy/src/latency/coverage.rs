//! What a table has of a family's blocks.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use sapwood_search::{Genome, LatencyTable, few};
use sapwood_supernet::Family;

use super::{Measured, draw, prediction::keys_in};
use crate::Error;

/// Random networks that are looked at beside those that have every option.
const RANDOM: u64 = 100;
/// The names that are shown of many.
const SHOWN: usize = 3;

/// What a table has of the blocks of a family's networks, by resolution.
#[derive(Clone, Debug)]
pub struct Coverage {
    /// The family.
    space: String,
    /// The device of the table.
    device: String,
    measured: Measured,
    /// In the order of the family's options; one where it has no such choice.
    pub resolutions: Vec<Covered>,
}

/// What a table has of one resolution.
#[derive(Clone, Debug)]
pub struct Covered {
    /// The option of the choice `r`, if the family has that.
    pub resolution: Option<String>,
    /// Whether the first block of a network is there: otherwise the table is of other resolutions, and no more
    /// was looked for than the largest network.
    pub begins: bool,
    /// The blocks of the largest network that are not there, sorted.
    pub largest: Vec<String>,
    /// The blocks that were looked for.
    pub blocks: usize,
    /// Those of them that are not there, sorted.
    pub lacking: Vec<String>,
}

impl Coverage {
    /// Looks for the blocks of a family's networks in a table, without measuring anything.
    ///
    /// # Errors
    /// A family whose blocks the table cannot name; a table whose parts contradict each other.
    pub fn of(table: &LatencyTable, family: &Family, measured: Measured) -> Result<Self, Error> {
        let at = family.resolution();
        let options = at.map(|at| family.space().choices()[at].options());
        let resolutions = match (at, options) {
            (Some(at), Some(options)) => (0..options.len())
                .map(|option| covered(table, family, measured, Some((at, option))))
                .collect::<Result<_, _>>()?,
            _ => vec![covered(table, family, measured, None)?],
        };
        let (space, device) = (family.name().into(), table.device.clone());
        Ok(Self { space, device, measured, resolutions })
    }

    /// What was asked of the table.
    pub fn measured(&self) -> Measured {
        self.measured
    }

    /// Whether nothing is lacking.
    pub fn is_complete(&self) -> bool {
        self.resolutions.iter().all(|each| each.lacking.is_empty())
    }

    /// The resolutions of which nothing is lacking.
    pub fn complete(&self) -> Vec<&str> {
        let complete = self.resolutions.iter().filter(|each| each.lacking.is_empty());
        complete.filter_map(|each| each.resolution.as_deref()).collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.measured == Measured::Times { "times" } else { "energies" };
        let Self { space, device, .. } = self;
        write!(f, "the latency table of {device} ")?;
        if self.is_complete() {
            return write!(f, "has the {what} of all blocks of space `{space}`");
        }
        let named = |begins: bool| {
            self.resolutions.iter().filter(move |each| !each.lacking.is_empty() && each.begins == begins)
        };
        let mut said: Vec<String> = named(true)
            .map(|Covered { resolution, blocks, lacking, .. }| {
                let at = resolution.as_ref().map(|r| format!(" at resolution {r}")).unwrap_or_default();
                let few = few(lacking);
                format!(
                    "lacks the {what} of {} of the {blocks} blocks of space `{space}`{at}: {few}",
                    lacking.len()
                )
            })
            .take(SHOWN)
            .collect();
        said.extend(named(true).nth(SHOWN).map(|_| format!("and so {} more", named(true).count() - SHOWN)));
        let unknown: Vec<String> = named(false).filter_map(|each| each.resolution.clone()).collect();
        match (unknown.is_empty(), named(false).next()) {
            (false, _) => {
                let (n, all) = (unknown.len(), self.resolutions.len());
                said.push(format!(
                    "lacks the {what} of {n} of the {all} resolutions of space `{space}`: {}",
                    few(&unknown)
                ));
            }
            (true, Some(Covered { blocks, lacking, .. })) => {
                let (n, few) = (lacking.len(), few(lacking));
                said.push(format!(
                    "lacks the {what} of {n} of the {blocks} blocks of space `{space}`: {few}"
                ));
            }
            (true, None) => {}
        }
        write!(f, "{}", said.join("; "))?;
        match self.complete().as_slice() {
            [] => Ok(()),
            complete => write!(f, "; nothing is lacking of {}", complete.join(", ")),
        }
    }
}

/// The same network at one resolution, given as the choice and the number of its option.
pub(super) fn at(
    family: &Family,
    genome: &Genome,
    resolution: Option<(usize, usize)>,
) -> Result<Genome, Error> {
    let mut positions = genome.positions().to_vec();
    resolution.iter().for_each(|(at, option)| positions[*at] = *option as u8);
    Ok(family.space().genome(&positions)?)
}

/// Networks in which all blocks of a resolution stand: those with every option, the smallest, and random ones
/// for blocks that depend on several choices.
pub(super) fn networks(family: &Family, resolution: Option<(usize, usize)>) -> Result<Vec<Genome>, Error> {
    let fixed: Vec<usize> = resolution.iter().map(|(at, _)| *at).collect();
    let mut found = family.space().spread(&at(family, &family.largest(), resolution)?, &fixed);
    let share = resolution.map_or(1, |(choice, _)| family.space().choices()[choice].options().len() as u64);
    let random = (0..RANDOM.div_ceil(share)).map(|number| draw(family, 1 << 33 | number));
    for genome in std::iter::once(family.smallest()).chain(random) {
        found.push(at(family, &genome, resolution)?);
    }
    Ok(found)
}

fn covered(
    table: &LatencyTable,
    family: &Family,
    measured: Measured,
    resolution: Option<(usize, usize)>,
) -> Result<Covered, Error> {
    let lacking = |keys: &[String]| {
        let predicted = match measured {
            Measured::Times => table.predict(keys),
            Measured::Energies => table.predict_energy(keys),
        };
        match predicted {
            Ok(_) => Ok(Vec::new()),
            Err(sapwood_search::Error::MissingBlocks { blocks, .. }) => Ok(blocks),
            Err(other) => Err(Error::from(other)),
        }
    };
    let name = resolution.map(|(at, option)| family.space().choices()[at].options()[option].clone());
    let largest = keys_in(table, family, &at(family, &family.largest(), resolution)?)?;
    let missing = lacking(&largest)?;
    let mut found = Covered {
        resolution: name,
        begins: !missing.contains(&largest[0]),
        largest: missing.clone(),
        blocks: largest.iter().collect::<BTreeSet<_>>().len(),
        lacking: missing,
    };
    if found.begins {
        let (mut blocks, mut missing) = (BTreeSet::from_iter(largest), BTreeSet::from_iter(found.lacking));
        for genome in networks(family, resolution)? {
            let keys = keys_in(table, family, &genome)?;
            missing.extend(lacking(&keys)?);
            blocks.extend(keys);
        }
        (found.blocks, found.lacking) = (blocks.len(), missing.into_iter().collect());
    }
    Ok(found)
}

/// The first block of the largest network at each resolution, which no other resolution has.
pub(super) fn first_blocks(table: &LatencyTable, family: &Family) -> Result<BTreeMap<String, String>, Error> {
    let Some(choice) = family.resolution() else { return Ok(BTreeMap::new()) };
    let options = family.space().choices()[choice].options();
    let first = |(number, option): (usize, &String)| {
        let genome = at(family, &family.largest(), Some((choice, number)))?;
        Ok((keys_in(table, family, &genome)?.swap_remove(0), option.clone()))
    };
    options.iter().enumerate().map(first).collect()
}

#[cfg(test)]
mod tests {
    use sapwood_search::{BlockTime, Blocks, Naming};

    use super::*;

    /// A table of all blocks that are looked for at some resolutions.
    fn table(family: &Family, naming: Naming, resolutions: &[usize]) -> LatencyTable {
        let mut table = LatencyTable { naming, ..LatencyTable::of(family.name(), "phone", 1, Blocks::new()) };
        let choice = family.resolution().unwrap();
        for option in resolutions {
            for genome in networks(family, Some((choice, *option))).unwrap() {
                let time = BlockTime { ms: 0.5, spread_ms: 0.0, runs: 1, mj: None };
                table
                    .blocks
                    .extend(keys_in(&table, family, &genome).unwrap().into_iter().map(|key| (key, time)));
            }
        }
        table
    }

    #[test]
    fn what_is_complete_predicts_every_network_and_what_lacks_is_named() {
        for space in ["ofa-mbv3-w1.0", "ofa-proxyless-w1.3"] {
            let family = sapwood_supernet::family(space, Some([3, 224, 224]), None).unwrap();
            let table = table(&family, Naming::Published, &[4, 24]);
            let found = Coverage::of(&table, &family, Measured::Times).unwrap();
            assert_eq!(found.complete(), ["144", "224"]);
            let choice = family.resolution().unwrap();
            for number in 0..200 {
                let option = if number % 2 == 0 { 4 } else { 24 };
                let genome = at(&family, &draw(&family, number), Some((choice, option))).unwrap();
                assert!(
                    table.predict(keys_in(&table, &family, &genome).unwrap()).is_ok(),
                    "{space} {number}"
                );
            }
            let said = found.to_string();
            assert!(said.contains("lacks the times of 23 of the 25 resolutions"), "{said}");
            assert!(said.contains(": 128, 132, 136 and 20 more; nothing is lacking of 144, 224"), "{said}");

            // Of every block that is taken away, it is said.
            for key in table.blocks.keys().filter(|key| key.contains("kernel:5")).step_by(7) {
                let mut less = table.clone();
                less.blocks.remove(key);
                let found = Coverage::of(&less, &family, Measured::Times).unwrap();
                assert!(
                    found.resolutions.iter().any(|each| each.begins && each.lacking == [key.clone()]),
                    "{key}"
                );
                assert!(found.to_string().contains(key.as_str()) && found.complete().len() < 2, "{found}");
            }
            let found = Coverage::of(&table, &family, Measured::Energies).unwrap();
            assert!(found.to_string().contains("lacks the energies of 25 of the 25 resolutions"), "{found}");
        }
    }
}
