//! Products, windows, and what stands between them.

use sapwood_graph::{
    Array, Conv, ConvSpec, Dims, Entry, Graph, GraphBuilder, Op, Pads, Slice, State, Unary, Window, Wire,
};

use super::{IMAGES, Whole, alone, check, draw, drawn};
use crate::Runtime;

#[test]
fn products() {
    check(
        &[2, 3, 4],
        &[("other", &[1, 4, 5])],
        |g, x| {
            let other = g.constant("other", &[1, 4, 5], true);
            g.matmul(x, other)
        },
        |x| {
            let other = drawn("other", &[1, 4, 5]);
            Whole::of(&[IMAGES, 2, 3, 5], |i| {
                (0..4).map(|k| x.at(&[i[0], i[1], i[2], k]) * other.at(&[0, k, i[3]])).sum()
            })
        },
    );
    check(
        &[3, 4],
        &[],
        |g, x| {
            let y = g.transpose(x, &[0, 2, 1]);
            g.matmul(x, y)
        },
        |x| {
            Whole::of(&[IMAGES, 3, 3], |i| {
                (0..4).map(|k| x.at(&[i[0], i[1], k]) * x.at(&[i[0], i[2], k])).sum()
            })
        },
    );
    check(
        &[3, 2, 4],
        &[("op.weight", &[5, 4]), ("op.bias", &[5])],
        |g, x| g.linear_at_places("op", x, 5),
        |x| {
            let [weight, bias] = [drawn("op.weight", &[5, 4]), drawn("op.bias", &[5])];
            Whole::of(&[IMAGES, 3, 2, 5], |i| {
                let sum: f64 = (0..4).map(|k| x.at(&[i[0], i[1], i[2], k]) * weight.at(&[i[3], k])).sum();
                sum + bias.at(&[i[3]])
            })
        },
    );
    check(
        &[4, 3, 2],
        &[],
        |g, x| {
            let [queries, keys] = [Unary::Neg, Unary::Sin].map(|of| g.unary(x, of));
            g.attention([queries, keys, x], 2)
        },
        |x| {
            Whole::of(&x.sizes, |i| {
                let at = |channel: usize, place: usize| x.at(&[i[0], channel, place / 2, place % 2]);
                let (first, own) = (i[1] / 2 * 2, i[2] * 2 + i[3]);
                let exp = |key: usize| {
                    let like: f64 = (first..first + 2).map(|c| -at(c, own) * at(c, key).sin()).sum();
                    (like / 2f64.sqrt()).exp()
                };
                let all: f64 = (0..6).map(exp).sum();
                (0..6).map(|key| exp(key) / all * at(i[1], key)).sum()
            })
        },
    );
}

#[test]
fn windows() {
    let spec =
        ConvSpec { outputs: 6, padding: [1, 0, 2, 1].into(), groups: 2, ..ConvSpec::new(4, 6, [3, 2]) };
    let spec = ConvSpec {
        bias: true,
        stride: [2, 3].into(),
        dilation: [1, 2].into(),
        transposed: Some([1, 2].into()),
        ..spec
    };
    let to = [4 * 2 + 3 + 1 - 3, 2 * 3 + 3 + 2 - 1];
    check(
        &[4, 5, 3],
        &[("op.weight", &[4, 3, 3, 2]), ("op.bias", &[6])],
        |g, x| g.op("op", Op::Conv(spec), &[x]),
        |x| {
            let [weight, bias] = [drawn("op.weight", &[4, 3, 3, 2]), drawn("op.bias", &[6])];
            Whole::of(&[IMAGES, 6, to[0], to[1]], |i| {
                let mut sum = bias.at(&[i[1]]);
                for input in i[1] / 3 * 2..i[1] / 3 * 2 + 2 {
                    for (at, tap) in (0..15).flat_map(|at| (0..6).map(move |tap| (at, tap))) {
                        let ([y, x_], [r, q]) = ([at / 3, at % 3], [tap / 2, tap % 2]);
                        if i[2] + 1 == 2 * y + r && i[3] == 3 * x_ + 2 * q {
                            sum += x.at(&[i[0], input, y, x_]) * weight.at(&[input, i[1] % 3, r, q]);
                        }
                    }
                }
                sum
            })
        },
    );
    let along = ConvSpec { spatial: 1, padding: [0, 1, 0, 1].into(), ..ConvSpec::new(2, 3, [1, 3]) };
    check(
        &[2, 5],
        &[("op.weight", &[3, 2, 3])],
        |g, x| g.op("op", Op::Conv(along), &[x]),
        |x| {
            let weight = drawn("op.weight", &[3, 2, 3]);
            Whole::of(&[IMAGES, 3, 5], |i| {
                let taps = (0..6).filter(|at| (1..=5).contains(&(i[2] + at % 3)));
                taps.map(|at| x.at(&[i[0], at / 3, i[2] + at % 3 - 1]) * weight.at(&[i[1], at / 3, at % 3]))
                    .sum()
            })
        },
    );
    let back = ConvSpec { stride: [1, 2].into(), transposed: Some([0, 1].into()), ..along };
    check(
        &[2, 5],
        &[("op.weight", &[2, 3, 3])],
        |g, x| g.op("op", Op::Conv(back), &[x]),
        |x| {
            let weight = drawn("op.weight", &[2, 3, 3]);
            Whole::of(&[IMAGES, 3, 10], |i| {
                let all = (0..10).flat_map(|at| (0..3).map(move |q| (at / 5, at % 5, q)));
                all.filter(|(_, at, q)| i[2] + 1 == 2 * at + q)
                    .map(|(c, at, q)| x.at(&[i[0], c, at]) * weight.at(&[c, i[1], q]))
                    .sum()
            })
        },
    );
    let window = Window { dilation: [2, 3].into(), padding: Pads::all(1), ..Window::new([3, 2], [1, 2]) };
    alone(&[2, 6, 7], Op::MaxPool(window), |x| {
        Whole::of(&[IMAGES, 2, 4, 3], |i| {
            let taps = (0..6).map(|tap| [i[2] + tap / 2 * 2, 2 * i[3] + tap % 2 * 3]);
            let inside = taps.filter(|[y, x]| (1..=6).contains(y) && (1..=7).contains(x));
            inside.map(|[y, x_]| x.at(&[i[0], i[1], y - 1, x_ - 1])).fold(f64::MIN, f64::max)
        })
    });
}

#[test]
fn an_operation_between_layers_is_named_and_takes_part() {
    let mut g = Graph::builder([3, 6, 6]);
    let x = g.conv("before", g.input(), Conv::new(4, 3).same().no_bias());
    let x = g.slice(x, Slice { axis: 2, start: 0, length: 3, step: 2 });
    let x = g.conv("after", x, Conv::new(2, 3).no_bias());
    g.flatten(x);
    let graph = g.finish().unwrap();
    let [before, after] = [drawn("before", &[4, 3, 3, 3]), drawn("after", &[2, 4, 3, 3])];
    let array = |of: &Whole| {
        Array::new(of.sizes.clone(), of.values.iter().map(|x| *x as f32).collect::<Vec<_>>()).unwrap()
    };
    let state =
        State([("before.weight".into(), array(&before)), ("after.weight".into(), array(&after))].into());
    let plan = Runtime::new().plan(&graph, &state).unwrap();
    let names: Vec<_> = plan.kernels().filter(|(_, kernel)| kernel.ends_with("no kernel")).collect();
    assert_eq!(names[0].1, "slice, no kernel");
    let mut at = 0;
    let x = Whole::of(&[1, 3, 6, 6], |_| {
        at += 1;
        f64::from(draw(at))
    });
    let conv = |x: &Whole, weight: &Whole, pad: usize| {
        let [_, _, h, w] = x.sizes[..] else { unreachable!() };
        Whole::of(&[1, weight.sizes[0], h + 2 * pad - 2, w + 2 * pad - 2], |i| {
            let mut sum = 0.0;
            for (c, tap) in (0..weight.sizes[1]).flat_map(|c| (0..9).map(move |tap| (c, tap))) {
                let [y, x_] = [i[2] + tap / 3, i[3] + tap % 3];
                if (pad..h + pad).contains(&y) && (pad..w + pad).contains(&x_) {
                    sum += weight.at(&[i[1], c, tap / 3, tap % 3]) * x.at(&[0, c, y - pad, x_ - pad]);
                }
            }
            sum
        })
    };
    let y = conv(&x, &before, 1);
    let y = Whole::of(&[1, 4, 3, 6], |i| y.at(&[0, i[1], 2 * i[2], i[3]]));
    let expected = conv(&y, &after, 0);
    let images: Vec<f32> = x.values.iter().map(|x| *x as f32).collect();
    let found = plan.session().unwrap().run(&images).unwrap().to_vec();
    assert_eq!(found.len(), expected.values.len());
    for (found, expected) in found.iter().zip(&expected.values) {
        assert!((f64::from(*found) - expected).abs() < 1e-5, "{found} for {expected}");
    }
}

#[test]
fn what_cannot_be_planned_is_one_line() {
    let said = |entry: Entry, build: &dyn Fn(&mut GraphBuilder, Wire) -> Wire| {
        let mut g = Graph::builder_of(vec![entry]);
        let x = g.input();
        build(&mut g, x);
        let weight = Array::new([9, 4], vec![0.5f32; 36]).unwrap();
        let state = State([("words.weight".into(), weight)].into());
        Runtime::new().plan(&g.finish().unwrap(), &state).unwrap_err().to_string()
    };
    let entry = |sizes: &[usize], integers| Entry {
        name: "input".into(),
        dims: Dims::batch_of(sizes).unwrap(),
        integers,
    };
    assert_eq!(
        said(entry(&[7], true), &|g, x| g.embedding("words", x, 9, 4)),
        "there is no kernel for `input` (input), `words` (embedding): run the network by another engine"
    );
    assert_eq!(
        said(entry(&[7, 2], false), &|g, x| g.transpose(x, &[1, 0, 2])),
        "there is no kernel for an output [7, n, 2] whose batch is not in front: run the network by another engine"
    );
    let empty = said(entry(&[0, 3, 3], false), &|g, x| g.relu(x));
    assert!(empty.starts_with("there is no kernel for `input` (input), "), "{empty}");
}
