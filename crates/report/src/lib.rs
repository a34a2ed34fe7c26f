//! The report of a study: one HTML page that needs nothing beside itself.
//!
//! A [`Report`] is a value: paragraphs, plots and tables that hold numbers and
//! names, no markup. [`Report::to_html`] turns it into a page. Nothing in here
//! reads a clock, a file or a random number, so equal reports give equal bytes;
//! a date, where one is wanted, is a fact like any other.
//!
//! The plots are drawn by this module and not by a plotting crate. A plot here
//! has no fixed colours and no legend of its own: both belong to the page, which
//! gives a method the same colour in every plot, follows the reader's light or
//! dark mode, enlarges the labels on a phone and prints. Ready-made SVG, with
//! its size, colours and legend baked in, allows none of that.
//!
//! ```
//! use sapwood_report::{Body, Cell, Report, Section, Table};
//!
//! let mut table = Table::new(["method", "accuracy (%)"]);
//! table.row(["magnitude".into(), Cell::spread(97.1, 0.2, 1)]);
//! assert_eq!(table.to_text(), "method     accuracy (%)\n---------  ------------\nmagnitude    97.1 ± 0.2\n");
//!
//! let report = Report {
//!     title: "A first study".into(),
//!     sections: vec![Section::new("Results", "Three replicates each.", Body::Table(table))],
//!     ..Report::default()
//! };
//! assert!(report.to_html().unwrap().contains("97.1 ± 0.2"));
//! ```

mod axis;
mod density_plot;
mod line_plot;
mod number;
mod page;
mod plot;
mod scale;
pub mod statistics;
mod styles;
mod svg;
mod table;
pub mod tensorboard;

use askama::Template as _;

pub use density_plot::{DensityPlot, DensitySeries};
pub use line_plot::{LinePlot, Point, Series};
pub use plot::{Panel, Plot, Reference};
pub use scale::Scale;
pub use table::{Cell, Table};

/// Everything that a page shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The heading of the page, also its title in the browser.
    pub title: String,
    /// Paragraphs that say what was studied and what came out.
    pub intro: Vec<String>,
    /// The conditions, as name and value: data, seeds, device, date.
    pub facts: Vec<(String, String)>,
    /// The command line that makes the page again; none is shown if empty.
    pub command: String,
    /// The parts of the page, in order.
    pub sections: Vec<Section>,
}

/// One part of a page: a heading, a paragraph and what they introduce.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// The heading.
    pub heading: String,
    /// A paragraph that says how to read the body; may be empty.
    pub text: String,
    /// The plot or table itself.
    pub body: Body,
}

impl Section {
    /// A section from its parts.
    pub fn new(heading: impl Into<String>, text: impl Into<String>, body: Body) -> Self {
        Self { heading: heading.into(), text: text.into(), body }
    }
}

/// What a section shows below its text.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Body {
    /// One plot over the full width.
    Plot(Plot),
    /// Several small plots beside each other.
    Panels(Vec<Panel>),
    /// A table that the reader can sort.
    Table(Table),
}

/// The page could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the page of the report could not be filled in: {0}")]
pub struct Error(#[from] askama::Error);

impl Report {
    /// The page: HTML with its style, script and pictures inside.
    ///
    /// # Errors
    /// [`Error`] when the template's engine refuses, which no content brings about.
    pub fn to_html(&self) -> Result<String, Error> {
        Ok(page::Page::new(self).render()?)
    }
}

#[cfg(test)]
mod tests;
