//! Means of channels, and factors for them, against their definitions.

use super::*;

/// Values of some images, in each form that a level has, and the same with one pixel.
fn places(level: Level, channels: usize, size: [usize; 2]) -> [[Place; 2]; 4] {
    let lanes = level.numbers();
    [
        [
            Place::blocked(channels, size, lanes, [1, 0, 2, 1]),
            Place::blocked(channels, [1, 1], lanes, [0; 4]),
        ],
        [Place::planar(channels, size, size[1] + 2, 5), Place::tight(channels, [1, 1])],
        [Place::planar(channels, size, size[1] + 1, 3), Place::planar(channels, [1, 1], 2, 1)],
        [Place::tight(channels, size), Place::tight(channels, [1, 1])],
    ]
}

fn case(size: [usize; 2], channels: usize, threads: usize) -> Case {
    Case {
        images: 2,
        inputs: channels,
        outputs: channels,
        size,
        window: Window::new([1, 1], [1, 1]),
        has_residual: false,
        activation: None,
        threads,
    }
}

fn means(case: &Case) -> Vec<f64> {
    let pixels = case.size[0] * case.size[1];
    case.images()
        .chunks(pixels)
        .map(|plane| plane.iter().map(|x| f64::from(*x)).sum::<f64>() / pixels as f64)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn means_are_their_definition(height in 1..12usize, width in 1..20usize, channels in 1..40usize, threads in 1..4usize) {
        let case = case([height, width], channels, threads);
        for level in Level::available() {
            for [from, to] in places(level, channels, case.size) {
                let found = run(&case, from, to, |from, to, _| Box::new(Mean::new(level, from, to)));
                assert_near(&found, &means(&case), level.name());
            }
        }
    }

    /// By the mean of each channel, which is there in each form.
    #[test]
    fn scaled_channels_are_their_definition(height in 1..12usize, width in 1..20usize, channels in 1..40usize, threads in 1..4usize) {
        let case = case([height, width], channels, threads);
        let pixels = height * width;
        let factors = means(&case);
        let expected: Vec<f64> =
            case.images().iter().enumerate().map(|(at, x)| f64::from(*x) * factors[at / pixels]).collect();
        for level in Level::available() {
            for [from, factor] in places(level, channels, case.size) {
                for to in [from, places(level, channels, case.size)[if from.blocks() == channels { 2 } else { 0 }][0]] {
                    if matches!(from.form, Form::Planar { .. }) != matches!(to.form, Form::Planar { .. }) {
                        continue;
                    }
                    let factor = factor.moved((from.image * case.images).next_multiple_of(16));
                    let to = to.moved(factor.end(case.images).next_multiple_of(16));
                    let steps: Vec<Box<dyn Step>> = vec![
                        Box::new(Mean::new(level, from, factor)),
                        Box::new(Scale::new(level, from, factor, to)),
                    ];
                    let tight = Place::tight(channels, case.size);
                    let load = Move::new(tight, from, Source::Input, vec![Part::ALL]);
                    let store = Move::new(to, tight, Source::Output, vec![Part::ALL]);
                    let floats = to.end(case.images);
                    let program = Program::new(load, steps, store, floats, case.images);
                    let (mut arena, mut team) = (Arena::zeros(floats), Team::new(threads).unwrap());
                    arena.values_mut().fill(f32::NAN);
                    let mut output = vec![0.0; expected.len()];
                    program.run(&mut arena, &mut team, (&case.images(), &mut output), &|_| {});
                    assert_near(&output, &expected, level.name());
                    let rests = (to.end(case.images) - to.at) - case.images * channels * pixels;
                    let zeros = arena.values_mut()[to.at..].iter().filter(|x| **x == 0.0).count();
                    assert!(zeros >= rests, "zeros around the pixels");
                }
            }
        }
    }
}
