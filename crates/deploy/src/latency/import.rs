//! Published tables of one device, a file for each resolution, as one.

use std::{collections::BTreeSet, fmt};

use sapwood_search::{Blocks, LatencyTable, Naming, few};
use sapwood_supernet::Family;

use super::{
    Measured,
    coverage::{Coverage, Covered, first_blocks, networks},
    prediction::keys_in,
};
use crate::Error;

/// What tables became.
#[derive(Clone, Debug)]
pub struct Imported {
    /// One table of all.
    pub table: LatencyTable,
    /// The resolutions whose largest network it predicts.
    pub resolutions: Vec<String>,
    /// What the table is not good for.
    pub warnings: Vec<ImportWarning>,
}

/// What a table that was imported is not good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportWarning {
    /// No network is predicted: the blocks that networks begin with are not there.
    Excerpt {
        /// The family.
        space: String,
        /// Some blocks that a network has and the table lacks.
        lacking: Vec<String>,
    },
    /// Of a resolution some networks are predicted, but not all.
    Partly {
        /// The resolution.
        resolution: String,
        /// How many blocks its networks have.
        blocks: usize,
        /// Those of them that are not there.
        lacking: Vec<String>,
    },
}

impl fmt::Display for ImportWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Excerpt { space, lacking } => write!(
                f,
                "these tables alone predict no network of `{space}`: first blocks are missing, such as {}",
                few(lacking)
            ),
            Self::Partly { resolution, blocks, lacking } => write!(
                f,
                "at resolution {resolution} {} of {blocks} blocks are lacking, so networks with them are not predicted: {}",
                lacking.len(),
                few(lacking)
            ),
        }
    }
}

/// One table of several in the published form. Where a block has other times in another file, as the last layers
/// have in the files of other resolutions, each file becomes a part, and a network is predicted by the part of its
/// resolution. Which that is, the file's blocks say: a network's first block is of its resolution alone.
///
/// # Errors
/// A block with two times at one resolution, a space that has no published tables, or one of which no network
/// has all of its blocks in the tables.
pub fn import(tables: Vec<LatencyTable>, family: &Family) -> Result<Imported, Error> {
    // Of a space that has no published tables this says so.
    let table = join(tables, family)?;
    let coverage = Coverage::of(&table, family, Measured::Times)?;
    let resolutions: Vec<String> = coverage
        .resolutions
        .iter()
        .filter(|each| each.largest.is_empty())
        .filter_map(|each| each.resolution.clone())
        .collect();
    let mut warnings = Vec::new();
    if resolutions.is_empty() {
        let fewest = coverage.resolutions.iter().rev().min_by_key(|each| (!each.begins, each.largest.len()));
        let Some(Covered { resolution, begins, largest, .. }) = fewest else {
            return Err(Error::Tables(format!("space `{}` has no resolutions", family.name())));
        };
        if *begins || !is_of(&table, family)? {
            let (device, space, n, few) = (&table.device, family.name(), largest.len(), few(largest));
            let at = resolution.as_ref().map(|r| format!(" at resolution {r}")).unwrap_or_default();
            return Err(Error::Tables(format!(
                "the latency table of {device} lacks the times of {n} of the blocks that the largest network of `{space}` has{at}: add them, or name the space of this table: {few}"
            )));
        }
        warnings.push(ImportWarning::Excerpt { space: family.name().into(), lacking: largest.clone() });
    }
    for Covered { resolution, begins, largest, blocks, lacking } in coverage.resolutions {
        if let Some(resolution) = resolution.filter(|_| begins && largest.is_empty() && !lacking.is_empty()) {
            warnings.push(ImportWarning::Partly { resolution, blocks, lacking });
        }
    }
    Ok(Imported { table, resolutions, warnings })
}

/// One table of all: a single one where they agree, and else one with parts.
fn join(tables: Vec<LatencyTable>, family: &Family) -> Result<LatencyTable, Error> {
    let head = tables.first().ok_or_else(|| Error::Tables("expected at least one table".into()))?;
    let head = LatencyTable { blocks: Blocks::new(), ..head.clone() };
    let first = first_blocks(&head, family)?;
    let mut all = Blocks::new();
    if tables.iter().all(|table| merge(&mut all, &table.blocks).is_ok()) {
        return Ok(LatencyTable { blocks: all, ..head });
    }
    let mut parts: Vec<(BTreeSet<&String>, Blocks)> = Vec::new();
    for table in &tables {
        let of = |blocks: &Blocks| {
            first.iter().filter(|(key, _)| blocks.contains_key(*key)).map(|(_, r)| r).collect()
        };
        let (mut resolutions, mut blocks): (BTreeSet<&String>, Blocks) =
            (of(&table.blocks), table.blocks.clone());
        // What is of one resolution is one part.
        let (same, others): (Vec<_>, Vec<_>) =
            parts.into_iter().partition(|(known, _)| !known.is_disjoint(&resolutions));
        for (known, more) in same {
            let both: Vec<&str> = known.intersection(&resolutions).map(|r| r.as_str()).collect();
            let at = both.join(", ");
            merge(&mut blocks, &more).map_err(|(key, [one, other])| {
                Error::Tables(format!(
                    "block `{key}` takes {other} ms in one table and {one} in another, both of resolution {at}: give tables of one device"
                ))
            })?;
            resolutions.extend(known);
        }
        parts = others;
        parts.push((resolutions, blocks));
    }
    let named = parts.into_iter().enumerate().map(|(at, (resolutions, blocks))| {
        let name = match resolutions.is_empty() {
            true => format!("table {}", at + 1),
            false => resolutions.into_iter().cloned().collect::<Vec<_>>().join(", "),
        };
        (name, LatencyTable { blocks, ..head.clone() })
    });
    Ok(LatencyTable::of_parts(named)?)
}

/// Adds blocks to others, or says which one has two times.
fn merge(blocks: &mut Blocks, more: &Blocks) -> Result<(), (String, [f64; 2])> {
    for (key, block) in more {
        let known = *blocks.entry(key.clone()).or_insert(*block);
        if known != *block {
            return Err((key.clone(), [known.ms, block.ms]));
        }
    }
    Ok(())
}

/// Whether all blocks of a table are some that the family's networks have.
fn is_of(table: &LatencyTable, family: &Family) -> Result<bool, Error> {
    let choice = family.resolution();
    let options = choice.map_or(1, |at| family.space().choices()[at].options().len());
    let mut unknown: BTreeSet<&String> = table.times().map(|(key, _)| key).collect();
    for option in 0..options {
        for genome in networks(family, choice.map(|at| (at, option)))? {
            for key in keys_in(table, family, &genome)? {
                unknown.remove(&key);
            }
        }
    }
    Ok(unknown.is_empty() && table.naming == Naming::Published)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::predicted;

    fn family(name: &str) -> Family {
        sapwood_supernet::family(name, Some([3, 224, 224]), None).unwrap()
    }

    /// All blocks of one resolution, which take `ms` each, but for the last one.
    fn table(family: &Family, resolution: &str, ms: f64, last: f64) -> LatencyTable {
        let at = family.resolution().unwrap();
        let option = family.space().choices()[at].options().iter().position(|r| r == resolution).unwrap();
        let head = LatencyTable {
            naming: Naming::Published,
            ..LatencyTable::of(family.name(), "phone", 1, Blocks::new())
        };
        let networks = networks(family, Some((at, option))).unwrap();
        let keys: BTreeSet<String> =
            networks.iter().flat_map(|genome| keys_in(&head, family, genome).unwrap()).collect();
        let time = |key: &str| if key.starts_with("Logits") { last } else { ms };
        let lines: String = keys.iter().map(|key| format!("{key}:\n  mean: {}\n", time(key))).collect();
        LatencyTable::from_yaml(&lines, family.name(), "phone", 1).unwrap()
    }

    fn largest(family: &Family, resolution: &str) -> sapwood_search::Genome {
        let mut largest = family.space().to_json(&family.largest());
        largest["r"] = resolution.into();
        family.space().from_json(&largest).unwrap()
    }

    #[test]
    fn a_network_is_predicted_by_the_table_of_its_resolution() {
        let family = family("ofa-mbv3-w1.2");
        let three = || {
            vec![
                table(&family, "160", 0.25, 7.0),
                table(&family, "192", 0.5, 8.0),
                table(&family, "224", 1.0, 9.0),
            ]
        };
        let both = import(three(), &family).unwrap();
        assert_eq!((both.resolutions.join(" "), both.warnings), ("160 192 224".into(), vec![]));
        assert_eq!(both.table.parts.keys().collect::<Vec<_>>(), ["160", "192", "224"]);
        let read = LatencyTable::from_toml(&both.table.to_toml().unwrap()).unwrap();
        for (resolution, ms, last) in [("160", 0.25, 7.0), ("192", 0.5, 8.0), ("224", 1.0, 9.0)] {
            assert_eq!(predicted(&read, &family, &largest(&family, resolution)).unwrap(), 25.0 * ms + last);
        }
        // The order of the files says nothing.
        let reversed = import(three().into_iter().rev().collect(), &family).unwrap();
        assert_eq!(reversed.table, both.table);
        // A resolution without a table is missing, however many of its blocks another one has.
        let error = predicted(&read, &family, &largest(&family, "188")).unwrap_err().to_string();
        assert!(error.contains("Conv-input:188x188x3"), "{error}");
        // What the files agree on is one table, as from one file.
        let same = vec![table(&family, "160", 0.5, 0.5), table(&family, "224", 0.5, 0.5)];
        let same = import(same, &family).unwrap();
        assert!(same.table.parts.is_empty() && same.table.version == 1);
        assert_eq!(predicted(&same.table, &family, &family.largest()).unwrap(), 0.5 * 26.0);
    }

    #[test]
    fn tables_that_contradict_each_other_or_are_of_another_space_are_refused() {
        let family = family("ofa-mbv3-w1.2");
        let slow = || table(&family, "160", 0.5, 0.5);
        let error = import(vec![slow(), table(&family, "160", 0.75, 0.75)], &family).unwrap_err().to_string();
        assert!(error.contains("0.5 ms in one table and 0.75 in another, both of resolution 160"), "{error}");
        let error = import(vec![slow()], &self::family("ofa-mbv3-w1.0")).unwrap_err().to_string();
        assert!(error.contains("lacks the times of"), "{error}");
        // One block less is named, and it is the resolution of the file that it is missed at.
        let mut less = slow();
        less.blocks.remove("Conv_2-input:1x1x1152-output:1x1x1536").unwrap();
        let error = import(vec![less], &family).unwrap_err().to_string();
        assert!(error.contains("times of 1 of the blocks") && error.contains("at resolution 160"), "{error}");
        assert!(error.ends_with(": Conv_2-input:1x1x1152-output:1x1x1536"), "{error}");
        let tiny = sapwood_supernet::family("resnet-tiny-image", None, None).unwrap();
        assert!(import(vec![slow()], &tiny).unwrap_err().to_string().contains("`resnet-tiny-image`"));
    }

    #[test]
    fn what_a_table_is_not_good_for_is_said() {
        let family = family("ofa-mbv3-w1.2");
        let mut some = table(&family, "192", 0.5, 0.5);
        some.blocks.retain(|key, _| !key.contains("kernel:5"));
        let found = import(vec![some.clone()], &family).unwrap();
        assert_eq!(found.resolutions, ["192"]);
        let said = found.warnings[0].to_string();
        // Of ten blocks three widths each: the first of a stage and the others.
        assert!(said.contains("at resolution 192 30 of "), "{said}");
        // An excerpt keeps what it has, though no network is predicted by it.
        let excerpt = |resolution, last| {
            let mut excerpt = table(&family, resolution, 0.5, last);
            excerpt.blocks.retain(|key, _| key.starts_with("Logits") || key.starts_with("Avg"));
            excerpt
        };
        let found = import(vec![excerpt("192", 0.6694), excerpt("224", 0.6712)], &family).unwrap();
        assert!(found.resolutions.is_empty());
        assert!(
            found.warnings[0].to_string().contains("no network of `ofa-mbv3-w1.2`"),
            "{:?}",
            found.warnings
        );
        let last = "Logits-input:1x1x1536-output:1000";
        let times: Vec<f64> = found.table.parts.values().map(|part| part[last].ms).collect();
        assert_eq!(times, [0.6694, 0.6712]);
        let mut foreign = excerpt("192", 0.5);
        foreign.blocks.insert("Conv_9".into(), foreign.blocks[last]);
        assert!(import(vec![foreign], &family).is_err());
    }
}
