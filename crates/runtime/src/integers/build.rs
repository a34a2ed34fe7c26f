//! From a schedule to steps: every value in its place, every layer with its kernel.

use sapwood_graph::{QuantizedNetwork, Shape};
use sapwood_kernels::{
    Level,
    infer::{
        Move, Part, Place, Program, Source, Step,
        integers::{
            Add, Added, After, Concat, Dense, Depthwise, Dots, Floats, Largest, Mean, Means, Pick, QUAD,
            Quads, Quantise, Requantise, Sparse, Table,
        },
    },
};

use super::{
    schedule::{Job, Schedule, Work},
    value::Value,
    zeros::skipped,
};
use crate::{
    Error, Plan, Runtime,
    build::{products, step as float},
    fold::alone,
    layer::{Kind, Layer},
    lower::{curve, lower, opposite},
    memory::{LINE, Life, least, lives, plan as places},
    plan::{Label, Products},
    schedule::Planned,
};

/// A plan for a network of integers.
pub(crate) fn plan(runtime: &Runtime, network: &QuantizedNetwork) -> Result<Plan, Error> {
    let dots = runtime.dots.unwrap_or_else(|| Dots::of(runtime.level));
    // Values of layers in floating point lie in blocks as wide as sums.
    let level = Level::available().find(|level| level.numbers() == dots.lanes()).unwrap_or(runtime.level);
    let runtime = Runtime { level, dots: Some(dots), ..runtime.clone() };
    let mut state = network.rest.clone();
    state.0.extend(network.weights.iter().map(|(path, weight)| (path.clone(), weight.dequantized())));
    state.check_finite()?;
    let rounded = (&network.grids, &network.dynamic);
    let mut layers = lower(&network.graph, &state, rounded, runtime.threads)?;
    for layer in &mut layers {
        alone(layer);
        // In blocks, a layer without integers is computed in one group, or in a group for each channel.
        if let Kind::Conv(conv) = &mut layer.kind {
            conv.join_groups();
        }
    }
    let shapes = shapes(&layers);
    let mut schedule = Schedule::of(network, &layers, &shapes)?;
    let is_skipped = skipped(&mut schedule, dots, &runtime);
    let (values, jobs) = (&schedule.values, &schedule.jobs);
    let (input, output) = (schedule.input(), schedule.output);
    let numbers = values.iter().map(|value| value.place(dots.lanes()).image);
    let steps = jobs.iter().map(|job| (&job.reads[..], job.writes));
    let (mut lives, images) = lives(numbers, steps, output, runtime.batch);
    // Beside the values, what some layers need while they run.
    let scratch: Vec<Option<usize>> = jobs
        .iter()
        .enumerate()
        .map(|(number, job)| {
            let Work::Layer(layer, ..) = &job.work else { return None };
            let (from, [height, width]) = (values[job.reads[0]].quads()?, values[job.writes].size);
            let pixels = images * height * width;
            let input = (from.place().channels, &layer.window);
            let room = Sparse::room(dots, input, &layer.weights(), [pixels, runtime.threads]);
            is_skipped[number].then(|| {
                lives.push(Life { size: room.next_multiple_of(LINE), first: number + 1, last: number + 1 });
                lives.len() - 1
            })
        })
        .collect();
    let (starts, numbers) = places(&lives);
    let all: Vec<Place> =
        values.iter().zip(&starts).map(|(value, &at)| value.place(dots.lanes()).moved(at)).collect();
    let (input, output) = ((input, values[input].clone()), all[output]);
    let (values, jobs) = (schedule.values, schedule.jobs);
    let taken = if input.1.quads().is_some() { "quantise" } else { "copy" };
    let mut labels = vec![Label::of("input", taken, Products::default())];
    let mut steps: Vec<Box<dyn Step>> = Vec::with_capacity(jobs.len());
    let builder = Builder { runtime: &runtime, dots, values: &values, places: &all, images };
    for (job, scratch) in jobs.iter().zip(scratch) {
        let scratch = scratch.map(|life| starts[life]);
        let (step, kernel, products) = builder.step((job, scratch), &layers)?;
        labels.push(Label::of(&layers[job.node].name, &kernel, products));
        steps.push(step);
    }
    labels.push(Label::of("output", "copy", Products::default()));
    let [first, last] = [0, layers.len() - 1].map(|id| layers[id].tight());
    let store = Move::new(output, last, Source::Output, vec![Part::ALL]);
    let program = match input.1.quads() {
        Some(quads) => {
            let load = Quantise::new(dots, quads.moved(starts[input.0]));
            Program::new(load, steps, store, numbers, images)
        }
        None => {
            let load = Move::new(first, all[input.0], Source::Input, vec![Part::ALL]);
            Program::new(load, steps, store, numbers, images)
        }
    };
    Ok(Plan::new(program, runtime, labels, least(&lives)))
}

fn shapes(layers: &[Layer<'_>]) -> Vec<Shape> {
    layers.iter().map(|layer| [layer.channels, layer.size[0], layer.size[1]]).collect()
}

/// What steps are made with.
struct Builder<'a> {
    runtime: &'a Runtime,
    dots: Dots,
    values: &'a [Value],
    places: &'a [Place],
    images: usize,
}

impl Builder<'_> {
    /// A step, what its kernel is called, and its products; with where it may write meanwhile, if it skips zeros.
    fn step(
        &self,
        (job, scratch): (&Job, Option<usize>),
        layers: &[Layer<'_>],
    ) -> Result<(Box<dyn Step>, String, Products), Error> {
        let dots = self.dots;
        let wrong =
            |problem: &str| Error::Layer { layer: layers[job.node].name.clone(), problem: problem.into() };
        // Where integers are read or written, they are there.
        let quads = |value: usize| {
            let quads = self.values[value].quads().map(|quads| quads.moved(self.places[value].at));
            quads.ok_or_else(|| wrong("its value has no integers"))
        };
        let pair = || Ok::<_, Error>((quads(job.reads[0])?, quads(job.writes)?));
        let most = [self.images, self.runtime.threads];
        let name = dots.name();
        let (step, kernel): (Box<dyn Step>, String) = match &job.work {
            Work::Layer(layer, result, added) => {
                let (from, to) = pair()?;
                let added = match added {
                    None => None,
                    Some((is_second, result)) => {
                        let other = quads(job.reads[1])?;
                        Some(Added { other, is_second: *is_second, result: *result })
                    }
                };
                let after = After { result: *result, added };
                let pixels = to.place().pixels();
                let what = layer.describe(from.place().size);
                let all = layer.products();
                let (weights, window) = (layer.weights(), layer.window);
                let (step, kernel, made): (Box<dyn Step>, String, usize) = if layer.is_depthwise() {
                    let step = Depthwise::new(dots, (from, to), window, &weights, &after);
                    (Box::new(step), format!("{what} depthwise int8 {name}"), all)
                } else if let Some(at) = scratch {
                    let step = Sparse::new(dots, (from, to), window, &weights, &after, (most, at));
                    let (width, made) = (step.width(), QUAD * step.weights());
                    (Box::new(step), format!("{what} sparse int8 {name} {width}"), made)
                } else {
                    let step = Dense::new(dots, (from, to), window, &weights, &after, most);
                    let [outputs, pixels] = step.shape();
                    (Box::new(step), format!("{what} dense int8 {name} {outputs}x{pixels}"), all)
                };
                let products = Products { all: all * pixels, made: made * pixels, are_bytes: true };
                return Ok((step, kernel, products));
            }
            Work::Sums(layer) => {
                let (from, to) = (quads(job.reads[0])?, self.places[job.writes]);
                let all = layer.products() * to.pixels();
                let what = layer.describe(from.place().size);
                let step = Dense::floats(dots, (from, to), layer.window, &layer.weights(), most);
                let [outputs, pixels] = step.shape();
                return Ok((
                    Box::new(step),
                    format!("{what} dense int8 {name} {outputs}x{pixels}"),
                    Products { all, made: all, are_bytes: true },
                ));
            }
            Work::Add(result) => {
                let from = [quads(job.reads[0])?, quads(job.reads[1])?];
                (Box::new(Add::new(dots, from, quads(job.writes)?, result)), "add int8".into())
            }
            Work::Concat => {
                let from: Result<Vec<Quads>, Error> = job.reads.iter().map(|&read| quads(read)).collect();
                (Box::new(Concat::new(from?, quads(job.writes)?)), "concat int8".into())
            }
            Work::Mean => {
                let (from, to) = pair()?;
                if from.place().pixels() > Mean::MOST {
                    return Err(wrong(
                        "its planes have more pixels than sums of 32 bits hold: give smaller images",
                    ));
                }
                (Box::new(Mean::new(dots, from, to)), "mean int8".into())
            }
            Work::Means(kernel) => (Box::new(Means::new(dots, pair()?, *kernel)), "pool int8".into()),
            Work::Largest(window) => (Box::new(Largest::new(dots, pair()?, *window)), "pool int8".into()),
            Work::Rectify => {
                let (from, to) = pair()?;
                let zero = from.of().zero_point;
                (Box::new(Table::new((from, to), |q| q.max(zero))), "activation int8".into())
            }
            Work::Table(activation) => {
                let (from, to) = pair()?;
                let curve = curve(*activation);
                (Box::new(Table::of((from, to), |x| curve.of(x))), "activation int8 by a table".into())
            }
            Work::Flatten => {
                let (from, to) = pair()?;
                let [h, w] = from.place().size;
                let source = |[at, ..]: [usize; 3]| Some([at / (h * w), at / w % h, at % w]);
                (Box::new(Pick::new((from, to), source)), "reorder int8".into())
            }
            Work::Subsample(stride) => {
                let (from, to) = pair()?;
                let front = (to.channels() - from.channels()) / 2;
                let source = |[channel, y, x]: [usize; 3]| {
                    let channel = channel.checked_sub(front).filter(|channel| *channel < from.channels())?;
                    Some([channel, y * stride, x * stride])
                };
                (Box::new(Pick::new((from, to), source)), "subsample int8".into())
            }
            Work::Wrap(padding) => {
                let (from, to) = pair()?;
                let [h, w] = from.place().size;
                let source = |[channel, y, x]: [usize; 3]| {
                    Some([channel, opposite(y, h, *padding), opposite(x, w, *padding)])
                };
                (Box::new(Pick::new((from, to), source)), "wrap int8".into())
            }
            Work::Floats => {
                let (from, to) = (quads(job.reads[0])?, self.places[job.writes]);
                (Box::new(Floats::new(dots, from, to)), "dequantise".into())
            }
            Work::Round => {
                let (from, to) = (self.places[job.reads[0]], quads(job.writes)?);
                (Box::new(Requantise::new(dots, from, to)), "quantise".into())
            }
            Work::Reorder => {
                let (from, to) = (self.places[job.reads[0]], self.places[job.writes]);
                (Box::new(Move::new(from, to, Source::Arena, vec![Part::ALL])), "reorder".into())
            }
            Work::Float(work) => {
                let Job { node, reads, writes, .. } = job.clone();
                let planned = Planned { layer: node, work: work.clone(), reads, writes };
                let products = products(&layers[node], &planned.work, self.places[writes].pixels());
                let (step, kernel) = float(self.runtime, layers, (&planned, false), self.places, self.images);
                return Ok((step, format!("{kernel} f32"), products));
            }
        };
        Ok((step, kernel, Products::default()))
    }
}
