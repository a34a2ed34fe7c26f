//! Progressive shrinking: one training gives networks of all sizes of a family of your own.
//!
//! The layers of each network are written down once, with what can be chosen. The largest network is trained
//! first and then teaches smaller ones, phase after phase (Cai et al. 2020); each is cut out as an ordinary network.
//!
//! ```
//! use std::{path::Path, sync::Arc};
//! use sapwood::{core::Observed, data, graph::Graph, prelude::*, search::{Choice, Space}};
//! use sapwood::supernet::{Distillation, Family, Judge, Open, Phase, Progressive, Rule, RunContext, Supernet};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let device = "cpu".parse::<DeviceSpec>()?.resolve()?;
//! let digits = |split| data::open("digits", split, Path::new("data"), &OpenOptions::default());
//! let shuffled = LoaderOptions { batch_size: 64, order: Order::Shuffled(Seed(1)), ..Default::default() };
//! let train = Loader::new(Arc::new(digits(Split::Train)?), shuffled)?;
//! let test = Loader::new(Arc::new(digits(Split::Test)?), LoaderOptions::default())?;
//!
//! // One or two hidden layers of 16, 32 or 64 units.
//! let widths = ["16", "32", "64"];
//! let space = Space::new("mlp", vec![
//!     Choice::new("depth", ["1", "2"]),
//!     Choice::new("width.0", widths),
//!     Choice::new("width.1", widths).when("depth", ["2"]),
//! ])?;
//! let family = Family::new(space, |chosen| {
//!     let mut g = Graph::builder([1, 8, 8]);
//!     let mut x = g.input();
//!     for layer in 0..chosen.get("depth")? {
//!         x = g.linear(&format!("fc{layer}"), x, chosen.get(&format!("width.{layer}"))?);
//!         x = g.relu(x);
//!     }
//!     g.linear("classifier", x, 10);
//!     Ok(g.finish()?)
//! })?;
//!
//! // First the largest network, then any depth, then any width too: a tenth of the images is an epoch here.
//! let phase = |name: &str, open| Phase {
//!     name: name.into(),
//!     open,
//!     rule: Rule::Random { subnets: 2 },
//!     distillation: (name != "largest").then(Distillation::default),
//!     recipe: Recipe::new(100, Sgd { momentum: 0.9, nesterov: true }, 0.05),
//! };
//! let phases =
//!     [phase("largest", Open::default()), phase("depth", Open::options([("depth", ["1"])])), phase("width", Open::all())];
//!
//! // What is finished lies in the folder: a training that is killed goes on from there.
//! let folder = Path::new("runs/mlp");
//! # let folder = &std::env::temp_dir().join(format!("sapwood-shrinking-{}", std::process::id()));
//! let supernet = Supernet::new(&family, &device);
//! let training = Progressive { supernet: &supernet, spec: None, phases: &phases, seed: Seed(1), label: "mlp".into() };
//! let supernet = training.train_blocking(&train, folder, &RunContext::new(&device))?;
//! # std::fs::remove_dir_all(folder)?;
//!
//! let calibration = train.epoch(0, 0).take(4).collect::<Result<Vec<Batch>, _>>()?;
//! let judge = Judge::new(&calibration, &test, &device);
//! for genome in [family.smallest(), family.largest()] {
//!     let found = judge.judge_blocking(&supernet, &genome)?;
//!     println!("{}: {} parameters, {:.1} %", family.space().text(&genome), found.params, 100.0 * found.top1);
//!     assert!(found.top1 > 0.8);
//! }
//! let small = judge.cut(&supernet, &family.smallest())?;
//! assert_eq!(small.graph().anatomy([1, 8, 8])?.params(), (64 + 1) * 16 + (16 + 1) * 10);
//! # Ok(())
//! # }
//! ```
