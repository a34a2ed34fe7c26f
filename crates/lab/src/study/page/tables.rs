//! The tables of a study's page.

use super::{Page, joined};
use crate::{
    ledger::{Account, Carbon, JOULES_PER_KWH},
    report::{Body, Cell, Section, Table},
    statistics::{CONFIDENCE, PairedComparison, Summary},
    study::{Control, Group, Row},
};

impl Page<'_> {
    pub(super) fn numbers(&self) -> Section {
        let names = self.figures.iter().map(|figure| figure.name().to_string());
        let columns = ["method", "control", "removed", "runs"].map(String::from).into_iter().chain(names);
        let columns = columns.chain(["kept weights", "on a path", "MACs"].map(String::from));
        let packed = self.groups.iter().flat_map(|group| &group.rows).any(|row| row.packed.is_some());
        let columns = columns.chain(packed.then(|| "packed bytes".to_string()));
        let mut table = Table::new(columns);
        for group in self.groups {
            let mean = |figure: &dyn Fn(&Row) -> f64| {
                let values: Vec<f64> = group.values(figure).into_values().collect();
                Summary::of(&values).map_or(0.0, |summary| summary.mean)
            };
            let layers = |f: fn(&sapwood_prune::LayerHealth) -> usize| {
                let of = |row: &Row| row.outcome.layers.iter().map(f).fold(0, usize::saturating_add) as f64;
                // Of a network whose channels were taken out nothing is masked, and nothing of one that was only rounded.
                match group.rows.iter().all(|row| row.outcome.layers.is_empty()) {
                    true => Cell::none(),
                    false => Cell::count(mean(&of).round() as u64),
                }
            };
            let control = if group.sparsity.is_some() { group.control.name().into() } else { Cell::none() };
            let removed = group.sparsity.map_or(Cell::none(), |s| Cell::written(s.to_f64(), s.to_string()));
            let cells = [
                Cell::from(joined([group.variant, group.method])),
                control,
                removed,
                Cell::count(group.rows.len() as u64),
            ];
            let figures = self.figures.iter().map(|figure| figure.cell(group));
            let macs = Cell::count(mean(&|row: &Row| row.outcome.macs.kept).round() as u64);
            let rest = [layers(|layer| layer.kept), layers(|layer| layer.effective), macs];
            let sizes: Vec<f64> = group.rows.iter().filter_map(|row| Some(row.packed? as f64)).collect();
            let size = Summary::of(&sizes).map_or(Cell::none(), |size| Cell::count(size.mean.round() as u64));
            table.row(cells.into_iter().chain(figures).chain(rest).chain(packed.then_some(size)));
        }
        let text = "Means over the replicates with their standard deviation; shares with Wilson's interval. MACs: \
                    multiply-accumulates of one example's forward pass, masked weights for free.";
        Section::new("Numbers", text, Body::Table(table))
    }

    /// Differences between methods, over the replicates that they share.
    pub(super) fn comparisons(&self) -> Option<Section> {
        let figure = *self.figures.first()?;
        let mut table =
            Table::new(["this", "less that", "removed", "difference", "95 % interval", "p", "pairs"]);
        for variant in self.variants() {
            let methods = self.methods(variant);
            for method in &methods {
                for group in
                    self.groups.iter().filter(|group| group.variant == variant && group.method == *method)
                {
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
                        let paired = PairedComparison::of(&figure.values(group), &figure.values(other));
                        let Some(paired) = paired else { continue };
                        let removed = group.sparsity.map_or(String::new(), |s| s.to_string());
                        let interval = paired.differences.interval.map_or(Cell::none(), |interval| {
                            Cell::from(format!("{:+.2} to {:+.2}", interval.low, interval.high))
                        });
                        table.row([
                            Cell::from(joined([variant, &this])),
                            name.into(),
                            removed.into(),
                            Cell::written(
                                paired.differences.mean,
                                format!("{:+.2}", paired.differences.mean),
                            ),
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
    pub(super) fn connectivity(&self) -> Option<Section> {
        let mut table = Table::new(["method", "control", "removed", "instability (points)", "pairs"]);
        for group in self.groups {
            let twins = self.results.rows.iter().filter(|row| {
                let name = (group.variant, group.method);
                row.run.labels().any(|label| (label.variant.as_str(), label.method.as_str()) == name)
                    && (row.control(), row.sparsity()) == (group.control, group.sparsity)
            });
            let instabilities: Vec<f64> = twins.filter_map(|row| Some(100.0 * row.instability?)).collect();
            let Some(summary) = Summary::of(&instabilities) else { continue };
            table.row([
                Cell::from(joined([group.variant, group.method])),
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

    pub(super) fn costs(&self, carbon: &Carbon) -> Section {
        let mut table = Table::new([
            "method",
            "runs",
            "wall (s)",
            "CPU (s)",
            "training MACs",
            "zeros free",
            "energy (kJ)",
            "CO2e (g)",
        ]);
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
                let groups =
                    self.groups.iter().filter(|group| group.variant == variant && group.method == method);
                let rows: Vec<_> = groups.flat_map(|group| &group.rows).collect();
                let name = joined([variant, method]);
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
