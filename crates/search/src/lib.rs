//! The best sub-network for a device: search spaces, searchers, predictors, latency tables.
//!
//! The principal type is [`Space`], a value that says what can be chosen: the kernel sizes,
//! widths and depths of a supernet, or the rows of a benchmark table. Everything else works on
//! any space. A [`Searcher`] proposes [`Genome`]s, an [`Evaluator`] says what they are worth,
//! and a [`Search`] leads from one to the other and keeps every evaluation.
//!
//! The one design decision is that a genome is always in canonical form. In a network of
//! elastic depth most encodings carry options of blocks that are not there; two encodings of
//! one network then count as two, are evaluated twice, and bias every sample. Here they are
//! equal, so counting is exact, sampling is uniform over networks, and a cache finds what was
//! evaluated before.
//!
//! This crate reads no file, no clock and no environment, and it knows no network: latency,
//! accuracy and the list of a network's blocks come from whoever calls it. All randomness is a
//! function of the seed.
//!
//! ```
//! use sapwood_search::{Genome, Goal, Method, Problem, Screened, Search, ofa_mbv3};
//!
//! # fn main() -> Result<(), sapwood_search::Error> {
//! let space = ofa_mbv3(&[224])?;
//! let goal = Goal::new(["max score".parse()?], ["blocks <= 12".parse()?])?;
//! let mut search = Search::new(space.clone(), goal, Method::named("regularised-evolution")?, 7);
//!
//! // What a real caller would measure or predict: here, large kernels in few blocks.
//! let blocks = |genome: &Genome| -> f64 {
//!     space.genes().iter().filter(|gene| gene.len() == 2 && space.active(genome, gene[0])).count() as f64
//! };
//! let kernels = |genome: &Genome| -> f64 { genome.positions()[6..26].iter().map(|k| f64::from(*k)).sum() };
//! let mut evaluator = Screened::new(
//!     |genome: &Genome| Ok(vec![blocks(genome)]),
//!     |genomes: &[Genome]| -> Result<_, Problem> {
//!         Ok(genomes.iter().map(|genome| vec![kernels(genome), blocks(genome)]).collect())
//!     },
//! );
//! let front = search.run(2000, &mut evaluator)?;
//!
//! let best = front.best().expect("some networks have 12 blocks or fewer");
//! assert!(20.0 <= best.values[0] && best.values[1] <= 12.0, "{}", space.text(&best.genome));
//! # Ok(())
//! # }
//! ```

mod choice;
mod error;
mod evaluator;
mod feasible;
mod front;
mod genome;
mod goal;
mod history;
mod hypervolume;
mod latency;
mod nearest;
mod objective;
mod predictor;
mod ranking;
mod rows;
mod search;
mod searcher;
mod searchers;
mod space;
mod streams;
mod tabular;
mod view;

pub use choice::Choice;
pub use error::{Error, few};
pub use evaluator::{Evaluator, Parallel, Problem, Screened};
pub use front::{Front, Member};
pub use genome::Genome;
pub use goal::Goal;
pub use history::History;
pub use hypervolume::hypervolume;
pub use latency::{BlockTime, Blocks, LatencyTable, Naming};
pub use objective::{Constraint, Objective};
pub use predictor::{
    Bagged, Calibration, Chosen, CrossValidated, Learning, LearningPoint, Mlp, Predictor, PredictorKind,
    Quality, Ridge, choose, cross_validate, kendall_tau, rmse,
};
pub use rows::Rows;
pub use search::{End, Search};
pub use searcher::Searcher;
pub use searchers::{
    Evolution, Linas, LocalSearch, METHODS, Method, MethodEntry, Nsga2, Random, RegularisedEvolution,
};
pub use space::{
    Encoding, PUBLISHED, PublishedSpace, Space, ofa_mbv3, ofa_proxyless, ofa_resnet50d, published,
};
pub use streams::Rng;
pub use tabular::Table;
pub use view::{Batch, View};
