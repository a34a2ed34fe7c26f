//! Values in other places, orders and sizes.

use sapwood_graph::{
    Binary, Dims, GraphBuilder, Interpolation, Op, Pad, PadMode, Places, Resize, Slice, Unary,
};

use super::{IMAGES, Whole, alone, check, drawn, ranked};

#[test]
fn slices_and_orders() {
    alone(&[3, 7, 5], Op::Slice(Slice { axis: 2, start: 1, length: 3, step: 2 }), |x| {
        Whole::of(&[IMAGES, 3, 3, 5], |i| x.at(&[i[0], i[1], 1 + 2 * i[2], i[3]]))
    });
    alone(&[5], Op::Slice(Slice { axis: 1, start: 4, length: 1, step: 1 }), |x| {
        Whole::of(&[IMAGES, 1], |i| x.at(&[i[0], 4]))
    });
    alone(&[3, 7, 5], Op::Transpose { order: ranked(&[0, 3, 1, 2]) }, |x| {
        Whole::of(&[IMAGES, 5, 3, 7], |i| x.at(&[i[0], i[2], i[3], i[1]]))
    });
    // Also where the batch is not in front for a while.
    let away = |g: &mut GraphBuilder, x| {
        let y = g.transpose(x, &[2, 0, 1]);
        let y = g.softmax(y, 0);
        let y = g.slice(y, Slice { axis: 2, start: 1, length: 2, step: 1 });
        g.transpose(y, &[1, 0, 2])
    };
    check(&[3, 4], &[], away, |x| {
        Whole::of(&[IMAGES, 4, 2], |i| {
            let exp = |at| x.at(&[i[0], 1 + i[2], at]).exp();
            exp(i[1]) / (0..4).map(exp).sum::<f64>()
        })
    });
}

#[test]
fn what_is_added_around() {
    let pad = |with| Op::Pad(Pad { before: ranked(&[0, 1, 2, 0]), after: ranked(&[0, 0, 3, 2]), with });
    let inside = |x: &Whole, of: &dyn Fn(isize, isize) -> Option<isize>, otherwise: f64| {
        Whole::of(&[IMAGES, 4, 9, 5], |i| {
            let sizes = [3, 4, 3];
            let at: Option<Vec<usize>> = [i[1] as isize - 1, i[2] as isize - 2, i[3] as isize]
                .into_iter()
                .zip(sizes)
                .map(|(at, size)| if (0..size).contains(&at) { Some(at) } else { of(at, size) })
                .map(|at| at.map(|at| at as usize))
                .collect();
            at.map_or(otherwise, |at| x.at(&[i[0], at[0], at[1], at[2]]))
        })
    };
    let example = &[3, 4, 3];
    alone(example, pad(PadMode::Constant(0.75)), |x| inside(x, &|_, _| None, 0.75));
    alone(example, pad(PadMode::Edge), |x| {
        inside(x, &|at, size| Some(if at < 0 { 0 } else { size - 1 }), 0.0)
    });
    alone(example, pad(PadMode::Reflect), |x| {
        inside(x, &|at, size| Some(if at < 0 { -at } else { 2 * size - 2 - at }), 0.0)
    });
    alone(example, pad(PadMode::Wrap), |x| inside(x, &|at, size| Some((at + size) % size), 0.0));
    alone(&[2, 3, 4], Op::Wrap { padding: 2 }, |x| {
        Whole::of(&[IMAGES, 2, 7, 8], |i| x.at(&[i[0], i[1], (i[2] + 1) % 3, (i[3] + 2) % 4]))
    });
    alone(&[2, 4], Op::Wrap { padding: 1 }, |x| {
        Whole::of(&[IMAGES, 2, 6], |i| x.at(&[i[0], i[1], (i[2] + 3) % 4]))
    });
}

#[test]
fn shapes_tokens_and_sums_of_different_shapes() {
    // Tokens: windows of rows with one for all images in front, and places.
    let build = |g: &mut GraphBuilder, x| {
        let y = g.reshape(x, Dims::with_batch(&[1, 4, 3], 0).unwrap());
        let token = g.constant("token", &[1, 1, 3], true);
        let token = g.op("all", Op::Expand(Dims::with_batch(&[1, 1, 3], 0).unwrap()), &[token]);
        let y = g.concat(&[token, y], 1);
        let scale = g.constant("scale", &[5, 1], false);
        let scale = g.unary(scale, Unary::Neg);
        let y = g.binary(y, scale, Binary::Mul);
        let shift = g.constant("shift", &[3], true);
        g.add(y, shift)
    };
    let parameters: [(&str, &[usize]); 3] = [("token", &[1, 1, 3]), ("scale", &[5, 1]), ("shift", &[3])];
    check(&[3, 2, 2], &parameters, build, |x| {
        let [token, scale, shift] = parameters.map(|(name, sizes)| drawn(name, sizes));
        Whole::of(&[IMAGES, 5, 3], |i| {
            let y = match i[1].checked_sub(1) {
                None => token.at(&[0, 0, i[2]]),
                Some(row) => x.values[i[0] * 12 + row * 3 + i[2]],
            };
            -scale.at(&[i[1], 0]) * y + shift.at(&[i[2]])
        })
    });
    // Four windows of each image beside each other in the batch.
    let windows = |g: &mut GraphBuilder, x| {
        let y = g.reshape(x, Dims::with_batch(&[4, 5, 2], 0).unwrap());
        let y = g.softmax(y, 1);
        g.reshape(y, Dims::batch_of(&[40]).unwrap())
    };
    check(&[2, 4, 5], &[], windows, |x| {
        Whole::of(&[IMAGES, 40], |i| {
            let (window, at) = (i[1] / 10, i[1] % 10);
            let exp = |row: usize| x.values[i[0] * 40 + window * 10 + row * 2 + at % 2].exp();
            exp(at / 2) / (0..5).map(exp).sum::<f64>()
        })
    });
    // Queries, keys and values beside each other, with the batch behind them: each of one has a rank less.
    let keys = |g: &mut GraphBuilder, x| {
        let y = g.reshape(x, Dims::with_batch(&[1, 4, 3, 2], 0).unwrap());
        let y = g.op("order", Op::Transpose { order: ranked(&[2, 0, 1, 3]) }, &[y]);
        let y = g.slice(y, Slice { axis: 0, start: 1, length: 1, step: 1 });
        g.reshape(y, Dims::batch_of(&[4, 2]).unwrap())
    };
    check(&[4, 6], &[], keys, |x| Whole::of(&[IMAGES, 4, 2], |i| x.at(&[i[0], i[1], 2 + i[2]])));
    // Heads beside the images, as PyTorch's attention has them behind places: two of each image.
    let heads = |g: &mut GraphBuilder, x| {
        let y = g.op("order", Op::Transpose { order: ranked(&[1, 0, 2]) }, &[x]);
        let y = g.reshape(y, Dims::with_batch(&[4, 2, 3], 1).unwrap());
        let y = g.op("back", Op::Transpose { order: ranked(&[1, 0, 2]) }, &[y]);
        g.reshape(y, Dims::batch_of(&[2, 4, 3]).unwrap())
    };
    check(&[4, 6], &[], heads, |x| Whole::of(&[IMAGES, 2, 4, 3], |i| x.at(&[i[0], i[2], 3 * i[1] + i[3]])));
    check(
        &[2, 3, 1],
        &[],
        |g, x| {
            let first = g.slice(x, Slice { axis: 2, start: 1, length: 1, step: 1 });
            g.concat(&[x, first, x], 2)
        },
        |x| Whole::of(&[IMAGES, 2, 7, 1], |i| x.at(&[i[0], i[1], [0, 1, 2, 1, 0, 1, 2][i[2]], 0])),
    );
}

#[test]
fn other_sizes() {
    for size in [[3, 9], [10, 1], [5, 4]] {
        for interpolation in [Interpolation::Bilinear, Interpolation::Nearest, Interpolation::NearestRound] {
            for places in [Places::HalfPixel, Places::Asymmetric, Places::AlignCorners] {
                alone(&[2, 5, 4], Op::Resize(Resize { size: size.into(), interpolation, places }), |x| {
                    // Between which two, and how near the second.
                    let of = |axis: usize, at: usize| {
                        let (before, after) = ([5.0, 4.0][axis], size[axis] as f64);
                        let place = match places {
                            Places::HalfPixel => (at as f64 + 0.5) * before / after - 0.5,
                            Places::Asymmetric => at as f64 * before / after,
                            Places::AlignCorners if after == 1.0 => 0.0,
                            Places::AlignCorners => at as f64 * (before - 1.0) / (after - 1.0),
                        };
                        // A fraction that is a whole number may be off by a rounding.
                        let place = if (place - place.round()).abs() < 1e-9 { place.round() } else { place };
                        let within = |place: f64| place.clamp(0.0, before - 1.0) as usize;
                        match interpolation {
                            Interpolation::Bilinear => {
                                let place = place.max(0.0);
                                (within(place.floor()), within(place.floor() + 1.0), place.fract())
                            }
                            Interpolation::Nearest => (within(place.floor()), 0, 0.0),
                            Interpolation::NearestRound => (within((place - 0.5 - 1e-12).ceil()), 0, 0.0),
                        }
                    };
                    Whole::of(&[IMAGES, 2, size[0], size[1]], |i| {
                        let ((y, v, down), (x_, w, right)) = (of(0, i[2]), of(1, i[3]));
                        let at = |y, x_| x.at(&[i[0], i[1], y, x_]);
                        (1.0 - down) * ((1.0 - right) * at(y, x_) + right * at(y, w))
                            + down * ((1.0 - right) * at(v, x_) + right * at(v, w))
                    })
                });
            }
        }
    }
}
