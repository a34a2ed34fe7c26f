//! RigL: a network that is sparse from its first step on, and finds in training which weights it needs.
//!
//! One weight in ten is kept, more of them in small layers, at random. At every 20th step the smallest weights
//! go, and as many come back where the gradient is largest (Evci et al. 2020).
//! [`SparseTraining::Gradual`](crate::sparse::SparseTraining::Gradual) is the other way round: dense at first, ever sparser.
//!
//! ```
//! use std::{path::Path, sync::Arc};
//! use sapwood::{data, prelude::*};
//! use sapwood::{prune::{Anneal, Growth}, sparse::SparseTraining};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (device, seed) = ("cpu".parse::<DeviceSpec>()?.resolve()?, Seed(1));
//! let digits = |split| data::open("digits", split, Path::new("data"), &OpenOptions::default());
//! let shuffled = LoaderOptions { batch_size: 64, order: Order::Shuffled(seed), ..Default::default() };
//! let train = Loader::new(Arc::new(digits(Split::Train)?), shuffled)?;
//! let test = Loader::new(Arc::new(digits(Split::Test)?), LoaderOptions::default())?;
//! let net = Init::default().apply(Spec::named("lenet-300-100")?.fit(train.dataset().shape(), 10).net(&device)?, seed);
//!
//! let cut = Cut::to("0.9".parse()?).allocation(Allocation::ErdosRenyiKernel);
//! let masks = cut.masks_blocking(&Random(seed), &NetworkProbe::new(&net), None)?;
//!
//! let recipe = Recipe::new(15, Sgd { momentum: 0.9, nesterov: true }, 0.05);
//! let rigl = SparseTraining::Regrow {
//!     growth: Growth::Gradient,
//!     fraction: 0.3,
//!     anneal: Anneal::Cosine,
//!     until: "10ep".parse()?,
//!     every: "20it".parse()?,
//! };
//! let hook = rigl.hook(&recipe.clone().plan(train.batches())?, seed, &net, masks.as_masks())?;
//! let trainer = Trainer::new(recipe, &device).masks(masks.as_masks().clone()).hooks([hook]);
//! let trained = trainer.run_blocking(net, &train)?;
//!
//! let after = MaskSet::from(trained.masks);
//! assert_eq!(after.kept(), masks.kept());
//! assert!(0 < after.minus(&masks)?.kept(), "no weight came back");
//! let answers = block_on(evaluate(&trained.network, &test, &device))?;
//! assert!(answers.top1 > 0.8, "{}", answers.top1);
//! # Ok(())
//! # }
//! ```
