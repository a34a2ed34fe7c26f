//! What all plots have in common.

use super::{
    DensityPlot, LinePlot, Table,
    line_plot::Drawing,
    styles::{Style, Styles},
};

/// A plot: numbers and names, to be drawn by the page.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Plot {
    /// Lines with a spread around them.
    Line(LinePlot),
    /// How dense each layer is left.
    Density(DensityPlot),
}

/// A small plot among others, with a heading of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// What sets this panel apart.
    pub title: String,
    /// The plot.
    pub plot: Plot,
}

/// A value that the series are compared with, drawn as a dashed line.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// What it is: `dense`.
    pub name: String,
    /// Its value, in the units of the axis that it stands on.
    pub value: f64,
}

impl Plot {
    /// The names of the series, in order.
    pub(super) fn names(&self) -> Vec<&str> {
        match self {
            Plot::Line(plot) => plot.series.iter().map(|series| series.name.as_str()).collect(),
            Plot::Density(plot) => plot.series.iter().map(|series| series.name.as_str()).collect(),
        }
    }

    /// The reference line's name and value, as the legend shows it.
    pub(super) fn reference(&self) -> Option<String> {
        let (reference, scale) = match self {
            Plot::Line(plot) => (plot.reference.as_ref()?, plot.y_scale),
            Plot::Density(plot) => (plot.reference.as_ref()?, super::Scale::Density),
        };
        Some(format!("{}: {}", reference.name, scale.name(reference.value)))
    }

    /// The picture, styles given out by `styles`, and which style each series got.
    pub(super) fn draw(&self, styles: &mut Styles) -> (String, Vec<Style>) {
        let styles = styles.assign(self.names().into_iter());
        let svg = match self {
            Plot::Line(plot) => Drawing::new(plot).svg(&styles),
            Plot::Density(plot) => plot.svg(&styles),
        };
        (svg, styles)
    }

    /// The numbers behind the picture.
    pub fn to_table(&self) -> Table {
        match self {
            Plot::Line(plot) => plot.to_table(),
            Plot::Density(plot) => plot.to_table(),
        }
    }
}

impl From<LinePlot> for Plot {
    fn from(plot: LinePlot) -> Self {
        Plot::Line(plot)
    }
}

impl From<DensityPlot> for Plot {
    fn from(plot: DensityPlot) -> Self {
        Plot::Density(plot)
    }
}
