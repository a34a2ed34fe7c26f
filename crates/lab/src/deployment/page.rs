//! The page of a study.

use std::path::Path;

use super::{Outcome, SearchExperiment};
use crate::{
    Error,
    ledger::Carbon,
    report::{Body, LinePlot, Plot, Point, Report, Section, Series},
};

/// Numbers of devices for which both ways are priced.
const DEVICES: [u64; 5] = [1, 3, 10, 40, 100];

impl Outcome {
    /// The page: what was found and what it cost. `file` is where the study was read from.
    ///
    /// # Errors
    /// Those of [`Outcome::economics`]; [`Error::Report`] where the page cannot be drawn.
    pub fn page(
        &self,
        experiment: &SearchExperiment,
        file: &Path,
        facts: &[(String, String)],
    ) -> Result<String, Error> {
        let carbon = Carbon::default();
        let economics = self.economics(&carbon)?;
        let verdicts = economics.verdicts().join(" ");
        let held_out = experiment.data.held_out.unwrap_or_default();
        let sections = vec![
            Section::new(
                "Held-out images: what was predicted, and what is",
                "The line is what is expected of the networks that no other one is expected to beat, before fine-tuning, at \
                 the latency that is expected. The points are the networks that were found and cut out, at their measured \
                 latency. All accuracies are of the held-out training images, by which networks are chosen.",
                Body::Plot(Plot::Line(self.held_out_plot(held_out))),
            ),
            Section::new(
                "The test split: cut out, fine-tuned and alone",
                "The networks that were found, at their measured latency: as they were cut out, after fine-tuning, and the \
                 same networks trained by themselves. All accuracies are of the test split, which had no say in the choice.",
                Body::Plot(Plot::Line(self.test_plot())),
            ),
            Section::new(
                "Predicted and true",
                format!(
                    "Top-1 is predicted for the {held_out} held-out training images, which are other images than those of \
                     the test split: compare columns of one split. The last column is the same network trained by itself."
                ),
                Body::Table(self.found()),
            ),
            Section::new(
                "Predicting accuracy",
                format!(
                    "From {} judged networks, cross-validated in five folds; the first was chosen.",
                    self.judged
                ),
                Body::Table(self.predicting()),
            ),
            Section::new(
                "What each step cost",
                format!("Grid: {}.", carbon.grid),
                Body::Table(self.costs(&carbon)),
            ),
            Section::new(
                "For many devices",
                format!(
                    "{verdicts} A device costs a table of its own, a search and fine-tuning; by itself a network is \
                     trained whose architecture is known, which the search found and is not counted."
                ),
                Body::Table(economics.table(&DEVICES)),
            ),
        ];
        let report = Report {
            title: format!("One network for many devices: {}", experiment.name),
            intro: vec![format!(
                "A supernet of `{}` was trained once; under each limit on the latency the best sub-network was searched \
                 for, cut out, fine-tuned and measured.",
                experiment.family
            )],
            facts: facts.to_vec(),
            command: format!("cargo xtask search {}", file.display()),
            sections,
        };
        report.to_html().map_err(|error| Error::Report(error.into()))
    }

    /// What was predicted of the held-out images beside what is true of them.
    fn held_out_plot(&self, images: usize) -> LinePlot {
        let front = self.front.iter().map(|found| (found.latency_ms, found.accuracy)).collect();
        let label = format!("top-1 of {images} held-out training images, %");
        plot(label, [("predicted", front), ("cut out", self.targets(|target| target.tuned.held_out))])
    }

    /// What is true of the test split.
    fn test_plot(&self) -> LinePlot {
        let series = [
            ("cut out", self.targets(|target| target.tuned.cut)),
            ("fine-tuned", self.targets(|target| target.tuned.tuned.top1)),
            ("alone", self.targets(|target| target.alone.top1)),
        ];
        plot("top-1 of the test split, %".into(), series)
    }

    /// A share of each network that was found, at its measured latency.
    fn targets(&self, share: fn(&super::Target) -> f64) -> Vec<(f64, f64)> {
        self.targets.iter().map(|target| (target.measured_ms, share(target))).collect()
    }
}

/// Shares in per cent over latencies. One plot has one split of the data: networks are worse on images that they
/// were not chosen by, and beside each other that would look like an error of the predictor.
fn plot<const N: usize>(y_label: String, series: [(&str, Vec<(f64, f64)>); N]) -> LinePlot {
    let series = series.into_iter().map(|(name, mut points)| {
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let points = points.into_iter().map(|(ms, share)| Point::exact(ms, 100.0 * share)).collect();
        Series { name: name.into(), points }
    });
    LinePlot { x_label: "latency, ms".into(), y_label, series: series.collect(), ..LinePlot::default() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        deployment::{Found, Limit, Target, Tuned},
        ledger::Account,
        supernet::Judged,
    };

    #[test]
    fn held_out_and_test_accuracies_have_axes_of_their_own() {
        let judged = |top1: f64| -> Judged {
            serde_json::from_value(
                json!({ "architecture": {}, "params": 1, "macs": 1, "top1": top1, "loss": 0.5 }),
            )
            .unwrap()
        };
        let found = |accuracy: f64, latency_ms: f64| Found { architecture: json!({}), accuracy, latency_ms };
        let target = |ms: f64| Target {
            limit: Limit::Ms(ms),
            limit_ms: ms,
            found: found(0.985, ms),
            tuned: Tuned { held_out: 0.98, cut: 0.9, tuned: judged(0.92) },
            measured_ms: ms,
            alone: judged(0.91),
            tuning: Account::default(),
            training: Account::default(),
        };
        let outcome = Outcome {
            largest: judged(0.94),
            largest_ms: [3.0, 3.0],
            judged: 20,
            predictors: Vec::new(),
            front: vec![found(0.99, 2.0), found(0.97, 1.0)],
            targets: vec![target(2.0), target(1.0)],
            once: Vec::new(),
            table: Account::default(),
            search: Account::default(),
        };
        let [held_out, test] = [outcome.held_out_plot(360), outcome.test_plot()];
        let values = |plot: &LinePlot| -> Vec<(String, Vec<f64>)> {
            let of = |series: &Series| {
                (series.name.clone(), series.points.iter().map(|point| point.mean).collect())
            };
            plot.series.iter().map(of).collect()
        };
        assert_eq!(
            values(&held_out),
            [("predicted".to_string(), vec![97.0, 99.0]), ("cut out".into(), vec![98.0, 98.0])]
        );
        assert_eq!(held_out.y_label, "top-1 of 360 held-out training images, %");
        let expected = [("cut out", 90.0), ("fine-tuned", 92.0), ("alone", 91.0)];
        assert_eq!(values(&test), expected.map(|(name, top1)| (name.to_string(), vec![top1; 2])));
        assert_eq!(test.y_label, "top-1 of the test split, %");
    }
}
