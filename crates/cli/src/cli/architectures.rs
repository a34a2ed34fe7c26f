//! `describe --space`

use std::{io::Write, path::Path};

use sapwood_core::Shape;
use sapwood_deploy::Pairs;
use sapwood_report::{Cell, Table};
use sapwood_search::Genome;
use sapwood_supernet::{Family, family};
use serde_json::json;

use super::supernet::genome_of;
use crate::Error;

/// The most classes, as weight files of supernets have them.
const CLASSES: usize = 1 << 14;

/// The family of this name, for images of this size and this number of classes.
pub(super) fn named(space: &str, input: Option<Shape>, classes: Option<usize>) -> Result<Family, Error> {
    match classes.filter(|classes| !(1..=CLASSES).contains(classes)) {
        Some(found) => {
            Err(Error::Usage(format!("`--classes`: expected a number from 1 to {CLASSES}, found {found}")))
        }
        None => Ok(family(space, input, classes)?),
    }
}

/// The layers of a sub-network, and what it was called.
pub(super) fn layers(family: &Family, arch: &str) -> Result<(Genome, sapwood_core::Graph), Error> {
    let genome = genome_of(family, arch)?;
    let graph = family.graph(&genome)?;
    Ok((genome, graph))
}

/// Parameters and multiply-accumulates of many sub-networks.
pub(super) fn list(family: &Family, path: &Path, json: bool, out: &mut dyn Write) -> Result<(), Error> {
    let mut table = Table::new(["architecture", "parameters", "MACs"]);
    for genome in Pairs::read_networks(family, path)? {
        let anatomy = family.graph(&genome)?.anatomy(family.whole().input())?;
        let (params, macs) = (anatomy.params(), anatomy.macs());
        if json {
            let architecture = family.space().to_json(&genome);
            writeln!(out, "{}", json!({ "architecture": architecture, "params": params, "macs": macs }))?;
            continue;
        }
        table.row([Cell::from(family.space().text(&genome)), Cell::count(params), Cell::count(macs)]);
    }
    if !json {
        write!(out, "{}", table.to_text())?;
    }
    Ok(())
}
