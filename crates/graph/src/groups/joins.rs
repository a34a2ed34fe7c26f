//! What operations on several inputs do to indices.

use super::trace::{Trace, Value};

impl Trace<'_> {
    /// By the rules of NumPy: dimensions are compared from the last one on, and a single place meets all.
    pub(super) fn broadcast(&mut self, node: usize) -> Value {
        let (a, b) = (self.input(node, 0), self.input(node, 1));
        let (a_sizes, b_sizes) = (self.dims_in(node, 0), self.dims_in(node, 1));
        let rank = self.dims[node].rank();
        self.aligned(node, (&a, a_sizes.sizes()), (&b, b_sizes.sizes()), rank)
    }

    fn aligned(&mut self, node: usize, a: (&Value, &[usize]), b: (&Value, &[usize]), rank: usize) -> Value {
        let of = |(value, sizes): (&Value, &[usize]), back: usize| {
            value.len().checked_sub(back).map(|dim| (value[dim].clone(), sizes[dim]))
        };
        let mut found = vec![None; rank];
        for back in 1..=rank {
            found[rank - back] = match (of(a, back), of(b, back)) {
                (Some((one, n)), Some((other, m))) if n == m => self.join(node, &one, &other),
                (Some((one, 1)), Some((all, _))) | (Some((all, _)), Some((one, 1))) => {
                    self.keep(node, &one, "spreads it over several");
                    all
                }
                (Some((axis, _)), _) | (None, Some((axis, _))) => axis,
                (None, None) => None,
            };
        }
        found
    }

    /// The first input, each channel times the value that the second has for it.
    pub(super) fn scale(&mut self, node: usize) -> Value {
        let (mut x, factors) = (self.input(node, 0), self.input(node, 1));
        x[1] = self.join(node, &x[1], &factors[1]);
        x
    }

    /// Rows from the one, columns from the other; what is added over leaves both.
    pub(super) fn matmul(&mut self, node: usize) -> Value {
        let (mut a, mut b) = (self.input(node, 0), self.input(node, 1));
        let (over, rows) = (a.pop().flatten(), b.len() - 2);
        let zeros = self.zeros_in(node, 0).last() == Some(&true) || self.zeros_in(node, 1)[rows];
        let added = self.join(node, &over, &b[rows]);
        if !zeros {
            self.keep(node, &added, "adds over them, and they are not zero where their weights are");
        }
        let columns = b.pop().flatten();
        b.pop();
        let row = a.pop().flatten();
        let (a_sizes, b_sizes) = (self.dims_in(node, 0), self.dims_in(node, 1));
        let before = self.dims[node].rank() - 2;
        let stacked = self.aligned(node, (&a, a_sizes.sizes()), (&b, b_sizes.sizes()), before);
        stacked.into_iter().chain([row, columns]).collect()
    }

    /// Whole heads leave: the channels of one lie together, in queries, keys and values alike.
    pub(super) fn attention(&mut self, node: usize, heads: usize) -> Value {
        let x: Vec<Value> = (0..3).map(|number| self.input(node, number)).collect();
        for value in &x {
            value.iter().skip(2).for_each(|axis| self.keep(node, axis, "mixes them"));
        }
        let together = self.join(node, &x[0][1], &x[1][1]);
        let together = self.join(node, &together, &x[2][1]);
        if let Some(all) = &together {
            all.chunks((all.len() / heads).max(1))
                .for_each(|head| head.iter().for_each(|index| self.classes.join(head[0], *index)));
        }
        let mut found = x[2].clone();
        found[1] = together;
        found.iter_mut().skip(2).for_each(|axis| *axis = None);
        found
    }
}
