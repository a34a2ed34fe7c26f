//! Which weights of a network are worth keeping: masks, the criteria that rank
//! weights, and the exact selection between them.
//!
//! The principal type is [`MaskSet`], one bit per prunable weight. It comes about
//! in two steps that know nothing of each other. A [`Criterion`] gives every weight
//! a score, higher meaning keep; a [`Cut`] (a [`Sparsity`], an [`Allocation`], a
//! [`Scope`]) turns scores into bits.
//!
//! The one design decision is where that line runs: a criterion maps tensors to
//! tensors, asks the network through a [`Probe`] that can change nothing, and reads
//! no value. So a criterion is one short file, it works on every device, and it
//! cannot get the counting wrong; counting is done once, for all of them. It is
//! exact: of N weights `floor(s N + 1/2)` are removed, with s the decimal that was
//! written, and ties go by path and then by flat index in PyTorch's layout, so that
//! the same scores give the same masks everywhere. Where a hundredth of all weights in several layers
//! are equal that order would empty the last layers: there it is one that is drawn, layer by layer. Of blocks,
//! kernels and filters the sparsity is the fraction of groups, and what a pattern does not fit stays dense.
//! What the scores did not decide is a [`Warning`] of [`Pruned`].
//!
//! ```
//! use burn::{
//!     module::Module,
//!     nn::{Linear, LinearConfig},
//!     tensor::{Tensor, activation::relu},
//! };
//! use sapwood_backend::DeviceSpec;
//! use sapwood_core::{Network, Pass};
//! use sapwood_prune::{Cut, Magnitude, NetworkProbe};
//!
//! #[derive(Module, Debug)]
//! struct TwoLayers {
//!     fc1: Linear,
//!     fc2: Linear,
//! }
//!
//! impl Network for TwoLayers {
//!     type Input = Tensor<4>;
//!     type Output = Tensor<2>;
//!
//!     fn forward(&self, input: Tensor<4>, _pass: &mut Pass<'_>) -> Tensor<2> {
//!         self.fc2.forward(relu(self.fc1.forward(input.flatten(1, 3))))
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let device = DeviceSpec::CPU.resolve()?;
//! let network = TwoLayers {
//!     fc1: LinearConfig::new(64, 32).init(&device),
//!     fc2: LinearConfig::new(32, 10).init(&device),
//! };
//!
//! let cut = Cut::to("0.9".parse()?);
//! let masks = cut.masks_blocking(&Magnitude, &NetworkProbe::new(&network), None)?;
//! let network = masks.apply(network)?;
//!
//! assert_eq!((masks.kept(), masks.total()), (237, 64 * 32 + 32 * 10));
//! # let _ = network;
//! # Ok(())
//! # }
//! ```

mod ablation;
mod allocation;
mod at_places;
mod attach;
mod channels;
mod criteria;
mod criterion;
mod cut;
mod density;
mod diagnosis;
mod error;
mod flow;
mod gradual;
mod granularity;
mod hessian;
mod iterations;
mod layer_columns;
mod mask_set;
mod needs;
mod network_probe;
mod options;
mod param_tensors;
mod probe;
mod prunable;
mod pruned;
mod ranking;
mod reconstruction;
mod regrowth;
mod round;
mod scores;
mod shuffled;
mod sparsity;
mod state_probe;
mod ties;
mod warning;

pub use ablation::Ablation;
pub(crate) use allocation::share_out;
pub use allocation::{ALLOCATIONS, Allocation, AllocationEntry, AllocationTable, Share};
pub use attach::PruneMask;
pub use channels::{ChannelScore, Counted, keep_out_of_scope};
pub use criteria::{
    BnScale, Build, CRITERIA, Criteria, CriterionEntry, Fisher, FlowNorm, Force, Fpgm, GradientMagnitude,
    Grasp, GraspAbs, GraspEstimator, IterativeSnip, Magnitude, Movement, NormalizedMagnitude, Random, Snip,
    SnipVariant, SparseGpt, Stored, SynFlow, Wanda, build, criterion, find, plain,
};
pub use criterion::{Criterion, Removed};
pub use cut::Cut;
pub use density::LayerDensity;
pub use diagnosis::{Diagnosis, LayerHealth};
pub use error::Error;
pub use flow::effective;
pub use gradual::Gradual;
pub use granularity::Granularity;
pub use hessian::hessian_vector;
pub use iterations::{Course, Iterations, RoundExamples};
pub use layer_columns::{Gram, LayerColumns};
pub use mask_set::MaskSet;
pub use needs::Needs;
pub use network_probe::NetworkProbe;
pub use options::Options;
pub use param_tensors::{ParamTensors, mean_over_examples};
pub use probe::{Probe, Response};
pub use prunable::{Prunable, Scope};
pub use pruned::Pruned;
pub use reconstruction::{LayerProblem, Reconstruction, Swept};
pub use regrowth::{Anneal, Growth, Regrowth, SparseLayer};
pub use round::Round;
pub use sapwood_core::{Network, Norm, Pass};
pub use scores::{ScoreTensors, Scores};
pub use sparsity::Sparsity;
pub use state_probe::StateProbe;
pub use ties::{TieBreak, Ties};
pub use warning::Warning;
