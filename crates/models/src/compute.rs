//! What operations without parameters compute.

mod activations;
mod arithmetic;
mod attention;
mod moves;
mod pools;
mod resize;

pub(crate) use activations::activate;
pub(crate) use arithmetic::{add, binary, matmul, reduce, softmax, unary};
pub(crate) use attention::attention;
pub(crate) use moves::{concat, expand, pad, slice, subsample, transpose, wrap};
pub(crate) use pools::{avg_pool, max_pool};
pub(crate) use resize::resize;
