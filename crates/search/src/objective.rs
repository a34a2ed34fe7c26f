//! What is wanted, and what is allowed.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Error;

/// A metric that should become large or small.
///
/// ```
/// use sapwood_search::Objective;
///
/// assert_eq!("max accuracy".parse::<Objective>()?, Objective::maximise("accuracy"));
/// # Ok::<(), sapwood_search::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Objective {
    metric: String,
    maximise: bool,
}

impl Objective {
    /// The larger the better.
    pub fn maximise(metric: impl Into<String>) -> Self {
        Self { metric: metric.into(), maximise: true }
    }

    /// The smaller the better.
    pub fn minimise(metric: impl Into<String>) -> Self {
        Self { metric: metric.into(), maximise: false }
    }

    /// The name of the metric.
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// The value as a cost: the smaller the better, whatever the direction.
    pub(crate) fn cost(&self, value: f64) -> f64 {
        // Costs are sorted in an order in which -0 stands before 0: there is 0 alone.
        0.0 + if self.maximise { -value } else { value }
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", if self.maximise { "max" } else { "min" }, self.metric)
    }
}

impl FromStr for Objective {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.trim().split_once(char::is_whitespace) {
            Some(("max", metric)) => Ok(Self::maximise(metric.trim())),
            Some(("min", metric)) => Ok(Self::minimise(metric.trim())),
            _ => Err(Error::Text {
                what: "objective",
                found: text.into(),
                expected: "a direction and a metric, as in `max accuracy` or `min latency_ms`",
            }),
        }
    }
}

/// A limit on a metric.
///
/// ```
/// use sapwood_search::Constraint;
///
/// let limit: Constraint = "latency_ms <= 12".parse()?;
/// assert_eq!(limit, Constraint::at_most("latency_ms", 12.0));
/// # Ok::<(), sapwood_search::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Constraint {
    metric: String,
    at_most: bool,
    limit: f64,
}

impl Constraint {
    /// The metric must not exceed the limit.
    pub fn at_most(metric: impl Into<String>, limit: f64) -> Self {
        Self { metric: metric.into(), at_most: true, limit }
    }

    /// The metric must not fall below the limit.
    pub fn at_least(metric: impl Into<String>, limit: f64) -> Self {
        Self { metric: metric.into(), at_most: false, limit }
    }

    /// The name of the metric.
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// The limit, in the metric's unit.
    pub fn limit(&self) -> f64 {
        self.limit
    }

    pub(crate) fn is_upper(&self) -> bool {
        self.at_most
    }

    /// How far a value is beyond the limit, as a fraction of the limit (of 1, if that is
    /// 0), so that violations of limits in different units can be added; 0 within.
    pub fn violation(&self, value: f64) -> f64 {
        let beyond = if self.at_most { value - self.limit } else { self.limit - value };
        let unit = if self.limit == 0.0 { 1.0 } else { self.limit.abs() };
        if beyond <= 0.0 { 0.0 } else { beyond / unit }
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.metric, if self.at_most { "<=" } else { ">=" }, self.limit)
    }
}

impl FromStr for Constraint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let read = || {
            let (at_most, (metric, limit)) = match text.split_once("<=") {
                Some(sides) => (true, sides),
                None => (false, text.split_once(">=")?),
            };
            let (metric, limit) = (metric.trim().to_string(), limit.trim().parse::<f64>().ok()?);
            (limit.is_finite() && !metric.is_empty()).then_some(Self { metric, at_most, limit })
        };
        read().ok_or_else(|| Error::Text {
            what: "constraint",
            found: text.into(),
            expected: "a metric, `<=` or `>=`, and a number, as in `latency_ms <= 12`",
        })
    }
}

/// Reading and writing both as strings.
macro_rules! as_text {
    ($type:ty) => {
        impl TryFrom<String> for $type {
            type Error = Error;

            fn try_from(text: String) -> Result<Self, Error> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }
    };
}
as_text!(Objective);
as_text!(Constraint);
