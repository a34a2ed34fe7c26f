//! The page of a study: plots, tables, and what it cost.

use sapwood_prune::Sparsity;

use super::{Control, Group, Plan, Results, figure::Figure};
use crate::{
    ledger::{Account, Carbon, JOULES_PER_KWH},
    report::{
        Body, Cell, DensityPlot, DensitySeries, LinePlot, Panel, Plot, Point, Reference, Report, Scale, Section,
        Series, Table,
    },
    statistics::{CONFIDENCE, PairedComparison, Summary},
};

/// The page of a study.
pub fn page(plan: &Plan, results: &Results, carbon: &Carbon, command: &str) -> Report {
    let groups = results.groups();
    let page = Page { plan, results, groups: &groups, figures: Figure::of(&results.rows) };
    let first = plan.variants.first().map(|variant| &variant.experiment);
    let title = first.map_or("", |experiment| experiment.title.as_str());
    let mut intro: Vec<String> = first.map(|experiment| experiment.about.clone()).into_iter().collect();
    intro.push(
        "Every number is that of the last epoch, over the replicates of each kind; no test example was used to choose \
         anything."
            .into(),
    );
    intro.retain(|text| !text.is_empty());
    let mut sections = Vec::new();
    for &figure in &page.figures {
        sections.extend(page.against_sparsity(figure));
    }
    sections.extend(page.controls());
    sections.extend(page.densities());
    sections.extend(page.curves());
    sections.push(page.numbers());
    sections.extend(page.comparisons());
    sections.extend(page.connectivity());
    sections.push(page.costs(carbon));
    Report {
        title: if title.is_empty() { plan.name.clone() } else { title.into() },
        intro,
        facts: page.facts(),
        command: command.into(),
        sections,
    }
}

struct Page<'a> {
    plan: &'a Plan,
    results: &'a Results,
    groups: &'a [Group<'a>],
    figures: Vec<Figure>,
}

/// A position on the axis of sparsity.
fn x(sparsity: Option<Sparsity>) -> f64 {
    sparsity.map_or(0.0, Sparsity::to_f64)
}

impl<'a> Page<'a> {
    fn facts(&self) -> Vec<(String, String)> {
        let mut facts = Vec::new();
        if let Some(experiment) = self.plan.variants.first().map(|variant| &variant.experiment) {
            let data = experiment.data();
            let part = data.examples.map_or(String::new(), |n| format!(", the first {n} training examples"));
            facts.push(("data".to_string(), format!("{}{part}", data.name)));
            facts.push(("network".into(), experiment.model.name.clone()));
            facts.push(("epochs".into(), experiment.training.epochs.to_string()));
            facts.push(("replicates".into(), experiment.replicates.to_string()));
        }
        facts.push(("runs".into(), format!("{} of {} done", self.results.rows.len(), self.results.planned)));
        facts
    }

    /// The names of the variants, one empty name in a study without a sweep.
    fn variants(&self) -> Vec<&'a str> {
        let mut names: Vec<&str> = Vec::new();
        for group in self.groups {
            if !names.contains(&group.variant) {
                names.push(group.variant);
            }
        }
        names
    }

    /// The methods of a variant, without the dense network.
    fn methods(&self, variant: &str) -> Vec<&'a str> {
        let mut names: Vec<&str> = Vec::new();
        for group in self.groups.iter().filter(|group| group.variant == variant && group.sparsity.is_some()) {
            if !names.contains(&group.method) {
                names.push(group.method);
            }
        }
        names
    }

    fn select(&self, variant: &str, method: &str, control: Control) -> impl Iterator<Item = &'a Group<'a>> {
        let groups: Vec<&'a Group<'a>> = self
            .groups
            .iter()
            .filter(|group| group.variant == variant && group.method == method && group.control == control)
            .collect();
        groups.into_iter()
    }

    fn dense(&self, variant: &str) -> Option<&'a Group<'a>> {
        self.groups.iter().find(|group| group.variant == variant && group.sparsity.is_none())
    }

    fn line(&self, name: &str, variant: &str, method: &str, control: Control, figure: Figure) -> Series {
        let points = self.select(variant, method, control).map(|group| figure.point(x(group.sparsity), group));
        Series { name: name.into(), points: points.collect() }
    }

    fn plot(&self, figure: Figure, variant: &str, series: Vec<Series>) -> Plot {
        let dense = self.dense(variant).map(|group| figure.point(0.0, group).mean);
        Plot::Line(LinePlot {
            x_label: "weights removed".into(),
            y_label: figure.name().into(),
            x_scale: Scale::Sparsity,
            y_scale: Scale::Linear,
            series: series.into_iter().filter(|series| !series.points.is_empty()).collect(),
            reference: dense.map(|value| Reference { name: "dense".into(), value }),
        })
    }

    fn against_sparsity(&self, figure: Figure) -> Option<Section> {
        let panels = self.variants().into_iter().filter_map(|variant| {
            let lines = self.methods(variant).into_iter().map(|method| self.line(method, variant, method, Control::None, figure));
            let lines: Vec<Series> = lines.collect();
            (!lines.is_empty()).then(|| Panel { title: variant.into(), plot: self.plot(figure, variant, lines) })
        });
        let mut panels: Vec<Panel> = panels.collect();
        let text = match figure {
            Figure::Rule => "To the right, ever more weights are removed. The bands are Wilson's intervals of 95 %.",
            _ => "To the right, ever more weights are removed. The bands are one standard deviation to each side.",
        };
        let heading = format!("{} against sparsity", figure.name());
        match panels.len() {
            0 => None,
            1 => Some(Section::new(heading, text, Body::Plot(panels.remove(0).plot))),
            _ => Some(Section::new(heading, text, Body::Panels(panels))),
        }
    }

    /// What each method loses when something is taken away from it.
    fn controls(&self) -> Option<Section> {
        let figure = *self.figures.first()?;
        let mut panels = Vec::new();
        for variant in self.variants() {
            for method in self.methods(variant) {
                let all = [Control::None, Control::Shuffle, Control::Reinit, Control::Invert];
                let lines = all.map(|control| {
                    let name = if control == Control::None { "as it is" } else { control.name() };
                    self.line(name, variant, method, control, figure)
                });
                if lines.iter().skip(1).all(|line| line.points.is_empty()) {
                    continue;
                }
                let title = [variant, method].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ");
                panels.push(Panel { title, plot: self.plot(figure, variant, lines.into()) });
            }
        }
        let text = "Shuffle: the mask of each layer is permuted. Reinit: new initial weights under the same masks. Invert: \
                    the other end of the ranking goes.";
        (!panels.is_empty()).then(|| Section::new("Controls", text, Body::Panels(panels)))
    }

    /// What is left of each layer where the most is removed.
    fn densities(&self) -> Option<Section> {
        let panels = self.variants().into_iter().filter_map(|variant| {
            let methods = self.methods(variant);
            let most = methods
                .iter()
                .filter_map(|method| self.select(variant, method, Control::None).last()?.sparsity)
                .max_by(|a, b| a.to_f64().total_cmp(&b.to_f64()))?;
            let series = methods.iter().filter_map(|method| {
                let group = self.select(variant, method, Control::None).find(|group| group.sparsity == Some(most))?;
                let layers = &group.rows.first()?.outcome.layers;
                let density = |layer: usize| {
                    let share = |row: &&super::Row| {
                        let layer = row.outcome.layers.get(layer)?;
                        Some(layer.kept as f64 / layer.total as f64)
                    };
                    let shares: Vec<f64> = group.rows.iter().filter_map(share).collect();
                    Summary::of(&shares).map_or(f64::NAN, |summary| summary.mean)
                };
                let layers = layers.iter().enumerate().map(|(place, layer)| (layer.path.layer().into(), density(place)));
                Some(DensitySeries { name: (*method).into(), layers: layers.collect() })
            });
            let series: Vec<DensitySeries> = series.collect();
            let reference = Some(Reference { name: "whole network".into(), value: 1.0 - most.to_f64() });
            let title = format!("{variant} {most} removed").trim().to_string();
            (!series.is_empty())
                .then(|| Panel { title, plot: Plot::Density(DensityPlot { series, reference }) })
        });
        let panels: Vec<Panel> = panels.collect();
        let text = "The fraction of each layer that is kept, the mean over the replicates.";
        (!panels.is_empty()).then(|| Section::new("What is left of each layer", text, Body::Panels(panels)))
    }

    /// How training went, where the most is removed.
    fn curves(&self) -> Option<Section> {
        let panels = self.variants().into_iter().map(|variant| {
            let dense = self.dense(variant).map(|group| curve("dense", group));
            let methods = self.methods(variant).into_iter().filter_map(|method| {
                Some(curve(method, self.select(variant, method, Control::None).last()?))
            });
            let plot = LinePlot {
                x_label: "epoch".into(),
                y_label: "training loss".into(),
                x_scale: Scale::Linear,
                y_scale: Scale::Linear,
                series: dense.into_iter().chain(methods).collect(),
                reference: None,
            };
            Panel { title: variant.into(), plot: Plot::Line(plot) }
        });
        let panels: Vec<Panel> = panels.collect();
        let text = "The mean training loss of each epoch, for each method where it removes the most.";
        (!panels.is_empty()).then(|| Section::new("Training", text, Body::Panels(panels)))
    }

    fn numbers(&self) -> Section {
        let swept = self.variants().len() > 1;
        let names = self.figures.iter().map(|figure| figure.name().to_string());
        let columns = ["method", "control", "removed", "runs"].map(String::from).into_iter().chain(names);
        let columns = columns.chain(["kept weights", "on a path", "MACs"].map(String::from));
        let mut table = Table::new(columns);
        for group in self.groups {
            let mean = |figure: &dyn Fn(&super::Row) -> f64| {
                let values: Vec<f64> = group.values(figure).into_values().collect();
                Summary::of(&values).map_or(0.0, |summary| summary.mean)
            };
            let layers = |f: fn(&sapwood_prune::LayerHealth) -> usize| {
                let of = |row: &super::Row| row.outcome.layers.iter().map(f).sum::<usize>() as f64;
                match group.sparsity {
                    Some(_) => Cell::count(mean(&of).round() as u64),
                    None => Cell::none(),
                }
            };
            let name = match swept {
                true => format!("{}: {}", group.variant, group.method),
                false => group.method.into(),
            };
            let control = if group.sparsity.is_some() { group.control.name().into() } else { Cell::none() };
            let removed = group.sparsity.map_or(Cell::none(), |s| Cell::written(s.to_f64(), s.to_string()));
            let cells = [Cell::from(name), control, removed, Cell::count(group.rows.len() as u64)];
            let figures = self.figures.iter().map(|figure| figure.cell(group));
            let macs = Cell::count(mean(&|row: &super::Row| row.outcome.macs.kept).round() as u64);
            let rest = [layers(|layer| layer.kept), layers(|layer| layer.effective), macs];
            table.row(cells.into_iter().chain(figures).chain(rest));
        }
        let text = "Means over the replicates with their standard deviation; shares with Wilson's interval. MACs: \
                    multiply-accumulates of one example's forward pass, masked weights for free.";
        Section::new("Numbers", text, Body::Table(table))
    }

    /// Differences between methods, over the replicates that they share.
    fn comparisons(&self) -> Option<Section> {
        let figure = *self.figures.first()?;
        let mut table = Table::new(["this", "less that", "removed", "difference", "95 % interval", "p", "pairs"]);
        for variant in self.variants() {
            let methods = self.methods(variant);
            for method in &methods {
                for group in self.groups.iter().filter(|group| group.variant == variant && group.method == *method) {
                    let same = |other: &&Group<'_>| other.sparsity == group.sparsity;
                    let mut against: Vec<(String, &Group<'_>)> = Vec::new();
                    if group.control != Control::None {
                        // A control is compared with what it controls.
                        let plain = self.select(variant, method, Control::None).find(same);
                        against.extend(plain.map(|plain| ("as it is".to_string(), plain)));
                    } else {
                        for other in methods.iter().take_while(|other| *other != method) {
                            let plain = self.select(variant, other, Control::None).find(same);
                            against.extend(plain.map(|plain| (other.to_string(), plain)));
                        }
                        against.extend(self.dense(variant).map(|dense| ("dense".to_string(), dense)));
                    }
                    for (name, other) in against {
                        let this = match group.control {
                            Control::None => (*method).to_string(),
                            control => format!("{method}, {}", control.name()),
                        };
                        let (a, b) = (group.values(|row| figure.value(row)), other.values(|row| figure.value(row)));
                        let Some(paired) = PairedComparison::of(&a, &b) else { continue };
                        let removed = group.sparsity.map_or(String::new(), |s| s.to_string());
                        let interval = paired.differences.interval.map_or(Cell::none(), |interval| {
                            Cell::from(format!("{:+.2} to {:+.2}", interval.low, interval.high))
                        });
                        table.row([
                            Cell::from([variant, &this].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")),
                            name.into(),
                            removed.into(),
                            Cell::written(paired.differences.mean, format!("{:+.2}", paired.differences.mean)),
                            interval,
                            paired.p_value.map_or(Cell::none(), |p| Cell::written(p, format!("{p:.3}"))),
                            Cell::count(paired.differences.n as u64),
                        ]);
                    }
                }
            }
        }
        let text = format!(
            "Differences of the {} between runs of the same replicate, with Student's interval of {:.0} %. The p values are \
             not corrected for there being many.",
            figure.name(),
            100.0 * CONFIDENCE
        );
        (!table.rows().is_empty()).then(|| Section::new("Paired comparisons", text, Body::Table(table)))
    }

    /// Whether networks that saw the examples in two orders are linearly connected.
    fn connectivity(&self) -> Option<Section> {
        let mut table = Table::new(["method", "control", "removed", "instability (points)", "pairs"]);
        for group in self.groups {
            let twins = self.results.rows.iter().filter(|row| {
                let label = &row.run.label;
                (label.variant.as_str(), label.method.as_str()) == (group.variant, group.method)
                    && (row.control(), row.sparsity()) == (group.control, group.sparsity)
            });
            let instabilities: Vec<f64> = twins.filter_map(|row| Some(100.0 * row.instability?)).collect();
            let Some(summary) = Summary::of(&instabilities) else { continue };
            table.row([
                Cell::from(group.method),
                group.control.name().into(),
                group.sparsity.map_or(Cell::none(), |s| Cell::written(s.to_f64(), s.to_string())),
                match summary.standard_deviation {
                    Some(deviation) => Cell::spread(summary.mean, deviation, 2),
                    None => Cell::fixed(summary.mean, 2),
                },
                Cell::count(summary.n as u64),
            ]);
        }
        let text = "Two networks were trained from the same weights with the examples in two orders. Instability is how much \
                    higher the test error is somewhere on the line between them than the mean of both, in percentage \
                    points; below 2 they are called linearly connected (Frankle et al. 2020).";
        (!table.rows().is_empty()).then(|| Section::new("Linear mode connectivity", text, Body::Table(table)))
    }

    fn costs(&self, carbon: &Carbon) -> Section {
        let mut table = Table::new(["method", "runs", "wall (s)", "CPU (s)", "training MACs", "zeros free", "energy (kJ)", "CO2e (g)"]);
        let mut row = |name: &str, account: &Account, runs: usize| {
            let joules = account.usage.energy.joules();
            table.row([
                Cell::from(name),
                Cell::count(runs as u64),
                Cell::fixed(account.usage.wall_s, 1),
                account.usage.cpu_s.map_or(Cell::none(), |seconds| Cell::fixed(seconds, 1)),
                Cell::written(account.training_macs.dense, format!("{:.3e}", account.training_macs.dense)),
                Cell::written(account.training_macs.kept, format!("{:.3e}", account.training_macs.kept)),
                Cell::fixed(joules / 1e3, 2),
                Cell::fixed(carbon.grams(joules), 2),
            ]);
        };
        for variant in self.variants() {
            for method in std::iter::once("dense").chain(self.methods(variant)) {
                let groups = self.groups.iter().filter(|group| group.variant == variant && group.method == method);
                let rows: Vec<_> = groups.flat_map(|group| &group.rows).collect();
                let name = [variant, method].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ");
                row(&name, &rows.iter().map(|row| row.account.clone()).sum(), rows.len());
            }
        }
        let all = self.results.account();
        row("all", &all, self.results.rows.len());
        let text = format!(
            "Wall-clock and CPU time of all workers, added up. Energy, {}: {:.4} kWh in all. CO2e with {} g/kWh ({}) and a \
             PUE of {}.",
            all.usage.energy.how(),
            all.usage.energy.joules() / JOULES_PER_KWH,
            carbon.grid.g_per_kwh,
            carbon.grid.name,
            carbon.pue
        );
        Section::new("What it cost", text, Body::Table(table))
    }
}

/// The training loss of a group, epoch by epoch.
fn curve(name: &str, group: &Group<'_>) -> Series {
    let epochs = group.rows.iter().map(|row| row.outcome.curve.len()).min().unwrap_or(0);
    let points = (0..epochs).filter_map(|place| {
        let losses: Vec<f64> = group.rows.iter().map(|row| row.outcome.curve[place].train_loss).collect();
        let summary = Summary::of(&losses)?;
        let deviation = summary.standard_deviation.unwrap_or(0.0);
        let (low, high) = ((summary.mean - deviation).max(0.0), summary.mean + deviation);
        Some(Point { x: group.rows[0].outcome.curve[place].epoch as f64, mean: summary.mean, low, high })
    });
    Series { name: name.into(), points: points.collect() }
}
