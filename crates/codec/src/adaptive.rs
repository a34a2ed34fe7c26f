//! Adaptive binary arithmetic coding: decisions, contexts that learn how likely they are, and the
//! models that make decisions of values.

mod arithmetic;
mod blend;
mod levels;
mod mixer;
mod neighbours;
mod probability;
mod symbols;

pub(crate) use self::{
    arithmetic::{Binary, Decoder, Encoder, Learning},
    levels::Levels,
    probability::Probability,
    symbols::Symbols,
};
