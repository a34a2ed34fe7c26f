//! How long networks take on this device.

use std::{
    collections::BTreeMap,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use burn::prelude::Device;
use sapwood_backend::{Rng, Seed, Stream, Timer, block_on, read};
use sapwood_core::{Batch, Graph, Network, Pass, Target};
use sapwood_models::{Init, Net};
use sapwood_search::{BlockTime, Genome, LatencyTable};
use sapwood_supernet::Family;

use crate::{Error, Reporter, statistics::median};

/// How times are taken.
#[derive(Clone, Debug)]
pub struct Stopwatch {
    /// Where networks run.
    pub device: Device,
    /// What that is called: `cpu`, `vulkan:0`.
    pub place: String,
    /// The day, for the table.
    pub date: String,
    /// Images at a time.
    pub batch: usize,
    /// Runs that count, at least.
    pub runs: usize,
    /// The time after which no further run of a block is begun, if there were enough.
    pub seconds: f64,
}

/// A network's time, as runs have it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timed {
    /// The median in milliseconds.
    pub ms: f64,
    /// The standard deviation.
    pub spread_ms: f64,
    /// Runs that counted.
    pub runs: usize,
    /// Runs that took more than twice the median.
    pub outliers: usize,
}

/// Runs before the first that counts.
const WARM_UP: usize = 3;
/// Networks that a fixed cost is fitted to.
const FITTED: u64 = 12;
/// Networks without a new block after which a space is taken to have no others.
const PATIENCE: usize = 2000;

impl Stopwatch {
    /// Times a network with new weights.
    pub fn time(&self, graph: &Graph) -> Result<Timed, Error> {
        let net = Init::default().apply(Net::new(graph.clone(), &self.device), Seed(0));
        let [c, h, w] = graph.input();
        let shape = [self.batch, c, h, w];
        let values = (0..shape.iter().product()).map(|at: usize| (at * 7919 % 1009) as f32 / 504.5 - 1.0);
        let batch = Batch { shape, input: values.collect(), target: Target::Class(vec![0; self.batch]) };
        let input = batch.tensor(&self.device);
        let mut times = Vec::new();
        let begun = Instant::now();
        for run in 0.. {
            let timer = Timer::start(&self.device)?;
            // One value is enough to wait for; a block's outputs would take time to read.
            let output = net.forward(input.clone(), &mut Pass::evaluate());
            block_on(read(output.slice([0..1, 0..1])))?;
            let ms = timer.stop()?.as_secs_f64() * 1e3;
            if WARM_UP <= run {
                times.push(ms);
            }
            if self.runs <= times.len() && self.seconds < begun.elapsed().as_secs_f64() {
                break;
            }
        }
        let ms = median(&times);
        let mean = times.iter().sum::<f64>() / times.len() as f64;
        let squares: f64 = times.iter().map(|time| (time - mean).powi(2)).sum();
        let outliers = times.iter().filter(|time| 2.0 * ms < **time).count();
        Ok(Timed { ms, spread_ms: (squares / times.len() as f64).sqrt(), runs: times.len(), outliers })
    }

    /// Times every block that a family's networks consist of, and fits the fixed cost to whole
    /// networks.
    pub fn table(&self, family: &Family, name: &str, reporter: &dyn Reporter) -> Result<LatencyTable, Error> {
        let blocks = blocks(family)?;
        reporter.begin("blocks", blocks.len() as u64);
        let (mut times, mut outliers, mut runs) = (BTreeMap::new(), 0, 0);
        // A cold machine takes longer: the smaller of two is what a run costs.
        let before = self.time(&nothing()?)?.ms;
        for (signature, block) in &blocks {
            let found = self.time(block)?;
            (outliers, runs) = (outliers + found.outliers, runs + found.runs);
            let time = BlockTime { ms: found.ms, spread_ms: found.spread_ms, runs: found.runs as u64 };
            times.insert(signature.clone(), time);
            reporter.advance(1);
        }
        reporter.end();
        without_overhead(&mut times, before.min(self.time(&nothing()?)?.ms));
        reporter.note(&format!("{outliers} of {runs} runs took more than twice the median of their block"));
        let mut table = LatencyTable {
            space: family.name().into(),
            device: name.into(),
            backend: format!("sapwood {} on {}", env!("CARGO_PKG_VERSION"), self.place),
            date: self.date.clone(),
            batch: self.batch,
            threads: threads(),
            fixed_ms: 0.0,
            blocks: times,
        };
        let mut measured = Vec::new();
        for number in 0..FITTED {
            let genome = draw(family, number);
            measured.push((keys(family, &genome)?, self.time(&family.graph(&genome)?)?.ms));
        }
        table.fit_fixed(&measured)?;
        Ok(table)
    }
}

/// What every run costs, whatever it runs, is no block's: a network has it once.
fn without_overhead(times: &mut BTreeMap<String, BlockTime>, overhead_ms: f64) {
    for time in times.values_mut() {
        time.ms = (time.ms - overhead_ms).max(0.0);
    }
}

/// A network that computes nothing.
fn nothing() -> Result<Graph, Error> {
    let mut graph = Graph::builder([1, 1, 1]);
    graph.flatten(graph.input());
    Ok(graph.finish()?)
}

/// The blocks of a sub-network, as a table names them.
pub fn keys(family: &Family, genome: &Genome) -> Result<Vec<String>, Error> {
    let graph = family.graph(genome)?;
    Ok(graph.blocks(family.whole().input())?.iter().map(Graph::signature).collect())
}

/// The milliseconds of a sub-network, as a table has them.
pub(crate) fn predicted(table: &LatencyTable, family: &Family, genome: &Genome) -> Result<f64, Error> {
    table.predict(keys(family, genome)?).map_err(|error| match error {
        sapwood_search::Error::MissingBlocks { .. } => Error::Usage(format!(
            "{error} (`latency build --space {} --out FILE` measures them all)",
            family.name()
        )),
        other => other.into(),
    })
}

/// Every block that is found in networks of the family: those in which one choice or two are not
/// the largest, and random ones until many in a row have nothing new.
fn blocks(family: &Family) -> Result<BTreeMap<String, Graph>, Error> {
    let mut found = BTreeMap::new();
    let mut look = |genome: &Genome| -> Result<bool, Error> {
        let before = found.len();
        for block in family.graph(genome)?.blocks(family.whole().input())? {
            found.entry(block.signature()).or_insert(block);
        }
        Ok(before < found.len())
    };
    look(&family.smallest())?;
    let space = family.space();
    let largest = family.largest();
    let options = |at: usize| (0..space.choices()[at].options().len()).map(|option| option as u8);
    for at in 0..space.choices().len() {
        for other in at..space.choices().len() {
            for (option, other_option) in options(at).flat_map(|a| options(other).map(move |b| (a, b))) {
                let mut positions = largest.positions().to_vec();
                (positions[at], positions[other]) = (option, other_option);
                look(&space.genome(&positions)?)?;
            }
        }
    }
    let (mut quiet, mut number) = (0, 0);
    while quiet < PATIENCE {
        quiet = if look(&draw(family, number))? { 0 } else { quiet + 1 };
        number += 1;
    }
    Ok(found)
}

/// A random network.
pub(crate) fn draw(family: &Family, number: u64) -> Genome {
    let mut rng: Rng = Seed(0).stream(Stream::Data, number);
    family.space().sample(&mut rng)
}

/// The day in UTC, `2026-11-25`: a count of days as a date (Hinnant, *chrono-compatible low-level
/// date algorithms*).
pub(crate) fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    date(seconds / 86_400)
}

fn date(days: u64) -> String {
    // From 0000-03-01, so that a leap day ends a year.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    format!("{}-{month:02}-{day:02}", era * 400 + year + u64::from(month <= 2))
}

fn threads() -> usize {
    let asked = std::env::var("RAYON_NUM_THREADS").ok().and_then(|n| n.parse().ok()).filter(|n| *n > 0);
    asked.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_do_not_carry_what_a_run_costs() {
        let time = |ms| BlockTime { ms, spread_ms: 0.1, runs: 3 };
        let mut times = BTreeMap::from([("a".to_string(), time(1.5)), ("b".to_string(), time(0.25))]);
        without_overhead(&mut times, 0.5);
        assert_eq!((times["a"].ms, times["b"].ms), (1.0, 0.0));
        assert!(nothing().unwrap().anatomy([1, 1, 1]).unwrap().macs() == 0);
    }

    #[test]
    fn days_are_dates() {
        // Python: datetime.date(1970, 1, 1) + datetime.timedelta(days)
        for (days, expected) in
            [(0, "1970-01-01"), (11_016, "2000-02-29"), (20_782, "2026-11-25"), (20_819, "2027-01-01")]
        {
            assert_eq!(date(days), expected);
        }
    }
}
