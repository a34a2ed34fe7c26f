//! One supernet for many devices, from its training to the networks that run on them.
//!
//! A [`SearchExperiment`] says it all: a supernet is trained; some of its sub-networks are judged,
//! so that the accuracy of the others can be predicted; the blocks of its space are timed on this
//! machine; under each limit on the latency the best sub-network is searched for, cut out,
//! fine-tuned and measured. Beside each stands the same network trained by itself, and the
//! [`Outcome`] tells what both ways cost.
//!
//! Each step has a folder of its own, which says what decides it, what came of it and what it
//! cost: a study that was killed goes on by the same command, and a step that is done is only read.

mod economics;
mod experiment;
mod machine;
mod outcome;
mod page;
mod searches;
mod step;
mod study;

pub use economics::Economics;
pub use experiment::{Latencies, Limit, PairsConfig, SearchExperiment, Searched, Tuning};
pub use outcome::{Found, Outcome, Target, Tuned};
pub use study::{Place, carry_out};
