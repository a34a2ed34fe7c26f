//! The best sub-network for a device.

use std::sync::Mutex;

use sapwood_search::{
    Chosen, Encoding, Front, Genome, Goal, LatencyTable, Method, Predictor as _, Problem, Screened, Search,
};
use sapwood_supernet::Family;

use crate::{Error, latency::keys};

/// What can be wanted and limited: the share of examples that the predictor expects to be right,
/// parameters, multiply-accumulates, and the milliseconds that a table says.
pub const METRICS: [&str; 4] = ["accuracy", "params", "macs", "latency_ms"];

/// All that a search among a family's networks looks at.
pub struct Searching<'a> {
    /// The networks.
    pub family: &'a Family,
    /// What predicts their accuracy.
    pub predictor: &'a (Encoding, Chosen),
    /// What predicts their latency.
    pub table: Option<&'a LatencyTable>,
}

impl Searching<'_> {
    /// Searches, with so many looks.
    pub fn run(&self, goal: &Goal, method: Method, looks: usize, seed: u64) -> Result<Front, Error> {
        let unknown = goal.metrics().iter().find(|metric| !METRICS.contains(&metric.as_str()));
        if let Some(metric) = unknown {
            let name = sapwood_core::UnknownName::new("metric", metric, METRICS);
            return Err(Error::Usage(name.to_string()));
        }
        match self.table {
            Some(table) => drop(table.for_space(self.family.name())?),
            None if goal.metrics().iter().any(|metric| metric == "latency_ms") => {
                return Err(Error::Usage("latency wants a table: measure one with `latency build`".into()));
            }
            None => {}
        }
        let limited: Vec<String> =
            goal.constraints().iter().map(|limit| limit.metric().to_string()).collect();
        // What a problem was is kept: the searcher only knows that there was one.
        let problem: Mutex<Option<Error>> = Mutex::new(None);
        let keep = |error: Error| {
            let text = error.to_string();
            *problem.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(error);
            Problem::from(text)
        };
        let screen = |genome: &Genome| {
            self.values(&limited, std::slice::from_ref(genome)).map(|mut rows| rows.remove(0)).map_err(keep)
        };
        let full = |genomes: &[Genome]| self.values(goal.metrics(), genomes).map_err(keep);
        let mut search = Search::new(self.family.space().clone(), goal.clone(), method, seed);
        let found = search.run(looks, &mut Screened::new(screen, full));
        match problem.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(found?),
        }
    }

    /// Metrics of networks.
    fn values(&self, metrics: &[String], genomes: &[Genome]) -> Result<Vec<Vec<f64>>, Error> {
        let (encoding, chosen) = self.predictor;
        let accuracies = match metrics.iter().any(|metric| metric == "accuracy") {
            true => chosen.predictor.predict(&encoding.rows(self.family.space(), genomes))?,
            false => vec![0.0; genomes.len()],
        };
        let row = |(genome, accuracy): (&Genome, f64)| {
            let anatomy = self.family.graph(genome)?.anatomy(self.family.whole().input())?;
            let value = |metric: &String| match metric.as_str() {
                "accuracy" => Ok(accuracy),
                "params" => Ok(anatomy.params() as f64),
                "macs" => Ok(anatomy.macs() as f64),
                _ => self.latency(genome),
            };
            metrics.iter().map(value).collect()
        };
        genomes.iter().zip(accuracies).map(row).collect()
    }

    fn latency(&self, genome: &Genome) -> Result<f64, Error> {
        match self.table {
            Some(table) => Ok(table.predict(keys(self.family, genome)?)?),
            None => Ok(f64::NAN),
        }
    }
}
