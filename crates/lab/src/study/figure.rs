//! The figure by which the runs of a study are compared.

use std::collections::BTreeMap;

use super::{Group, Row};
use crate::{
    report::{Cell, Point},
    statistics::{Proportion, Summary},
};

/// What a run is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figure {
    /// The share of right classes on the test split.
    Accuracy,
    /// The share of right cells, for boards.
    Cells,
    /// Whether the rule of the Game of Life was learnt: a share of the replicates.
    Rule,
}

impl Figure {
    /// Those of a study, the principal one first.
    pub(super) fn of(rows: &[Row]) -> Vec<Self> {
        // In a sweep it may be tried of some variants alone.
        if rows.iter().any(|row| row.rule.is_some()) {
            return vec![Self::Rule, Self::Cells];
        }
        match rows.first() {
            Some(row) if row.outcome.test.exact.is_some() => vec![Self::Cells],
            _ => vec![Self::Accuracy],
        }
    }

    /// Its name, with its unit.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "test accuracy (%)",
            Self::Cells => "cells right on test boards (%)",
            Self::Rule => "rule learnt (% of replicates)",
        }
    }

    /// Its value for one run; `None` where it was not tried.
    fn value(self, row: &Row) -> Option<f64> {
        match self {
            Self::Accuracy | Self::Cells => Some(100.0 * row.outcome.test.top1),
            Self::Rule => row.rule.map(|learnt| if learnt { 100.0 } else { 0.0 }),
        }
    }

    /// Its value for each replicate of which there is one, by its number.
    pub(super) fn values(self, group: &Group<'_>) -> BTreeMap<u64, f64> {
        group.rows.iter().filter_map(|row| Some((row.run.replicate, self.value(row)?))).collect()
    }

    /// Its mean over replicates and their spread; `None` where nothing was tried.
    fn summary(self, group: &Group<'_>) -> Option<Summary> {
        Summary::of(&self.values(group).into_values().collect::<Vec<f64>>())
    }

    /// The mean over replicates, with its spread: one standard deviation to each side, or
    /// Wilson's interval of 95 % of a share. `None` where nothing was tried.
    pub(super) fn point(self, x: f64, group: &Group<'_>) -> Option<Point> {
        let summary = self.summary(group)?;
        let mean = summary.mean;
        let interval = match self {
            Self::Rule => {
                learnt(group).map(|share| (100.0 * share.interval.low, 100.0 * share.interval.high))
            }
            _ => summary.standard_deviation.map(|sd| (mean - sd, mean + sd)),
        };
        let (low, high) = interval.unwrap_or((mean, mean));
        Some(Point { x, mean, low: low.max(0.0), high: high.min(100.0) })
    }

    /// The mean as a table shows it: with the standard deviation, or with the interval.
    pub(super) fn cell(self, group: &Group<'_>) -> Cell {
        match (self, self.summary(group)) {
            (_, None) => Cell::none(),
            (Self::Rule, Some(summary)) => match learnt(group) {
                Some(share) => Cell::written(
                    summary.mean,
                    format!(
                        "{}/{} ({:.0} to {:.0} %)",
                        share.successes,
                        share.trials,
                        100.0 * share.interval.low,
                        100.0 * share.interval.high
                    ),
                ),
                None => Cell::none(),
            },
            (_, Some(summary)) => match summary.standard_deviation {
                Some(deviation) => Cell::spread(summary.mean, deviation, 2),
                None => Cell::fixed(summary.mean, 2),
            },
        }
    }
}

/// The share that learnt the rule, of the replicates of which that was tried.
fn learnt(group: &Group<'_>) -> Option<Proportion> {
    let tried = group.rows.iter().filter_map(|row| row.rule);
    Proportion::new(tried.clone().filter(|learnt| *learnt).count(), tried.count())
}
