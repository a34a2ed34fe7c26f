//! Which layers run, by which kind of kernel, and in which form each reads and writes its values.

use sapwood_kernels::infer::{Part, Place, Window};

use crate::layer::{Kind, Layer};

/// A kind of form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// In blocks of the level's lanes.
    Blocked,
    /// Channel by channel.
    Planar,
    /// Without anything between its numbers.
    Tight,
}

/// A value in one form.
#[derive(Clone, Debug)]
pub(crate) struct Buffer {
    pub(crate) channels: usize,
    pub(crate) size: [usize; 2],
    pub(crate) lie: Lie,
    /// Rows above, columns to the left, rows below and columns to the right that some window sees.
    pub(crate) rim: [usize; 4],
}

/// By which kernel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Work {
    /// Of a dense layer.
    Dense,
    /// Of a depthwise one.
    Depthwise,
    /// Pooling, means, sums, activations, products.
    Other,
    /// A copy into another form, or of these parts.
    Move(Vec<Part>),
    /// A function without a kernel.
    Plain,
}

/// Something that runs.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    /// The layer whose value it makes.
    pub(crate) layer: usize,
    pub(crate) work: Work,
    /// Buffers: those of the layer's inputs in order.
    pub(crate) reads: Vec<usize>,
    pub(crate) writes: usize,
}

/// Everything that runs, in this order, with the values that it reads and writes.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    pub(crate) buffers: Vec<Buffer>,
    pub(crate) steps: Vec<Planned>,
    /// For each layer, the buffers that have its value.
    of: Vec<Vec<usize>>,
}

impl Schedule {
    /// Of folded layers.
    pub(crate) fn of(layers: &[Layer<'_>]) -> Self {
        let mut schedule = Self { of: vec![Vec::new(); layers.len()], ..Self::default() };
        let (is_seen, is_last) = (seen(layers), layers.len() - 1);
        for (id, layer) in layers.iter().enumerate().filter(|(id, _)| is_seen[*id] || *id == is_last) {
            schedule.add(layers, id, layer);
        }
        schedule
    }

    /// The buffer that has the last value.
    pub(crate) fn output(&self) -> usize {
        self.of.last().and_then(|buffers| buffers.first()).copied().unwrap_or_default()
    }

    fn add(&mut self, layers: &[Layer<'_>], id: usize, layer: &Layer<'_>) {
        let inputs = &layer.inputs;
        let (work, reads, lie) = match &layer.kind {
            Kind::Gone => return,
            Kind::Input => {
                let windows = |reader: &Layer<'_>| {
                    reader.inputs.contains(&id)
                        && matches!(&reader.kind, Kind::Conv(conv) if !conv.is_depthwise())
                };
                let lie = if layers.iter().any(windows) { Lie::Planar } else { Lie::Blocked };
                let buffer = self.buffer(layer, lie);
                self.of[id].push(buffer);
                return;
            }
            Kind::Conv(conv) if conv.is_depthwise() => {
                let mut reads = vec![self.seen(layers, inputs[0], Some(Lie::Blocked), &conv.window, layer)];
                reads.extend(inputs.get(1).map(|&input| self.read(layers, input, Some(Lie::Blocked))));
                (Work::Depthwise, reads, Lie::Blocked)
            }
            Kind::Conv(conv) => {
                let mut reads = vec![self.seen(layers, inputs[0], None, &conv.window, layer)];
                reads.extend(inputs.get(1).map(|&input| self.read(layers, input, Some(Lie::Blocked))));
                (Work::Dense, reads, Lie::Blocked)
            }
            Kind::Subsample { stride, front } => {
                let part = Part { first: [0, 0], stride: *stride, channel: *front };
                (Work::Move(vec![part]), vec![self.read(layers, inputs[0], None)], Lie::Blocked)
            }
            Kind::Plain(..) => {
                let reads = inputs.iter().map(|&input| self.read(layers, input, Some(Lie::Tight))).collect();
                (Work::Plain, reads, Lie::Tight)
            }
            Kind::Affine { .. }
            | Kind::Pool(..)
            | Kind::Mean
            | Kind::Add(_)
            | Kind::Curve(_)
            | Kind::Scale => {
                let first = self.read(layers, inputs[0], None);
                let lie = match self.buffers[first].lie {
                    Lie::Tight => Lie::Planar,
                    lie => lie,
                };
                let reads = inputs.iter().map(|&input| self.read(layers, input, Some(lie))).collect();
                (Work::Other, reads, lie)
            }
        };
        let writes = self.buffer(layer, lie);
        self.of[id].push(writes);
        self.steps.push(Planned { layer: id, work, reads, writes });
    }

    fn buffer(&mut self, layer: &Layer<'_>, lie: Lie) -> usize {
        let (channels, size) = (layer.channels, layer.size);
        self.buffers.push(Buffer { channels, size, lie, rim: [0; 4] });
        self.buffers.len() - 1
    }

    /// The buffer that has a layer's value in this form, or in any: another copy where there is none.
    fn read(&mut self, layers: &[Layer<'_>], id: usize, lie: Option<Lie>) -> usize {
        let has = |buffer: &&usize| lie.is_none_or(|lie| self.buffers[**buffer].lie == lie);
        if let Some(&buffer) = self.of[id].iter().find(has) {
            return buffer;
        }
        let from = self.of[id][0];
        let writes = self.buffer(&layers[id], lie.unwrap_or(Lie::Blocked));
        self.of[id].push(writes);
        let work = Work::Move(vec![Part::ALL]);
        self.steps.push(Planned { layer: id, work, reads: vec![from], writes });
        writes
    }

    /// As [`Self::read`], by windows, which may reach beyond the edges.
    fn seen(
        &mut self,
        layers: &[Layer<'_>],
        id: usize,
        lie: Option<Lie>,
        window: &Window,
        reader: &Layer<'_>,
    ) -> usize {
        let (before, after) = (window.before, window.after(layers[id].size, reader.size));
        let rim = [before[0], before[1], after[0], after[1]];
        let lie = match lie {
            // What is tight has no room around it.
            None if rim != [0; 4] && self.of[id].iter().all(|&b| self.buffers[b].lie == Lie::Tight) => {
                Some(Lie::Planar)
            }
            None if self.buffers[self.of[id][0]].lie == Lie::Tight && rim != [0; 4] => Some(Lie::Blocked),
            lie => lie,
        };
        let buffer = self.read(layers, id, lie);
        let found = &mut self.buffers[buffer].rim;
        *found = std::array::from_fn(|side| found[side].max(rim[side]));
        buffer
    }
}

impl Buffer {
    /// Its place, at the beginning of an arena.
    pub(crate) fn place(&self, lanes: usize) -> Place {
        let Self { channels, size, rim, .. } = *self;
        match self.lie {
            Lie::Blocked => Place::blocked(channels, size, lanes, rim),
            Lie::Tight => Place::tight(channels, size),
            Lie::Planar => {
                let pitch = size[1] + rim[1].max(rim[3]);
                let lead = (rim[0] * pitch + rim[1]).max(rim[2] * pitch + rim[3]);
                Place::planar(channels, size, pitch, lead)
            }
        }
    }
}

/// Which layers' values are read on the way to the last one's.
fn seen(layers: &[Layer<'_>]) -> Vec<bool> {
    let mut is_seen = vec![false; layers.len()];
    for id in (0..layers.len()).rev() {
        if is_seen[id] || id + 1 == layers.len() {
            layers[id].inputs.iter().for_each(|&input| is_seen[input] = true);
        }
    }
    // What comes in has a place even if nobody reads it.
    is_seen[0] = true;
    is_seen
}
