//! What came of a study.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Limit, economics::Economics};
use crate::{
    ledger::{Account, Carbon},
    report::{Cell, Table},
    supernet::{Judged, short},
};

/// A network that a search found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Its choices, as `sapwood-search` writes them.
    pub architecture: Value,
    /// The share of the held-out images that it is expected to get right.
    pub accuracy: f64,
    /// The milliseconds that it is expected to take.
    pub latency_ms: f64,
}

/// A network that was cut out and trained further.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tuned {
    /// As it was cut out, by the held-out images: what was predicted.
    pub held_out: f64,
    /// As it was cut out, by the test split.
    pub cut: f64,
    /// After fine-tuning, by the test split.
    pub tuned: Judged,
}

/// What all training and search gave for one limit.
#[derive(Clone, Debug)]
pub struct Target {
    /// What was allowed.
    pub limit: Limit,
    /// The same in milliseconds.
    pub limit_ms: f64,
    /// The network that the search found.
    pub found: Found,
    /// What became of it.
    pub tuned: Tuned,
    /// The milliseconds that it takes, measured.
    pub measured_ms: f64,
    /// The same network trained by itself, by the test split.
    pub alone: Judged,
    /// What fine-tuning cost.
    pub tuning: Account,
    /// What training it by itself cost.
    pub training: Account,
}

/// How well a predictor did in cross-validation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Predicting {
    /// Its name.
    pub name: String,
    /// The root of the mean square error, as a share.
    pub rmse: f64,
    /// Kendall's rank correlation; none where all accuracies are the same.
    pub tau: Option<f64>,
}

/// All that came of a study.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The largest network inside the supernet, by the test split.
    pub largest: Judged,
    /// The milliseconds that it takes, predicted and measured.
    pub largest_ms: [f64; 2],
    /// How many networks were judged, from which accuracies are predicted.
    pub judged: usize,
    /// The predictors, the one that was chosen first.
    pub predictors: Vec<Predicting>,
    /// What is expected of the networks that no other one is expected to beat.
    pub front: Vec<Found>,
    /// One for each limit.
    pub targets: Vec<Target>,
    /// What was paid once, by step.
    pub once: Vec<(&'static str, Account)>,
    /// What the table of this device cost.
    pub table: Account,
    /// What all searches cost together.
    pub search: Account,
}

impl Outcome {
    /// For each limit what was predicted and what is.
    pub fn found(&self) -> Table {
        let mut table = Table::new([
            "limit, ms",
            "network",
            "parameters",
            "MACs",
            "latency predicted, ms",
            "measured, ms",
            "held out, predicted, %",
            "held out, %",
            "test, %",
            "fine-tuned, test, %",
            "alone, test, %",
        ]);
        let percent = |share: f64| Cell::fixed(100.0 * share, 2);
        for target in &self.targets {
            table.row([
                Cell::written(target.limit_ms, format!("{:.3} ({})", target.limit_ms, target.limit)),
                Cell::from(short(&target.found.architecture)),
                Cell::count(target.tuned.tuned.params),
                Cell::count(target.tuned.tuned.macs),
                Cell::fixed(target.found.latency_ms, 3),
                Cell::fixed(target.measured_ms, 3),
                percent(target.found.accuracy),
                percent(target.tuned.held_out),
                percent(target.tuned.cut),
                percent(target.tuned.tuned.top1),
                percent(target.alone.top1),
            ]);
        }
        let [predicted, measured] = self.largest_ms;
        table.row([
            Cell::none(),
            Cell::from("the largest, inside"),
            Cell::count(self.largest.params),
            Cell::count(self.largest.macs),
            Cell::fixed(predicted, 3),
            Cell::fixed(measured, 3),
            Cell::none(),
            Cell::none(),
            percent(self.largest.top1),
        ]);
        table
    }

    /// How well accuracies are predicted.
    pub fn predicting(&self) -> Table {
        let mut table = Table::new(["predictor", "RMSE, points", "Kendall tau"]);
        for Predicting { name, rmse, tau } in &self.predictors {
            let tau = tau.map_or_else(Cell::none, |tau| Cell::fixed(tau, 3));
            table.row([name.as_str().into(), Cell::fixed(100.0 * rmse, 3), tau]);
        }
        table
    }

    /// What every step cost.
    pub fn costs(&self, carbon: &Carbon) -> Table {
        let mut table =
            Table::new(["step", "seconds", "CPU seconds", "training MACs", "kJ", "g CO2e", "energy"]);
        let mut row = |name: String, account: &Account| {
            let joules = account.usage.energy.joules();
            table.row([
                name.into(),
                Cell::fixed(account.usage.wall_s, 1),
                account.usage.cpu_s.map_or_else(Cell::none, |seconds| Cell::fixed(seconds, 1)),
                Cell::written(account.training_macs.dense, format!("{:.2e}", account.training_macs.dense)),
                Cell::fixed(joules / 1000.0, 2),
                Cell::fixed(carbon.grams(joules), 3),
                account.usage.energy.how().into(),
            ]);
        };
        for (name, account) in &self.once {
            row((*name).into(), account);
        }
        row("latencies of this device".into(), &self.table);
        row(format!("{} searches", self.targets.len()), &self.search);
        for target in &self.targets {
            row(format!("fine-tuning, {}", target.limit), &target.tuning);
        }
        for target in &self.targets {
            row(format!("alone, {}", target.limit), &target.training);
        }
        table
    }

    /// What both ways cost.
    ///
    /// # Errors
    /// No targets; accounts of seconds that are negative or not finite.
    pub fn economics(&self, carbon: &Carbon) -> Result<Economics, crate::Error> {
        let (targets, mut each, mut alone) = (self.targets.len() as f64, 0.0, 0.0);
        for target in &self.targets {
            each += target.tuning.device_s / targets;
            alone += target.training.device_s / targets;
        }
        // Each device has a table of its own.
        each += self.table.device_s + self.search.device_s / targets;
        let once: f64 = self.once.iter().map(|(_, account)| account.device_s).sum();
        let accounts = self.once.iter().map(|(_, account)| account).chain([&self.table, &self.search]);
        let accounts =
            accounts.chain(self.targets.iter().flat_map(|target| [&target.tuning, &target.training]));
        Economics::new(
            [("once for all", once, each), ("each by itself", 0.0, alone)],
            &accounts.cloned().sum(),
            carbon,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Networks that are all as accurate have no order, and JSON has no NaN.
    #[test]
    fn a_predictor_without_an_order_is_read_back() {
        let none = Predicting { name: "ridge".into(), rmse: 0.1, tau: None };
        let written = serde_json::to_string(std::slice::from_ref(&none)).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Predicting>>(&written).unwrap(), [none]);
        let before = written.replace("null", "0.5");
        assert_eq!(serde_json::from_str::<Vec<Predicting>>(&before).unwrap()[0].tau, Some(0.5));
    }
}
