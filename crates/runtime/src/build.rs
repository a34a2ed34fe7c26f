//! From a schedule to steps: every value in its place, every layer with its kernel.

use sapwood_kernels::infer::{
    Add, Attention, Curved, Dense, Depthwise, Epilogue, Gathered, Heads, Line, Mean, Move, Part, Place,
    Plain, Pool, Product, Program, Scale, Shifted, Source, Sparse, SparseShape, Step, Weights,
};

use crate::{
    Plan, Runtime,
    each::each,
    layer::{Conv, Kind, Layer},
    memory::{LINE, least, lives, plan as places},
    plan::{Label, Products},
    schedule::{Planned, Schedule, Work},
};

/// A plan for folded layers.
pub(crate) fn plan(runtime: &Runtime, layers: &[Layer<'_>]) -> Plan {
    let schedule = Schedule::of(layers, runtime.level);
    let lanes = runtime.level.numbers();
    let numbers = schedule.buffers.iter().map(|buffer| buffer.place(lanes).image);
    let steps = schedule.steps.iter().map(|step| (&step.reads[..], step.writes));
    let (lives, images) = lives(numbers, steps, schedule.output(), runtime.batch);
    let (starts, floats) = places(&lives);
    let all: Vec<Place> =
        schedule.buffers.iter().zip(&starts).map(|(buffer, &at)| buffer.place(lanes).moved(at)).collect();
    let (first, last) = (&layers[0], &layers[layers.len() - 1]);
    let load = Move::new(first.tight(), all[0], Source::Input, vec![Part::ALL]);
    let store = Move::new(all[schedule.output()], last.tight(), Source::Output, vec![Part::ALL]);
    let mut labels = vec![Label::of("input", "copy", Products::default())];
    let mut steps: Vec<Box<dyn Step>> = Vec::with_capacity(schedule.steps.len());
    let made = each(runtime.threads, &schedule.steps, |planned| {
        let at_vectors = schedule.buffers[planned.writes].is_at_vectors;
        step(runtime, layers, (planned, at_vectors), &all, images)
    });
    for (planned, (step, kernel)) in schedule.steps.iter().zip(made) {
        let layer = &layers[planned.layer];
        let pixels = all[planned.writes].pixels();
        labels.push(Label::of(&layer.name, &kernel, products(layer, &planned.work, pixels)));
        steps.push(step);
    }
    labels.push(Label::of("output", "copy", Products::default()));
    let program = Program::new(load, steps, store, floats, images);
    Plan::new(program, runtime.clone(), labels, least(&lives))
}

/// What a step multiplies.
pub(crate) fn products(layer: &Layer<'_>, work: &Work, pixels: usize) -> Products {
    let of = |all: usize, made: usize| Products { all: all * pixels, made: made * pixels, are_bytes: false };
    match (&layer.kind, work) {
        (Kind::Product(matrices), Work::Plain) => {
            Products { all: matrices.products(), made: matrices.products(), are_bytes: false }
        }
        // Of each query with each key, and of the weight of each value.
        (Kind::Attention(..), Work::Plain) => of(2 * layer.channels * pixels, 2 * layer.channels * pixels),
        (Kind::Conv(conv), Work::Dense | Work::Depthwise | Work::Sparse(_)) => {
            let all = conv.weight.len() / conv.joined;
            of(all, if matches!(work, Work::Sparse(_)) { conv.there } else { all })
        }
        _ => Products::default(),
    }
}

/// A step, and what its kernel is called.
pub(crate) fn step(
    runtime: &Runtime,
    layers: &[Layer<'_>],
    (planned, at_vectors): (&Planned, bool),
    places: &[Place],
    images: usize,
) -> (Box<dyn Step>, String) {
    let level = runtime.level;
    let from = |number: usize| places[planned.reads[number]];
    let to = places[planned.writes];
    let epilogue = |conv: &Conv<'_>| {
        let residual = (planned.reads.len() > 1).then(|| from(1));
        Epilogue { residual, curve: conv.curve }
    };
    match (&planned.work, &layers[planned.layer].kind) {
        (Work::Move(parts), _) => {
            let name = if parts == &[Part::ALL] { "reorder" } else { "subsample" };
            (Box::new(Move::new(from(0), to, Source::Arena, parts.clone())), name.into())
        }
        (Work::Dense, Kind::Conv(conv)) => {
            let bias = &conv.biases();
            let weights = Weights { values: &conv.weight, scale: conv.scale.as_deref(), bias };
            let most = [images, runtime.threads];
            let dense = Dense::new(level, (from(0), to), conv.window, weights, epilogue(conv), most);
            let (shape, what) = (dense.shape(), describe(conv, &from(0)));
            (Box::new(dense), format!("{what} dense {}x{}", shape.outputs, shape.pixels))
        }
        (Work::Depthwise, Kind::Conv(conv)) => {
            let weight = |channel: usize, row: usize, column: usize| conv.weight(channel, 0, row, column);
            let values = (&weight as _, &conv.biases()[..]);
            let step = Depthwise::new(level, (from(0), to), conv.window, values, epilogue(conv));
            (Box::new(step), format!("{} depthwise", describe(conv, &from(0))))
        }
        (Work::Sparse(phases), Kind::Conv(conv)) => {
            let percent = 100.0 * conv.there as f64 / conv.weight.len().max(1) as f64;
            let what = format!("{} sparse {percent:.0} %", describe(conv, &from(0)));
            if at_vectors && phases.is_near() && to.pixels() > 1 {
                let taps = phases.taps(conv, &from(0));
                let step = Shifted::new(level, (from(0), to), &taps, &conv.biases(), epilogue(conv));
                let ([rows, vectors], panels) = (step.shape(), step.panels());
                let panels = if panels == 1 { String::new() } else { format!(" in {panels}") };
                return (Box::new(step), format!("{what} {rows}x{vectors}{panels}"));
            }
            let rows = phases.rows(conv, &from(0));
            if to.pixels() == 1 && to.image == to.channels && Gathered::is_there(level) {
                let step = Gathered::new(level, (from(0), to), &rows, &conv.biases(), epilogue(conv));
                return (Box::new(step), format!("{what} gathered"));
            }
            let is_aligned = rows.iter().flatten().all(|entry| entry.0 % LINE == 0);
            let (shape, _) = SparseShape::best(level, &rows, &to, is_aligned);
            let step = Sparse::new(level, (from(0), to), &rows, &conv.biases(), epilogue(conv), shape);
            let kind = if shape.is_shared { "shared" } else { "apart" };
            let SparseShape { rows, vectors, lanes, .. } = shape;
            (Box::new(step), format!("{what} {kind} {rows}x{vectors}x{lanes}"))
        }
        (_, Kind::Pool(window, pooling)) => {
            (Box::new(Pool::new(level, (from(0), to), *window, *pooling)), "pool".into())
        }
        (_, Kind::Mean) => (Box::new(Mean::new(level, from(0), to)), "mean".into()),
        (_, Kind::Add(curve)) => (Box::new(Add::new(level, [from(0), from(1)], to, *curve)), "add".into()),
        (_, Kind::Curve(curve)) => (Box::new(Curved::new(level, from(0), to, *curve)), "activation".into()),
        (_, Kind::Scale) => (Box::new(Scale::new(level, from(0), from(1), to)), "scale".into()),
        (_, Kind::Product(matrices)) => {
            (Box::new(Product::new(level, [from(0), from(1)], to, matrices.clone())), "matrices".into())
        }
        (_, Kind::Line(lines, of)) => {
            (Box::new(Line::new(level, (from(0), to), *lines, of.clone())), "lines".into())
        }
        (_, Kind::Attention(heads, first)) => {
            let of = |number: usize| Heads { place: from(number), first: first[number] };
            (Box::new(Attention::new(level, [0, 1, 2].map(of), to, *heads)), "attention".into())
        }
        (_, Kind::Plain(name, function)) => {
            let from = (0..planned.reads.len()).map(from).collect();
            (Box::new(Plain::new(from, to, function.clone())), format!("{name}, no kernel"))
        }
        _ => unreachable!("no work is planned for such a layer"),
    }
}

/// What a convolution is called.
fn describe(conv: &Conv<'_>, from: &Place) -> String {
    let [rows, columns] = conv.window.kernel;
    if from.size == conv.window.kernel && conv.window.before == [0, 0] {
        return "linear".into();
    }
    let stride =
        if conv.window.stride == [1, 1] { String::new() } else { format!("/{}", conv.window.stride[0]) };
    format!("{rows}x{columns}{stride}")
}
