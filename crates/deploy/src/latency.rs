//! How long networks take on this device, and what energy.
//!
//! A table of a family's blocks says it of all of its networks. Blocks are timed where they
//! stand: networks are run block by block, enough of them for every block to stand in one. So a
//! block has the input that it has in a network, of the block before and still in the caches, and
//! weights that the other blocks have driven out of them. What the times of blocks
//! do not explain is fitted to a sample of whole networks.

mod cover;
mod coverage;
mod energy;
mod engine;
mod import;
mod measured;
mod prediction;
mod published;
mod rounds;
mod times;

use std::collections::BTreeMap;

use sapwood_core::{Graph, Reporter, Shape, Silent};
use sapwood_search::{BlockTime, Genome, LatencyTable};
use sapwood_supernet::Family;

use crate::Error;
use cover::Cover;
pub use cover::draw;
pub use coverage::{Coverage, Covered};
pub use energy::EnergyMeter;
pub use engine::{Engine, level};
pub use import::{ImportWarning, Imported, import};
pub use measured::Measured;
pub use prediction::keys;
pub use prediction::{predicted, predicted_energy};
use rounds::Rounds;
pub use times::{Timed, Times};

/// How times are taken.
#[derive(Clone, Debug)]
pub struct Stopwatch {
    /// What runs networks.
    pub engine: Engine,
    /// The day, for the table.
    pub date: String,
    /// Images at a time.
    pub batch: usize,
    /// Rounds over all that is timed; 2 at least.
    pub rounds: usize,
    /// Runs that count, in each round.
    pub runs: usize,
    /// The time after which no further round is begun.
    pub seconds: f64,
}

/// Random networks that a table is fitted to, beside the smallest and the largest.
const FITTED: usize = 100;
/// Random networks that a table is fitted to at least, however large they are.
const FITTED_AT_LEAST: usize = 14;
/// Beyond this number of parameters no further network is added, since all are in memory at once.
const PARAMETERS: u64 = 100_000_000;

impl Stopwatch {
    /// Times a network with new weights.
    ///
    /// # Errors
    /// Those of [`Stopwatch::time_all`].
    pub fn time(&self, graph: &Graph) -> Result<Timed, Error> {
        // One network in, one out.
        Ok(self.time_all(std::slice::from_ref(graph), &Silent)?[0].all())
    }

    /// Times networks in turn: in the order in which they were given.
    ///
    /// # Errors
    /// A network that cannot be built or run on the device.
    pub fn time_all(&self, graphs: &[Graph], reporter: &dyn Reporter) -> Result<Vec<Times>, Error> {
        let mut rounds = Rounds::default();
        for graph in graphs {
            let number = rounds.build(self, graph)?;
            rounds.row(vec![number]);
        }
        rounds.run(self, reporter)
    }

    /// Times every block that a family's networks consist of, and fits the fixed cost and the
    /// factor to whole networks, which are timed in the same rounds.
    ///
    /// # Errors
    /// A block or network that cannot be built or run on the device, and times of which no table can be made.
    pub fn table(&self, family: &Family, name: &str, reporter: &dyn Reporter) -> Result<LatencyTable, Error> {
        let cover = Cover::of(family)?;
        let mut rounds = Rounds::default();
        let mut numbers: BTreeMap<&String, usize> = BTreeMap::new();
        for (key, block) in &cover.blocks {
            numbers.insert(key, rounds.build(self, block)?);
        }
        // A run of nothing, where others run: what every run costs is no block's.
        let idle = rounds.build(self, &nothing([family.whole().outputs()?, 1, 1])?)?;
        for network in &cover.networks {
            rounds.row(network.iter().map(|key| numbers[key]).chain([idle]).collect());
        }
        let fitted = fitted(family, FITTED)?;
        let whole = fitted.iter().map(|(_, graph)| rounds.build(self, graph));
        let whole: Vec<usize> = whole.collect::<Result<_, _>>()?;
        whole.iter().for_each(|number| rounds.row(vec![*number]));
        let found: Vec<Timed> = rounds.run(self, reporter)?.iter().map(Times::all).collect();

        let (outliers, runs) = found.iter().fold((0, 0), |(a, b), time| (a + time.outliers, b + time.runs));
        tracing::info!(outliers, runs, "runs took more than twice the median of their block");
        reporter.note(&format!("{outliers} of {runs} runs took more than twice the median of their block"));
        let overhead_ms = found[idle].ms;
        let blocks =
            numbers.into_iter().map(|(key, number)| (key.clone(), block_time(&found[number], overhead_ms)));
        let mut table = LatencyTable {
            backend: self.engine.name(),
            date: self.date.clone(),
            threads: self.engine.threads(),
            ..LatencyTable::of(family.name(), name, self.batch, blocks.collect())
        };
        let measured: Result<Vec<_>, Error> = fitted
            .iter()
            .zip(&whole)
            .map(|((genome, _), at)| Ok((keys(family, genome)?, found[*at].ms)))
            .collect();
        table.fit_latency(&measured?)?;
        Ok(table)
    }
}

/// What every run costs, whatever it runs, is no block's: a network has it once.
fn block_time(found: &Timed, overhead_ms: f64) -> BlockTime {
    let ms = (found.ms - overhead_ms).max(0.0);
    BlockTime { ms, spread_ms: found.spread_ms, runs: found.runs as u64, mj: None }
}

/// A network that computes nothing.
fn nothing(input: Shape) -> Result<Graph, Error> {
    let mut graph = Graph::builder(input);
    graph.flatten(graph.input());
    Ok(graph.finish()?)
}

/// The networks that a table is fitted to. The smallest and the largest say most of a factor: random
/// ones differ little. Many of those say what single blocks take in a network.
fn fitted(family: &Family, random: usize) -> Result<Vec<(Genome, Graph)>, Error> {
    let (mut found, mut parameters) = (Vec::new(), 0);
    let random = (0..random as u64).map(|number| draw(family, number));
    for genome in [family.smallest(), family.largest()].into_iter().chain(random) {
        let graph = family.graph(&genome)?;
        parameters += graph.anatomy(graph.input())?.params();
        if FITTED_AT_LEAST + 2 <= found.len() && PARAMETERS < parameters {
            break;
        }
        found.push((genome, graph));
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
