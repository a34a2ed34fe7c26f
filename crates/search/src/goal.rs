//! Objectives and constraints together.

use serde::{Deserialize, Serialize};

use crate::{Constraint, Error, Objective};

/// What is wanted and what is allowed, checked: at least one objective, no metric
/// wanted twice, no limits that exclude each other.
///
/// ```
/// use sapwood_search::Goal;
///
/// let goal = Goal::new(["max accuracy".parse()?], ["latency_ms <= 12".parse()?])?;
/// assert_eq!(goal.metrics(), ["accuracy", "latency_ms"]);
/// # Ok::<(), sapwood_search::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Goal {
    objectives: Vec<Objective>,
    constraints: Vec<Constraint>,
    metrics: Vec<String>,
    /// For each constraint the position of its metric.
    constrained: Vec<usize>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    objectives: Vec<Objective>,
    #[serde(default)]
    constraints: Vec<Constraint>,
}

impl Goal {
    /// A goal.
    ///
    /// # Errors
    /// No objective, two for the same metric, a limit that is not finite, or limits that
    /// exclude each other.
    pub fn new(
        objectives: impl IntoIterator<Item = Objective>,
        constraints: impl IntoIterator<Item = Constraint>,
    ) -> Result<Self, Error> {
        let wrong = |problem| Err(Error::Goal { problem });
        let objectives: Vec<Objective> = objectives.into_iter().collect();
        let constraints: Vec<Constraint> = constraints.into_iter().collect();
        if objectives.is_empty() {
            return wrong("there is no objective: give at least one, such as `max accuracy`".into());
        }
        let mut metrics: Vec<String> = Vec::new();
        for objective in &objectives {
            if metrics.iter().any(|metric| metric == objective.metric()) {
                return wrong(format!("`{}` is an objective twice: leave one out", objective.metric()));
            }
            metrics.push(objective.metric().into());
        }
        let mut constrained = Vec::new();
        for constraint in &constraints {
            if !constraint.limit().is_finite() {
                return wrong(format!("the limit in `{constraint}` is not finite: give a number"));
            }
            let metric = constraint.metric();
            let at = metrics.iter().position(|each| each == metric).unwrap_or(metrics.len());
            if at == metrics.len() {
                metrics.push(metric.into());
            }
            constrained.push(at);
            let excludes = |other: &&Constraint| {
                let (upper, lower) =
                    if constraint.is_upper() { (constraint, *other) } else { (*other, constraint) };
                other.metric() == metric
                    && other.is_upper() != constraint.is_upper()
                    && upper.limit() < lower.limit()
            };
            if let Some(other) = constraints.iter().find(excludes) {
                return wrong(format!("`{constraint}` and `{other}` exclude each other: loosen one"));
            }
        }
        Ok(Self { objectives, constraints, metrics, constrained })
    }

    /// What is wanted.
    pub fn objectives(&self) -> &[Objective] {
        &self.objectives
    }

    /// What is allowed.
    pub fn constraints(&self) -> &[Constraint] {
        &self.constraints
    }

    /// The metrics that an evaluation gives, in this order: those of the objectives, then
    /// those that are only constrained.
    pub fn metrics(&self) -> &[String] {
        &self.metrics
    }

    /// The objectives of an evaluation as costs: the smaller the better.
    pub(crate) fn costs(&self, values: &[f64]) -> Vec<f64> {
        self.objectives.iter().zip(values).map(|(objective, value)| objective.cost(*value)).collect()
    }

    /// The sum of the violations of all constraints; 0 where everything is allowed.
    pub(crate) fn violation(&self, values: &[f64]) -> f64 {
        let each = self.constraints.iter().zip(&self.constrained);
        each.map(|(constraint, at)| constraint.violation(values[*at])).sum()
    }

    /// The values of the constrained metrics, one for each constraint.
    pub(crate) fn limited(&self, values: &[f64]) -> Vec<f64> {
        self.constrained.iter().map(|at| values[*at]).collect()
    }
}

impl TryFrom<Written> for Goal {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self, Error> {
        Self::new(written.objectives, written.constraints)
    }
}

impl From<Goal> for Written {
    fn from(goal: Goal) -> Self {
        Self { objectives: goal.objectives, constraints: goal.constraints }
    }
}
