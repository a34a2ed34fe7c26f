//! Functions of numbers, of lines and of groups.

use sapwood_graph::{Binary, GraphBuilder, Op, Reduction, Unary, Window};

use super::{IMAGES, Whole, alone, check, drawn, ranked};
use crate::plain::{arithmetic, lists::lines, windows};

#[test]
fn functions_of_numbers() {
    for function in Binary::ALL {
        let build = |g: &mut GraphBuilder, x| {
            let [positive, other] = [Unary::Exp, Unary::Cos].map(|of| g.unary(x, of));
            let other = g.reduce(other, Reduction::Mean, &[3], true);
            g.binary(positive, other, function)
        };
        check(&[3, 4, 5], &[], build, |x| {
            let other = |i: &[usize]| (0..5).map(|at| x.at(&[i[0], i[1], i[2], at]).cos()).sum::<f64>() / 5.0;
            Whole::of(&x.sizes, |i| {
                let (a, b) = (x.at(i).exp(), other(i));
                match function {
                    Binary::Sub => a - b,
                    Binary::Mul => a * b,
                    Binary::Div => a / b,
                    Binary::Pow => a.powf(b),
                    Binary::Max => a.max(b),
                    Binary::Min => a.min(b),
                }
            })
        });
    }
    for function in Unary::ALL {
        // Where there are roots, logarithms and quotients.
        let build = |g: &mut GraphBuilder, x| {
            let x = match function {
                Unary::Log | Unary::Sqrt | Unary::Reciprocal => g.unary(x, Unary::Exp),
                _ => x,
            };
            g.unary(x, function)
        };
        check(&[7], &[], build, |x| {
            x.mapped(|x| match function {
                Unary::Neg => -x,
                Unary::Abs => x.abs(),
                Unary::Exp => x.exp(),
                Unary::Log => x,
                Unary::Sqrt => (x / 2.0).exp(),
                Unary::Reciprocal => (-x).exp(),
                // Its series.
                Unary::Erf => {
                    let mut term = x;
                    let mut sum = x;
                    for n in 1..30 {
                        term *= -x * x / n as f64;
                        sum += term / (2 * n + 1) as f64;
                    }
                    sum * 2.0 / std::f64::consts::PI.sqrt()
                }
                Unary::Floor => x.floor(),
                Unary::Ceil => x.ceil(),
                Unary::Sin => x.sin(),
                Unary::Cos => x.cos(),
            })
        });
    }
    for channels in [1, 3] {
        check(
            &[3, 2, 5],
            &[("op.weight", &[channels])],
            |g, x| g.op("op", Op::Prelu { channels }, &[x]),
            |x| {
                let slope = drawn("op.weight", &[channels]);
                Whole::of(&x.sizes, |i| x.at(i).max(0.0) + slope.at(&[i[1] % channels]) * x.at(i).min(0.0))
            },
        );
    }
}

#[test]
fn what_is_not_a_number_is_the_largest_and_the_smallest() {
    let nan = f32::NAN;
    for function in [Binary::Max, Binary::Min].map(|of| arithmetic::binary(of, [&[1], &[1]], &[1])) {
        for pair in [[nan, 1.0], [1.0, nan]] {
            let mut found = [0.0];
            function(&[&pair[..1], &pair[1..]], &mut found);
            assert!(found[0].is_nan());
        }
    }
    for line in [[nan, 1.0, 2.0], [1.0, nan, 2.0], [1.0, 2.0, nan]] {
        let figures = [Reduction::Max, Reduction::Min].map(|to| arithmetic::reduce(lines(&[1, 3], &[1]), to));
        let window = windows::largest(Window::new([1, 3], 1), [[1, 3], [1, 1]]);
        for function in figures.into_iter().chain([window]) {
            let mut found = [0.0];
            function(&[&line[..]], &mut found);
            assert!(found[0].is_nan(), "{found:?} of {line:?}");
        }
    }
}

#[test]
fn figures_and_shares_of_lines() {
    for to in Reduction::ALL {
        for keep in [false, true] {
            alone(&[3, 4, 5], Op::Reduce { to, axes: ranked(&[1, 3]), keep }, |x| {
                Whole::of(&[IMAGES, 4], |i| {
                    let all: Vec<f64> = (0..15).map(|at| x.at(&[i[0], at / 5, i[1], at % 5])).collect();
                    match to {
                        Reduction::Sum => all.iter().sum(),
                        Reduction::Mean => all.iter().sum::<f64>() / 15.0,
                        Reduction::Max => all.iter().copied().fold(f64::MIN, f64::max),
                        Reduction::Min => all.iter().copied().fold(f64::MAX, f64::min),
                        Reduction::L2 => all.iter().map(|x| x * x).sum::<f64>().sqrt(),
                    }
                })
            });
        }
    }
    for (axis, log) in [(1, false), (2, false), (3, false), (1, true), (3, true)] {
        alone(&[3, 4, 5], Op::Softmax { axis, log }, |x| {
            Whole::of(&x.sizes, |i| {
                let exp = |at: usize| {
                    let mut i = i.to_vec();
                    i[axis] = at;
                    x.at(&i).exp()
                };
                let share = exp(i[axis]) / (0..x.sizes[axis]).map(exp).sum::<f64>();
                if log { share.ln() } else { share }
            })
        });
    }
}

fn standard(all: &[f64], epsilon: f64) -> impl Fn(f64) -> f64 {
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    let variance = all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / all.len() as f64;
    move |x| (x - mean) / (variance + epsilon).sqrt()
}

#[test]
fn normalisations() {
    let parameters: [(&str, &[usize]); 2] = [("op.weight", &[4]), ("op.bias", &[4])];
    let of = |x: f64, channel: usize| {
        let [weight, bias] = parameters.map(|(name, sizes)| drawn(name, sizes).at(&[channel]));
        x * weight + bias
    };
    let layer = |last| Op::LayerNorm { channels: 4, epsilon: 1e-3, last };
    check(
        &[4, 3, 5],
        &parameters,
        |g, x| g.op("op", layer(false), &[x]),
        |x| {
            Whole::of(&x.sizes, |i| {
                let all: Vec<f64> = (0..4).map(|c| x.at(&[i[0], c, i[2], i[3]])).collect();
                of(standard(&all, 1e-3)(x.at(i)), i[1])
            })
        },
    );
    for (example, last) in [(&[3, 5, 4][..], true), (&[4], true), (&[4], false)] {
        check(
            example,
            &parameters,
            |g, x| g.op("op", layer(last), &[x]),
            |x| {
                Whole::of(&x.sizes, |i| {
                    let (channel, before) = i.split_last().unwrap();
                    let all: Vec<f64> = (0..4).map(|c| x.at(&[before, &[c]].concat())).collect();
                    of(standard(&all, 1e-3)(x.at(i)), *channel)
                })
            },
        );
    }
    for groups in [1, 2, 4] {
        let op = Op::GroupNorm { groups, channels: 4, epsilon: 1e-5 };
        check(
            &[4, 3, 5],
            &parameters,
            |g, x| g.op("op", op, &[x]),
            |x| {
                Whole::of(&x.sizes, |i| {
                    let (size, group) = (4 / groups, i[1] / (4 / groups));
                    let all: Vec<f64> = (0..size * 15)
                        .map(|at| x.at(&[i[0], group * size + at / 15, at % 15 / 5, at % 5]))
                        .collect();
                    of(standard(&all, 1e-5)(x.at(i)), i[1])
                })
            },
        );
    }
    check(
        &[2, 3, 5],
        &[("op.embedding", &[2, 3, 5])],
        |g, x| g.position("op", x),
        |x| {
            let embedding = drawn("op.embedding", &[2, 3, 5]);
            Whole::of(&x.sizes, |i| x.at(i) + embedding.at(&i[1..]))
        },
    );
}
