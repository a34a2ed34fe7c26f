//! Steps against their definitions, in f64.

mod channels;
mod pools;
mod refused;
mod tight;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use proptest::prelude::*;

use super::*;
use crate::Level;

/// Counts what a thread takes.
struct Counting;

thread_local! {
    static TAKEN: Cell<usize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: the system's, which is asked for the same.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Where a thread ends there is nothing to count with.
        let _ = TAKEN.try_with(|taken| taken.set(taken.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }
}

/// A convolution to be tested.
#[derive(Clone, Copy, Debug)]
struct Case {
    images: usize,
    inputs: usize,
    outputs: usize,
    size: [usize; 2],
    window: Window,
    has_residual: bool,
    activation: Option<Curve>,
    threads: usize,
}

impl Case {
    fn output(&self) -> [usize; 2] {
        std::array::from_fn(|axis| {
            let reach = (self.window.kernel[axis] - 1) * self.window.dilation[axis] + 1;
            (self.size[axis] + 2 * self.window.before[axis] - reach) / self.window.stride[axis] + 1
        })
    }

    fn rim(&self) -> [usize; 4] {
        let (before, after) = (self.window.before, self.window.after(self.size, self.output()));
        [before[0], before[1], after[0], after[1]]
    }

    fn images(&self) -> Vec<f32> {
        numbers(self.images * self.inputs * self.size[0] * self.size[1], 101)
    }

    /// What comes out, by its definition. Where a residual is wanted it is the first input channel's plane,
    /// which then has the output's size.
    fn expected(&self, weight: &dyn Fn(usize, usize, usize, usize) -> f32, bias: &[f32]) -> Summed {
        let (x, [height, width], window) = (self.images(), self.output(), &self.window);
        let at = |n: usize, c: usize, y: isize, x_: isize| -> f64 {
            let inside = (0..self.size[0] as isize).contains(&y) && (0..self.size[1] as isize).contains(&x_);
            let place = ((n * self.inputs + c) * self.size[0]).wrapping_add_signed(y);
            if inside { f64::from(x[(place * self.size[1]).wrapping_add_signed(x_)]) } else { 0.0 }
        };
        let (mut values, mut squares) = (Vec::new(), 0.0);
        for n in 0..self.images {
            for (o, bias) in bias.iter().enumerate() {
                for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
                    let mut sum = 0.0;
                    let mut add = |term: f64| (sum, squares) = (sum + term, squares + term * term);
                    add(f64::from(*bias));
                    for c in 0..self.inputs {
                        for (r, q) in
                            (0..window.kernel[0]).flat_map(|r| (0..window.kernel[1]).map(move |q| (r, q)))
                        {
                            let place = |axis: usize, at: usize, tap: usize| {
                                (at * window.stride[axis] + tap * window.dilation[axis]) as isize
                                    - window.before[axis] as isize
                            };
                            add(f64::from(weight(o, c, r, q)) * at(n, c, place(0, y, r), place(1, x, q)));
                        }
                    }
                    if self.has_residual {
                        add(at(n, o % self.inputs, y as isize, x as isize));
                    }
                    values.push(match self.activation {
                        None => sum,
                        Some(curve) => expected_curve(sum, curve),
                    });
                }
            }
        }
        Summed { values, size: f64::sqrt(squares) }
    }
}

/// Sums that went through a curve, and the norm of the terms of all of them.
struct Summed {
    values: Vec<f64>,
    size: f64,
}

fn expected_curve(x: f64, curve: Curve) -> f64 {
    let gate = |x: f64| (x + 3.0).clamp(0.0, 6.0) / 6.0;
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    match curve {
        Curve::Clip(low, high) => x.max(f64::from(low)).min(f64::from(high)),
        Curve::Leaky(factor) => x.max(0.0) + f64::from(factor) * x.min(0.0),
        Curve::HSwish => x * gate(x),
        Curve::HSigmoid => gate(x),
        Curve::Gelu => x * 0.5 * (1.0 + libm::erf(x / 2f64.sqrt())),
        Curve::GeluTanh => {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
            x / 2.0 * (1.0 + inner.tanh())
        }
        Curve::Sigmoid => sigmoid(x),
        Curve::Tanh => x.tanh(),
        Curve::Silu => x * sigmoid(x),
        Curve::Mish => x * x.exp().ln_1p().tanh(),
        Curve::Softplus => x.exp().ln_1p(),
        Curve::Elu(factor, all) => f64::from(all) * (x.max(0.0) + f64::from(factor) * x.min(0.0).exp_m1()),
    }
}

fn numbers(count: usize, many: usize) -> Vec<f32> {
    (0..count).map(|at| (at * 37 % many) as f32 / many as f32 - 0.5).collect()
}

fn cases() -> impl Strategy<Value = Case> {
    let window =
        (1..4usize, 1..4usize, 1..3usize, 1..3usize, 0..2usize, 0..2usize).prop_map(|(h, w, s, d, t, l)| {
            let before = [t.min((h - 1) * d), l.min((w - 1) * d)];
            Window { kernel: [h, w], stride: [s, s], dilation: [d, d], before }
        });
    let activation = prop_oneof![
        Just(None),
        Just(Some(Curve::RELU)),
        Just(Some(Curve::Clip(0.0, 6.0))),
        Just(Some(Curve::Leaky(0.1))),
        Just(Some(Curve::HSigmoid)),
        Just(Some(Curve::HSwish)),
        Just(Some(Curve::Sigmoid)),
        Just(Some(Curve::Silu)),
        Just(Some(Curve::GeluTanh)),
    ];
    let sizes = (1..3usize, 1..20usize, 1..40usize, 5..18usize, 5..18usize);
    (sizes, window, any::<bool>(), activation, 1..4usize).prop_map(
        |(sizes, window, residual, activation, threads)| {
            let (images, inputs, outputs, height, width) = sizes;
            let mut case = Case {
                images,
                inputs,
                outputs,
                size: [height, width],
                window,
                has_residual: false,
                activation,
                threads,
            };
            case.has_residual = residual && case.output() == case.size && outputs == inputs;
            case
        },
    )
}

/// Runs one step between places that are behind each other.
fn run(
    case: &Case,
    from: Place,
    to: Place,
    step: impl FnOnce(Place, Place, Option<Place>) -> Box<dyn Step>,
) -> Vec<f32> {
    let tight = |place: &Place| Place::tight(place.channels, place.size);
    let to = to.moved((from.image * case.images).next_multiple_of(16));
    let other = to.moved(to.end(case.images).next_multiple_of(16));
    let floats = other.end(case.images);
    let mut steps: Vec<Box<dyn Step>> = Vec::new();
    if case.has_residual {
        steps.push(Box::new(Move::new(from, other, Source::Arena, vec![Part::ALL])));
    }
    steps.push(step(from, to, case.has_residual.then_some(other)));
    let load = Move::new(tight(&from), from, Source::Input, vec![Part::ALL]);
    let store = Move::new(to, tight(&to), Source::Output, vec![Part::ALL]);
    let program = Program::new(load, steps, store, floats, case.images);
    let (mut arena, mut team) = (Arena::zeros(floats), Team::new(case.threads).unwrap());
    // What was there before is of no matter.
    arena.values_mut().fill(f32::NAN);
    let (images, mut output) = (case.images(), vec![0.0; case.images * tight(&to).image]);
    program.run(&mut arena, &mut team, (&images, &mut output), &|_| {});
    let once = output.clone();
    let before = TAKEN.get();
    program.run(&mut arena, &mut team, (&images, &mut output), &|_| {});
    assert_eq!(TAKEN.get(), before, "a run takes no memory");
    assert_eq!(output, once);
    output
}

/// Of what no cancellation made small: rounding is as large as the values.
fn assert_near(found: &[f32], expected: &[f64], what: &str) {
    let size = expected.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-3);
    assert_within(found, expected, size, what);
}

/// Sums of a few terms may cancel, and a curve may leave next to nothing of them: what rounding does to them is as
/// large as the terms.
fn assert_summed(found: &[f32], expected: &Summed, what: &str) {
    assert_within(found, &expected.values, expected.size, what);
}

fn assert_within(found: &[f32], expected: &[f64], size: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let far = found.iter().zip(expected).map(|(a, b)| (f64::from(*a) - b).powi(2)).sum::<f64>().sqrt();
    assert!(far / size < 1e-5, "{what}: differs by {:e}", far / size);
}

fn bias(count: usize) -> Vec<f32> {
    numbers(count, 7)
}

fn weight(o: usize, c: usize, r: usize, q: usize) -> f32 {
    ((o * 131 + c * 37 + r * 11 + q * 5) % 23) as f32 / 23.0 - 0.4
}

/// Nine rows of 16 and what lies behind the last of them are one vector more than the rows.
#[test]
fn a_tile_ends_with_the_last_pixel() {
    let (to, rows) = (Place::planar(1, [9, 16], 17, 3), vec![vec![(0, 1.0)]]);
    for level in Level::available() {
        let (SparseShape { vectors, lanes, .. }, _) = SparseShape::best(level, &rows, &to, false);
        assert!(vectors <= (8 * 17 + 16usize).div_ceil(lanes), "{}", level.name());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn dense_layers_are_their_definition(case in cases(), is_planar in any::<bool>(), is_scaled in any::<bool>()) {
        let (bias, rim) = (bias(case.outputs), case.rim());
        let [rows, columns] = case.window.kernel;
        let of = |o: usize, c: usize, tap: usize| weight(o, c, tap / columns, tap % columns);
        let values: Vec<f32> = (0..case.outputs * case.inputs * rows * columns)
            .map(|at| of(at / (rows * columns) / case.inputs, at / (rows * columns) % case.inputs, at % (rows * columns)))
            .collect();
        let scale: Vec<f64> = (0..case.outputs).map(|o| 0.5 + o as f64 / 64.0).collect();
        let scaled = |o: usize, c: usize, r: usize, q: usize| {
            if is_scaled { (f64::from(weight(o, c, r, q)) * scale[o]) as f32 } else { weight(o, c, r, q) }
        };
        let expected = case.expected(&scaled, &bias);
        for level in Level::available() {
            let lanes = level.numbers();
            let from = match is_planar && !case.has_residual {
                false => Place::blocked(case.inputs, case.size, lanes, rim),
                true => {
                    let pitch = case.size[1] + rim[1].max(rim[3]);
                    let lead = (rim[0] * pitch + rim[1]).max(rim[2] * pitch + rim[3]);
                    Place::planar(case.inputs, case.size, pitch, lead)
                }
            };
            let to = Place::blocked(case.outputs, case.output(), lanes, [1, 0, 2, 1]);
            let found = run(&case, from, to, |from, to, residual| {
                let epilogue = Epilogue { residual, curve: case.activation };
                let layer = Weights { values: &values, scale: is_scaled.then_some(&scale[..]), bias: &bias };
                Box::new(Dense::new(level, (from, to), case.window, layer, epilogue, [case.images, case.threads]))
            });
            assert_summed(&found, &expected, level.name());
        }
    }

    #[test]
    fn depthwise_layers_are_their_definition(case in cases()) {
        let case = Case { outputs: case.inputs, ..case };
        let case = Case { has_residual: case.has_residual && case.output() == case.size, ..case };
        let (bias, rim) = (bias(case.inputs), case.rim());
        let of_channel = |o: usize, c: usize, r: usize, q: usize| if o == c { weight(o, 0, r, q) } else { 0.0 };
        let expected = case.expected(&of_channel, &bias);
        for level in Level::available() {
            let from = Place::blocked(case.inputs, case.size, level.numbers(), rim);
            let to = Place::blocked(case.inputs, case.output(), level.numbers(), [0, 1, 1, 0]);
            let found = run(&case, from, to, |from, to, residual| {
                let epilogue = Epilogue { residual, curve: case.activation };
                let weight = |channel: usize, r: usize, q: usize| weight(channel, 0, r, q);
                let layer = (&weight as &dyn Fn(usize, usize, usize) -> f32, &bias[..]);
                Box::new(Depthwise::new(level, (from, to), case.window, layer, epilogue))
            });
            assert_summed(&found, &expected, level.name());
        }
    }

    #[test]
    fn sparse_layers_are_their_definition(case in cases(), kept in 0..5usize) {
        // With one stride and the output's size, as a window that is alone reads.
        let kernel = [3, 3];
        let window = Window { kernel, stride: [1, 1], dilation: [1, 1], before: [1, 1] };
        let case = Case { window, ..case };
        let case = Case { has_residual: case.has_residual && case.inputs == case.outputs, ..case };
        let there = |o: usize, c: usize, r: usize, q: usize| {
            let is_there = (o / 2 * 7 + c * 5 + r * 3 + q) % 5 < kept;
            if is_there { weight(o, c, r, q) } else { 0.0 }
        };
        let bias = bias(case.outputs);
        let expected = case.expected(&there, &bias);
        let (pitch, lead) = (case.size[1] + 1, case.size[1] + 2);
        let from = Place::planar(case.inputs, case.size, pitch, lead);
        let Form::Planar { plane, lead, .. } = from.form else { unreachable!() };
        let row = |o: usize| -> Vec<Entry> {
            let taps = (0..case.inputs).flat_map(|c| (0..9).map(move |tap| (c, tap / 3, tap % 3)));
            taps.map(|(c, r, q)| (c * plane + lead + r * pitch + q - pitch - 1, there(o, c, r, q)))
                .filter(|entry| entry.1 != 0.0)
                .collect()
        };
        let rows: Vec<Vec<Entry>> = (0..case.outputs).map(row).collect();
        let to = Place::planar(case.outputs, case.size, pitch, 3);
        for level in Level::available() {
            let (best, _) = SparseShape::best(level, &rows, &to, false);
            let halves = SparseShape { lanes: level.numbers(), rows: 1, is_shared: true, vectors: 1 };
            let apart = SparseShape { rows: 4, is_shared: false, ..halves };
            for shape in [best, halves, apart, SparseShape { rows: 2, ..halves }, SparseShape { rows: 8, ..apart }] {
                let found = run(&case, from, to, |from, to, residual| {
                    let epilogue = Epilogue { residual, curve: case.activation };
                    Box::new(Sparse::new(level, (from, to), &rows, &bias, epilogue, shape))
                });
                assert_summed(&found, &expected, &format!("{} {shape:?}", level.name()));
            }
        }
    }

    #[test]
    fn gathered_layers_are_their_definition(case in cases(), kept in 0..6usize) {
        let window = Window::new(case.size, [1, 1]);
        let case = Case { window, has_residual: false, outputs: 3 * case.outputs, ..case };
        let there = |o: usize, c: usize, r: usize, q: usize| {
            let is_there = (o * o * 3 + c * 5 + r * 3 + q) % 7 < kept;
            if is_there { weight(o, c, r, q) } else { 0.0 }
        };
        let bias = bias(case.outputs);
        let expected = case.expected(&there, &bias);
        let (from, to) = (Place::tight(case.inputs, case.size), Place::tight(case.outputs, [1, 1]));
        let columns = case.size[1];
        let row = |o: usize| -> Vec<Entry> {
            let weight = |at: usize| {
                let (c, pixel) = (at / from.pixels(), at % from.pixels());
                (at, there(o, c, pixel / columns, pixel % columns))
            };
            (0..from.image).map(weight).filter(|entry| entry.1 != 0.0).collect()
        };
        let rows: Vec<Vec<Entry>> = (0..case.outputs).map(row).collect();
        for level in Level::available().filter(|level| Gathered::is_there(*level)) {
            let found = run(&case, from, to, |from, to, residual| {
                let epilogue = Epilogue { residual, curve: case.activation };
                Box::new(Gathered::new(level, (from, to), &rows, &bias, epilogue))
            });
            assert_summed(&found, &expected, level.name());
        }
    }

    #[test]
    fn shifted_layers_are_their_definition(case in cases(), kept in 0..6usize, is_wide in any::<bool>(), lies in 0..2usize) {
        let window = Window { kernel: [3, 3], stride: [1, 1], dilation: [1, 1], before: [1, 1] };
        // Also with more inputs than a panel has.
        let inputs = if is_wide { 6 * case.inputs } else { case.inputs };
        let case = Case { window, inputs, ..case };
        let case = Case { has_residual: case.has_residual && case.inputs == case.outputs, ..case };
        // In pairs of outputs, which go together.
        let there = |o: usize, c: usize, r: usize, q: usize| {
            let is_there = (o / 2 * 7 + c * 5 + r * 3 + q) % 11 < 2 * kept;
            if is_there { weight(o, c, r, q) } else { 0.0 }
        };
        let bias = bias(case.outputs);
        let expected = case.expected(&there, &bias);
        for level in Level::available() {
            let Some(pitch) = Shifted::pitch(level, case.size[1] + 2 * lies) else { continue };
            let from = Place::planar(case.inputs, case.size, pitch, pitch + lies);
            let to = Place::planar(case.outputs, case.size, pitch, 3);
            let row = |o: usize| -> Vec<Tap> {
                let taps = (0..case.inputs).flat_map(|c| (0..9).map(move |tap| (c, tap / 3, tap % 3)));
                let tap = |(c, r, q)| {
                    let at = c * from.block() + from.lead() + r * pitch - pitch;
                    Tap { at, column: q as i8 - 1, weight: there(o, c, r, q) }
                };
                taps.map(tap).filter(|tap| tap.weight != 0.0).collect()
            };
            let rows: Vec<Vec<Tap>> = (0..case.outputs).map(row).collect();
            let found = run(&case, from, to, |from, to, residual| {
                let epilogue = Epilogue { residual, curve: case.activation };
                Box::new(Shifted::new(level, (from, to), &rows, &bias, epilogue))
            });
            assert_summed(&found, &expected, level.name());
        }
    }
}

#[test]
fn curves_are_their_definition() {
    let window = Window::new([1, 1], [1, 1]);
    let (images, inputs, outputs, size, threads) = (2, 5, 5, [7, 9], 2);
    let (has_residual, activation) = (false, None);
    let case = Case { images, inputs, outputs, size, window, has_residual, activation, threads };
    for curve in [
        Curve::RELU,
        Curve::Clip(-0.2, 0.3),
        Curve::Leaky(0.2),
        Curve::HSwish,
        Curve::HSigmoid,
        Curve::Gelu,
        Curve::GeluTanh,
        Curve::Sigmoid,
        Curve::Tanh,
        Curve::Silu,
        Curve::Mish,
        Curve::Softplus,
        Curve::Elu(1.5, 0.8),
    ] {
        let x = case.images();
        let once: Vec<f64> = x.iter().map(|x| expected_curve(f64::from(*x), curve)).collect();
        let twice: Vec<f64> = x.iter().map(|x| expected_curve(2.0 * f64::from(*x), curve)).collect();
        for level in Level::available() {
            for place in [Place::planar(5, size, 10, 11), Place::blocked(5, size, level.numbers(), [1; 4])] {
                let found =
                    run(&case, place, place, |from, to, _| Box::new(Curved::new(level, from, to, curve)));
                assert_near(&found, &once, &format!("{curve:?} at {}", level.name()));
                let sum =
                    |from, to, _| Box::new(Add::new(level, [from, from], to, Some(curve))) as Box<dyn Step>;
                assert_near(&run(&case, place, place, sum), &twice, &format!("{curve:?} of a sum"));
            }
        }
    }
}
