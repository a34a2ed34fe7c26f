//! Takes channels out of a network: out of its layers, its values, its masks, and what an optimiser remembers.
//!
//! A mask removes nothing: a network with masks has the size of the one without, and takes as long. Here what is
//! masked leaves. The principal type is [`Removal`], the units of a network's [`Groups`](sapwood_graph::Groups) that leave; [`shrink`]
//! carries it out. The design decision behind it is that a removal is exact or refused: channels leave together by
//! the index, wherever an operation ties them, and what a masked network passes on of a channel is computed before
//! the channel leaves ([`Constants`]). So a shrunk network gives the outputs of the masked one.
//!
//! Nothing here runs a network. How good a channel is others say, with a number for each weight; [`GroupScore`]
//! makes one of each unit, and a [`Target`] is how many leave.
//!
//! ```
//! use sapwood_graph::{Array, Conv, Graph, Groups, Masks, State};
//! use sapwood_shrink::{Removal, shrink};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut g = Graph::builder([1, 4, 4]);
//! let x = g.conv("conv", g.input(), Conv::new(3, 3).no_bias());
//! let x = g.relu(x);
//! let x = g.flatten(x);
//! g.linear("fc", x, 2);
//! let graph = g.finish()?;
//! let mut state = State::default();
//! state.0.insert("conv.weight".into(), Array::from_fn([3, 1, 3, 3], |at| at as f32));
//! state.0.insert("fc.weight".into(), Array::from_fn([2, 12], |at| at as f32));
//! state.0.insert("fc.bias".into(), Array::from_fn([2], |at| at as f32));
//!
//! let groups = Groups::of(&graph)?;
//! let mut removal = Removal::none(&groups);
//! removal.take(0, 1);
//! let small = shrink(&graph, &state, &Masks::new(), &removal)?;
//! assert_eq!(small.state.0["conv.weight"].shape(), [2, 1, 3, 3]);
//! assert_eq!(small.state.0["fc.weight"].shape(), [2, 8]);
//! # Ok(())
//! # }
//! ```

mod blocks;
mod constants;
mod cost;
mod curve;
mod dead;
mod error;
mod floors;
mod fold;
mod group_score;
mod layers;
mod removal;
mod select;
mod sums;
mod surgery;
mod take;
mod target;

pub use blocks::without_zero_branches;
pub use constants::Constants;
pub use cost::Cost;
pub use dead::{Dead, Kept};
pub use error::Error;
pub use group_score::{GroupScore, Members, Normaliser, Reduction, WeightScores, squares};
pub use removal::Removal;
pub use select::{Chosen, Selection};
pub use surgery::{Shrunk, Surgery, shrink};
pub use target::{Share, Target};
