//! Makes neural networks small, and shows that they are still good.
//!
//! This crate is the whole library under one name, and the one interface that is
//! promised: each module is a crate that can also be used alone, and the
//! [`prelude`] has the few names that nearly every program needs. It holds no
//! code of its own, so that nothing can be done here that a crate below cannot do.
//!
//! # From images to a smaller network
//!
//! A network learns the embedded handwritten digits, loses 90 % of its weights,
//! learns again, and goes to a file that PyTorch's tools can read too:
//!
//! ```
//! use std::{path::Path, sync::Arc};
//! use sapwood::{data, models, prelude::*};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (device, seed) = ("cpu".parse::<DeviceSpec>()?.resolve()?, Seed(1));
//! let digits = |split| data::open("digits", split, Path::new("data"), &OpenOptions::default());
//! let shuffled = LoaderOptions { batch_size: 64, order: Order::Shuffled(seed), ..Default::default() };
//! let train = Loader::new(Arc::new(digits(Split::Train)?), shuffled)?;
//! let test = Loader::new(Arc::new(digits(Split::Test)?), LoaderOptions::default())?;
//!
//! let spec = Spec::named("lenet-300-100")?.fit(train.dataset().shape(), 10);
//! let net = Init::named("kaiming-normal")?.apply(spec.net(&device)?, seed);
//! let recipe = Recipe::new(5, Sgd { momentum: 0.9, nesterov: true }, 0.05);
//! let dense = Trainer::new(recipe.clone(), &device).run_blocking(net, &train)?.network;
//!
//! let probe = NetworkProbe::new(&dense);
//! let masks = Cut::to("0.9".parse()?).masks_blocking(&Magnitude, &probe, None)?;
//! let sparse = Trainer::new(recipe, &device).masks(masks.into_masks()).run_blocking(dense, &train)?;
//!
//! let answers = block_on(evaluate(&sparse.network, &test, &device))?;
//! assert!(answers.top1 > 0.8, "{}", answers.top1);
//! let state = block_on(State::read(&sparse.network))?;
//! let file = models::pack(&spec, Some(&test.dataset().trained_on()), state, sparse.masks)?.to_bytes()?;
//! # let folder = std::env::temp_dir().join(format!("sapwood-guide-{}", std::process::id()));
//! # let path = folder.join("sparse.safetensors");
//! write_atomic(&path, &file)?;
//! let opened = models::open(&path, None, &device)?;
//! assert_eq!((opened.spec, opened.trained_on.unwrap().data.as_str()), (spec, "digits"));
//! # std::fs::remove_dir_all(folder)?;
//! # Ok(())
//! # }
//! ```
//!
//! The [`guide`] has a program for each further thing: RigL in training, masks in a training loop of your own,
//! progressive shrinking of a family of your own, the best network under a latency table, and integers of 8 bits.
//!
//! # What goes in its place
//!
//! - **Another network**: any name of [`models::MODELS`], or a Burn module of
//!   your own with a [`core::Network`] implementation of one method.
//! - **Another data set**: any name of [`data::CATALOGUE`], or your own
//!   [`core::Source`] of batches.
//! - **Another way of pruning**: any row of [`prune::CRITERIA`] and
//!   [`prune::ALLOCATIONS`], or your own [`prune::Criterion`]. Criteria that need
//!   gradients get their examples through `NetworkProbe::with_examples`, those that
//!   look at layers want `NetworkProbe::observed`. A [`prune::Cut`] has the rest:
//!   rounds, granularity, controls.
//! - **Another course of training**: the fields of [`train::Recipe`]; whatever is
//!   not among them enters as a [`train::Hook`], as masks that change do ([`sparse::SparseTraining`]).
//! - **What really leaves**: a [`shrink::Removal`] of [`graph::Groups`], or what is [`shrink::Dead`].
//! - **Which architecture**: a [`search::Space`] and one of [`search::METHODS`].
//! - **Many networks in one**: a [`supernet::Family`], by name or of your own.
//! - **Few bits**: a [`quant::Ptq`], and what it made in a file.
//! - **Runs that survive being killed**: `Trainer::checkpoints`.
//! - **Another device**: `vulkan`, `cuda:1` and so on, with the feature of that
//!   name. None is on by default; `flex` is the CPU.

pub use sapwood_backend as backend;
pub use sapwood_core as core;
pub use sapwood_data as data;
pub use sapwood_deploy as deploy;
pub use sapwood_graph as graph;
pub use sapwood_models as models;
pub use sapwood_prune as prune;
pub use sapwood_quant as quant;
pub use sapwood_runtime as runtime;
pub use sapwood_search as search;
pub use sapwood_shrink as shrink;
pub use sapwood_sparse as sparse;
pub use sapwood_supernet as supernet;
pub use sapwood_train as train;

pub mod guide;

/// The names that nearly every program needs.
///
/// `open` is not among them: `data::open` reads a data set and `models::open` a
/// weight file.
pub mod prelude {
    pub use sapwood_backend::{DeviceSpec, Seed, block_on};
    pub use sapwood_core::{Batch, ModuleState, Network, Pass, Source, State, Target, write_atomic};
    pub use sapwood_data::{Loader, LoaderOptions, OpenOptions, Order, Split};
    pub use sapwood_models::{Init, Net, Spec};
    pub use sapwood_prune::{Allocation, Cut, Magnitude, MaskSet, NetworkProbe, Random, Snip, Sparsity};
    pub use sapwood_train::{AdamW, Recipe, Schedule, Sgd, Trainer, evaluate};
}
