//! A GELU that an exporter wrote as its formula: `x * 0.5 * (1 + erf(x / sqrt(2)))`.

use std::f32::consts::SQRT_2;

use sapwood_graph::Activation;

use super::{call::Refusal, value::Data};

/// A part of the formula that is nothing by itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub(super) kind: Kind,
    /// The `x` of the formula.
    pub(super) x: Data,
    /// The operation and the node that made it, for who has to be told that it is not supported.
    pub(super) operation: String,
    pub(super) node: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `x / sqrt(2)`
    Scaled,
    /// `erf(x / sqrt(2))`
    Erf,
    /// `1 + erf(x / sqrt(2))`
    PlusOne,
    /// `x (1 + erf(x / sqrt(2)))`
    Twice,
    /// `x / 2`
    Half,
    /// `(1 + erf(x / sqrt(2))) / 2`
    Share,
}

impl Part {
    /// Without the rest of the formula the node that made it is not supported.
    pub(super) fn refuse(&self) -> Refusal {
        Refusal::Other { operation: self.operation.clone(), node: self.node.clone() }
    }
}

/// What a value times or divided by a number is a part of.
pub(super) fn scaled(by: f32, kind: Option<Kind>) -> Option<Step> {
    let close = |expected: f32| (by - expected).abs() < 1e-6;
    match kind {
        None if close(1.0 / SQRT_2) => Some(Step::Part(Kind::Scaled)),
        None if close(0.5) => Some(Step::Part(Kind::Half)),
        Some(Kind::Twice) if close(0.5) => Some(Step::Whole(Activation::Gelu)),
        Some(Kind::PlusOne) if close(0.5) => Some(Step::Part(Kind::Share)),
        _ => None,
    }
}

/// What a product of the formula is.
pub(super) fn product(a: Option<Kind>, b: Option<Kind>) -> Option<Step> {
    match (a, b) {
        (None, Some(Kind::PlusOne)) | (Some(Kind::PlusOne), None) => Some(Step::Part(Kind::Twice)),
        (Some(Kind::Half), Some(Kind::PlusOne)) | (Some(Kind::PlusOne), Some(Kind::Half)) => {
            Some(Step::Whole(Activation::Gelu))
        }
        (None, Some(Kind::Share)) | (Some(Kind::Share), None) => Some(Step::Whole(Activation::Gelu)),
        _ => None,
    }
}

/// Where a formula is after an operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    Part(Kind),
    Whole(Activation),
}
