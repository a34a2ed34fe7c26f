//! Pools against their definition.

use super::*;

#[test]
fn pools_are_their_definition() {
    let case = Case {
        images: 2,
        inputs: 5,
        outputs: 5,
        size: [7, 6],
        window: Window { before: [1, 1], ..Window::new([3, 3], [2, 2]) },
        has_residual: false,
        activation: None,
        threads: 2,
    };
    let (x, [height, width]) = (case.images(), case.output());
    for pooling in [Pooling::Largest, Pooling::Mean, Pooling::MeanWithPadding([1, 1])] {
        let mut expected = Vec::new();
        for (plane, y, x_) in
            (0..10).flat_map(|p| (0..height).flat_map(move |y| (0..width).map(move |x| (p, y, x))))
        {
            let taps = (0..9).map(|tap| [(2 * y + tap / 3) as isize - 1, (2 * x_ + tap % 3) as isize - 1]);
            let inside: Vec<f64> = taps
                .filter(|[y, x]| (0..7).contains(y) && (0..6).contains(x))
                .map(|[y, x_]| f64::from(x[plane * 42 + y as usize * 6 + x_ as usize]))
                .collect();
            let sum: f64 = inside.iter().sum();
            let reach = |size: usize, at: usize| (size + 2 - 2 * at).min(3);
            expected.push(match pooling {
                Pooling::Largest => inside.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                Pooling::Mean => sum / inside.len() as f64,
                Pooling::MeanWithPadding(_) => sum / (reach(7, y) * reach(6, x_)) as f64,
            });
        }
        for level in Level::available() {
            for is_planar in [false, true] {
                let place = |size: [usize; 2], rim: [usize; 4]| match is_planar {
                    true => Place::planar(5, size, size[1] + 1, 9),
                    false => Place::blocked(5, size, level.numbers(), rim),
                };
                let found =
                    run(&case, place([7, 6], [0; 4]), place([height, width], [1; 4]), |from, to, _| {
                        Box::new(Pool::new(level, (from, to), case.window, pooling))
                    });
                assert_near(&found, &expected, level.name());
            }
        }
    }
}

/// Each channel has it in another column of the one window.
#[test]
fn what_is_not_a_number_is_the_largest_wherever_it_is() {
    let (size, window) = ([1, 3], Window::new([1, 3], [1, 1]));
    let image: Vec<f32> = (0..9).map(|at| if at % 3 == at / 3 { f32::NAN } else { at as f32 }).collect();
    for level in Level::available() {
        for is_planar in [false, true] {
            let place = |size: [usize; 2]| match is_planar {
                true => Place::planar(3, size, size[1] + 1, 0),
                false => Place::blocked(3, size, level.numbers(), [0; 4]),
            };
            let from = place(size);
            let to = place([1, 1]).moved(from.end(1).next_multiple_of(16));
            let steps: Vec<Box<dyn Step>> =
                vec![Box::new(Pool::new(level, (from, to), window, Pooling::Largest))];
            let load = Move::new(Place::tight(3, size), from, Source::Input, vec![Part::ALL]);
            let store = Move::new(to, Place::tight(3, [1, 1]), Source::Output, vec![Part::ALL]);
            let program = Program::new(load, steps, store, to.end(1), 1);
            let (mut arena, mut team) = (Arena::zeros(to.end(1)), Team::new(1).unwrap());
            let mut output = [0.0; 3];
            program.run(&mut arena, &mut team, (&image, &mut output), &|_| {});
            assert!(output.iter().all(|x| x.is_nan()), "{} {output:?}", level.name());
        }
    }
}
