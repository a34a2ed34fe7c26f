//! The page of a search.

use sapwood_report::{Body, LinePlot, Plot, Point, Report, Section, Series, Table};
use sapwood_search::{Front, Goal, Member};

use crate::Error;

/// What is drawn: the first objective over the second.
pub(super) struct Fronts<'a> {
    /// The space's.
    pub(super) name: String,
    /// By name.
    pub(super) fronts: Vec<(String, &'a Front)>,
    /// Both metrics of everything that there is, the second first, where that is known.
    pub(super) all: Vec<(f64, f64)>,
    /// What the metrics are, where their names do not say it.
    pub(super) about: &'static str,
}

impl Fronts<'_> {
    /// The page, of a goal with two objectives at least.
    pub(super) fn page(self, goal: &Goal, numbers: Table) -> Result<String, Error> {
        let (first, second) = (&goal.objectives()[0], &goal.objectives()[1]);
        let point = |member: &Member| Point::exact(member.values[1], member.values[0]);
        let series = self.fronts.into_iter().map(|(name, front)| {
            let mut points: Vec<Point> = front.members().iter().map(point).collect();
            points.sort_by(|a, b| a.x.total_cmp(&b.x));
            Series { name, points }
        });
        let text = match self.all.is_empty() {
            true => "Each point is a network that no other one beats in all objectives.",
            false => {
                "Each point is an architecture that no other one beats in all objectives; the dots are all \
                 that there are."
            }
        };
        let text = format!("{text}{}", self.about);
        let plot = LinePlot {
            x_label: second.metric().into(),
            y_label: first.metric().into(),
            series: series.collect(),
            cloud: self.all,
            ..LinePlot::default()
        };
        let report = Report {
            title: format!("The best networks of {}", self.name),
            sections: vec![
                Section::new("The front", text, Body::Plot(Plot::Line(plot))),
                Section::new("Numbers", "", Body::Table(numbers)),
            ],
            ..Report::default()
        };
        report.to_html().map_err(Error::report)
    }
}
