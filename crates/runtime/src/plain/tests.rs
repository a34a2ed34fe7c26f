//! Operations without a kernel against their definitions, in f64 and with the batch as a dimension like others.

mod functions;
mod layers;
mod moves;
mod turned;

use sapwood_graph::{Array, Dims, Entry, Graph, GraphBuilder, Op, Ranked, State, Wire};

use crate::Runtime;

/// How many images there are.
const IMAGES: usize = 3;

/// A value of all images.
#[derive(Clone, Debug)]
struct Whole {
    sizes: Vec<usize>,
    values: Vec<f64>,
}

impl Whole {
    fn of(sizes: &[usize], mut value: impl FnMut(&[usize]) -> f64) -> Self {
        let count = sizes.iter().product();
        let mut index = vec![0; sizes.len()];
        let mut values = Vec::with_capacity(count);
        for number in 0..count {
            let mut rest = number;
            for dim in (0..sizes.len()).rev() {
                (index[dim], rest) = (rest % sizes[dim], rest / sizes[dim]);
            }
            values.push(value(&index));
        }
        Self { sizes: sizes.to_vec(), values }
    }

    fn at(&self, index: &[usize]) -> f64 {
        assert!(index.len() == self.sizes.len() && index.iter().zip(&self.sizes).all(|(at, size)| at < size));
        let number = index.iter().zip(&self.sizes).fold(0, |number, (at, size)| number * size + at);
        self.values[number]
    }

    fn mapped(&self, of: impl Fn(f64) -> f64) -> Self {
        Self { sizes: self.sizes.clone(), values: self.values.iter().map(|x| of(*x)).collect() }
    }
}

fn draw(at: usize) -> f32 {
    ((at * 7919 + 13) % 1009) as f32 / 504.5 - 1.0
}

/// The parameter of this name, as a plan is given it.
fn drawn(name: &str, sizes: &[usize]) -> Whole {
    let salt = name.bytes().map(usize::from).sum::<usize>();
    let mut at = salt;
    Whole::of(sizes, |_| {
        at += 1;
        f64::from(draw(at))
    })
}

/// Compares what a network with these parameters answers with what is expected of its input.
fn check(
    example: &[usize],
    parameters: &[(&str, &[usize])],
    build: impl Fn(&mut GraphBuilder, Wire) -> Wire,
    expected: impl Fn(&Whole) -> Whole,
) {
    check_within(2e-6, example, parameters, build, expected);
}

/// The same with answers that may differ by this, or by this share of what is expected; gives the names of the kernels.
fn check_within(
    most: f64,
    example: &[usize],
    parameters: &[(&str, &[usize])],
    build: impl Fn(&mut GraphBuilder, Wire) -> Wire,
    expected: impl Fn(&Whole) -> Whole,
) -> Vec<String> {
    let entry = Entry { name: "input".into(), dims: Dims::batch_of(example).unwrap(), integers: false };
    let mut g = Graph::builder_of(vec![entry]);
    let x = g.input();
    build(&mut g, x);
    let graph = g.finish().unwrap();
    let state = parameters.iter().map(|(name, sizes)| {
        let values: Vec<f32> = drawn(name, sizes).values.iter().map(|x| *x as f32).collect();
        ((*name).into(), Array::new(sizes.to_vec(), values).unwrap())
    });
    let state = State(state.collect());
    let mut at = 0;
    let x = Whole::of(&[&[IMAGES], example].concat(), |_| {
        at += 1;
        f64::from(draw(at))
    });
    let expected = expected(&x);
    let images: Vec<f32> = x.values.iter().map(|x| *x as f32).collect();
    let mut kernels = Vec::new();
    for (threads, batch) in [(1, 1), (2, 3)] {
        let plan = Runtime::new().threads(threads).batch(batch).plan(&graph, &state).unwrap();
        let found = plan.session().unwrap().run(&images).unwrap().to_vec();
        assert_eq!(found.len(), expected.values.len(), "{graph:?}");
        for (found, expected) in found.iter().zip(&expected.values) {
            let far = (f64::from(*found) - expected).abs();
            assert!(far <= most * expected.abs().max(1.0), "{found} for {expected}: {graph:?}");
        }
        kernels = plan.kernels().map(|(layer, kernel)| format!("{layer}: {kernel}")).collect();
    }
    kernels
}

/// The same of one operation without parameters.
fn alone(example: &[usize], op: Op, expected: impl Fn(&Whole) -> Whole) {
    check(example, &[], |g, x| g.op("op", op, &[x]), expected);
}

fn ranked(sizes: &[usize]) -> Ranked<usize> {
    Ranked::new(sizes).unwrap()
}
