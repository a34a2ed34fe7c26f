//! Which steps run, by which kind of kernel, and in which form each reads and writes its values.

use sapwood_graph::{Activation, AvgPool, Grid, Node, Op, QuantizedNetwork, Shape};
use sapwood_kernels::{
    exact::Integers,
    infer::{Window, integers::Quads},
};

use super::{
    value::{Form, Value},
    weights::Layer,
};
use crate::{Error, layer::Kind, lower::window, schedule::Work as Float};

/// By which kernel.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// Products of integers. A second value is added, in the given order.
    Layer(Box<Layer>, Integers, Option<(bool, Integers)>),
    /// Products of integers, whose sums go out as the numbers that they stand for.
    Sums(Box<Layer>),
    /// A sum of two values.
    Add(Integers),
    /// Several values behind each other.
    Concat,
    /// The mean of each channel.
    Mean,
    /// The mean of windows that touch.
    Means(usize),
    /// The largest of windows.
    Largest(Window),
    /// What is below 0 is cut off.
    Rectify,
    /// A function of each integer.
    Table(Activation),
    /// All integers of an image, one behind the other.
    Flatten,
    /// Some pixels, with channels of zeros in front and behind.
    Subsample(usize),
    /// The rows and columns of the opposite edges on every side.
    Wrap(usize),
    /// From integers to floating point.
    Floats,
    /// From floating point to integers.
    Round,
    /// From one form of floating point to another.
    Reorder,
    /// In floating point: by a kernel of layers that have no integers.
    Float(Float),
}

/// Something that runs.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// The node whose weights it has, or whose value it makes.
    pub(crate) node: usize,
    pub(crate) work: Work,
    /// Values: those that it reads, in order.
    pub(crate) reads: Vec<usize>,
    pub(crate) writes: usize,
}

/// What will run when it is known what comes behind it.
#[derive(Clone, Debug)]
struct Open {
    /// Whose weights it has, or which sums first.
    node: usize,
    work: Work,
    reads: Vec<usize>,
    result: Integers,
}

/// Everything that runs, in this order, with the values that it reads and writes.
pub(crate) struct Schedule<'a> {
    network: &'a QuantizedNetwork,
    layers: &'a [crate::layer::Layer<'a>],
    shapes: &'a [Shape],
    pub(crate) values: Vec<Value>,
    pub(crate) jobs: Vec<Job>,
    /// The value that goes out.
    pub(crate) output: usize,
    /// Of each node, the values that it has in some form.
    of: Vec<Vec<usize>>,
    open: Vec<Option<Open>>,
    readers: Vec<usize>,
}

impl<'a> Schedule<'a> {
    /// Of a network, with its layers in floating point.
    pub(crate) fn of(
        network: &'a QuantizedNetwork,
        layers: &'a [crate::layer::Layer<'a>],
        shapes: &'a [Shape],
    ) -> Result<Self, Error> {
        // What nobody reads is not computed.
        let (mut readers, mut is_seen) = (vec![0; layers.len()], vec![false; layers.len()]);
        is_seen[layers.len() - 1] = true;
        for id in (0..layers.len()).rev() {
            if is_seen[id] {
                for &input in &layers[id].inputs {
                    is_seen[input] = true;
                    readers[input] += 1;
                }
            }
        }
        let (of, open) = (vec![Vec::new(); layers.len()], vec![None; layers.len()]);
        let (values, jobs) = (Vec::new(), Vec::new());
        let mut schedule = Self { network, layers, shapes, values, jobs, output: 0, of, open, readers };
        for id in (0..layers.len()).filter(|id| is_seen[*id] || *id == 0) {
            schedule.add(id)?;
        }
        schedule.output = schedule.floats(layers.len() - 1, Form::Blocked)?;
        Ok(schedule)
    }

    /// The value that comes in.
    pub(crate) fn input(&self) -> usize {
        self.of[0][0]
    }

    fn node(&self, id: usize) -> &'a Node {
        &self.network.graph.nodes()[id]
    }

    fn add(&mut self, id: usize) -> Result<(), Error> {
        let inputs = &self.layers[id].inputs;
        let open = match &self.node(id).op {
            Op::Input => {
                let form = self.grid(id).map_or(Form::Blocked, Form::Integers);
                self.value(id, form);
                return Ok(());
            }
            Op::Conv(_) | Op::Linear { .. } => self.layer(id)?,
            Op::Add => self.sum(id)?,
            Op::Concat { axis: 1 } => self.joined(id)?,
            Op::GlobalAvgPool => self.pooled(id, Work::Mean)?,
            Op::AvgPool(pool) => match pool.window.kernel.square() {
                Some(kernel) if *pool == AvgPool::touching(kernel) => self.pooled(id, Work::Means(kernel))?,
                _ => None,
            },
            Op::MaxPool(pool) if pool.dilation.hw() == [1, 1] => {
                self.carried(id, Work::Largest(window(pool)))?
            }
            Op::Flatten if self.shapes[inputs[0]] == self.shapes[id] => {
                if self.numbers(inputs[0]).is_some() {
                    let value = self.integers(inputs[0], true)?;
                    self.of[id].push(value);
                    return Ok(());
                }
                None
            }
            Op::Flatten => self.carried(id, Work::Flatten)?,
            Op::Subsample { stride, .. } => self.carried(id, Work::Subsample(*stride))?,
            Op::Wrap { padding } => self.carried(id, Work::Wrap(*padding))?,
            Op::Activation(activation) => {
                if self.rectified(id, *activation) {
                    return Ok(());
                }
                self.curved(id, *activation)?
            }
            _ => None,
        };
        match open {
            Some(open) => self.open[id] = Some(open),
            None if self.of[id].is_empty() => self.float(id)?,
            None => {}
        }
        Ok(())
    }

    /// A layer with integers; one whose sums have no grid goes out in floating point at once.
    fn layer(&mut self, id: usize) -> Result<Option<Open>, Error> {
        let input = self.layers[id].inputs[0];
        let Some(layer) = Layer::of(self.network, self.node(id), self.shapes[input]) else { return Ok(None) };
        let Some(x) = self.numbers(input) else { return Ok(None) };
        let is_depthwise = layer.is_depthwise();
        let result = self.result(id, x.scale * layer.largest()).filter(|_| id + 1 < self.layers.len());
        // A depthwise kernel gives bytes only; that of other layers knows groups as well.
        let read = self.integers(input, is_depthwise && result.is_some())?;
        self.see(read, &layer.window, self.layers[id].size);
        let layer = Box::new(layer);
        match result {
            Some(result) => {
                Ok(Some(Open { node: id, work: Work::Layer(layer, result, None), reads: vec![read], result }))
            }
            None => {
                let writes = self.value(id, Form::Blocked);
                self.jobs.push(Job { node: id, work: Work::Sums(layer), reads: vec![read], writes });
                Ok(None)
            }
        }
    }

    /// A sum, which a layer takes along whose value is only added.
    fn sum(&mut self, id: usize) -> Result<Option<Open>, Error> {
        let [a, b] = self.layers[id].inputs[..] else { return Ok(None) };
        let (Some(of_a), Some(of_b)) = (self.numbers(a), self.numbers(b)) else { return Ok(None) };
        let result = self.result(id, of_a.scale.max(of_b.scale));
        let Some(result) = result.filter(|_| self.shapes[a] == self.shapes[b]) else { return Ok(None) };
        let is_open = |it: usize| {
            let open = self.open[it].as_ref();
            let is_layer = matches!(open, Some(Open { work: Work::Layer(_, _, None), .. }));
            is_layer && self.readers[it] == 1 && a != b
        };
        // Of two, the one that comes last.
        let last = [a.max(b), a.min(b)].into_iter().find(|it| is_open(*it));
        let Some(open) = last.and_then(|last| self.open[last].take()) else {
            let reads = vec![self.integers(a, true)?, self.integers(b, true)?];
            return Ok(Some(Open { node: id, work: Work::Add(result), reads, result }));
        };
        let (Some(last), Work::Layer(layer, own, _)) = (last, open.work) else { return Ok(None) };
        let other = self.integers(if last == a { b } else { a }, true)?;
        let work = Work::Layer(layer, own, Some((last == b, result)));
        Ok(Some(Open { node: open.node, work, reads: vec![open.reads[0], other], result }))
    }

    /// Several values behind each other, if all of them have integers.
    fn joined(&mut self, id: usize) -> Result<Option<Open>, Error> {
        let inputs = &self.layers[id].inputs;
        let numbers: Option<Vec<Integers>> = inputs.iter().map(|input| self.numbers(*input)).collect();
        let Some(result) = numbers.and(self.result(id, 0.0)) else { return Ok(None) };
        let reads: Result<Vec<usize>, Error> =
            inputs.iter().map(|&input| self.integers(input, false)).collect();
        Ok(Some(Open { node: id, work: Work::Concat, reads: reads?, result }))
    }

    /// Whether an activation became tighter bounds of what it alone reads.
    fn rectified(&mut self, id: usize, activation: Activation) -> bool {
        let input = self.layers[id].inputs[0];
        let is_clip = matches!(activation, Activation::Relu | Activation::Relu6);
        if !is_clip || self.readers[input] != 1 {
            return false;
        }
        let Some(mut open) = self.open[input].take() else { return false };
        match &mut open.work {
            Work::Layer(_, _, Some((_, of))) | Work::Layer(_, of, None) | Work::Add(of) => {
                *of = of.rectified()
            }
            _ => {
                self.open[input] = Some(open);
                return false;
            }
        }
        self.open[id] = Some(open);
        true
    }

    /// An activation of integers: what is below 0 cut off, or by a table of its own numbers.
    fn curved(&mut self, id: usize, activation: Activation) -> Result<Option<Open>, Error> {
        let input = self.layers[id].inputs[0];
        if self.numbers(input).is_none() {
            return Ok(None);
        }
        match (self.grid(id), activation) {
            (None, Activation::Relu | Activation::Relu6) => self.carried(id, Work::Rectify),
            (Some(result), _) => {
                let reads = vec![self.integers(input, true)?];
                Ok(Some(Open { node: id, work: Work::Table(activation), reads, result }))
            }
            _ => Ok(None),
        }
    }

    /// What has numbers of its own, of one value.
    fn pooled(&mut self, id: usize, work: Work) -> Result<Option<Open>, Error> {
        let input = self.layers[id].inputs[0];
        let Some(x) = self.numbers(input) else { return Ok(None) };
        let Some(result) = self.result(id, x.scale) else { return Ok(None) };
        let reads = vec![self.integers(input, true)?];
        Ok(Some(Open { node: id, work, reads, result }))
    }

    /// What has the numbers of the value that it reads.
    fn carried(&mut self, id: usize, work: Work) -> Result<Option<Open>, Error> {
        let input = self.layers[id].inputs[0];
        if self.numbers(input).is_none() {
            return Ok(None);
        }
        let read = self.integers(input, true)?;
        let Form::Integers(result) = self.values[read].form else { return Ok(None) };
        Ok(Some(Open { node: id, work, reads: vec![read], result }))
    }

    /// A layer in floating point.
    fn float(&mut self, id: usize) -> Result<(), Error> {
        let layer = &self.layers[id];
        let (work, form) = match &layer.kind {
            Kind::Conv(conv) if conv.groups == 1 => (Float::Dense, Form::Blocked),
            Kind::Conv(conv) if conv.is_depthwise() => (Float::Depthwise, Form::Blocked),
            Kind::Subsample { stride, front } => {
                let part = sapwood_kernels::infer::Part { first: [0, 0], stride: *stride, channel: *front };
                (Float::Move(vec![part]), Form::Blocked)
            }
            Kind::Plain(..) => (Float::Plain, Form::Tight),
            Kind::Conv(_) | Kind::Input | Kind::Gone | Kind::Affine { .. } => {
                let name = format!("`{}` ({} in groups)", layer.name, self.node(id).op.kind());
                return Err(Error::NoKernel(vec![name]));
            }
            _ => (Float::Other, Form::Blocked),
        };
        let reads: Result<Vec<usize>, Error> =
            layer.inputs.iter().map(|&input| self.floats(input, form)).collect();
        let reads = reads?;
        if let Kind::Conv(conv) = &layer.kind {
            self.see(reads[0], &conv.window, layer.size);
        }
        let writes = self.value(id, form);
        self.jobs.push(Job { node: id, work: Work::Float(work), reads, writes });
        Ok(())
    }

    /// The integers of a node's own grid, if a byte holds them.
    fn grid(&self, id: usize) -> Option<Integers> {
        self.network.grids.get(&id).map(integers).filter(Quads::hold)
    }

    /// The integers of what is computed of steps of this size: of its own grid, or of the activation's behind it.
    fn result(&self, id: usize, step: f32) -> Option<Integers> {
        self.grid(id).or_else(|| self.behind(id)).filter(|of| step / of.scale < MOST)
    }

    /// The numbers of a node's integers, if it can be had as such.
    fn numbers(&self, id: usize) -> Option<Integers> {
        let lies = self.of[id].iter().find_map(|value| match self.values[*value].form {
            Form::Integers(of) => Some(of),
            _ => None,
        });
        self.open[id].as_ref().map(|open| open.result).or(lies).or_else(|| self.grid(id))
    }

    /// Those of the activation that alone reads it, which is computed with it.
    fn behind(&self, id: usize) -> Option<Integers> {
        let next = (id + 1..self.layers.len()).find(|next| self.layers[*next].inputs.first() == Some(&id))?;
        let is_clip = matches!(self.node(next).op, Op::Activation(Activation::Relu | Activation::Relu6));
        self.grid(next).filter(|_| is_clip && self.readers[id] == 1)
    }

    /// A new value of a node.
    fn value(&mut self, id: usize, form: Form) -> usize {
        self.values.push(Value::new(form, self.shapes[id]));
        self.of[id].push(self.values.len() - 1);
        self.values.len() - 1
    }

    /// Lets what is open run, since somebody reads it.
    fn close(&mut self, id: usize) {
        let Some(Open { node, work, reads, result }) = self.open[id].take() else { return };
        let writes = self.value(id, Form::Integers(result));
        self.values[writes].is_wide = true;
        self.jobs.push(Job { node, work, reads, writes });
    }

    /// The value that has a node's integers, for who reads whole registers or not.
    fn integers(&mut self, id: usize, is_wide: bool) -> Result<usize, Error> {
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
                    (self.grid(id).ok_or_else(unknown)?, *self.of[id].first().ok_or_else(unknown)?);
                let writes = self.value(id, Form::Integers(result));
                self.jobs.push(Job { node: id, work: Work::Round, reads: vec![from], writes });
                writes
            }
        };
        self.values[found].is_wide |= is_wide;
        Ok(found)
    }

    /// The value that has a node's numbers in floating point: those that its integers stand for, where it has some.
    fn floats(&mut self, id: usize, form: Form) -> Result<usize, Error> {
        self.close(id);
        let is_last = id + 1 == self.layers.len();
        let is_rounded = self.numbers(id).is_some() && !is_last;
        if is_rounded {
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
    fn see(&mut self, value: usize, window: &Window, output: [usize; 2]) {
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
