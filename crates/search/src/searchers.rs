//! The searchers, and the table of all that are built in.

mod evolution;
mod linas;
mod local;
mod nsga2;
mod random;
mod regularised;

pub use evolution::Evolution;
pub use linas::Linas;
pub use local::LocalSearch;
pub use nsga2::Nsga2;
pub use random::Random;
pub use regularised::RegularisedEvolution;

use serde::{Deserialize, Serialize};

use crate::{Error, Genome, Searcher, View};

/// Any of the built-in searchers, chosen by name: in TOML, `method = "nsga2"` and its
/// options beside it.
///
/// ```
/// use sapwood_search::Method;
///
/// let method: Method = toml::from_str("method = \"nsga2\"\npopulation = 40")?;
/// assert_eq!(method.name(), "nsga2");
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "kebab-case")]
pub enum Method {
    /// See [`Random`].
    Random(Random),
    /// See [`RegularisedEvolution`].
    RegularisedEvolution(RegularisedEvolution),
    /// See [`Evolution`].
    Evolution(Evolution),
    /// See [`Nsga2`].
    Nsga2(Nsga2),
    /// See [`LocalSearch`].
    LocalSearch(LocalSearch),
    /// See [`Linas`].
    Linas(Linas),
}

/// A row of [`METHODS`].
#[derive(Clone, Copy, Debug)]
pub struct MethodEntry {
    /// The name by which it is asked for.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// Where it was published, or empty.
    pub paper: &'static str,
    /// It with its default options.
    pub build: fn() -> Method,
}

/// All searchers, in the order in which they are shown.
pub const METHODS: &[MethodEntry] = &[
    MethodEntry {
        name: "random",
        about: "every genome with the same chance: the baseline",
        paper: "",
        build: || Method::Random(Random::default()),
    },
    MethodEntry {
        name: "regularised-evolution",
        about: "the best of a sample has a child, the oldest dies",
        paper: "Real et al., AAAI 2019, arXiv 1802.01548",
        build: || Method::RegularisedEvolution(RegularisedEvolution::default()),
    },
    MethodEntry {
        name: "evolution",
        about: "the best quarter has mutants and crossovers",
        paper: "Cai et al., ICLR 2020, arXiv 1908.09791",
        build: || Method::Evolution(Evolution::default()),
    },
    MethodEntry {
        name: "nsga2",
        about: "ranks by Pareto front, then by how crowded it is there",
        paper: "Deb et al. 2002, IEEE TEVC 6(2)",
        build: || Method::Nsga2(Nsga2::default()),
    },
    MethodEntry {
        name: "local-search",
        about: "evaluates the neighbours of what is best, and starts again where none is better",
        paper: "Paquete et al. 2004; White et al. 2021, arXiv 2004.08996",
        build: || Method::LocalSearch(LocalSearch::default()),
    },
    MethodEntry {
        name: "linas",
        about: "searches predictions, measures the best, and fits the predictor again",
        paper: "Cummings et al. 2022, arXiv 2202.12934",
        build: || Method::Linas(Linas::default()),
    },
];

impl Method {
    /// The searcher of this name with its default options.
    ///
    /// # Errors
    /// A name that is not in [`METHODS`].
    pub fn named(name: &str) -> Result<Self, Error> {
        let row = METHODS.iter().find(|row| row.name == name);
        let names = METHODS.iter().map(|row| row.name);
        Ok((row.ok_or_else(|| Error::unknown("searcher", name, names))?.build)())
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Random(_) => "random",
            Self::RegularisedEvolution(_) => "regularised-evolution",
            Self::Evolution(_) => "evolution",
            Self::Nsga2(_) => "nsga2",
            Self::LocalSearch(_) => "local-search",
            Self::Linas(_) => "linas",
        }
    }

    fn inner(&self) -> &dyn Searcher {
        match self {
            Self::Random(searcher) => searcher,
            Self::RegularisedEvolution(searcher) => searcher,
            Self::Evolution(searcher) => searcher,
            Self::Nsga2(searcher) => searcher,
            Self::LocalSearch(searcher) => searcher,
            Self::Linas(searcher) => searcher,
        }
    }

    fn inner_mut(&mut self) -> &mut dyn Searcher {
        match self {
            Self::Random(searcher) => searcher,
            Self::RegularisedEvolution(searcher) => searcher,
            Self::Evolution(searcher) => searcher,
            Self::Nsga2(searcher) => searcher,
            Self::LocalSearch(searcher) => searcher,
            Self::Linas(searcher) => searcher,
        }
    }
}

impl Searcher for Method {
    fn ask(&mut self, view: &View<'_>) -> Result<Vec<Genome>, Error> {
        self.inner_mut().ask(view)
    }

    fn tell(&mut self, view: &View<'_>, asked: &[usize]) {
        self.inner_mut().tell(view, asked);
    }

    fn check(&self, evaluations: usize) -> Result<(), Error> {
        self.inner().check(evaluations)
    }
}

/// Refuses a number that is too small.
fn at_least(field: &str, least: usize, found: usize) -> Result<(), Error> {
    match least <= found {
        true => Ok(()),
        false => Err(Error::option(field, format!("at least {least}"), found)),
    }
}

/// Refuses a fraction outside (0, 1].
fn fraction(field: &str, found: f64) -> Result<(), Error> {
    match 0.0 < found && found <= 1.0 {
        true => Ok(()),
        false => Err(Error::option(field, "above 0 and at most 1", found)),
    }
}

/// Refuses a population that a history of this many evaluations does not have.
fn belongs<'a>(population: impl IntoIterator<Item = &'a usize>, evaluations: usize) -> Result<(), Error> {
    match population.into_iter().find(|at| evaluations <= **at) {
        None => Ok(()),
        Some(at) => {
            let problem =
                format!("the searcher names evaluation {at} of {evaluations}: it is of another history");
            Err(Error::State { problem })
        }
    }
}
