//! In which form a node's value is read: as integers or in floating point, whatever it was made as.

use sapwood_graph::{Activation, Grid, Op};
use sapwood_kernels::{
    exact::Integers,
    infer::{Window, integers::Quads},
};

use super::{
    schedule::{Job, Open, Schedule, Work},
    value::{Form, Value},
};
use crate::Error;

impl Schedule<'_> {
    /// The integers of a node's own grid, if a byte holds them.
    pub(super) fn grid(&self, id: usize) -> Option<Integers> {
        self.network.grids.get(&id).map(integers).filter(Quads::hold)
    }

    /// The integers of the grid from which a node's numbers were only moved, if a byte holds them.
    pub(super) fn moved(&self, id: usize) -> Option<Integers> {
        let mut at = id;
        while !self.network.grids.contains_key(&at) && self.node(at).op.is_carrier() {
            at = self.layers[at].inputs.first().copied()?;
        }
        self.grid(at)
    }

    /// The integers of what is computed of steps of this size: of its own grid, or of the activation's behind it.
    pub(super) fn result(&self, id: usize, step: f32) -> Option<Integers> {
        self.grid(id).or_else(|| self.behind(id)).filter(|of| step / of.scale < MOST)
    }

    /// The numbers of a node's integers, if it can be had as such.
    pub(super) fn numbers(&self, id: usize) -> Option<Integers> {
        let lies = self.of[id].iter().find_map(|value| match self.values[*value].form {
            Form::Integers(of) => Some(of),
            _ => None,
        });
        self.open[id].as_ref().map(|open| open.result).or(lies).or_else(|| self.grid(id))
    }

    /// Those of the activation that alone reads it, which is computed with it.
    pub(super) fn behind(&self, id: usize) -> Option<Integers> {
        let next = (id + 1..self.layers.len()).find(|next| self.layers[*next].inputs.first() == Some(&id))?;
        let is_clip = matches!(self.node(next).op, Op::Activation(Activation::Relu | Activation::Relu6));
        self.grid(next).filter(|_| is_clip && self.readers[id] == 1)
    }

    /// A new value of a node.
    pub(super) fn value(&mut self, id: usize, form: Form) -> usize {
        self.values.push(Value::new(form, &self.layers[id]));
        self.of[id].push(self.values.len() - 1);
        self.values.len() - 1
    }

    /// Lets what is open run, since somebody reads it.
    pub(super) fn close(&mut self, id: usize) {
        let Some(Open { node, work, reads, result }) = self.open[id].take() else { return };
        let writes = self.value(id, Form::Integers(result));
        self.values[writes].is_wide = true;
        self.jobs.push(Job { node, work, reads, writes });
    }

    /// The value that has a node's integers, for who reads whole registers or not.
    pub(super) fn integers(&mut self, id: usize, is_wide: bool) -> Result<usize, Error> {
        self.close(id);
        let is_whole = |value: &usize| matches!(self.values[*value].form, Form::Integers(_));
        let found = match self.of[id].iter().copied().find(is_whole) {
            Some(found) => found,
            None => {
                let unknown = || Error::Layer {
                    layer: self.node(id).name.clone(),
                    problem: "its value has no integers".into(),
                };
                let (result, from) =
                    (self.moved(id).ok_or_else(unknown)?, *self.of[id].first().ok_or_else(unknown)?);
                let writes = self.value(id, Form::Integers(result));
                self.jobs.push(Job { node: id, work: Work::Round, reads: vec![from], writes });
                writes
            }
        };
        self.values[found].is_wide |= is_wide;
        Ok(found)
    }

    /// The value that has a node's numbers in floating point: those that its integers stand for, where it has some.
    pub(super) fn floats(&mut self, id: usize, form: Form) -> Result<usize, Error> {
        self.close(id);
        if self.numbers(id).is_some() {
            // Behind its integers, those that they stand for.
            let whole = self.integers(id, false)?;
            let after =
                self.jobs.iter().filter(|job| job.reads == [whole] && matches!(job.work, Work::Floats));
            let found = after.map(|job| job.writes).find(|value| self.values[*value].form.is_like(&form));
            if let Some(found) = found {
                return Ok(found);
            }
            let writes = self.value(id, form);
            self.jobs.push(Job { node: id, work: Work::Floats, reads: vec![whole], writes });
            return Ok(writes);
        }
        let is_alike = |value: &usize| self.values[*value].form.is_like(&form);
        if let Some(found) = self.of[id].iter().copied().find(is_alike) {
            return Ok(found);
        }
        let from = self.of[id].first().copied().ok_or_else(|| Error::Layer {
            layer: self.node(id).name.clone(),
            problem: "its value is not there".into(),
        })?;
        let work =
            if matches!(self.values[from].form, Form::Integers(_)) { Work::Floats } else { Work::Reorder };
        let writes = self.value(id, form);
        self.jobs.push(Job { node: id, work, reads: vec![from], writes });
        Ok(writes)
    }

    /// Leaves room around a value for what a window sees.
    pub(super) fn see(&mut self, value: usize, window: &Window, output: [usize; 2]) {
        let Value { rim, size, .. } = &mut self.values[value];
        let (before, after) = (window.before, window.after(*size, output));
        let seen = [before[0], before[1], after[0], after[1]];
        *rim = std::array::from_fn(|side| rim[side].max(seen[side]));
    }
}

/// The most steps of one grid that a step of another may be: with more, bytes are all the same.
const MOST: f32 = 1e30;

/// A grid in the kernels' words.
pub(crate) fn integers(grid: &Grid) -> Integers {
    Integers { scale: grid.scale(), zero_point: grid.zero_point(), bounds: grid.integers() }
}
