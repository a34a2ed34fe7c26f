//! The values that the templates lay out.

use askama::Template;

use super::{Body, Plot, Report, Table, styles::Styles, svg::Svg};

/// The page itself.
#[derive(Template)]
#[template(path = "report.html")]
pub(super) struct Page<'a> {
    report: &'a Report,
    parts: Vec<Part<'a>>,
}

/// One section, its pictures drawn.
struct Part<'a> {
    heading: &'a str,
    text: &'a str,
    figures: Vec<Figure<'a>>,
    table: Option<Sheet<'a>>,
}

/// A picture with its legend and the numbers behind it.
struct Figure<'a> {
    title: &'a str,
    svg: String,
    legend: Vec<(String, &'a str)>,
    reference: Option<String>,
    numbers: String,
}

/// A table as the page shows it.
#[derive(Template)]
#[template(path = "table.html")]
struct Sheet<'a> {
    table: &'a Table,
}

impl<'a> Page<'a> {
    pub(super) fn new(report: &'a Report) -> Self {
        let mut styles = Styles::default();
        let parts = report.sections.iter().map(|section| {
            let (figures, table) = match &section.body {
                Body::Plot(plot) => (vec![Figure::new("", plot, &mut styles)], None),
                Body::Panels(panels) => {
                    let figures = panels.iter().map(|p| Figure::new(&p.title, &p.plot, &mut styles));
                    (figures.collect(), None)
                }
                Body::Table(table) => (Vec::new(), Some(Sheet { table })),
            };
            Part { heading: &section.heading, text: &section.text, figures, table }
        });
        Self { report, parts: parts.collect() }
    }
}

impl<'a> Figure<'a> {
    fn new(title: &'a str, plot: &'a Plot, styles: &mut Styles) -> Self {
        let (svg, styles) = plot.draw(styles);
        let legend = plot.names().into_iter().zip(styles).map(|(name, style)| {
            let mut key = Svg::new(34.0, 14.0, name);
            key.open(&style.class());
            key.line("line", (1.0, 7.0), (33.0, 7.0));
            key.mark(style.mark(), (17.0, 7.0), "");
            key.close();
            (key.finish(), name)
        });
        let numbers = Sheet { table: &plot.to_table() }.to_string();
        Self { title, svg, legend: legend.collect(), reference: plot.reference(), numbers }
    }
}

impl Sheet<'_> {
    /// [`Table::is_numeric`], taking its argument as templates give it.
    fn is_numeric(&self, column: &usize) -> bool {
        self.table.is_numeric(*column)
    }
}
