//! Quads of weights that are not zero, in the order in which they are multiplied.

use super::{
    Dots, Weights,
    cut::Cut,
    quads::{QUAD, TOGETHER},
    steps::{split, word},
};

/// A quad of weights: which of those that a window sees it is multiplied with, and its four bytes.
pub(crate) type Entry = [i32; 2];

/// Outputs that are summed together, with all that their windows see, or with the next part of it.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// The first output, and how many there are.
    pub(crate) first: usize,
    pub(crate) outputs: usize,
    /// Which rows are theirs, and where the first one's quads begin.
    pub(crate) rows: [usize; 2],
    pub(crate) entry: usize,
}

/// What one output is made of in a part: which of its outputs, and where its quads end.
pub(crate) type Row = [u32; 2];

/// Of all outputs, group by group, what they are made of.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) entries: Vec<Entry>,
    pub(crate) rows: Vec<Row>,
    /// Of each group, one behind the other.
    pub(crate) groups: Vec<Vec<Part>>,
}

/// What an output is made of, in order; where products of two neighbours could be too large, a quad becomes two.
pub(crate) fn entries(
    dots: Dots,
    weights: &Weights<'_>,
    output: usize,
    quads: usize,
    kernel: [usize; 2],
    mut then: impl FnMut(Entry),
) {
    for (tap, quad) in (0..kernel[0] * kernel[1]).flat_map(|tap| (0..quads).map(move |quad| (tap, quad))) {
        let found = weights.quad(output, quad, [tap / kernel[1], tap % kernel[1]], kernel);
        let parts = if dots.saturates() { split(found) } else { [found, [0; QUAD]] };
        for part in parts.into_iter().filter(|part| *part != [0; QUAD]) {
            then([(tap * quads + quad) as i32, word(part)]);
        }
    }
}

impl Rows {
    /// Of weights whose windows see a number of quads of each pixel, in numbers of which one quad has `step`.
    pub(crate) fn of(
        dots: Dots,
        weights: &Weights<'_>,
        quads: usize,
        kernel: [usize; 2],
        (cut, step): (Cut, usize),
    ) -> Self {
        let seen = kernel[0] * kernel[1] * quads;
        let (mut all, outputs) = (Self::default(), weights.outputs.next_multiple_of(TOGETHER));
        for first in (0..outputs).step_by(cut.outputs) {
            let outputs = cut.outputs.min(outputs - first);
            let of = |output: usize| {
                let mut found = Vec::new();
                entries(dots, weights, first + output, quads, kernel, |entry| found.push(entry));
                found
            };
            let of_outputs: Vec<Vec<Entry>> = (0..outputs).map(of).collect();
            let part = |begin: usize| {
                let is_here = |entry: &&Entry| (begin..begin + cut.quads).contains(&(entry[0] as usize));
                let mut here: Vec<(usize, Vec<Entry>)> = of_outputs
                    .iter()
                    .map(|found| found.iter().filter(is_here).copied().collect::<Vec<_>>())
                    .enumerate()
                    // With the first part the biases become sums.
                    .filter(|(_, found)| begin == 0 || !found.is_empty())
                    .collect();
                // Rows of one length behind each other, so that it is foreseen where they end.
                here.sort_by_key(|(output, found)| (found.len(), *output));
                let (row, entry) = (all.rows.len(), all.entries.len());
                for (output, found) in here {
                    all.entries.extend(found.into_iter().map(|[at, weights]| [at * step as i32, weights]));
                    all.rows.push([output as u32, all.entries.len() as u32]);
                }
                Part { first, outputs, rows: [row, all.rows.len()], entry }
            };
            let parts = (0..seen).step_by(cut.quads).map(part).collect();
            all.groups.push(parts);
        }
        all
    }
}
