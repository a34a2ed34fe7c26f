//! Lines with a spread around them: accuracy against sparsity, training curves.

use std::collections::BTreeSet;

use super::{
    Cell, Table,
    axis::Axis,
    number::number,
    plot::Reference,
    scale::Scale,
    styles::Style,
    svg::{Anchor, Svg},
};

/// One or more series over a common axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinePlot {
    /// What runs to the right, with its unit.
    pub x_label: String,
    /// What runs upwards, with its unit.
    pub y_label: String,
    /// How the horizontal axis is divided.
    pub x_scale: Scale,
    /// How the vertical axis is divided.
    pub y_scale: Scale,
    /// The lines; a name keeps its colour over all plots of a page.
    pub series: Vec<Series>,
    /// A value that all series are compared with, such as the dense network's.
    pub reference: Option<Reference>,
    /// Points `(x, y)` that lie behind the lines, each a dot: all that there is to choose from.
    /// Dots in the same place are one, and they are not among the numbers.
    pub cloud: Vec<(f64, f64)>,
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Its points, in the order in which they are joined.
    pub points: Vec<Point>,
}

/// One point, with the spread over its replicates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Where, on the horizontal axis.
    pub x: f64,
    /// The mean.
    pub mean: f64,
    /// The lower end of the spread.
    pub low: f64,
    /// The upper end of the spread.
    pub high: f64,
}

impl Point {
    /// A point without a spread.
    pub fn exact(x: f64, y: f64) -> Self {
        Self { x, mean: y, low: y, high: y }
    }

    fn has_spread(&self) -> bool {
        self.low < self.mean || self.mean < self.high
    }
}

impl LinePlot {
    /// The numbers behind the picture, one row a point.
    pub fn to_table(&self) -> Table {
        let spread = self.series.iter().flat_map(|series| &series.points).any(Point::has_spread);
        let x = if self.x_label.is_empty() { "x" } else { &self.x_label };
        let y = if self.y_label.is_empty() { "y" } else { &self.y_label };
        let mut table = Table::new(
            ["series", x, y].into_iter().chain(spread.then_some(["low", "high"]).into_iter().flatten()),
        );
        for series in &self.series {
            for point in &series.points {
                let x = Cell::written(point.x, self.x_scale.name(point.x));
                table.row([series.name.as_str().into(), x].into_iter().chain(
                    [point.mean, point.low, point.high].map(|y| Cell::written(y, self.y_scale.name(y))),
                ));
            }
        }
        if let Some(reference) = &self.reference {
            let value = Cell::written(reference.value, self.y_scale.name(reference.value));
            table.row([reference.name.as_str().into(), Cell::none(), value]);
        }
        table
    }
}

// The picture's measures. Labels have room for the letters of the phone's style,
// which are larger than those of a wide page.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 380.0;
const TOP: f64 = 32.0;
const BOTTOM: f64 = HEIGHT - 58.0;
pub(super) const LETTER: f64 = 10.5;
/// From this many points on, marks would hide the line.
const CROWD: usize = 30;
/// Dots of a cloud that are nearer to each other are one.
const GRAIN: f64 = 2.0;

/// A plot with its axes laid out.
pub(super) struct Drawing<'a> {
    plot: &'a LinePlot,
    x: Axis,
    y: Axis,
    left: f64,
}

impl<'a> Drawing<'a> {
    pub(super) fn new(plot: &'a LinePlot) -> Self {
        let points = || plot.series.iter().flat_map(|series| &series.points);
        let ys = points().flat_map(|p| [p.mean, p.low, p.high]).chain(plot.reference.iter().map(|r| r.value));
        let ys = ys.chain(plot.cloud.iter().map(|(_, y)| *y));
        let y = Axis::fit(plot.y_scale, ys, 0.05, (BOTTOM, TOP));
        let longest = y.ticks(|_| 30.0).iter().map(|(_, label)| label.chars().count()).max().unwrap_or(0);
        let left = longest as f64 * LETTER + 12.0;
        let xs = points().map(|p| p.x).chain(plot.cloud.iter().map(|(x, _)| *x));
        let x = Axis::fit(plot.x_scale, xs, 0.02, (left, WIDTH - 22.0));
        Self { plot, x, y, left }
    }

    /// The picture; it needs the page's style to be seen well.
    pub(super) fn svg(&self, styles: &[Style]) -> String {
        let plot = self.plot;
        let names: Vec<_> = plot.series.iter().map(|series| series.name.as_str()).collect();
        let about = format!("{} against {}: {}", plot.y_label, plot.x_label, names.join(", "));
        let mut svg = Svg::new(WIDTH, HEIGHT, &about);
        self.axes(&mut svg);
        self.cloud(&mut svg);
        // All bands lie below all lines.
        for (series, style) in plot.series.iter().zip(styles) {
            self.band(&mut svg, series, *style);
        }
        if let Some(at) = plot.reference.as_ref().and_then(|reference| self.y.at(reference.value)) {
            svg.line("reference", (self.left, at), (WIDTH - 8.0, at));
        }
        for (series, style) in plot.series.iter().zip(styles) {
            self.line(&mut svg, series, *style);
        }
        svg.finish()
    }

    fn axes(&self, svg: &mut Svg) {
        for (at, label) in self.y.ticks(|_| 30.0) {
            svg.line("grid", (self.left, at), (WIDTH - 8.0, at));
            svg.text("tick", (self.left - 8.0, at + 4.5), Anchor::End, &label);
        }
        svg.line("axis", (self.left, BOTTOM), (WIDTH - 8.0, BOTTOM));
        for (at, label) in self.x.ticks(|label| label.chars().count() as f64 * LETTER + 8.0) {
            svg.line("axis", (at, BOTTOM), (at, BOTTOM + 5.0));
            svg.text("tick", (at, BOTTOM + 23.0), Anchor::Middle, &label);
        }
        svg.text("label", (2.0, 17.0), Anchor::Start, &self.plot.y_label);
        svg.text("label", (WIDTH - 8.0, HEIGHT - 8.0), Anchor::End, &self.plot.x_label);
    }

    fn cloud(&self, svg: &mut Svg) {
        // Of what would lie upon each other one is drawn, so that a picture of millions is small.
        let places: BTreeSet<(i64, i64)> = self
            .plot
            .cloud
            .iter()
            .filter_map(|(x, y)| {
                let (x, y) = (self.x.at(*x)?, self.y.at(*y)?);
                Some(((x / GRAIN).round() as i64, (y / GRAIN).round() as i64))
            })
            .collect();
        svg.dots("dot", places.into_iter().map(|(x, y)| (x as f64 * GRAIN, y as f64 * GRAIN)));
    }

    fn band(&self, svg: &mut Svg, series: &Series, style: Style) {
        if !series.points.iter().any(Point::has_spread) {
            return;
        }
        let edge = |end: fn(&Point) -> f64| {
            let points = series.points.iter();
            points.filter_map(|p| Some((self.x.at(p.x)?, self.y.at(end(p))?))).collect::<Vec<_>>()
        };
        let (high, low) = (edge(|p| p.high), edge(|p| p.low));
        svg.open(&style.class());
        if high.len() > 1 {
            svg.path("polygon", "band", high.into_iter().chain(low.into_iter().rev()));
        } else if let (Some(high), Some(low)) = (high.first(), low.first()) {
            svg.line("whisker", *high, *low);
        }
        svg.close();
    }

    fn line(&self, svg: &mut Svg, series: &Series, style: Style) {
        let place = |p: &Point| Some((self.x.at(p.x)?, self.y.at(p.mean)?));
        svg.open(&style.class());
        svg.path("polyline", "line", series.points.iter().filter_map(place));
        if series.points.len() < CROWD {
            for point in &series.points {
                if let Some(at) = place(point) {
                    svg.mark(style.mark(), at, &self.hint(&series.name, point));
                }
            }
        }
        svg.close();
    }

    fn hint(&self, name: &str, point: &Point) -> String {
        let x = self.plot.x_scale.name(point.x);
        let spread = if point.has_spread() {
            format!(" ({} to {})", number(point.low), number(point.high))
        } else {
            String::new()
        };
        format!("{name} at {x}: {}{spread}", number(point.mean))
    }
}
