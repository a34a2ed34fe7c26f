//! What a reshaping does to indices.
//!
//! Dimensions are cut into the shortest runs that have one product on both sides. Within a run the indices are laid
//! in a row; where that row becomes several dimensions, one of them carries the indices, and what lies at one of
//! its places leaves together. Which one it is the network says where it can (channels that a grouped
//! convolution has joined position by position); else it is tried which one leaves most of the network free. The batch's
//! dimension is one of them where it has several places for each example, as the heads of `nn.MultiheadAttention`.

use std::ops::Range;

use super::trace::{Trace, Value};
use crate::Dims;

impl Trace<'_> {
    pub(super) fn reshape(&mut self, node: usize) -> Value {
        let (x, from, to) = (self.input(node, 0), self.dims_in(node, 0), self.dims[node]);
        let mut found: Value = vec![None; to.rank()];
        let Some(runs) = runs(&from, &to) else {
            let reason = self.said(node, "moves the batch among them");
            self.keep_all(&x, 0, &reason);
            return found;
        };
        for (before, after) in runs {
            if let [one] = after.clone().collect::<Vec<_>>()[..]
                && before.len() == 1
            {
                found[one] = x[before.start].clone();
                continue;
            }
            let Some(row) = self.row(node, &x[before.clone()], &from.sizes()[before]) else { continue };
            let sizes = &to.sizes()[after.clone()];
            let choices: Vec<usize> = (0..sizes.len()).filter(|dim| 1 < sizes[*dim]).collect();
            let Some(dim) = self.carrier(node, &row, sizes, &choices) else {
                self.keep(node, &Some(row), "has a single place for them");
                continue;
            };
            let inner: usize = sizes[dim + 1..].iter().product();
            let mut carried: Vec<Option<u32>> = vec![None; sizes[dim]];
            for (at, index) in row.iter().enumerate() {
                match carried[at / inner % sizes[dim]] {
                    None => carried[at / inner % sizes[dim]] = Some(*index),
                    Some(first) => self.classes.join(first, *index),
                }
            }
            found[after.start + dim] = carried.into_iter().collect();
        }
        found
    }

    /// Which of these dimensions has the indices.
    fn carrier(&mut self, node: usize, row: &[u32], sizes: &[usize], choices: &[usize]) -> Option<usize> {
        let decided = |dim: &&usize| {
            let inner: usize = sizes[**dim + 1..].iter().product();
            let mut roots: Vec<Option<u32>> = vec![None; sizes[**dim]];
            row.iter().enumerate().all(|(at, index)| {
                let root = self.classes.root(*index);
                *roots[at / inner % sizes[**dim]].get_or_insert(root) == root
            })
        };
        let all_same = row.iter().all(|index| self.classes.root(*index) == self.classes.root(row[0]));
        if choices.len() < 2 {
            return choices.first().copied();
        }
        if let Some(dim) = choices.iter().find(decided)
            && !all_same
        {
            return Some(*dim);
        }
        let what = format!("{} to {}", self.dims_in(node, 0), self.dims[node]);
        let chosen = self.carriers.get(&what).copied().filter(|dim| choices.contains(dim));
        self.open.insert(what, choices.to_vec());
        chosen.or_else(|| choices.first().copied())
    }
}

/// The shortest runs of dimensions that have one product on both sides; none where the batch does not come first
/// in its run.
fn runs(from: &Dims, to: &Dims) -> Option<Vec<(Range<usize>, Range<usize>)>> {
    let size = |dims: &Dims, dim: usize| (dims.sizes()[dim], dims.batch() == Some(dim));
    let (mut i, mut j, mut found) = (0, 0, Vec::new());
    while i < from.rank() || j < to.rank() {
        let (first_i, first_j) = (i, j);
        let (mut a, mut b) = ((1, false), (1, false));
        let take = |so_far: &mut (usize, bool), (size, batch): (usize, bool)| {
            if batch && so_far.0 != 1 {
                return None;
            }
            *so_far = (so_far.0 * size, so_far.1 || batch);
            Some(())
        };
        if i < from.rank() {
            take(&mut a, size(from, i))?;
            i += 1;
        }
        if j < to.rank() {
            take(&mut b, size(to, j))?;
            j += 1;
        }
        while a != b {
            if (a.0 < b.0 || (a.0 == b.0 && b.1) || j == to.rank()) && i < from.rank() {
                take(&mut a, size(from, i))?;
                i += 1;
            } else if j < to.rank() {
                take(&mut b, size(to, j))?;
                j += 1;
            } else {
                return None;
            }
        }
        found.push((first_i..i, first_j..j));
    }
    Some(found)
}
