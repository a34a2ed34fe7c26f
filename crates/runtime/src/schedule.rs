//! Which layers run, by which kind of kernel, and in which form each reads and writes its values.

#[cfg(test)]
mod tests;

use sapwood_kernels::{
    Level,
    infer::{Part, Place, Shifted, Window},
};

use crate::{
    choose::{Way, ways, without_sparse},
    cost::cost,
    layer::{Conv, Kind, Layer, readers},
    planar::Phases,
};

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
    /// Whether, tight, it lies pixel by pixel.
    by_pixels: bool,
    /// Rows above, columns to the left, rows below and columns to the right that some window sees.
    pub(crate) rim: [usize; 4],
    /// A buffer whose rows must be as far apart as its own.
    like: usize,
    /// How far apart rows are that lie channel by channel.
    pitch: usize,
    /// Zeros that some reader needs between rows.
    gap: usize,
    /// Whether rows begin where vectors do, or vectors hold whole rows.
    pub(crate) is_at_vectors: bool,
}

/// By which kernel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Work {
    /// Of a dense layer.
    Dense,
    /// Of a depthwise one.
    Depthwise,
    /// Of the weights that are there, on these planes.
    Sparse(Phases),
    /// Pooling, means, sums, activations, products.
    Other,
    /// A copy into another form, or of these parts.
    Move(Vec<Part>),
    /// Of values without anything between their numbers: products of matrices, lines, attention, functions without a kernel.
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
    /// Of folded layers, at a level: with sparse kernels where they are worth bringing values into their form, which
    /// may begin behind the first layers, whose planes are large, or nowhere.
    pub(crate) fn of(layers: &[Layer<'_>], level: Level) -> Self {
        let chosen = ways(layers);
        let dense = without_sparse(layers, &chosen);
        // How many layers are computed with all of their weights.
        let begins = (1..=layers.len()).filter(|&end| dense[end - 1] != chosen[end - 1]);
        let of = |begin: usize| {
            let schedule = Self::by(layers, level, &[&dense[..begin], &chosen[begin..]].concat());
            (cost(layers, &schedule), schedule)
        };
        let cheaper = |best: (f64, Self), other: (f64, Self)| if other.0 < best.0 { other } else { best };
        begins.map(of).fold(of(0), cheaper).1
    }

    fn by(layers: &[Layer<'_>], level: Level, ways: &[Option<Way>]) -> Self {
        let mut schedule = Self { of: vec![Vec::new(); layers.len()], ..Self::default() };
        let (readers, last) = (readers(layers), layers.len() - 1);
        // What comes in has a place even if nobody reads it.
        let runs = |id: usize| 0 < readers[id] || [0, last].contains(&id);
        for (id, layer) in layers.iter().enumerate().filter(|(id, _)| runs(*id)) {
            schedule.add(layers, id, layer, ways);
        }
        schedule.space_rows(level);
        schedule
    }

    /// The buffer that has the last value.
    pub(crate) fn output(&self) -> usize {
        self.of.last().and_then(|buffers| buffers.first()).copied().unwrap_or_default()
    }

    fn add(&mut self, layers: &[Layer<'_>], id: usize, layer: &Layer<'_>, ways: &[Option<Way>]) {
        let inputs = &layer.inputs;
        let (work, reads, lie) = match &layer.kind {
            Kind::Gone => return,
            Kind::Input => {
                let windows = |reader: usize| {
                    layers[reader].inputs.contains(&id)
                        && ways[reader].is_some_and(|way| way != Way::Depthwise)
                };
                let lie = match layer.by_pixels {
                    true => Lie::Tight,
                    false if (0..layers.len()).any(windows) => Lie::Planar,
                    false => Lie::Blocked,
                };
                let buffer = self.buffer_of(layer, lie);
                self.of[id].push(buffer);
                return;
            }
            Kind::Conv(conv) => match ways[id] {
                Some(Way::Sparse) => {
                    let writes = self.sparse(layers, layer, id, conv);
                    self.of[id].push(writes);
                    return;
                }
                way => {
                    let (work, lie) = match way {
                        Some(Way::Depthwise) => (Work::Depthwise, Some(Lie::Blocked)),
                        _ => (Work::Dense, None),
                    };
                    let mut reads = vec![self.seen(layers, inputs[0], lie, &conv.window, layer)];
                    reads.extend(inputs.get(1).map(|&input| self.read(layers, input, Some(Lie::Blocked))));
                    (work, reads, Lie::Blocked)
                }
            },
            Kind::Subsample { stride, front } => {
                let part = Part { first: [0, 0], stride: *stride, channel: *front };
                let read = self.read(layers, inputs[0], None);
                let lie = if self.buffers[read].lie == Lie::Blocked { Lie::Blocked } else { Lie::Planar };
                (Work::Move(vec![part]), vec![read], lie)
            }
            Kind::Plain(..) | Kind::Product(_) | Kind::Line(..) | Kind::Attention(..) => {
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
                    Lie::Tight if layers[inputs[0]].by_pixels => Lie::Blocked,
                    Lie::Tight => Lie::Planar,
                    lie => lie,
                };
                let is_factor = |number: usize| matches!(layer.kind, Kind::Scale) && number == 1;
                let reads = inputs.iter().enumerate().map(|(number, &input)| {
                    // Factors are read as sparse layers leave them.
                    let is_tight = is_factor(number) && lie == Lie::Planar;
                    self.read(layers, input, Some(if is_tight { Lie::Tight } else { lie }))
                });
                let reads = reads.collect();
                // Where there are no pixels, there is nothing between them.
                (
                    Work::Other,
                    reads,
                    if lie == Lie::Planar && layer.size == [1, 1] { Lie::Tight } else { lie },
                )
            }
        };
        let writes = self.buffer_of(layer, lie);
        self.of[id].push(writes);
        self.steps.push(Planned { layer: id, work, reads, writes });
    }

    /// A new buffer for a layer's value.
    fn buffer_of(&mut self, layer: &Layer<'_>, lie: Lie) -> usize {
        let buffer = self.buffer(layer.channels, layer.size, lie);
        self.buffers[buffer].by_pixels = layer.by_pixels;
        buffer
    }

    fn buffer(&mut self, channels: usize, size: [usize; 2], lie: Lie) -> usize {
        let number = self.buffers.len();
        self.buffers.push(Buffer {
            channels,
            size,
            lie,
            by_pixels: false,
            rim: [0; 4],
            like: number,
            pitch: 0,
            gap: 0,
            is_at_vectors: false,
        });
        number
    }

    /// Plans a sparse layer, and gives the buffer that it writes.
    fn sparse(&mut self, layers: &[Layer<'_>], layer: &Layer<'_>, id: usize, conv: &Conv<'_>) -> usize {
        let (input, is_single) = (layer.inputs[0], layer.size == [1, 1]);
        let phases = Phases::of(&conv.window, layers[input].size, layer.size);
        let lie = if is_single { Lie::Tight } else { Lie::Planar };
        let is_strided = conv.window.stride != [1, 1] && !is_single;
        let read = if is_strided {
            let from = self.read(layers, input, None);
            let parts = phases.parts(layers[input].channels);
            let planes = self.buffer(phases.count() * layers[input].channels, phases.size, Lie::Planar);
            self.steps.push(Planned {
                layer: id,
                work: Work::Move(parts),
                reads: vec![from],
                writes: planes,
            });
            planes
        } else {
            let has_none = phases.rim == [0; 4] && is_single;
            self.read(
                layers,
                input,
                Some(if has_none && layers[input].size == [1, 1] { Lie::Tight } else { Lie::Planar }),
            )
        };
        let rim = &mut self.buffers[read].rim;
        *rim = std::array::from_fn(|side| rim[side].max(phases.rim[side]));
        // Where there is one pixel, each number is looked up, also those beside a row.
        if !phases.is_near() || is_single {
            self.leave(read, phases.rim.map(|side| side.max(1)));
        }
        let mut reads = vec![read];
        if let Some(&other) = layer.inputs.get(1) {
            reads.push(self.read(layers, other, Some(lie)));
        }
        let writes = self.buffer_of(layer, lie);
        if !is_single {
            reads.iter().for_each(|&read| self.join(read, writes));
        }
        self.steps.push(Planned { layer: id, work: Work::Sparse(phases), reads, writes });
        writes
    }

    /// Lets the rows of two buffers be equally far apart.
    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.first_like(a), self.first_like(b));
        self.buffers[a.max(b)].like = a.min(b);
    }

    fn first_like(&self, mut buffer: usize) -> usize {
        while self.buffers[buffer].like != buffer {
            buffer = self.buffers[buffer].like;
        }
        buffer
    }

    /// Lets there be zeros between a buffer's rows, for who reads beyond them.
    fn leave(&mut self, buffer: usize, rim: [usize; 4]) {
        let gap = &mut self.buffers[buffer].gap;
        *gap = (*gap).max(rim[1]).max(rim[3]);
    }

    /// Chooses how far apart rows are: as far as any of those needs that must be alike.
    fn space_rows(&mut self, level: Level) {
        // Of each kind the longest row, and the most zeros.
        let mut needs = vec![(0, 0); self.buffers.len()];
        for (number, buffer) in self.buffers.iter().enumerate() {
            let (width, gap) = &mut needs[self.first_like(number)];
            (*width, *gap) = ((*width).max(buffer.size[1]), (*gap).max(buffer.gap));
        }
        for number in 0..self.buffers.len() {
            let (width, gap) = needs[self.first_like(number)];
            // Where registers are few, loads are not what is waited for.
            let at_vectors =
                Some(width).filter(|_| level.numbers() == 16).and_then(|width| Shifted::pitch(level, width));
            // Who reads beyond rows does so where they begin at vectors too, if there is enough between them.
            let at_vectors = at_vectors.filter(|pitch| width + gap <= *pitch);
            let around = self
                .buffers
                .iter()
                .enumerate()
                .filter(|(at, _)| self.first_like(*at) == self.first_like(number));
            let rim = around.map(|(_, buffer)| buffer.rim[1].max(buffer.rim[3])).max().unwrap_or(0);
            let buffer = &mut self.buffers[number];
            buffer.is_at_vectors = at_vectors.is_some();
            buffer.pitch = at_vectors.unwrap_or(width + rim);
        }
    }

    /// The buffer that has a layer's value in this form, or in any: another copy where there is none.
    fn read(&mut self, layers: &[Layer<'_>], id: usize, lie: Option<Lie>) -> usize {
        let has = |buffer: &&usize| lie.is_none_or(|lie| self.buffers[**buffer].lie == lie);
        if let Some(&buffer) = self.of[id].iter().find(has) {
            return buffer;
        }
        let from = self.of[id][0];
        let writes = self.buffer_of(&layers[id], lie.unwrap_or(Lie::Blocked));
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
        self.leave(buffer, rim);
        buffer
    }
}

impl Buffer {
    /// Its place, at the beginning of an arena.
    pub(crate) fn place(&self, lanes: usize) -> Place {
        let Self { channels, size, rim, pitch, gap, is_at_vectors, .. } = *self;
        match self.lie {
            Lie::Blocked => Place::blocked(channels, size, lanes, rim),
            Lie::Tight if self.by_pixels => Place::by_pixels(channels, size),
            Lie::Tight => Place::tight(channels, size),
            Lie::Planar if is_at_vectors && gap == 0 => {
                Place::planar(channels, size, pitch, rim[0].max(rim[2]) * pitch)
            }
            Lie::Planar => {
                let lead = (rim[0] * pitch + rim[1]).max(rim[2] * pitch + rim[3]);
                Place::planar(channels, size, pitch, lead)
            }
        }
    }
}
