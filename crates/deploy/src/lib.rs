//! The best sub-network for a device.
//!
//! Its principal type is [`Searching`]: among the networks of a family it looks for those that a
//! predictor, which learnt from [`Pairs`] of networks and accuracies, expects to be right most often, under limits
//! on what a table of [`latency`] says that they take. The table is of the device's blocks, which a
//! [`latency::Stopwatch`] times.
//!
//! The one design decision: nothing is trained in a search, and no network is run. What a network
//! takes is a sum over its blocks, what it is worth a prediction; so tens of thousands of networks
//! are looked at in seconds, and what was measured once serves every limit.
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use sapwood_core::Graph;
//! use sapwood_deploy::{Pairs, Searching, latency::keys};
//! use sapwood_search::{BlockTime, Choice, Constraint, Goal, LatencyTable, Method, Objective, Space};
//! use sapwood_supernet::Family;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let space = Space::new("one-layer", vec![Choice::new("hidden", ["8", "16", "24", "32", "64"])])?;
//! let family = Family::new(space, |chosen| {
//!     let mut g = Graph::builder([1, 8, 8]);
//!     let x = g.linear("fc1", g.input(), chosen.get("hidden")?);
//!     let x = g.relu(x);
//!     g.linear("fc2", x, 10);
//!     Ok(g.finish()?)
//! })?;
//! let networks: Vec<_> = (0..5).map(|at| family.space().genome(&[at])).collect::<Result<_, _>>()?;
//!
//! // What `Stopwatch::table` measures of a device, and `Pairs::collect` of a supernet; here by hand.
//! let mut blocks = BTreeMap::new();
//! for (at, network) in networks.iter().enumerate() {
//!     let time = BlockTime { ms: 0.1 + 0.1 * at as f64, spread_ms: 0.0, runs: 1, mj: None };
//!     blocks.extend(keys(&family, network)?.into_iter().map(|key| (key, time)));
//! }
//! let table = LatencyTable::of(family.name(), "a phone", 1, blocks);
//! let accuracies = [0.80, 0.84, 0.88, 0.92, 0.96];
//! let pairs = Pairs { pairs: networks.into_iter().zip(accuracies).collect() };
//!
//! let predictor = pairs.predictor(&family, 0)?;
//! let searching = Searching { family: &family, predictor: &predictor, table: Some(&table) };
//! let goal = Goal::new([Objective::maximise("accuracy")], [Constraint::at_most("latency_ms", 0.7)])?;
//! let front = searching.run(&goal, Method::named("random")?, 100, 1)?;
//! let best = front.best().ok_or("no network")?;
//! assert_eq!(family.space().text(&best.genome), "hidden=24");
//! # Ok(())
//! # }
//! ```

mod error;
mod in_order;
pub mod latency;
mod pairs;
mod searching;

pub use error::Error;
pub use pairs::{Pairs, Sample};
pub use searching::{METRICS, Searching, check, coverage};
