//! What would read or write beyond its memory, or compute something else than it says.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{
    integers::{Dots, Largest, Mean as MeanOfBytes, Quads},
    *,
};
use crate::exact::Integers;

/// Something is refused with these words.
fn assert_refused<T>(words: &str, make: impl FnOnce() -> T) {
    let said = catch_unwind(AssertUnwindSafe(make)).err().expect(words);
    let of_text = said.downcast_ref::<String>().map(String::as_str);
    let said = of_text.or(said.downcast_ref::<&str>().copied()).unwrap_or_default();
    assert!(said.contains(words), "{said} for {words}");
}

fn copy(from: Place, to: Place, source: Source) -> Move {
    Move::new(from, to, source, vec![Part::ALL])
}

/// A program of these steps on single numbers.
fn program(steps: Vec<Box<dyn Step>>) -> Program {
    let one = Place::tight(1, [1, 1]);
    Program::new(copy(one, one, Source::Input), steps, copy(one, one, Source::Output), 2, 1)
}

#[test]
fn programs_whose_steps_leave_the_arena() {
    let one = Place::tight(1, [1, 1]);
    for source in [Source::Input, Source::Output] {
        assert_refused("is read by the first step", || program(vec![Box::new(copy(one, one, source))]));
    }
    assert_refused("is read by the first step", || {
        program(vec![Box::new(integers::Quantise::new(Dots::Portable, quads(4, [1, 1])))])
    });
    for at in [2, usize::MAX] {
        assert_refused("values end in the arena", || {
            program(vec![Box::new(copy(one, one.moved(at), Source::Arena))])
        });
    }
    // Places whose sizes are larger than can be counted.
    let half = 1 << (usize::BITS / 2);
    let blocked = Place { form: Form::Blocked { lanes: 1, rim: [0; 4] }, size: [half, half], ..one };
    assert_refused("blocks end in their image", || copy(blocked, one, Source::Arena));
    let planar = Place { form: Form::Planar { pitch: half, lead: 0, plane: 1 }, size: [half + 1, 1], ..one };
    assert_refused("planes end in their image", || copy(planar, one, Source::Arena));
}

#[test]
fn windows_that_see_nothing_of_the_input() {
    let window = Window { before: [2, 0], ..Window::new([2, 1], [1, 1]) };
    let (from, to) = (Place::tight(1, [3, 1]), Place::tight(1, [1, 1]));
    assert_refused("windows end in the input", || {
        Pool::new(Level::detect(), (from, to.moved(3)), window, Pooling::Largest)
    });
    assert_refused("windows end in the input", || {
        Largest::new(Dots::Portable, (quads(4, [3, 1]), quads(4, [1, 1])), window)
    });
    // As many strides as come around to where they began.
    let far = Window::new([1, 1], [1 << (usize::BITS - 1), 1]);
    let to = Place::tight(1, [3, 1]).moved(3);
    assert_refused("windows begin in the input", || {
        Pool::new(Level::detect(), (from, to), far, Pooling::Mean)
    });
}

fn quads(channels: usize, size: [usize; 2]) -> Quads {
    Quads::new(channels, size, [0; 4], Integers { scale: 1.0, zero_point: 0, bounds: [0, 255] })
}

#[test]
fn integers_that_bytes_do_not_hold() {
    let of = |bounds| Integers { scale: 1.0, zero_point: 0, bounds };
    for (bounds, expected) in
        [([-128, 127], true), ([0, 255], true), ([-100, i32::MAX], false), ([-1, 128], false)]
    {
        assert_eq!(Quads::hold(&of(bounds)), expected, "{bounds:?}");
    }
    let many = [1, MeanOfBytes::MOST + 1];
    assert_refused("sums of 32 bits", || MeanOfBytes::new(Dots::Portable, quads(4, many), quads(4, [1, 1])));
}

#[test]
fn sparse_layers_without_a_loop_or_room() {
    let level = Level::Portable;
    let one = SparseShape { rows: 1, is_shared: true, vectors: 1, lanes: level.numbers() };
    let sparse = |outputs: usize, places: (Place, Place), residual: Option<Place>, shape: SparseShape| {
        let (rows, bias) = (vec![vec![(0, 1.0)]; outputs], vec![0.0; outputs]);
        Sparse::new(level, places, &rows, &bias, Epilogue { residual, curve: None }, shape)
    };
    let wide = |channels: usize| Place::planar(channels, [9, 16], 16, 0);
    // Sums of more registers than there are, and a second vector of one number.
    for shape in [
        SparseShape { rows: 4, vectors: 6, ..one },
        SparseShape { rows: 4, vectors: 3, ..one },
        SparseShape { rows: 4, vectors: 2, lanes: 1, ..one },
    ] {
        assert_refused("a loop for these rows", || sparse(4, (wide(1), wide(4)), None, shape));
    }
    // A vector of pixels where there is one, behind which the next output lies.
    let (many, tight) = (Place::tight(16, [1, 1]), Place::tight(2, [1, 1]));
    assert_refused("vectors end in their plane", || sparse(2, (many, tight), None, one));
    assert_refused("of the output's size", || sparse(2, (wide(1), wide(2)), Some(wide(1)), one));
    assert_refused("offsets lead to the input", || {
        let rows = [vec![(usize::MAX, 1.0)]];
        Sparse::new(level, (wide(1), wide(1)), &rows, &[0.0], Epilogue::default(), one)
    });
}

#[test]
fn shifted_layers_without_room() {
    let level = Level::Portable;
    let wide = |channels: usize| Place::planar(channels, [2, 4], 4, 0);
    let shifted = |at: usize, residual: Option<Place>| {
        let rows = vec![vec![Tap { at, column: 0, weight: 1.0 }]; 2];
        let epilogue = Epilogue { residual, curve: None };
        Shifted::new(level, (wide(1), wide(2)), &rows, &[0.0; 2], epilogue)
    };
    assert_refused("of the output's size", || shifted(0, Some(wide(1))));
    assert_refused("taps lead to the input", || shifted(usize::MAX, None));
}

#[test]
fn matrices_and_lines_that_are_not_there() {
    let (level, row) = (Level::detect(), |count: usize| Place::tight(1, [1, count]));
    let of = |rows: usize, begin: usize| Matrices {
        rows,
        inner: 2,
        columns: 3,
        steps: [2, 1],
        begins: vec![[begin, 4]],
        factor: 1.0,
    };
    for matrices in [of(2, 7), of(usize::MAX, 0), of(2, usize::MAX), of(0, 0)] {
        assert_refused("matrices lie in their values", || {
            Product::new(level, [row(10), row(10)], row(6).moved(10), matrices.clone())
        });
    }
    assert_refused("numbers one behind the other", || {
        Product::new(level, [Place::planar(1, [1, 4], 6, 1), row(10)], row(6).moved(30), of(2, 0))
    });
    for lines in
        [Lines { length: 3, step: 2 }, Lines { length: 0, step: 1 }, Lines { length: 1 << 33, step: 1 << 33 }]
    {
        assert_refused("whole lines", || {
            Line::new(level, (row(10), row(10).moved(10)), lines, OfLine::Softmax)
        });
    }
    let norm = OfLine::Norm { weight: vec![1.0; 4], bias: vec![0.0; 5], epsilon: 0.1 };
    assert_refused("a weight and a bias for each number", || {
        Line::new(level, (row(10), row(10).moved(10)), Lines { length: 5, step: 2 }, norm.clone())
    });
    let own = Place::tight(4, [1, 5]);
    let attention = |place: Place, first: usize, heads: usize| {
        let of = |place, first| Heads { place, first };
        Attention::new(level, [of(own, 0), of(own, 0), of(place, first)], own.moved(20), heads)
    };
    assert_refused("heads with equal shares", || attention(own, 0, 3));
    assert_refused("values of the same pixels", || attention(row(4), 0, 2));
    assert_refused("numbers one behind the other", || attention(Place::by_pixels(4, [1, 5]), 0, 2));
    for first in [1, usize::MAX] {
        assert_refused("channels for those that go out", || attention(own, first, 2));
    }
}
