//! The most accurate network that is fast enough on a device, from one training.
//!
//! A supernet is trained. A table says how long each block takes on the device, and a predictor learns from a few
//! sub-networks how accurate the others are. Then a search under a limit runs no network at all; what it finds is cut out
//! of the supernet.
//!
//! ```
//! use std::{path::Path, sync::Arc};
//! use sapwood::{core::Silent, data, graph::Graph, prelude::*};
//! use sapwood::deploy::{Pairs, Sample, Searching, latency::{Engine, Stopwatch, predicted}};
//! use sapwood::search::{Choice, Constraint, Goal, Method, Objective, Space};
//! use sapwood::supernet::{Family, Judge, Open, Phase, Progressive, Rule, RunContext, Supernet};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let device = "cpu".parse::<DeviceSpec>()?.resolve()?;
//! let digits = |split| data::open("digits", split, Path::new("data"), &OpenOptions::default());
//! let shuffled = LoaderOptions { batch_size: 64, order: Order::Shuffled(Seed(1)), ..Default::default() };
//! let train = Loader::new(Arc::new(digits(Split::Train)?), shuffled)?;
//! let unseen = Loader::new(Arc::new(digits(Split::Test)?), LoaderOptions::default())?;
//! let folder = Path::new("runs/fast-enough");
//! # let folder = &std::env::temp_dir().join(format!("sapwood-fast-enough-{}", std::process::id()));
//!
//! let widths = ["8", "16", "32", "64", "128", "256"];
//! let family = Family::new(Space::new("two-layers", vec![Choice::new("hidden", widths)])?, |chosen| {
//!     let mut g = Graph::builder([1, 8, 8]);
//!     let x = g.linear("fc1", g.input(), chosen.get("hidden")?);
//!     let x = g.relu(x);
//!     g.linear("fc2", x, 10);
//!     Ok(g.finish()?)
//! })?;
//! let phases = [Phase {
//!     name: "all".into(),
//!     open: Open::all(),
//!     rule: Rule::Sandwich { subnets: 2 },
//!     distillation: None,
//!     recipe: Recipe::new(100, Sgd { momentum: 0.9, nesterov: true }, 0.05),
//! }];
//! let untrained = Supernet::new(&family, &device);
//! let label = "two-layers".to_string();
//! let training = Progressive { supernet: &untrained, spec: None, phases: &phases, seed: Seed(1), label: label.clone() };
//! let supernet = training.train_blocking(&train, folder, &RunContext::new(&device))?;
//!
//! // How long the blocks take here, image by image.
//! let engine = Engine::Runtime { threads: 1 };
//! let date = "2026-11-28".to_string();
//! let stopwatch = Stopwatch { engine, date, batch: 1, rounds: 2, runs: 5, seconds: 5.0 };
//! let table = stopwatch.table(&family, "this machine", &Silent)?;
//!
//! // How accurate some sub-networks are, and what a predictor makes of that.
//! let calibration = train.epoch(0, 0).take(4).collect::<Result<Vec<Batch>, _>>()?;
//! let judge = Judge::new(&calibration, &unseen, &device);
//! let sample = Sample { count: 5, listed: None, seed: Seed(1), origin: label };
//! let pairs = Pairs::collect(&supernet, &judge, &sample, &folder.join("pairs.csv"), &Silent)?;
//! let predictor = pairs.predictor(&family, 1)?;
//!
//! // At most the time that the middle one of all networks takes.
//! let times = family.space().genomes().map(|genome| predicted(&table, &family, &genome));
//! let mut times = times.collect::<Result<Vec<f64>, _>>()?;
//! times.sort_by(f64::total_cmp);
//! let limit = times[times.len() / 2];
//! let goal = Goal::new([Objective::maximise("accuracy")], [Constraint::at_most("latency_ms", limit)])?;
//! let searching = Searching { family: &family, predictor: &predictor, table: Some(&table) };
//! let front = searching.run(&goal, Method::named("random")?, 1000, 1)?;
//!
//! let best = front.best().ok_or("no network is fast enough")?;
//! assert!(predicted(&table, &family, &best.genome)? <= limit);
//! let found = judge.judge_blocking(&supernet, &best.genome)?;
//! println!("{}: {:.1} %", family.space().text(&best.genome), 100.0 * found.top1);
//! assert!(found.top1 > 0.8);
//! let network: Net = judge.cut(&supernet, &best.genome)?;
//! # std::fs::remove_dir_all(folder)?;
//! # let _ = network;
//! # Ok(())
//! # }
//! ```
