//! What operations that move, add or leave out places do to indices.

use super::trace::{Axis, Trace, Value};
use crate::{Pad, PadMode, Slice};

impl Trace<'_> {
    /// An operation that goes through channel by channel, and mixes what lies in these dimensions.
    pub(super) fn mixed(&mut self, node: usize, dims: &[usize]) -> Value {
        let mut x = self.input(node, 0);
        for dim in dims {
            let axis = x.get_mut(*dim).and_then(Option::take);
            self.keep(node, &axis, "mixes them");
        }
        x
    }

    pub(super) fn reduce(&mut self, node: usize, axes: &[usize], keep: bool) -> Value {
        let x = self.mixed(node, axes);
        let gone = |dim: &usize| axes.contains(dim) && !keep;
        x.into_iter().enumerate().filter(|(dim, _)| !gone(dim)).map(|(_, axis)| axis).collect()
    }

    /// New channels that are the same number everywhere may leave as any other.
    pub(super) fn pad(&mut self, node: usize, pad: &Pad) -> Value {
        let mut x = self.input(node, 0);
        for (dim, axis) in x.iter_mut().enumerate() {
            let (before, after) = (pad.before[dim], pad.after[dim]);
            if before + after == 0 {
                continue;
            }
            match (pad.with, &axis) {
                (PadMode::Constant(_), Some(indices)) => {
                    let made = self.fresh(node, dim, before + after);
                    *axis = Some([&made[..before], indices, &made[before..]].concat());
                }
                _ => {
                    let axis = axis.take();
                    self.keep(node, &axis, "repeats some of them");
                }
            }
        }
        x
    }

    /// The parameter-free shortcut. It has half of its new channels in front, so these leave in pairs.
    pub(super) fn subsample(&mut self, node: usize, channels: usize) -> Value {
        let mut x = self.mixed(node, &[2, 3]);
        if let Some(indices) = &x[1] {
            let new = channels - indices.len();
            let made = self.fresh(node, 0, new);
            let (front, back) = made.split_at(new / 2);
            front.iter().zip(back).for_each(|(a, b)| self.classes.join(*a, *b));
            if let Some(odd) = back.get(front.len()) {
                self.keep(node, &Some(vec![*odd]), "has it in the middle");
            }
            x[1] = Some([front, indices, back].concat());
        }
        x
    }

    pub(super) fn concat(&mut self, node: usize, axis: usize) -> Value {
        let inputs = self.graph.nodes()[node].inputs.len();
        let mut found = self.input(node, 0);
        let (mut joined, mut any): (Vec<u32>, bool) = (Vec::new(), false);
        for number in 0..inputs {
            let x = self.input(node, number);
            for (dim, of) in x.iter().enumerate().filter(|(dim, _)| *dim != axis) {
                found[dim] = self.join(node, &found[dim].clone(), of);
            }
            any |= x[axis].is_some();
        }
        for number in (0..inputs).filter(|_| any) {
            let part = match self.input(node, number).swap_remove(axis) {
                Some(indices) => indices,
                None => {
                    let made = self.fresh(node, number, self.dims_in(node, number).sizes()[axis]);
                    self.keep(node, &Some(made.clone()), "has them of what no removal changes");
                    made
                }
            };
            joined.extend(part);
        }
        found[axis] = any.then_some(joined);
        found
    }

    pub(super) fn slice(&mut self, node: usize, slice: &Slice) -> Value {
        let Slice { axis, start, length, step } = *slice;
        let mut x = self.input(node, 0);
        let whole = x[axis].take();
        if 1 < step {
            self.keep(node, &whole, "takes some of them in steps");
        }
        let all = whole.as_deref();
        let taken: Axis = all.map(|all| all.iter().copied().skip(start).step_by(step).take(length).collect());
        if length == 1 {
            self.keep(node, &taken, "takes it alone");
        }
        x[axis] = taken;
        x
    }

    pub(super) fn expand(&mut self, node: usize) -> Value {
        let (x, from, to) = (self.input(node, 0), self.dims_in(node, 0), self.dims[node]);
        let mut found: Value = vec![None; to.rank() - x.len()];
        for (dim, axis) in x.into_iter().enumerate() {
            let same = from.sizes()[dim] == to.sizes()[found.len()];
            if !same {
                self.keep(node, &axis, "repeats it");
            }
            found.push(axis.filter(|_| same));
        }
        found
    }

    pub(super) fn flatten(&mut self, node: usize) -> Value {
        let x = self.input(node, 0);
        vec![None, self.in_a_row(node, &x)]
    }

    /// The indices of all values of an example in one row.
    pub(super) fn in_a_row(&mut self, node: usize, x: &Value) -> Axis {
        let sizes = self.dims_in(node, 0).sizes().to_vec();
        self.row(node, &x[1..], &sizes[1..])
    }

    /// The indices of several dimensions in one row, where one of them has any.
    pub(super) fn row(&mut self, node: usize, axes: &[Axis], sizes: &[usize]) -> Axis {
        let mut labelled = (0..axes.len()).filter(|dim| axes[*dim].is_some());
        let carrier = labelled.next()?;
        for dim in labelled {
            self.keep(node, &axes[dim], "has two dimensions of channels in one row");
        }
        let indices = axes[carrier].as_ref()?;
        let inner: usize = sizes[carrier + 1..].iter().product();
        let outer: usize = sizes[..carrier].iter().product();
        let once = indices.iter().flat_map(|index| std::iter::repeat_n(*index, inner));
        let once: Vec<u32> = once.collect();
        Some(once.repeat(outer))
    }
}
