//! Networks that run as fast as what is left of them: a graph with its values becomes a plan for this
//! processor, and a session of the plan answers.
//!
//! The principal type is [`Plan`], which [`Runtime::plan`] makes of a
//! [`Graph`](sapwood_graph::Graph) and a [`State`](sapwood_graph::State): normalisations are folded into the
//! convolutions before them, in f64; additions and activations happen where a sum is still in registers;
//! each layer has a kernel, its weights in the order in which that reads them, and each value a place in one
//! piece of memory that others use before and after. A [`Session`] owns such memory and its threads, so a
//! run takes none; a plan can be shared by any number of them.
//!
//! The design decision is that a plan is a value and not a file: making it takes about as long as reading
//! the weights, and what is fastest is a property of the processor that runs it. No tensor library is
//! involved, and nothing is asked of the caller's profile: the loops are compiled in `sapwood-kernels`.
//!
//! [`Runtime::plan_integers`] makes the same of a [`QuantizedNetwork`](sapwood_graph::QuantizedNetwork), which then
//! computes with bytes; [`Exact`] says what these must be, and is equal to ONNX Runtime.
//!
//! Results do not depend on the number of threads nor on how many images are computed at once; on the level of
//! instructions they depend as sums in another order do. At AVX-512 they depend on the processor, too, in one kind of
//! layer: where sparse layers sum planes whose rows begin at lines of the cache, how many outputs and vectors pass at
//! once, and by that in how many parts a sum is made, is what is fastest on processors that compute such registers by
//! halves (Zen 4), or on others. What is computed with integers is the same everywhere.
//!
//! ```
//! use sapwood_graph::{Array, Conv, Graph, State};
//! use sapwood_runtime::Runtime;
//!
//! let mut g = Graph::builder([1, 4, 4]);
//! let x = g.conv("conv", g.input(), Conv::new(2, 3).same().no_bias());
//! let x = g.relu(x);
//! g.global_avg_pool(x);
//! let graph = g.finish()?;
//! let weights = Array::from_fn([2, 1, 3, 3], |at| if at < 9 { 1.0f32 } else { -1.0 });
//! let state = State([("conv.weight".into(), weights)].into());
//!
//! let plan = Runtime::new().threads(2).plan(&graph, &state)?;
//! let mut session = plan.session()?;
//! // Of ones, a 3x3 window sums 4, 6 or 9 where it meets a corner, an edge or neither.
//! assert_eq!(session.run(&[1.0; 16])?, [6.25, 0.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod build;
mod choose;
mod cost;
mod each;
mod error;
mod exact;
mod fold;
mod heads;
mod integers;
mod layer;
mod lower;
mod memory;
mod places;
mod plain;
mod plan;
mod planar;
mod profile;
mod runtime;
mod schedule;
mod session;
mod tight;

pub use error::Error;
pub use exact::Exact;
pub use plan::Plan;
pub use profile::{Profile, Row};
pub use runtime::Runtime;
pub use session::Session;

pub use sapwood_kernels::{Level, infer::integers::Dots};
