//! Products of matrices, lines and attention against their definitions.

use super::*;

/// Three images of one row of `numbers` numbers, computed by `threads` threads.
fn case(numbers: usize, threads: usize) -> Case {
    Case {
        images: 3,
        inputs: 1,
        outputs: 1,
        size: [1, numbers],
        window: Window::new([1, 1], [1, 1]),
        has_residual: false,
        activation: None,
        threads,
    }
}

fn row(numbers: usize) -> Place {
    Place::tight(1, [1, numbers])
}

fn wide(x: &f32) -> f64 {
    f64::from(*x)
}

/// What a line of numbers becomes.
fn expected_line(line: &[f64], of: &OfLine) -> Vec<f64> {
    let most = line.iter().copied().fold(f64::MIN, f64::max);
    let sum: f64 = line.iter().map(|x| (x - most).exp()).sum();
    match of {
        OfLine::Norm { weight, bias, epsilon } => {
            let count = line.len() as f64;
            let mean = line.iter().sum::<f64>() / count;
            let variance = line.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
            let deviation = (variance + f64::from(*epsilon)).sqrt();
            let of = |((x, weight), bias): ((&f64, &f32), &f32)| {
                (x - mean) / deviation * wide(weight) + wide(bias)
            };
            line.iter().zip(weight).zip(bias).map(of).collect()
        }
        OfLine::Softmax => line.iter().map(|x| (x - most).exp() / sum).collect(),
        OfLine::LogSoftmax => line.iter().map(|x| x - most - sum.ln()).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// The first matrices row by row or column by column; the second one is the same for several pairs.
    #[test]
    fn products_are_their_definition(
        rows in 1..20usize, inner in 1..20usize, columns in 1..90usize, pairs in 1..4usize,
        turned in any::<bool>(), shared in any::<bool>(), threads in 1..4usize,
    ) {
        let [of_a, of_b] = [rows * inner, inner * columns];
        let begins = (0..pairs).map(|pair| [pair * of_a, pairs * of_a + if shared { 0 } else { pair * of_b }]);
        let steps = if turned { [1, rows] } else { [inner, 1] };
        let matrices = Matrices { rows, inner, columns, steps, begins: begins.collect(), factor: 0.5 };
        let numbers = pairs * (of_a + of_b);
        let case = case(numbers, threads);
        let mut expected = Vec::new();
        for image in case.images().chunks(numbers) {
            for [a, b] in &matrices.begins {
                for row in 0..rows {
                    for column in 0..columns {
                        let product = |k: usize| {
                            wide(&image[a + row * steps[0] + k * steps[1]]) * wide(&image[b + k * columns + column])
                        };
                        expected.push(0.5 * (0..inner).map(product).sum::<f64>());
                    }
                }
            }
        }
        for level in Level::available() {
            let to = row(pairs * rows * columns);
            let found = run(&case, row(numbers), to, |from, to, _| {
                Box::new(Product::new(level, [from, from], to, matrices.clone()))
            });
            let size = expected.iter().map(|x| x * x).sum::<f64>().sqrt().max((inner as f64).sqrt());
            assert_within(&found, &expected, size, level.name());
        }
    }

    #[test]
    fn lines_are_their_definition(
        blocks in 1..4usize, length in 1..50usize, step in prop_oneof![Just(1usize), 2..150usize], threads in 1..4usize,
    ) {
        let numbers = blocks * length * step;
        let case = case(numbers, threads);
        let norm = OfLine::Norm { weight: bias(length), bias: bias(length), epsilon: 1e-3 };
        for of in [norm, OfLine::Softmax, OfLine::LogSoftmax] {
            let images = case.images();
            let mut expected = vec![0.0; images.len()];
            for (block, first) in (0..images.len() / (length * step)).map(|block| (block, block * length * step)) {
                for beside in 0..step {
                    let at = |number: usize| first + number * step + beside;
                    let line: Vec<f64> = (0..length).map(|number| wide(&images[at(number)])).collect();
                    assert!(block < 3 * blocks);
                    expected_line(&line, &of).into_iter().enumerate().for_each(|(number, x)| expected[at(number)] = x);
                }
            }
            for level in Level::available() {
                let lines = Lines { length, step };
                let found = run(&case, row(numbers), row(numbers), |from, to, _| {
                    Box::new(Line::new(level, (from, to), lines, of.clone()))
                });
                assert_near(&found, &expected, level.name());
            }
        }
    }

    /// Keys and values are functions of what comes in.
    #[test]
    fn attention_is_its_definition(
        heads in 1..4usize, width in prop_oneof![1..20usize, 60..140usize], places in 1..200usize, threads in 1..4usize,
    ) {
        let channels = heads * width;
        let case = Case { inputs: channels, size: [1, places], ..case(places, threads) };
        let [of_keys, of_values] = [Curve::HSwish, Curve::Sigmoid];
        let mut expected = Vec::new();
        // Likenesses that differ enough for softmax to choose.
        let images: Vec<f32> = case.images().iter().map(|x| 8.0 * x).collect();
        for head in images.chunks(width * places) {
            let mut sums = vec![0.0; head.len()];
            for query in 0..places {
                let likeness: Vec<f64> = (0..places)
                    .map(|key| {
                        let product = |c: usize| {
                            wide(&head[c * places + query]) * expected_curve(wide(&head[c * places + key]), of_keys)
                        };
                        (0..width).map(product).sum::<f64>() / (width as f64).sqrt()
                    })
                    .collect();
                for (key, weight) in expected_line(&likeness, &OfLine::Softmax).into_iter().enumerate() {
                    for c in 0..width {
                        let value = expected_curve(wide(&head[c * places + key]), of_values);
                        sums[c * places + query] += weight * value;
                    }
                }
            }
            expected.extend(sums);
        }
        for level in Level::available() {
          for by_pixels in [false, true] {
            let own = if by_pixels { Place::by_pixels } else { Place::tight }(channels, [1, places]);
            let behind = |before: &Place| own.moved(before.end(case.images).next_multiple_of(16));
            let keys = behind(&own);
            let values = behind(&keys);
            let to = behind(&values);
            let steps: Vec<Box<dyn Step>> = vec![
                Box::new(Curved::new(level, own, keys, of_keys)),
                Box::new(Curved::new(level, own, values, of_values)),
                Box::new(Attention::new(level, [own, keys, values].map(|place| Heads { place, first: 0 }), to, heads)),
            ];
            let outside = Place::tight(channels, [1, places]);
            let load = Move::new(outside, own, Source::Input, vec![Part::ALL]);
            let store = Move::new(to, outside, Source::Output, vec![Part::ALL]);
            let floats = to.end(case.images);
            let program = Program::new(load, steps, store, floats, case.images);
            let (mut arena, mut team) = (Arena::zeros(floats), Team::new(threads).unwrap());
            arena.values_mut().fill(f32::NAN);
            let mut found = vec![0.0; images.len()];
            program.run(&mut arena, &mut team, (&images, &mut found), &|_| {});
            assert_near(&found, &expected, level.name());
          }
        }
    }
}

#[test]
fn a_dense_layer_reads_pixel_by_pixel_what_it_reads_in_blocks() {
    let (channels, outputs, size) = (21, 18, [1, 13]);
    let case = Case { inputs: channels, outputs, size, ..case(1, 2) };
    let values: Vec<f32> =
        (0..outputs * channels).map(|at| weight(at / channels, at % channels, 0, 0)).collect();
    let bias = bias(outputs);
    for level in Level::available() {
        let lanes = level.numbers();
        let to = Place::blocked(outputs, size, lanes, [0; 4]);
        let of = |from: Place| {
            run(&case, from, to, |from, to, _| {
                let weights = Weights { values: &values, scale: None, bias: &bias };
                let epilogue = Epilogue { residual: None, curve: Some(Curve::Gelu) };
                let window = Window::new([1, 1], [1, 1]);
                Box::new(Dense::new(level, (from, to), window, weights, epilogue, [case.images, 2]))
            })
        };
        assert_eq!(
            of(Place::by_pixels(channels, size)),
            of(Place::blocked(channels, size, lanes, [0; 4])),
            "{}",
            level.name()
        );
    }
}
