//! The best sub-network for a device.

use std::{cell::RefCell, collections::BTreeMap};

use sapwood_search::{
    Chosen, Encoding, Front, Genome, Goal, LatencyTable, Method, Predictor as _, Problem, Screened, Search,
};
use sapwood_supernet::Family;

use crate::{
    Error,
    latency::{Coverage, Measured, predicted, predicted_energy},
};

/// What can be wanted and limited: the share of examples that the predictor expects to be right,
/// parameters, multiply-accumulates, and the milliseconds and millijoules that a table says.
pub const METRICS: [&str; 5] = ["accuracy", "params", "macs", LATENCY, ENERGY];
const LATENCY: &str = "latency_ms";
const ENERGY: &str = "energy_mj";

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
    /// Searches, with this number of looks.
    ///
    /// # Errors
    /// Those of [`check`]; a table that lacks a block of a network that was looked at.
    pub fn run(&self, goal: &Goal, method: Method, looks: usize, seed: u64) -> Result<Front, Error> {
        let mut search = Search::new(self.family.space().clone(), goal.clone(), method, seed);
        self.go_on(&mut search, looks, |_| Ok::<_, Error>(()))
    }

    /// Goes on with a search of the family's space, or of that space [narrowed](sapwood_search::Space::narrowed), until it has had so
    /// many looks in all. `between` sees it after every round, when it can be saved.
    ///
    /// # Errors
    /// Those of [`Searching::run`], and of `between`.
    pub fn go_on<E: From<Error>>(
        &self,
        search: &mut Search<Method>,
        looks: usize,
        mut between: impl FnMut(&Search<Method>) -> Result<(), E>,
    ) -> Result<Front, E> {
        let goal = search.goal().clone();
        check(self.family, self.table, &goal)?;
        let own = self.family.space();
        let narrowed = (search.space() != own).then(|| search.space().clone());
        let of = |genome: &Genome| match &narrowed {
            Some(narrowed) => Ok(own.adopt(narrowed, genome)?),
            None => Ok::<_, Error>(genome.clone()),
        };
        let limited: Vec<String> =
            goal.constraints().iter().map(|limit| limit.metric().to_string()).collect();
        let known = RefCell::new(BTreeMap::new());
        // What a problem was is kept: the searcher only knows that there was one.
        let problem: RefCell<Option<Error>> = RefCell::new(None);
        let keep = |error: Error| {
            let text = error.to_string();
            *problem.borrow_mut() = Some(error);
            Problem::from(text)
        };
        let values = |metrics: &[String], genomes: &[Genome]| {
            let genomes: Vec<Genome> = genomes.iter().map(of).collect::<Result<_, _>>()?;
            self.values((metrics, goal.metrics()), &genomes, &known)
        };
        let screen = |genome: &Genome| {
            let rows = values(&limited, std::slice::from_ref(genome));
            rows.map(|mut rows| rows.remove(0)).map_err(keep)
        };
        let full = |genomes: &[Genome]| values(goal.metrics(), genomes).map_err(keep);
        let mut evaluator = Screened::new(screen, full);
        loop {
            let end = search.round(looks, &mut evaluator);
            if let Some(error) = problem.borrow_mut().take() {
                return Err(error.into());
            }
            if end.map_err(Error::from)?.is_some() {
                return Ok(search.front().map_err(Error::from)?);
            }
            between(search)?;
        }
    }

    /// Metrics of networks, of all that are wanted. What is counted of one is kept: a searcher looks at many again, and
    /// counting builds the network's whole graph.
    fn values(
        &self,
        (metrics, wanted): (&[String], &[String]),
        genomes: &[Genome],
        known: &RefCell<BTreeMap<Genome, Counted>>,
    ) -> Result<Vec<Vec<f64>>, Error> {
        let (encoding, chosen) = self.predictor;
        let accuracies = match metrics.iter().any(|metric| metric == "accuracy") {
            true => chosen.predictor.predict(&encoding.rows(self.family.space(), genomes))?,
            false => vec![0.0; genomes.len()],
        };
        let mut known = known.borrow_mut();
        let row = |(genome, accuracy): (&Genome, f64)| {
            let counted = match known.get(genome) {
                Some(counted) => *counted,
                None => *known.entry(genome.clone()).or_insert(self.counted(genome, wanted)?),
            };
            let value = |metric: &String| match metric.as_str() {
                "accuracy" => accuracy,
                "params" => counted.params,
                "macs" => counted.macs,
                LATENCY => counted.latency,
                _ => counted.energy,
            };
            Ok(metrics.iter().map(value).collect())
        };
        genomes.iter().zip(accuracies).map(row).collect()
    }

    /// What is wanted of a table; the rest is no number.
    fn counted(&self, genome: &Genome, wanted: &[String]) -> Result<Counted, Error> {
        let graph = self.family.graph(genome)?;
        let anatomy = graph.anatomy(self.family.whole().input())?;
        let asked = |metric: &str| self.table.filter(|_| wanted.iter().any(|each| each == metric));
        let (params, macs) = (anatomy.params() as f64, anatomy.macs() as f64);
        let latency = asked(LATENCY).map(|table| predicted(table, self.family, genome)).transpose()?;
        let energy = asked(ENERGY).map(|table| predicted_energy(table, self.family, genome)).transpose()?;
        Ok(Counted { params, macs, latency: latency.unwrap_or(f64::NAN), energy: energy.unwrap_or(f64::NAN) })
    }
}

/// Refuses what is wanted and cannot be known, before anything is learnt or searched.
///
/// # Errors
/// A metric that there is not, a table of another space, or none where it is wanted.
pub fn check(family: &Family, table: Option<&LatencyTable>, goal: &Goal) -> Result<(), Error> {
    let unknown = goal.metrics().iter().find(|metric| !METRICS.contains(&metric.as_str()));
    if let Some(metric) = unknown {
        return Err(sapwood_core::UnknownName::new("metric", metric, METRICS).into());
    }
    let wants = |metric: &str| goal.metrics().iter().any(|each| each == metric);
    match table {
        Some(table) => drop(table.for_space(family.name())?),
        None if wants(LATENCY) => {
            return Err(Error::NoTable { measured: Measured::Times });
        }
        None if wants(ENERGY) => {
            return Err(Error::NoTable { measured: Measured::Energies });
        }
        None => {}
    }
    Ok(())
}

/// What a table has of what is wanted of it: of times, of energies, of both or of neither.
///
/// # Errors
/// As [`Coverage::of`].
pub fn coverage(family: &Family, table: &LatencyTable, goal: &Goal) -> Result<Vec<Coverage>, Error> {
    let wanted = [(LATENCY, Measured::Times), (ENERGY, Measured::Energies)];
    let wanted = wanted.into_iter().filter(|(metric, _)| goal.metrics().iter().any(|each| each == metric));
    wanted.map(|(_, measured)| Coverage::of(table, family, measured)).collect()
}

/// What a network's layers say.
#[derive(Clone, Copy)]
struct Counted {
    params: f64,
    macs: f64,
    latency: f64,
    energy: f64,
}
