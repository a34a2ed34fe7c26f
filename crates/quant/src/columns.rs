//! What a layer's weights are multiplied with.

/// What the rows of a matrix of weights are multiplied with: `count` columns of `width` numbers, one for each weight of
/// a row.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a> {
    /// Weights of a row.
    pub(crate) width: usize,
    /// How many there are.
    pub(crate) count: usize,
    /// `sum z z^T` over the columns behind what is quantised already, `[width, width]`.
    pub(crate) gram: &'a [f64],
    /// `sum x z^T`, likewise, with those of the float network.
    pub(crate) cross: &'a [f64],
}

#[cfg(test)]
impl<'a> Columns<'a> {
    /// Columns of which both networks see the same.
    pub(crate) fn alike(width: usize, count: usize, gram: &'a [f64]) -> Self {
        Self { width, count, gram, cross: gram }
    }
}
