//! The figure by which the runs of a study are compared.

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
        match rows.first() {
            Some(row) if row.rule.is_some() => vec![Self::Rule, Self::Cells],
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

    /// Its value for one run.
    pub(super) fn value(self, row: &Row) -> f64 {
        match self {
            Self::Accuracy | Self::Cells => 100.0 * row.outcome.test.top1,
            Self::Rule => 100.0 * f64::from(u8::from(row.rule == Some(true))),
        }
    }

    /// The mean over replicates, with its spread: one standard deviation to each side, or
    /// Wilson's interval of 95 % of a share.
    pub(super) fn point(self, x: f64, group: &Group<'_>) -> Point {
        let values: Vec<f64> = group.values(|row| self.value(row)).into_values().collect();
        let summary = Summary::of(&values);
        let mean = summary.map_or(f64::NAN, |summary| summary.mean);
        let interval = match self {
            Self::Rule => {
                learnt(group).map(|share| (100.0 * share.interval.low, 100.0 * share.interval.high))
            }
            _ => summary.and_then(|summary| summary.standard_deviation).map(|sd| (mean - sd, mean + sd)),
        };
        let (low, high) = interval.unwrap_or((mean, mean));
        Point { x, mean, low: low.max(0.0), high: high.min(100.0) }
    }

    /// The mean as a table shows it: with the standard deviation, or with the interval.
    pub(super) fn cell(self, group: &Group<'_>) -> Cell {
        let values: Vec<f64> = group.values(|row| self.value(row)).into_values().collect();
        match (self, Summary::of(&values)) {
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

/// The share of the replicates that learnt the rule.
pub(super) fn learnt(group: &Group<'_>) -> Option<Proportion> {
    Proportion::new(group.rows.iter().filter(|row| row.rule == Some(true)).count(), group.rows.len())
}
