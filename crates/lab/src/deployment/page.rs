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
                "Accuracy and latency",
                "The line is what is expected of the networks that no other one is expected to beat, before fine-tuning. \
                 The points are the networks that were found: their measured latency, and the share of the test split \
                 that they get right.",
                Body::Plot(Plot::Line(self.plot())),
            ),
            Section::new(
                "Predicted and true",
                format!(
                    "Top-1 is predicted for the {held_out} held-out training images; the test split has no say in the \
                     choice. The last column is the same network trained by itself."
                ),
                Body::Table(self.found()),
            ),
            Section::new(
                "Predicting accuracy",
                format!(
                    "From {} judged networks, cross-validated in five folds; the first was chosen.",
                    experiment.pairs.count
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
        report.to_html().map_err(|error| Error::Report(error.to_string()))
    }

    fn plot(&self) -> LinePlot {
        let percent = |x: f64, share: f64| Point::exact(x, 100.0 * share);
        let mut front: Vec<Point> =
            self.front.iter().map(|found| percent(found.latency_ms, found.accuracy)).collect();
        front.sort_by(|a, b| a.x.total_cmp(&b.x));
        let of = |top1: fn(&super::Target) -> f64| {
            let mut points: Vec<Point> =
                self.targets.iter().map(|target| percent(target.measured_ms, top1(target))).collect();
            points.sort_by(|a, b| a.x.total_cmp(&b.x));
            points
        };
        let series = [
            ("predicted", front),
            ("cut out", of(|target| target.tuned.cut)),
            ("fine-tuned", of(|target| target.tuned.tuned.top1)),
            ("alone", of(|target| target.alone.top1)),
        ];
        LinePlot {
            x_label: "latency, ms".into(),
            y_label: "top-1, %".into(),
            series: series.into_iter().map(|(name, points)| Series { name: name.into(), points }).collect(),
            ..LinePlot::default()
        }
    }
}
