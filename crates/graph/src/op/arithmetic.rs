//! Functions of single values, of two, and of many.

use serde::{Deserialize, Serialize};

/// A function of two values, the first input's first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Binary {
    /// `a - b`
    Sub,
    /// `a b`
    Mul,
    /// `a / b`
    Div,
    /// `a` to the power of `b`
    Pow,
    /// The larger one.
    Max,
    /// The smaller one.
    Min,
}

impl Binary {
    /// Every one.
    pub const ALL: [Self; 6] = [Self::Sub, Self::Mul, Self::Div, Self::Pow, Self::Max, Self::Min];

    /// What nodes with it are called: `sub`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sub => "sub",
            Self::Mul => "mul",
            Self::Div => "div",
            Self::Pow => "pow",
            Self::Max => "max",
            Self::Min => "min",
        }
    }
}

/// A function of one value that is no activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unary {
    /// `-x`
    Neg,
    /// `|x|`
    Abs,
    /// `e` to the power of `x`
    Exp,
    /// The natural logarithm.
    Log,
    /// The square root.
    Sqrt,
    /// `1 / x`
    Reciprocal,
    /// The error function.
    Erf,
    /// The largest integer that is not larger.
    Floor,
    /// The smallest integer that is not smaller.
    Ceil,
    /// The sine.
    Sin,
    /// The cosine.
    Cos,
}

impl Unary {
    /// Every one.
    pub const ALL: [Self; 11] = [
        Self::Neg,
        Self::Abs,
        Self::Exp,
        Self::Log,
        Self::Sqrt,
        Self::Reciprocal,
        Self::Erf,
        Self::Floor,
        Self::Ceil,
        Self::Sin,
        Self::Cos,
    ];

    /// What nodes with it are called: `neg`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Neg => "neg",
            Self::Abs => "abs",
            Self::Exp => "exp",
            Self::Log => "log",
            Self::Sqrt => "sqrt",
            Self::Reciprocal => "reciprocal",
            Self::Erf => "erf",
            Self::Floor => "floor",
            Self::Ceil => "ceil",
            Self::Sin => "sin",
            Self::Cos => "cos",
        }
    }
}

/// One figure of many values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reduction {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// The largest.
    Max,
    /// The smallest.
    Min,
    /// The square root of the sum of their squares.
    L2,
}

impl Reduction {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Sum, Self::Mean, Self::Max, Self::Min, Self::L2];

    /// What nodes with it are called: `reduce_sum`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sum => "reduce_sum",
            Self::Mean => "reduce_mean",
            Self::Max => "reduce_max",
            Self::Min => "reduce_min",
            Self::L2 => "reduce_l2",
        }
    }
}
