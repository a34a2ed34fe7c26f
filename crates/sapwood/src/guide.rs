//! Pages for what goes beyond the first program, each a program that runs as a test.
//!
//! The first program is on the [front page](crate): a network is trained, pruned, trained again and written to a file.

pub mod answers_without_burn;
pub mod integers;
pub mod own_loop;
pub mod progressive_shrinking;
pub mod search_under_latency;
pub mod sparse_training;
