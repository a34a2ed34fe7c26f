//! `predictors`

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;
use sapwood_core::write_atomic;
use sapwood_deploy::Pairs;
use sapwood_report::{
    Body, Cell, LinePlot, Plot, Point, Report, Section, Series, Table, statistics::Summary,
};
use sapwood_search::{
    Bagged, Calibration, Encoding, Learning, LearningPoint, Mlp, PredictorKind, Quality, Ridge, Rows,
};

use super::{architectures, benchmark};
use crate::Error;

/// Compare predictors of accuracy by the number of networks that they learn from
///
/// Each is fitted to some judged networks and judged on others that it has not seen: root mean
/// squared error, in the metric's unit, and Kendall's tau, both as mean and spread over repeats.
/// Two of them are the published baselines: ridge regression on the encoding alone, and a
/// perceptron of 3 x 400.
#[derive(Args)]
pub(super) struct Predictors {
    /// The space: one of `list spaces`, or tabular:FILE.csv
    #[arg(long, value_name = "SPACE")]
    space: String,
    /// Judged networks: what `supernet pairs` wrote
    #[arg(long, value_name = "FILE", required_unless_present = "metric")]
    pairs: Option<PathBuf>,
    /// The column of a table to predict
    #[arg(long, conflicts_with = "pairs")]
    metric: Option<String>,
    /// Numbers of networks to learn from
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "50,100,200,400")]
    sizes: Vec<usize>,
    /// Other networks, on which predictions are judged
    #[arg(long, default_value_t = 200, value_name = "N")]
    held_out: usize,
    /// Times, with other networks each
    #[arg(long, default_value_t = 5, value_name = "N")]
    repeats: usize,
    /// The seed of all that is random
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Write a page with plots and a calibration
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
}

impl Predictors {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Error> {
        let (rows, targets) = self.examples()?;
        let kinds = kinds();
        let learning = Learning {
            sizes: self.sizes.clone(),
            held_out: self.held_out,
            repeats: self.repeats,
            seed: self.seed,
        };
        let found = learning.run(&kinds.clone().map(|(_, kind)| kind), &rows, &targets)?;
        let names = kinds.map(|(name, _)| name);
        let table = table(&names, &found);
        write!(out, "{}", table.to_text())?;
        if let Some(path) = &self.page {
            write_atomic(path, page(&self.space, &names, &found, table)?.as_bytes())?;
        }
        Ok(())
    }

    fn examples(&self) -> Result<(Rows, Vec<f64>), Error> {
        let Some(path) = self.space.strip_prefix("tabular:").map(Path::new) else {
            let family = architectures::named(&self.space, None, None)?;
            let path =
                self.pairs.as_ref().ok_or_else(|| Error::Usage("nested networks want `--pairs`".into()))?;
            let pairs = Pairs::read(&family, path)?.pairs;
            let rows =
                Encoding::of(family.space()).rows(family.space(), pairs.iter().map(|(genome, _)| genome));
            return Ok((rows, pairs.into_iter().map(|(_, top1)| top1).collect()));
        };
        let Some(metric) = &self.metric else {
            return Err(Error::Usage("a table wants `--metric`, the column to predict".into()));
        };
        let table = benchmark::read(path)?;
        let (genomes, targets) = table.metric(metric)?;
        Ok((Encoding::of(table.space()).rows(table.space(), &genomes), targets))
    }
}

fn kinds() -> [(&'static str, PredictorKind); 4] {
    [
        ("ridge, published", PredictorKind::Ridge(Ridge::new(1.0, 0.0))),
        ("mlp, published", PredictorKind::Mlp(Mlp::default())),
        ("ridge with pairs", PredictorKind::Ridge(Ridge::default())),
        ("ensemble of those", PredictorKind::Bagged(Bagged::default())),
    ]
}

/// Mean and standard deviation over repeats.
fn over(point: &LearningPoint, of: fn(&Quality) -> f64) -> (f64, f64) {
    let values: Vec<f64> = point.qualities.iter().map(of).collect();
    Summary::of(&values)
        .map_or((f64::NAN, 0.0), |summary| (summary.mean, summary.standard_deviation.unwrap_or(0.0)))
}

fn table(names: &[&str], found: &[LearningPoint]) -> Table {
    let mut table = Table::new(["networks", "predictor", "RMSE", "Kendall tau"]);
    for point in found {
        let ((rmse, rmse_spread), (tau, tau_spread)) = (over(point, |q| q.rmse), over(point, |q| q.tau));
        table.row([
            Cell::number(point.size as f64),
            Cell::from(names[point.kind]),
            Cell::spread(rmse, rmse_spread, 5),
            Cell::spread(tau, tau_spread, 3),
        ]);
    }
    table
}

fn page(space: &str, names: &[&str], found: &[LearningPoint], table: Table) -> Result<String, Error> {
    let plot = |label: &str, of: fn(&Quality) -> f64| {
        let series = names.iter().enumerate().map(|(kind, name)| {
            let points = found.iter().filter(|point| point.kind == kind).map(|point| {
                let (mean, spread) = over(point, of);
                Point { x: point.size as f64, mean, low: mean - spread, high: mean + spread }
            });
            Series { name: (*name).into(), points: points.collect() }
        });
        let (x_label, y_label) = ("networks to learn from".into(), label.into());
        Body::Plot(Plot::Line(LinePlot { x_label, y_label, series: series.collect(), ..LinePlot::default() }))
    };
    let largest = found.iter().map(|point| point.size).max().unwrap_or(0);
    let calibration = found.iter().filter(|point| point.size == largest).map(|point| {
        let (predicted, truth): (Vec<f64>, Vec<f64>) = point.last.iter().copied().unzip();
        let point_of = |row: &Calibration| Point::exact(row.predicted, row.observed);
        let points = Calibration::table(&predicted, &truth, 10).iter().map(point_of).collect();
        Series { name: names[point.kind].into(), points }
    });
    let calibration = LinePlot {
        x_label: "predicted".into(),
        y_label: "observed".into(),
        series: calibration.collect(),
        ..LinePlot::default()
    };
    let calibrated = "Held-out networks of the last repeat, in tenths by their predictions: where both means agree, a line is the diagonal.";
    let report = Report {
        title: format!("Predictors of {space}"),
        sections: vec![
            Section::new("Error", "", plot("RMSE", |quality| quality.rmse)),
            Section::new("Order", "", plot("Kendall tau", |quality| quality.tau)),
            Section::new("Calibration", calibrated, Body::Plot(Plot::Line(calibration))),
            Section::new("Numbers", "", Body::Table(table)),
        ],
        ..Report::default()
    };
    report.to_html().map_err(Error::report)
}
