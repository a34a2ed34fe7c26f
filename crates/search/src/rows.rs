//! Many encoded genomes.

/// A table of numbers, row after row.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    width: usize,
    numbers: Vec<f32>,
}

impl Rows {
    /// No rows yet, of this many numbers each.
    ///
    /// # Panics
    /// If the width is 0.
    pub fn new(width: usize) -> Self {
        assert!(0 < width, "a row has at least one number");
        Self { width, numbers: Vec::new() }
    }

    /// Appends a row.
    ///
    /// # Panics
    /// If it does not have the width.
    pub fn push(&mut self, row: &[f32]) {
        self.push_zeros().copy_from_slice(row);
    }

    pub(crate) fn push_zeros(&mut self) -> &mut [f32] {
        let start = self.numbers.len();
        self.numbers.resize(start + self.width, 0.0);
        &mut self.numbers[start..]
    }

    /// Numbers in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.numbers.len() / self.width
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// One row.
    ///
    /// # Panics
    /// If there are not as many.
    pub fn row(&self, at: usize) -> &[f32] {
        &self.numbers[at * self.width..(at + 1) * self.width]
    }

    /// All rows, in order.
    pub fn iter(&self) -> std::slice::ChunksExact<'_, f32> {
        self.numbers.chunks_exact(self.width)
    }

    /// The numbers of this many rows at a time; the last time of those that are left.
    pub(crate) fn blocks(&self, rows: usize) -> std::slice::Chunks<'_, f32> {
        self.numbers.chunks(rows * self.width)
    }

    /// These rows, in this order.
    ///
    /// # Panics
    /// If there are not as many.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let numbers = rows.iter().flat_map(|at| self.row(*at)).copied().collect();
        Self { width: self.width, numbers }
    }
}
