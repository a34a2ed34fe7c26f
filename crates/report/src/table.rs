//! A table that a terminal and a page can both show.

use super::number::{grouped, number};

/// Columns with names, and rows of cells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

/// One entry of a table: how it reads and, if it is a number, how it sorts.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    text: String,
    value: Option<f64>,
}

impl Cell {
    /// A number with this number of decimals.
    pub fn fixed(value: f64, decimals: usize) -> Self {
        Self { text: format!("{value:.decimals$}"), value: Some(value) }
    }

    /// A number with up to six significant digits.
    pub fn number(value: f64) -> Self {
        Self { text: number(value), value: Some(value) }
    }

    /// A mean and a spread around it, sorted by the mean.
    pub fn spread(mean: f64, spread: f64, decimals: usize) -> Self {
        Self { text: format!("{mean:.decimals$} ± {spread:.decimals$}"), value: Some(mean) }
    }

    /// A whole number, with commas at the thousands.
    pub fn count(value: u64) -> Self {
        Self { text: grouped(value as f64), value: Some(value as f64) }
    }

    /// A number written in the caller's own way, such as `98%` or `3.2 h`.
    pub fn written(value: f64, text: impl Into<String>) -> Self {
        Self { text: text.into(), value: Some(value) }
    }

    /// Where there is nothing to say.
    pub fn none() -> Self {
        Self { text: "–".into(), value: None }
    }

    /// How the cell reads.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The number that the cell stands for, if it is one.
    pub fn value(&self) -> Option<f64> {
        self.value
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), value: None }
    }
}

impl Table {
    /// A table without rows.
    pub fn new<S: Into<String>>(columns: impl IntoIterator<Item = S>) -> Self {
        Self { columns: columns.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Adds a row. Cells beyond the columns are dropped, missing ones are empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let mut cells: Vec<_> = cells.into_iter().collect();
        cells.resize_with(self.columns.len(), Cell::none);
        self.rows.push(cells);
    }

    /// The names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The rows, each as long as there are columns.
    pub fn rows(&self) -> &[Vec<Cell>] {
        &self.rows
    }

    /// Whether a column holds numbers, which are flush right.
    pub fn is_numeric(&self, column: usize) -> bool {
        let mut cells =
            self.rows.iter().filter_map(|row| row.get(column)).filter(|cell| **cell != Cell::none());
        let first = cells.next();
        first.is_some_and(|cell| cell.value.is_some()) && cells.all(|cell| cell.value.is_some())
    }

    /// The table for a terminal: columns aligned, numbers flush right.
    pub fn to_text(&self) -> String {
        let width = |text: &str| text.chars().count();
        let widths: Vec<_> = (self.columns.iter().enumerate())
            .map(|(i, name)| {
                self.rows.iter().map(|row| width(row[i].text())).chain([width(name)]).max().unwrap_or(0)
            })
            .collect();
        let mut out = String::new();
        let mut line = |cells: &mut dyn Iterator<Item = &str>| {
            let padded: Vec<_> = cells
                .enumerate()
                .map(|(i, text)| match self.is_numeric(i) {
                    true => format!("{text:>0$}", widths[i]),
                    false => format!("{text:<0$}", widths[i]),
                })
                .collect();
            out.push_str(padded.join("  ").trim_end());
            out.push('\n');
        };
        line(&mut self.columns.iter().map(String::as_str));
        let rules: Vec<_> = widths.iter().map(|width| "-".repeat(*width)).collect();
        line(&mut rules.iter().map(String::as_str));
        for row in &self.rows {
            line(&mut row.iter().map(Cell::text));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_aligned_with_numbers_flush_right() {
        let mut table = Table::new(["method", "kept", "accuracy (%)"]);
        table.row(["SNIP".into(), Cell::count(26_661), Cell::spread(96.04, 0.1, 2)]);
        table.row(["größe".into(), Cell::count(500)]);
        let expected = "method    kept  accuracy (%)\n------  ------  ------------\nSNIP    26,661  96.04 ± 0.10\n\
                        größe      500             –\n";
        assert_eq!(table.to_text(), expected);
    }

    #[test]
    fn a_column_is_numeric_only_if_all_that_it_says_are_numbers() {
        let mut table = Table::new(["a", "b", "c"]);
        table.row([Cell::number(1.0), Cell::number(1.0), Cell::none()]);
        table.row([Cell::none(), "one".into(), Cell::none()]);
        assert_eq!([0, 1, 2, 3].map(|column| table.is_numeric(column)), [true, false, false, false]);
    }
}
