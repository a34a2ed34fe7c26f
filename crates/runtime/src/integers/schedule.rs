//! Which steps run, by which kind of kernel, and in which form each reads and writes its values.

use sapwood_graph::{Activation, AvgPool, Node, Op, QuantizedNetwork, Shape};
use sapwood_kernels::{
    exact::Integers,
    infer::{Window, integers::Quads},
};

use super::{
    forms::integers,
    value::{Form, Value},
    weights::Layer,
};
use crate::{
    Error,
    layer::{Kind, readers},
    lower::window,
    schedule::Work as Float,
};

/// The bound of ReLU6.
const SIX: f32 = 6.0;

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
pub(super) struct Open {
    /// Whose weights it has, or which sums first.
    pub(super) node: usize,
    pub(super) work: Work,
    pub(super) reads: Vec<usize>,
    pub(super) result: Integers,
}

/// Everything that runs, in this order, with the values that it reads and writes.
pub(crate) struct Schedule<'a> {
    pub(super) network: &'a QuantizedNetwork,
    pub(super) layers: &'a [crate::layer::Layer<'a>],
    pub(super) shapes: &'a [Shape],
    pub(crate) values: Vec<Value>,
    pub(crate) jobs: Vec<Job>,
    /// The value that goes out.
    pub(crate) output: usize,
    /// Of each node, the values that it has in some form.
    pub(super) of: Vec<Vec<usize>>,
    pub(super) open: Vec<Option<Open>>,
    pub(super) readers: Vec<usize>,
}

impl<'a> Schedule<'a> {
    /// Of a network, with its layers in floating point.
    pub(crate) fn of(
        network: &'a QuantizedNetwork,
        layers: &'a [crate::layer::Layer<'a>],
        shapes: &'a [Shape],
    ) -> Result<Self, Error> {
        // What nobody reads is not computed.
        let (readers, last) = (readers(layers), layers.len() - 1);
        let is_seen: Vec<bool> = readers.iter().enumerate().map(|(id, by)| 0 < *by || id == last).collect();
        // What lies on more integers than a byte holds would be left unrounded.
        let wide =
            network.grids.keys().filter(|id| is_seen[**id] && !Quads::hold(&integers(&network.grids[*id])));
        let wide: Vec<String> = wide
            .map(|id| format!("`{}` (values on more than 256 integers)", network.graph.nodes()[*id].name))
            .collect();
        if !wide.is_empty() {
            return Err(Error::NoKernel(wide));
        }
        let (of, open) = (vec![Vec::new(); layers.len()], vec![None; layers.len()]);
        let (values, jobs) = (Vec::new(), Vec::new());
        let mut schedule = Self { network, layers, shapes, values, jobs, output: 0, of, open, readers };
        for id in (0..layers.len()).filter(|id| is_seen[*id] || *id == 0) {
            schedule.add(id)?;
        }
        schedule.output = schedule.floats(last, Form::Blocked)?;
        Ok(schedule)
    }

    /// The value that comes in.
    pub(crate) fn input(&self) -> usize {
        self.of[0][0]
    }

    pub(super) fn node(&self, id: usize) -> &'a Node {
        &self.network.graph.nodes()[id]
    }

    fn add(&mut self, id: usize) -> Result<(), Error> {
        let inputs = &self.layers[id].inputs;
        let open = match &self.node(id).op {
            Op::Input => {
                // Integers are made of what comes in channel by channel.
                let whole = self.grid(id).filter(|_| !self.layers[id].by_pixels);
                let form = whole.map_or(Form::Blocked, Form::Integers);
                self.value(id, form);
                return Ok(());
            }
            // It is a constant, or became one.
            _ if inputs.is_empty() => None,
            Op::Conv(_) | Op::Linear { .. } => self.layer(id)?,
            _ if !self.lies_alike(id) => None,
            Op::Add => self.sum(id)?,
            Op::Concat { axis: 1 } if self.has_channels(id) => self.joined(id)?,
            Op::GlobalAvgPool => self.pooled(id, Work::Mean)?,
            Op::AvgPool(pool) => match pool.window.kernel.square() {
                Some(kernel) if *pool == AvgPool::touching(kernel) => self.pooled(id, Work::Means(kernel))?,
                _ => None,
            },
            Op::MaxPool(pool) if pool.dilation.hw() == [1, 1] => {
                self.carried(id, Work::Largest(window(pool)))?
            }
            Op::Flatten if self.shapes[inputs[0]] == self.shapes[id] => {
                if self.carries(id) {
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
        // What only moved numbers left them on their grid, whatever it was computed as.
        let Some(x) = self.numbers(input).or_else(|| self.moved(input)) else { return Ok(None) };
        if !matches!(self.layers[id].kind, Kind::Conv(_)) {
            return Ok(None);
        }
        let layer = Layer::of(self.network, self.node(id), (self.shapes[input], x.scale)).transpose()?;
        let Some(layer) = layer else { return Ok(None) };
        let is_depthwise = layer.is_depthwise();
        let result = self.result(id, x.scale * layer.largest());
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

    /// Whether a node's value lies as those that it reads; those that lie pixel by pixel, for what is done number by number.
    fn lies_alike(&self, id: usize) -> bool {
        let layer = &self.layers[id];
        let is_by_number = matches!(self.node(id).op, Op::Add | Op::Activation(_));
        let is_alike = layer.inputs.iter().all(|&input| self.layers[input].by_pixels == layer.by_pixels);
        is_alike && (is_by_number || !layer.by_pixels)
    }

    /// Whether the dimension behind the batch is that of channels.
    fn has_channels(&self, id: usize) -> bool {
        let [_, height, width] = self.shapes[id];
        self.layers[id].inputs.iter().all(|input| self.shapes[*input][1..] == [height, width])
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
        // What has a grid of its own is rounded once more.
        let own = self.grid(id);
        let is_alike = |open: &mut Open| match own {
            Some(own) => own == open.result,
            // A bound within a grid need not lie on it.
            None => activation != Activation::Relu6 || !open.result.exceed(SIX),
        };
        let Some(mut open) = self.open[input].take_if(is_alike) else { return false };
        match &mut open.work {
            Work::Layer(_, _, Some((_, of))) | Work::Layer(_, of, None) | Work::Add(of) => {
                *of = of.rectified();
                if activation == Activation::Relu6 {
                    *of = of.at_most(SIX);
                }
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
        let Some(numbers) = self.numbers(input) else { return Ok(None) };
        match (self.grid(id), activation) {
            (None, Activation::Relu) => self.carried(id, Work::Rectify),
            (None, Activation::Relu6) if !numbers.exceed(SIX) => self.carried(id, Work::Rectify),
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

    /// Whether a value can have the numbers of the one that it reads: there are some, and no others of its own.
    fn carries(&self, id: usize) -> bool {
        let numbers = self.numbers(self.layers[id].inputs[0]);
        numbers.is_some() && self.grid(id).is_none_or(|own| Some(own) == numbers)
    }

    /// What has the numbers of the value that it reads.
    fn carried(&mut self, id: usize, work: Work) -> Result<Option<Open>, Error> {
        let input = self.layers[id].inputs[0];
        if !self.carries(id) {
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
            Kind::Plain(..) | Kind::Product(_) | Kind::Line(..) | Kind::Attention(..) => {
                (Float::Plain, Form::Tight)
            }
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
}
