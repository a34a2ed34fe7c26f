//! The plots of a study's page.

use sapwood_prune::Sparsity;

use super::{Page, joined};
use crate::{
    report::{
        Body, DensityPlot, DensitySeries, LinePlot, Panel, Plot, Point, Reference, Scale, Section, Series,
    },
    statistics::Summary,
    study::{Control, Group, Row, figure::Figure},
};

/// A position on the axis of sparsity.
fn x(sparsity: Option<Sparsity>) -> f64 {
    sparsity.map_or(0.0, Sparsity::to_f64)
}

impl Page<'_> {
    pub(super) fn line(
        &self,
        name: &str,
        variant: &str,
        method: &str,
        control: Control,
        figure: Figure,
    ) -> Series {
        let points =
            self.select(variant, method, control).filter_map(|group| figure.point(x(group.sparsity), group));
        Series { name: name.into(), points: points.collect() }
    }

    pub(super) fn plot(&self, figure: Figure, variant: &str, series: Vec<Series>) -> Plot {
        let dense = self.dense(variant).and_then(|group| Some(figure.point(0.0, group)?.mean));
        Plot::Line(LinePlot {
            x_label: "weights removed".into(),
            y_label: figure.name().into(),
            x_scale: Scale::Sparsity,
            y_scale: Scale::Linear,
            series: series.into_iter().filter(|series| !series.points.is_empty()).collect(),
            reference: dense.map(|value| Reference { name: "dense".into(), value }),
            ..LinePlot::default()
        })
    }

    pub(super) fn against_sparsity(&self, figure: Figure) -> Option<Section> {
        let panels = self.variants().into_iter().filter_map(|variant| {
            let lines = self
                .methods(variant)
                .into_iter()
                .map(|method| self.line(method, variant, method, Control::None, figure));
            // Nothing where the figure was not tried.
            let lines: Vec<Series> = lines.filter(|line| !line.points.is_empty()).collect();
            (!lines.is_empty())
                .then(|| Panel { title: variant.into(), plot: self.plot(figure, variant, lines) })
        });
        let mut panels: Vec<Panel> = panels.collect();
        let text = match figure {
            Figure::Rule => {
                "To the right, ever more weights are removed. The bands are Wilson's intervals of 95 %."
            }
            _ => {
                "To the right, ever more weights are removed. The bands are one standard deviation to each side."
            }
        };
        let heading = format!("{} against sparsity", figure.name());
        match panels.len() {
            0 => None,
            1 => Some(Section::new(heading, text, Body::Plot(panels.remove(0).plot))),
            _ => Some(Section::new(heading, text, Body::Panels(panels))),
        }
    }

    /// What each method loses when something is taken away from it.
    pub(super) fn controls(&self) -> Option<Section> {
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
                let title = joined([variant, method]);
                panels.push(Panel { title, plot: self.plot(figure, variant, lines.into()) });
            }
        }
        let text = "Shuffle: the mask of each layer is permuted. Reinit: new initial weights under the same masks. Invert: \
                    the other end of the ranking goes.";
        (!panels.is_empty()).then(|| Section::new("Controls", text, Body::Panels(panels)))
    }

    /// What is left of each layer where the most is removed.
    pub(super) fn densities(&self) -> Option<Section> {
        let panels = self.variants().into_iter().filter_map(|variant| {
            let methods = self.methods(variant);
            let most = methods
                .iter()
                .filter_map(|method| self.select(variant, method, Control::None).last()?.sparsity)
                .max_by(|a, b| a.to_f64().total_cmp(&b.to_f64()))?;
            let series = methods.iter().filter_map(|method| {
                let group =
                    self.select(variant, method, Control::None).find(|group| group.sparsity == Some(most))?;
                let layers = &group.rows.first()?.outcome.layers;
                let density = |layer: usize| {
                    let share = |row: &&Row| {
                        let layer = row.outcome.layers.get(layer)?;
                        Some(layer.kept as f64 / layer.total as f64)
                    };
                    let shares: Vec<f64> = group.rows.iter().filter_map(share).collect();
                    Summary::of(&shares).map_or(f64::NAN, |summary| summary.mean)
                };
                let layers = layers
                    .iter()
                    .enumerate()
                    .map(|(place, layer)| (layer.path.layer().into(), density(place)));
                Some(DensitySeries { name: (*method).into(), layers: layers.collect() })
            });
            let series: Vec<DensitySeries> = series.collect();
            let reference = Some(Reference { name: "whole network".into(), value: 1.0 - most.to_f64() });
            let title = format!("{variant} {most} removed").trim().to_string();
            (!series.is_empty())
                .then_some(Panel { title, plot: Plot::Density(DensityPlot { series, reference }) })
        });
        let panels: Vec<Panel> = panels.collect();
        let text = "The fraction of each layer that is kept, the mean over the replicates.";
        (!panels.is_empty()).then(|| Section::new("What is left of each layer", text, Body::Panels(panels)))
    }

    /// How training went, where the most is removed.
    pub(super) fn curves(&self) -> Option<Section> {
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
                // A network that comes trained was not trained here.
                series: dense.into_iter().chain(methods).filter(|line| !line.points.is_empty()).collect(),
                reference: None,
                ..LinePlot::default()
            };
            Panel { title: variant.into(), plot: Plot::Line(plot) }
        });
        let panels: Vec<Panel> = panels.collect();
        let text = "The mean training loss of each epoch, for each method where it removes the most.";
        (!panels.is_empty()).then(|| Section::new("Training", text, Body::Panels(panels)))
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
