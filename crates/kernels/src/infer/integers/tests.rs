//! Steps on integers against their definitions, byte by byte.

mod sparse;

use proptest::prelude::*;

use super::*;
use crate::{
    Convolution,
    exact::{self, Factors, Integers},
    infer::{Arena, Move, Part, Place, Program, Source, Step, Team, Window},
};

/// A convolution to be tested.
#[derive(Clone, Debug)]
struct Case {
    conv: Convolution,
    x: Integers,
    y: Integers,
    /// Weights as large as they get, of one sign; or any.
    is_extreme: bool,
    is_per_channel: bool,
    /// How many of 100 quads of weights are not zero.
    share: i32,
    threads: usize,
}

fn integers() -> impl Strategy<Value = Integers> {
    let points = prop_oneof![Just(0), Just(128), Just(255), 0..256];
    let bounds = prop_oneof![Just([0, 255]), Just([-128, 127]), Just([0, 15])];
    (points, bounds, 1..400).prop_map(|(point, bounds, scale)| {
        let zero_point = (point + bounds[0]).min(bounds[1]);
        Integers { scale: scale as f32 * 0.013, zero_point, bounds }
    })
}

fn cases() -> impl Strategy<Value = Case> {
    let sizes = (1..3usize, 1..14usize, 1..40usize, 5..14usize, 5..14usize);
    let window = (1..4usize, 1..4usize, 1..3usize, 1..3usize, 0..2usize, 0..2usize);
    let groups = prop_oneof![3 => Just(1usize), 1 => 2..5usize];
    let share = prop_oneof![Just(100), Just(50), Just(10), Just(0)];
    let others = (integers(), integers(), any::<bool>(), any::<bool>(), share, 1..4usize);
    (sizes, window, groups, others).prop_map(|(sizes, window, groups, others)| {
        let (images, inputs, outputs, height, width) = sizes;
        let (h, w, stride, dilation, top, left) = window;
        let (x, y, is_extreme, is_per_channel, share, threads) = others;
        let conv = Convolution {
            images,
            groups,
            inputs,
            outputs: outputs.div_ceil(groups),
            input: [height, width],
            kernel: [h, w],
            stride: [stride, 3 - stride],
            padding: [top.min((h - 1) * dilation), left.min((w - 1) * dilation)],
            dilation: [dilation; 2],
        };
        Case { conv, x, y, is_extreme, is_per_channel, share, threads }
    })
}

/// Numbers that look like chance.
fn draw(count: usize, seed: u64, [low, high]: [i32; 2]) -> Vec<i32> {
    let mut state = seed;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        low + ((state >> 33) % (high - low + 1) as u64) as i32
    };
    (0..count).map(next).collect()
}

impl Case {
    /// Channels that come in, of all groups.
    fn inputs(&self) -> usize {
        self.conv.groups * self.conv.inputs
    }

    /// Channels that go out, of all groups.
    fn outputs(&self) -> usize {
        self.conv.groups * self.conv.outputs
    }

    fn window(&self) -> Window {
        let Convolution { kernel, stride, dilation, padding, .. } = self.conv;
        Window { kernel, stride, dilation, before: padding }
    }

    fn rim(&self) -> [usize; 4] {
        let (before, after) = (self.conv.padding, self.window().after(self.conv.input, self.conv.output()));
        [before[0], before[1], after[0], after[1]]
    }

    fn input(&self) -> Vec<i32> {
        let [h, w] = self.conv.input;
        draw(self.conv.images * self.inputs() * h * w, 1, self.x.bounds)
    }

    fn weights(&self) -> Vec<i32> {
        let Convolution { inputs: each, groups, kernel: [h, w], .. } = self.conv;
        let (inputs, outputs, taps) = (self.inputs(), self.outputs(), h * w);
        let any = draw(outputs * each * taps, 2, [-128, 127]);
        let kept = draw(outputs * inputs.div_ceil(QUAD) * taps, 4, [0, 99]);
        let weight = |(at, weight): (usize, &i32)| {
            let (output, channel, tap) = (at / taps / each, at / taps % each, at % taps);
            let quad = (output * groups / outputs * each + channel) / QUAD;
            match kept[(output * inputs.div_ceil(QUAD) + quad) * taps + tap] < self.share {
                true if self.is_extreme => 127 - weight.signum().min(0) * -255,
                true => *weight,
                false => 0,
            }
        };
        any.iter().enumerate().map(weight).collect()
    }

    fn scales(&self) -> Vec<f32> {
        let count = if self.is_per_channel { self.outputs() } else { 1 };
        (0..count).map(|at| 0.0007 * (1 + at % 5) as f32).collect()
    }

    fn bias(&self) -> Vec<i32> {
        draw(self.outputs(), 3, [-100_000, 100_000])
    }

    fn sums(&self) -> Vec<i32> {
        exact::sums(&self.conv, &self.input(), self.x.zero_point, &self.weights(), &self.bias())
    }

    fn expected(&self, of: &Integers) -> Vec<i32> {
        let [h, w] = self.conv.output();
        Factors::of(&self.x, &self.scales(), of).requantise(&self.sums(), h * w)
    }

    /// What the layer's weights give with them.
    fn with<T>(&self, then: impl FnOnce(&Weights<'_>) -> T) -> T {
        let values: Vec<i8> = self.weights().into_iter().map(|weight| weight as i8).collect();
        let (inputs, outputs, groups) = (self.inputs(), self.outputs(), self.conv.groups);
        let (scales, bias) = (self.scales(), self.bias());
        then(&Weights { values: &values, scales: &scales, bias: &bias, inputs, outputs, groups })
    }
}

/// Runs steps on values that lie one behind the other, and gives what the last one writes.
fn run(
    dots: Dots,
    [images, threads]: [usize; 2],
    numbers: &[f32],
    values: &mut [Quads],
    steps: impl FnOnce(&[Quads], usize) -> Vec<Box<dyn Step>>,
) -> Vec<f32> {
    let mut at = 0;
    for value in values.iter_mut() {
        *value = value.moved(at);
        at = value.place().end(images).next_multiple_of(16);
    }
    let mut steps = steps(values, at);
    let last = steps.last().unwrap().writes();
    let mut floats = last;
    if last.end(images) <= at {
        let result = values[values.len() - 1];
        floats = Place::blocked(result.channels(), last.size, dots.lanes(), [0; 4]).moved(at);
        steps.push(Box::new(Floats::new(dots, result, floats)));
    }
    let tight = Place::tight(floats.channels, floats.size);
    let store = Move::new(floats, tight, Source::Output, vec![Part::ALL]);
    let ends = steps.iter().map(|step| step.scratch().end).chain([floats.end(images)]);
    let end = ends.max().unwrap();
    let program = Program::new(Quantise::new(dots, values[0]), steps, store, end, images);
    let (mut arena, mut team) = (Arena::zeros(program.floats()), Team::new(threads).unwrap());
    // What was there before is of no matter.
    arena.values_mut().fill(f32::NAN);
    let mut output = vec![0.0; images * tight.image];
    program.run(&mut arena, &mut team, (numbers, &mut output), &|_| {});
    output
}

/// A layer whose weights pass in pieces, beside tiles of fewer outputs and pixels than most.
#[test]
fn layers_of_many_weights_are_exact() {
    let of = Integers { scale: 0.5, zero_point: 3, bounds: [0, 255] };
    for (is_extreme, images, outputs) in [(false, 1, 77), (true, 2, 64)] {
        let conv = Convolution {
            images,
            groups: 1,
            inputs: 130,
            outputs,
            input: [11, 9],
            kernel: [3, 3],
            stride: [1, 1],
            padding: [1, 1],
            dilation: [1, 1],
        };
        let y = Integers { scale: 900.0, zero_point: 128, bounds: [0, 255] };
        let case = Case { conv, x: of, y, is_extreme, is_per_channel: true, share: 100, threads: 2 };
        let (input, expected) = (numbers(&case.input(), &of), case.expected(&y));
        for dots in Dots::available() {
            let mut values =
                [Quads::new(130, [11, 9], case.rim(), of), Quads::new(outputs, [11, 9], [0; 4], y)];
            let found = run(dots, [images, 2], &input, &mut values, |at, _| {
                case.with(|weights| -> Vec<Box<dyn Step>> {
                    let after = After { result: y, added: None };
                    let layer = Dense::new(dots, (at[0], at[1]), case.window(), weights, &after, [images, 2]);
                    vec![Box::new(layer)]
                })
            });
            assert_eq!(found, numbers(&expected, &y), "{}", dots.name());
        }
    }
}

/// The numbers that integers stand for.
fn numbers(integers: &[i32], of: &Integers) -> Vec<f32> {
    integers.iter().map(|q| (q - of.zero_point) as f32 * of.scale).collect()
}

fn check(found: &[f32], expected: &[i32], of: &Integers, what: &str) -> Result<(), TestCaseError> {
    prop_assert_eq!(found, &numbers(expected, of)[..], "{}", what);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn dense_layers_are_exact(case in cases()) {
        let (input, [h, w]) = (numbers(&case.input(), &case.x), case.conv.output());
        let (images, inputs, outputs) = (case.conv.images, case.inputs(), case.outputs());
        let most = [images, case.threads];
        let own = case.expected(&case.y);
        // Once with what an activation leaves, and once with another value behind it.
        let rectified: Vec<i32> = case.expected(&case.y.rectified());
        let sum = Integers { scale: 1.3 * case.y.scale, zero_point: 100, bounds: [0, 255] };
        let doubled = exact::add([&rectified, &own], [&case.y, &case.y], &sum.rectified());
        let steps: Vec<f32> = {
            let scales = case.scales();
            let scale = |at: usize| case.x.scale * scales[at / (h * w) % outputs % scales.len()];
            case.sums().iter().enumerate().map(|(at, sum)| *sum as f32 * scale(at)).collect()
        };
        for dots in Dots::available() {
            for x in [Quads::new, Quads::narrow].map(|new| new(inputs, case.conv.input, case.rim(), case.x)) {
                let y = Quads::new(outputs, [h, w], [1, 0, 2, 1], case.y);
                let plain = After { result: case.y, added: None };
                let found = run(dots, most, &input, &mut [x, y], |at, _| case.with(|weights| -> Vec<Box<dyn Step>> {
                    vec![Box::new(Dense::new(dots, (at[0], at[1]), case.window(), weights, &plain, most))]
                }));
                check(&found, &own, &case.y, dots.name())?;
                let z = Quads::new(outputs, [h, w], [0; 4], sum);
                for is_second in [false, true] {
                    let mut values = [x, y, z];
                    let found = run(dots, most, &input, &mut values, |at, _| case.with(|weights| -> Vec<Box<dyn Step>> {
                        let after = After {
                            result: case.y.rectified(),
                            added: Some(Added { other: at[1], is_second, result: sum.rectified() }),
                        };
                        vec![
                            Box::new(Dense::new(dots, (at[0], at[1]), case.window(), weights, &plain, most)),
                            Box::new(Dense::new(dots, (at[0], at[2]), case.window(), weights, &after, most)),
                        ]
                    }));
                    let turned = exact::add([&own, &rectified], [&case.y, &case.y], &sum.rectified());
                    check(&found, if is_second { &turned } else { &doubled }, &sum, dots.name())?;
                }
                let found = run(dots, most, &input, &mut [x], |at, end| case.with(|weights| -> Vec<Box<dyn Step>> {
                    let to = Place::blocked(outputs, [h, w], dots.lanes(), [0; 4]).moved(end);
                    vec![Box::new(Dense::floats(dots, (at[0], to), case.window(), weights, most))]
                }));
                prop_assert_eq!(&found, &steps, "{}", dots.name());
            }
        }
    }

    #[test]
    fn depthwise_layers_are_exact(case in cases(), channels in 1..40usize) {
        let conv = Convolution { groups: channels, inputs: 1, outputs: 1, ..case.conv };
        let case = Case { conv: conv.clone(), ..case };
        let input = numbers(&case.input(), &case.x);
        let x = Quads::new(channels, conv.input, case.rim(), case.x);
        let y = Quads::new(channels, conv.output(), [0, 1, 1, 0], case.y);
        let after = After { result: case.y, added: None };
        for dots in Dots::available() {
            let most = [conv.images, case.threads];
            let found = run(dots, most, &input, &mut [x, y], |at, _| case.with(|weights| -> Vec<Box<dyn Step>> {
                vec![Box::new(Depthwise::new(dots, (at[0], at[1]), case.window(), weights, &after))]
            }));
            check(&found, &case.expected(&case.y), &case.y, dots.name())?;
        }
    }

    #[test]
    fn what_is_done_integer_by_integer_is_exact(case in cases(), other in integers()) {
        let Convolution { images, input: [h, w], kernel, stride, .. } = case.conv;
        let (integers, inputs, most) = (case.input(), case.inputs(), [images, case.threads]);
        let input = numbers(&integers, &case.x);
        let x = Quads::new(inputs, [h, w], [1, 0, 0, 1], case.x);
        let padding = kernel.map(|size| size / 2);
        let size: [usize; 2] = std::array::from_fn(|axis| {
            (case.conv.input[axis] + 2 * padding[axis] - kernel[axis]) / stride[axis] + 1
        });
        let with = |channels, size, of| Quads::new(channels, size, [0, 1, 1, 0], of);
        for dots in Dots::available() {
            let steps = |y: Quads, step: &dyn Fn(Quads, Quads) -> Box<dyn Step>| {
                run(dots, most, &input, &mut [x, y], |at, _| vec![step(at[0], at[1])])
            };
            let y = with(inputs, [h, w], other);
            let found = steps(y, &|x, y| Box::new(Add::new(dots, [x, x], y, &other.rectified())));
            let sum = exact::add([&integers, &integers], [&case.x, &case.x], &other.rectified());
            check(&found, &sum, &other, "a sum")?;

            let y = with(inputs, [1, 1], other);
            let found = steps(y, &|x, y| Box::new(Mean::new(dots, x, y)));
            check(&found, &exact::mean(&integers, h * w, &case.x, &other), &other, "means of planes")?;

            let y = with(inputs, [h.div_ceil(3), w.div_ceil(3)], other);
            let found = steps(y, &|x, y| Box::new(Means::new(dots, (x, y), 3)));
            check(&found, &exact::means(&integers, [h, w], 3, &case.x, &other), &other, "means")?;

            let y = with(inputs, size, case.x);
            let window = Window { kernel, stride, dilation: [1, 1], before: padding };
            let found = steps(y, &|x, y| Box::new(Largest::new(dots, (x, y), window)));
            let largest = exact::largest(&integers, [h, w], [kernel, stride, padding], size);
            check(&found, &largest, &case.x, "the largest")?;

            let y = with(inputs, [h, w], case.x);
            let zero = case.x.zero_point;
            let found = steps(y, &|x, y| Box::new(Table::new((x, y), |q| q.max(zero))));
            let expected: Vec<i32> = integers.iter().map(|q| (*q).max(zero)).collect();
            check(&found, &expected, &case.x, "a table")?;

            let y = with(2 * inputs, [h, w], other);
            let found = steps(y, &|x, y| Box::new(Concat::new(vec![x, x], y)));
            let moved = exact::requantised(&integers, &case.x, &other);
            let both: Vec<i32> = moved.chunks(inputs * h * w).flat_map(|image| [image, image].concat()).collect();
            check(&found, &both, &other, "values behind each other")?;

            let y = with(inputs * h * w, [1, 1], case.x);
            let source = |[at, ..]: [usize; 3]| Some([at / (h * w), at / w % h, at % w]);
            let found = steps(y, &|x, y| Box::new(Pick::new((x, y), source)));
            check(&found, &integers, &case.x, "another order")?;
        }
    }

    #[test]
    fn numbers_become_the_nearest_integers(of in integers(), seed in any::<u64>()) {
        let reach = of.scale * 300.0;
        let mut input: Vec<f32> =
            draw(3 * 5 * 7, seed, [-1000, 1000]).into_iter().map(|x| x as f32 / 1000.0 * reach).collect();
        input[..6].copy_from_slice(&[f32::NAN, f32::INFINITY, -f32::INFINITY, 1e30, of.scale / 2.0, -0.0]);
        let nearest = |x: &f32| {
            let q = (x / of.scale).round_ties_even() + of.zero_point as f32;
            if q.is_nan() { of.bounds[0] } else { (q as i32).clamp(of.bounds[0], of.bounds[1]) }
        };
        let expected: Vec<i32> = input.iter().map(nearest).collect();
        for dots in Dots::available() {
            let x = Quads::narrow(3, [5, 7], [1; 4], of);
            let found = run(dots, [1, 2], &input, &mut [x], |at, end| {
                vec![Box::new(Floats::new(dots, at[0], Place::blocked(3, [5, 7], 4, [0; 4]).moved(end)))]
            });
            check(&found, &expected, &of, dots.name())?;
            // Out of integers and in again changes nothing.
            let again = Quads::new(3, [5, 7], [0; 4], of);
            let found = run(dots, [1, 2], &input, &mut [x, again], |at, end| {
                let floats = Place::blocked(3, [5, 7], 8, [0, 1, 0, 0]).moved(end);
                let last = Place::blocked(3, [5, 7], 8, [0; 4]).moved(floats.end(1));
                vec![
                    Box::new(Floats::new(dots, at[0], floats)),
                    Box::new(Requantise::new(dots, floats, at[1])),
                    Box::new(Floats::new(dots, at[1], last)),
                ]
            });
            check(&found, &expected, &of, dots.name())?;
        }
    }
}
