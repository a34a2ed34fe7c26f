//! What layers with parameters do to indices.

use super::{
    Side,
    trace::{Axis, Trace, Value},
};
use crate::{ConvSpec, Dims};

impl Trace<'_> {
    pub(super) fn conv(&mut self, node: usize, spec: &ConvSpec) -> Value {
        let x = self.mixed(node, &(2..self.dims[node].rank()).collect::<Vec<_>>());
        let ConvSpec { inputs, outputs, groups, bias, .. } = *spec;
        let (of_inputs, of_outputs) = (inputs / groups, outputs / groups);
        // A transposed convolution has its inputs first.
        let (out, read) = if spec.transposed.is_some() { (1, 0) } else { (0, 1) };
        let made = match &x[1] {
            // One channel to each group: they leave with it, and the number of groups falls.
            axis if 1 < groups && of_inputs == 1 => {
                let made: Axis =
                    axis.as_ref().map(|axis| axis.iter().flat_map(|i| [*i].repeat(of_outputs)).collect());
                match spec.transposed {
                    None => self.touch(node, "weight", 0, Side::Follows, &made),
                    Some(_) => self.touch(node, "weight", 0, Side::Follows, axis),
                }
                if bias {
                    self.touch(node, "bias", 0, Side::Follows, &made);
                }
                let mut x = x;
                x[1] = made;
                return x;
            }
            // The same positions in each group, so that the groups keep one width.
            axis if 1 < groups => {
                let made = self.fresh(node, 0, outputs);
                let firsts = |all: &[u32], width: usize| Some(all[..width].to_vec());
                self.same_in_each(&made, of_outputs);
                if let Some(axis) = axis {
                    self.same_in_each(axis, of_inputs);
                }
                let [made_side, read_side]: [Axis; 2] = match spec.transposed {
                    None => [Some(made.clone()), axis.as_ref().and_then(|axis| firsts(axis, of_inputs))],
                    Some(_) => [firsts(&made, of_outputs), axis.clone()],
                };
                self.touch(node, "weight", out, Side::Makes, &made_side);
                self.touch(node, "weight", read, Side::Reads, &read_side);
                Some(made)
            }
            axis => {
                let made = Some(self.fresh(node, 0, outputs));
                self.touch(node, "weight", out, Side::Makes, &made);
                self.touch(node, "weight", read, Side::Reads, axis);
                made
            }
        };
        if bias {
            self.touch(node, "bias", 0, Side::Makes, &made);
        }
        let mut x = x;
        x[1] = made;
        x
    }

    /// Joins each index with the one at its position in the first of several parts of this width.
    fn same_in_each(&mut self, axis: &[u32], width: usize) {
        for (at, index) in axis.iter().enumerate().skip(width) {
            self.classes.join(axis[at % width], *index);
        }
    }

    pub(super) fn linear(&mut self, node: usize, places: bool, bias: bool) -> Value {
        let (x, rank) = (self.input(node, 0), self.dims[node].rank());
        let count = self.dims[node].sizes()[rank - 1];
        let read = match places {
            true => x.last().cloned().flatten(),
            false => self.in_a_row(node, &x),
        };
        let made = Some(self.fresh(node, 0, count));
        self.touch(node, "weight", 0, Side::Makes, &made);
        self.touch(node, "weight", 1, Side::Reads, &read);
        if bias {
            self.touch(node, "bias", 0, Side::Makes, &made);
        }
        let before = if places { x[..x.len() - 1].to_vec() } else { vec![None] };
        before.into_iter().chain([made]).collect()
    }

    /// A layer with parameters of its own for each channel.
    pub(super) fn channelwise(&mut self, node: usize, axis: usize, params: &[&str]) -> Value {
        let x = self.input(node, 0);
        params.iter().for_each(|param| self.touch(node, param, 0, Side::Follows, &x[axis]));
        x
    }

    /// A normalisation over several channels: without one of them the others change.
    pub(super) fn layer_norm(&mut self, node: usize, axis: usize) -> Value {
        let x = self.channelwise(node, axis, &["weight", "bias"]);
        self.keep(node, &x[axis], "normalises each place over them, so that all others would change");
        x
    }

    /// A normalisation over channels and all their places, or over the places of each channel alone.
    pub(super) fn group_norm(&mut self, node: usize, alone: bool) -> Value {
        for axis in self.input(node, 0).iter().skip(2) {
            self.keep(node, axis, "normalises over them, so that all others would change");
        }
        if alone { self.channelwise(node, 1, &["weight", "bias"]) } else { self.layer_norm(node, 1) }
    }

    pub(super) fn position(&mut self, node: usize) -> Value {
        let x = self.mixed(node, &[2, 3]);
        self.touch(node, "embedding", 0, Side::Follows, &x[1]);
        x
    }

    pub(super) fn constant(&mut self, node: usize, dims: &Dims) -> Value {
        let made = dims.sizes().iter().enumerate().map(|(dim, size)| {
            let made = (1 < *size).then(|| self.fresh(node, dim, *size));
            self.touch(node, "", dim, Side::Follows, &made);
            made
        });
        made.collect()
    }

    pub(super) fn embedding(&mut self, node: usize, width: usize) -> Value {
        let made = Some(self.fresh(node, 0, width));
        self.touch(node, "weight", 1, Side::Makes, &made);
        self.input(node, 0).into_iter().chain([made]).collect()
    }
}
