//! Masks that change while a network is trained: gradual pruning, by magnitude or movement, and the
//! exchange of weights of SET and RigL.
//!
//! The principal type is [`SparseTraining`], a value that says how masks change; its
//! [`hook`](SparseTraining::hook) does it in a training.
//!
//! Beside it a [`Regulariser`] makes whole channels small, so that little is lost when they are taken out.
//!
//! The one design decision: schedules are those of `prune`, which are pure functions of the iteration, and
//! what a method adds up it keeps in the optimiser's memory. So nothing here has a state of its own: a
//! training that was killed and started again ends with the same bytes, and what cannot be kept in a
//! training is refused before its first step.
//!
//! ```
//! use burn::{module::Module, nn::{Linear, LinearConfig}, tensor::Tensor};
//! use sapwood_backend::{DeviceSpec, Seed};
//! use sapwood_core::{Batch, ExampleShape, Network, Pass, Source, SourceError, Target};
//! use sapwood_prune::{Anneal, Cut, Growth, NetworkProbe, Random};
//! use sapwood_sparse::SparseTraining;
//! use sapwood_train::{Recipe, Sgd, Trainer};
//!
//! #[derive(Module, Debug)]
//! struct Softmax {
//!     fc: Linear,
//! }
//!
//! impl Network for Softmax {
//!     type Input = Tensor<4>;
//!     type Output = Tensor<2>;
//!
//!     fn forward(&self, input: Tensor<4>, _pass: &mut Pass<'_>) -> Tensor<2> {
//!         self.fc.forward(input.flatten(1, 3))
//!     }
//! }
//!
//! /// Four examples in one batch: each has the class of the one value that is not zero.
//! struct Four;
//!
//! impl Source for Four {
//!     fn examples(&self) -> usize { 4 }
//!     fn batches(&self) -> usize { 1 }
//!     fn shape(&self) -> ExampleShape { [1, 1, 4].into() }
//!     fn epoch(&self, _epoch: usize, from: usize)
//!         -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_>
//!     {
//!         let input = (0..16).map(|at| f32::from(u8::from(at % 5 == 0))).collect();
//!         let batch = Batch::new([4, 1, 1, 4], input, Target::Class(vec![0, 1, 2, 3]));
//!         Box::new(std::iter::once(batch.map_err(SourceError::from)).skip(from))
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let device = DeviceSpec::CPU.resolve()?;
//! let network = Softmax { fc: LinearConfig::new(4, 4).init(&device) };
//! let sparse = Cut::to("50%".parse()?).masks_blocking(&Random(Seed(1)), &NetworkProbe::new(&network), None)?;
//!
//! let recipe = Recipe::new(30, Sgd { momentum: 0.9, nesterov: true }, 0.5);
//! let rigl = SparseTraining::Regrow {
//!     growth: Growth::Gradient,
//!     fraction: 0.3,
//!     anneal: Anneal::Cosine,
//!     until: "20it".parse()?,
//!     every: "3it".parse()?,
//! };
//! let hook = rigl.hook(&recipe.clone().plan(Four.batches())?, Seed(1), &network, sparse.as_masks())?;
//! let trainer = Trainer::new(recipe, &device).masks(sparse.as_masks().clone()).hooks([hook]);
//! let trained = trainer.run_blocking(network, &Four)?;
//!
//! // As many weights as before, and others.
//! let kept = |masks: &sapwood_core::Masks| masks.values().map(|mask| mask.count_ones()).sum::<usize>();
//! assert_eq!(kept(&trained.masks), 8);
//! assert_ne!(trained.masks, *sparse.as_masks());
//! # Ok(())
//! # }
//! ```

mod during;
mod error;
mod exchange;
mod gradual;
mod movement;
mod regulariser;
mod sparse_training;

pub use during::During;
pub use error::Error;
pub use gradual::GradualScore;
pub use regulariser::Regulariser;
pub use sparse_training::SparseTraining;
