//! One closed training loop, with our own optimisers, hooks, learning-rate
//! schedules, evaluation and checkpoints.
//!
//! The principal type is the [`Trainer`]: it takes a [`Recipe`], a network and a
//! [`Source`](sapwood_core::Source) of batches, and gives back a [`Trained`]
//! network with the [curve](Row) of its run. Whatever else should happen on the
//! way enters as a [`Hook`].
//!
//! The one design decision: everything that a run is made of can be named. The
//! optimisers are ours because their memory must be reachable by parameter path:
//! masks zero it, hooks look at it, checkpoints restore it to the bit. And there
//! is no random state to save: what is random in a run (the order of the data,
//! augmentation) is a pure function of a seed and the epoch, and lives in the
//! source of batches, so that the position in training is all that a checkpoint
//! needs to hold of it. A run that is killed and started again therefore ends
//! with the same bytes.
//!
//! Masked weights are zero when training starts, and so is all that the optimiser
//! remembers of them. Their gradients are zeroed, so each step adds zero to zero;
//! weights are never multiplied by masks again, and nothing is copied.
//!
//! ```
//! use burn::{module::Module, nn::{Linear, LinearConfig}, tensor::Tensor};
//! use sapwood_backend::DeviceSpec;
//! use sapwood_core::{Batch, Network, Pass, Source, SourceError, Target, ExampleShape};
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
//! /// Two examples in one batch.
//! struct Two;
//!
//! impl Source for Two {
//!     fn examples(&self) -> usize { 2 }
//!     fn batches(&self) -> usize { 1 }
//!     fn shape(&self) -> ExampleShape { [1, 1, 2].into() }
//!     fn epoch(&self, _epoch: usize, from: usize)
//!         -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + '_>
//!     {
//!         let batch = Batch::new([2, 1, 1, 2], vec![1.0, 0.0, 0.0, 1.0], Target::Class(vec![0, 1]));
//!         Box::new(std::iter::once(batch.map_err(SourceError::from)).skip(from))
//!     }
//! }
//!
//! let device = DeviceSpec::CPU.resolve().unwrap();
//! let network = Softmax { fc: LinearConfig::new(2, 2).init(&device) };
//! let recipe = Recipe::new(20, Sgd { momentum: 0.9, nesterov: true }, 0.5);
//! let trained = Trainer::new(recipe, &device).test(&Two).run_blocking(network, &Two).unwrap();
//! assert_eq!(trained.curve.last().unwrap().test.unwrap().top1, 1.0);
//! ```

mod adamw;
mod attention;
mod blocks;
mod checkpoints;
mod clip;
mod connectivity;
mod curve;
mod distillation;
mod distilled;
mod error;
mod evaluate;
mod features;
mod hook;
mod kept;
mod l2_sp;
mod live;
mod mask;
mod mixing;
mod objective;
mod optimizer;
mod progress;
mod range_test;
mod recipe;
mod retraining;
mod schedule;
mod sgd;
mod shared_weights;
mod shown;
mod snapshot;
mod trainer;
mod unfreezing;
mod watched;
pub mod worth;

pub use adamw::AdamW;
pub use checkpoints::{Checkpoints, Rejected, Resumed};
pub use clip::{clip, global_norm};
pub use connectivity::{Connectivity, connectivity};
pub use curve::Row;
pub use distillation::Distillation;
pub use distilled::Distilled;
pub use error::{Error, HookError};
pub use evaluate::{Evaluation, evaluate, evaluate_outputs};
pub use hook::{Hook, OnEpoch, StepReport, Update};
pub use kept::{Average, Best};
pub use l2_sp::L2Sp;
pub use live::Live;
pub use mixing::{Mixed, Mixing};
pub use objective::{Lesson, Objective, StepContext, Supervised};
pub use optimizer::{Memory, Optimizer, Rates, Slots};
pub use progress::Progress;
pub use range_test::{RangeTest, Tried};
pub use recipe::{Decay, Plan, Recipe};
pub use retraining::Retraining;
pub use schedule::{Length, Schedule};
pub use sgd::Sgd;
pub use shared_weights::SharedWeights;
pub use trainer::{Trained, Trainer};
pub use unfreezing::Unfreezing;
pub use watched::evaluate_watched;
