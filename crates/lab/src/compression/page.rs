//! What came of a compression: a table, a line and a page.

use sapwood_core::{Graph, graph::Op};
use sapwood_train::Optimizer;

use super::{
    Compression,
    files::{INTEGERS, NET},
    form::{Form, Judge},
    verdict::{Verdict, compared},
};
use crate::{
    Error, new_statistics,
    report::{Body, Cell, LinePlot, Plot, Point, Reference, Report, Scale, Section, Series, Table},
};

/// What is shown.
pub(super) struct Page<'a> {
    pub(super) compression: &'a Compression,
    /// The given network first.
    pub(super) forms: &'a [Form],
    /// The given network, and the one that is left of it.
    pub(super) layers: [&'a Graph; 2],
    pub(super) judge: &'a Judge<'a>,
}

impl Page<'_> {
    /// A row for each network.
    pub(super) fn table(&self) -> Table {
        let columns =
            ["network", "multiply-accumulates", "parameters", "decides (%)", "test (%)", "ms", "bytes"];
        let mut table = Table::new(columns);
        for form in self.forms {
            let test = match form.interval {
                Some(interval) => Cell::spread(form.test, 50.0 * (interval.high - interval.low), 2),
                None => Cell::fixed(form.test, 2),
            };
            table.row([
                form.title().into(),
                Cell::count(form.macs),
                Cell::count(form.params),
                Cell::fixed(form.deciding, 2),
                test,
                form.milliseconds.map_or_else(Cell::none, |ms| Cell::fixed(ms, 3)),
                Cell::count(form.bytes as u64),
            ]);
        }
        table
    }

    /// What the network was, and what is left of it.
    pub(super) fn summary(&self) -> String {
        let (given, result) = (&self.forms[0], self.result());
        let of = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => format!("{a:.3} to {b:.3} ms, "),
            _ => String::new(),
        };
        format!(
            "{:.1} % of the multiply-accumulates gone; {:.2} to {:.2} % of {} test examples, {}{} to {} bytes{}",
            100.0 * (1.0 - result.macs as f64 / given.macs.max(1) as f64),
            given.test,
            result.test,
            self.judge.examples()[1],
            of(given.milliseconds, result.milliseconds),
            Cell::count(given.bytes as u64).text(),
            Cell::count(result.bytes as u64).text(),
            self.of_integers(),
        )
    }

    /// What else is to be said of integers that were written: that they are slower, and whether they are the result.
    fn of_integers(&self) -> String {
        let Some(form) = self.forms.iter().rfind(|form| form.is_integers()) else { return String::new() };
        match form.verdict {
            Verdict::Taken | Verdict::NotTaken => String::new(),
            Verdict::Slower { times, .. }
                if form.verdict.is_result(self.compression.milliseconds.is_some()) =>
            {
                format!("; these integers take {times:.2} times as long as {NET}, which is in floating point")
            }
            Verdict::Slower { times, is_smaller } => {
                format!("; the result is {NET}: {INTEGERS} {}", compared(times, is_smaller))
            }
            Verdict::Untimed => format!(
                "; the result is {NET}: the runtime has no kernel for some layers of {INTEGERS}, so its time cannot be told"
            ),
        }
    }

    /// The network that is left in the end.
    pub(super) fn result(&self) -> &Form {
        let is_time_asked = self.compression.milliseconds.is_some();
        let result = self.forms.iter().rfind(|form| form.verdict.is_result(is_time_asked));
        result.unwrap_or(&self.forms[0])
    }

    pub(super) fn report(&self) -> Result<Report, Error> {
        let Compression { most_lost, step, criterion, recipe, round_to, threads, .. } = self.compression;
        let [deciding, test] = self.judge.examples();
        let optimiser = match recipe.optimizer {
            Optimizer::Sgd(_) => "SGD",
            Optimizer::AdamW(_) => "AdamW",
        };
        let statistics = new_statistics::has_statistics(self.layers[0]).then(|| {
            let images = Cell::count(new_statistics::IMAGES as u64);
            let taken = format!("taken anew after each step, of at most {} training images", images.text());
            ("running statistics".to_string(), taken)
        });
        let mut facts: Vec<(String, String)> = vec![
            ("data".into(), self.judge.data().into()),
            (
                "of each step".into(),
                format!("{:.0} % of the multiply-accumulates that are left", 100.0 * step.get()),
            ),
            ("channels are scored by".into(), criterion.clone()),
            ("epochs after each step".into(), recipe.epochs.to_string()),
            ("learning rate".into(), recipe.learning_rate.to_string()),
            ("optimiser".into(), optimiser.into()),
        ];
        let multiple = || {
            let name = "channels are a multiple of, where a layer has that many";
            (name.to_string(), round_to.to_string())
        };
        facts.extend((1 < *round_to).then(multiple));
        facts.extend(statistics);
        let float = self.forms.iter().rfind(|form| form.is_integers() && form.verdict.is_within());
        let float = float.and_then(|form| form.float_layers.as_ref()).filter(|layers| !layers.is_empty());
        facts.extend(float.map(|layers| ("in floating point beside int8".to_string(), layers.join(", "))));
        Ok(Report {
            title: "Sapwood: a network made smaller".into(),
            intro: vec![
                format!("At most {most_lost} points may be lost. {}.", self.summary()),
                format!(
                    "What was taken was decided by {deciding} examples, and all was tested with {test} others; the smaller \
                     networks learnt from neither. Behind ± stands half the width of Wilson's interval at 95 %. Milliseconds \
                     are those of one example on {} of the machine that wrote this page.",
                    match *threads {
                        0 | 1 => "one thread".to_string(),
                        threads => format!("{threads} threads"),
                    }
                ),
            ],
            facts,
            command: String::new(),
            sections: vec![
                Section::new("What the network became", "", Body::Table(self.table())),
                Section::new(
                    "Accuracy against arithmetic",
                    "Right test answers of all networks in floating point that were made, by the share of multiply-accumulates \
                     that is left.",
                    Body::Plot(Plot::Line(self.plot())),
                ),
                Section::new(
                    "Its layers",
                    "Outputs of each layer before and after.",
                    Body::Table(self.widths()?),
                ),
            ],
        })
    }

    fn plot(&self) -> LinePlot {
        let given = &self.forms[0];
        let mut points: Vec<Point> = self
            .forms
            .iter()
            .filter(|form| !form.is_integers())
            .map(|form| {
                let x = form.macs as f64 / given.macs.max(1) as f64;
                Point { x, mean: form.test, low: form.test, high: form.test }
            })
            .collect();
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        LinePlot {
            x_label: "multiply-accumulates left".into(),
            y_label: "test accuracy (%)".into(),
            x_scale: Scale::Linear,
            y_scale: Scale::Linear,
            series: vec![Series { name: "smaller networks".into(), points }],
            reference: Some(Reference { name: "as it came".into(), value: given.test }),
            ..LinePlot::default()
        }
    }

    /// The channels of what each layer with weights gives, and its multiply-accumulates.
    fn widths(&self) -> Result<Table, Error> {
        let [before, after] = self.layers.map(|graph| graph.anatomy(graph.input()));
        let (before, after) =
            (before.map_err(sapwood_shrink::Error::Graph)?, after.map_err(sapwood_shrink::Error::Graph)?);
        let mut table = Table::new(["layer", "outputs", "left", "multiply-accumulates", "of these left"]);
        for layer in before.layers.iter().filter(|layer| layer.weights > 0) {
            let left = after.layers.iter().find(|other| other.name == layer.name);
            let cell = |value: Option<u64>| value.map_or_else(Cell::none, Cell::count);
            table.row([
                layer.name.as_str().into(),
                cell(outputs(self.layers[0], &layer.name)),
                cell(outputs(self.layers[1], &layer.name)),
                Cell::count(layer.macs),
                cell(left.map(|left| left.macs)),
            ]);
        }
        Ok(table)
    }
}

/// The channels that a layer with weights gives.
fn outputs(graph: &Graph, layer: &str) -> Option<u64> {
    match graph.nodes().iter().find(|node| node.name == layer)?.op {
        Op::Conv(conv) => Some(conv.outputs as u64),
        Op::Linear { outputs, .. } => Some(outputs as u64),
        _ => None,
    }
}
