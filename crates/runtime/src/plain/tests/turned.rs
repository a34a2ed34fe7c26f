//! Values whose channels are in front for some layers, and come last for others.

use sapwood_graph::{Activation, Binary, Conv, Dims, Entry, Graph, GraphBuilder, State, Wire};

use super::{IMAGES, Whole, check_within, drawn};
use crate::Runtime;

/// Channels: more than a register has lanes, and no multiple of them.
const C: usize = 19;
/// An image.
const IMAGE: [usize; 3] = [C, 5, 6];

/// How channels go from the front to the end, and back.
const LAST: [usize; 4] = [0, 2, 3, 1];
const FRONT: [usize; 4] = [0, 3, 1, 2];

/// The parameters of the layers of this file.
const PARAMETERS: &[(&str, &[usize])] = &[
    ("deep.weight", &[C, 1, 3, 3]),
    ("deep.bias", &[C]),
    ("norm.weight", &[C]),
    ("norm.bias", &[C]),
    ("wide.weight", &[2 * C, C]),
    ("wide.bias", &[2 * C]),
    ("narrow.weight", &[C, 2 * C]),
    ("narrow.bias", &[C]),
    ("square.weight", &[C, C]),
    ("square.bias", &[C]),
    ("down.weight", &[7, C, 2, 2]),
    ("down.bias", &[7]),
    ("all.weight", &[4, C * 5 * 6]),
    ("all.bias", &[4]),
    ("last", &[C]),
    ("front", &[C, 1, 1]),
    ("whole", &[1, C, 1, 1]),
    ("one", &[1]),
    ("column", &[6]),
];

fn deep(g: &mut GraphBuilder, x: Wire) -> Wire {
    g.conv("deep", x, Conv::new(C, 3).same().groups(C))
}

/// The convolution of each channel.
fn deep_of(x: &Whole) -> Whole {
    let [weight, bias] = [drawn("deep.weight", &[C, 1, 3, 3]), drawn("deep.bias", &[C])];
    let (rows, columns) = (1..=x.sizes[2], 1..=x.sizes[3]);
    Whole::of(&x.sizes, |i| {
        let taps = (0..9).map(|tap| [tap / 3, tap % 3]);
        let inside = taps.filter(|[y, x]| rows.contains(&(i[2] + y)) && columns.contains(&(i[3] + x)));
        let product = |[y, x_]: [usize; 2]| {
            weight.at(&[i[1], 0, y, x_]) * x.at(&[i[0], i[1], i[2] + y - 1, i[3] + x_ - 1])
        };
        inside.map(product).sum::<f64>() + bias.at(&i[1..2])
    })
}

fn turned_of(x: &Whole, order: [usize; 4]) -> Whole {
    Whole::of(&order.map(|dim| x.sizes[dim]), |i| {
        let mut from = [0; 4];
        order.iter().zip(i).for_each(|(dim, at)| from[*dim] = *at);
        x.at(&from)
    })
}

/// A linear layer at places.
fn linear_of(x: &Whole, name: &str, outputs: usize) -> Whole {
    let (inputs, others) = x.sizes.split_last().unwrap();
    let weight = drawn(&format!("{name}.weight"), &[outputs, *inputs]);
    let bias = drawn(&format!("{name}.bias"), &[outputs]);
    Whole::of(&[others, &[outputs]].concat(), |i| {
        let (output, place) = i.split_last().unwrap();
        let product = |input: usize| x.at(&[place, &[input]].concat()) * weight.at(&[*output, input]);
        (0..*inputs).map(product).sum::<f64>() + bias.at(&[*output])
    })
}

/// Normalisation of the last dimension.
fn norm_of(x: &Whole) -> Whole {
    let [weight, bias] = [drawn("norm.weight", &[C]), drawn("norm.bias", &[C])];
    let mut values = x.values.clone();
    for line in values.chunks_mut(C) {
        let mean = line.iter().sum::<f64>() / C as f64;
        let variance = line.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / C as f64;
        for (at, x) in line.iter_mut().enumerate() {
            *x = (*x - mean) / (variance + 1e-6).sqrt() * weight.values[at] + bias.values[at];
        }
    }
    Whole { sizes: x.sizes.clone(), values }
}

fn sum_of(a: &Whole, b: &Whole) -> Whole {
    Whole::of(&a.sizes, |i| a.at(i) + b.at(i))
}

/// Compares what a network with these layers answers, where all its steps have kernels; gives their names.
fn check(build: impl Fn(&mut GraphBuilder, Wire) -> Wire, expected: impl Fn(&Whole) -> Whole) -> Vec<String> {
    let kernels = check_within(2e-5, &IMAGE, PARAMETERS, build, expected);
    assert!(kernels.iter().all(|kernel| !kernel.ends_with("no kernel")), "{kernels:?}");
    kernels
}

/// Behind which step a block has its learnt scale.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scale {
    Nowhere,
    Layers,
    WayBack,
}

/// As ConvNeXt is written in ONNX (Liu et al. 2022, figure 4).
#[test]
fn blocks_turn_nothing_around_and_add_where_they_multiply() {
    for scale in [Scale::Nowhere, Scale::Layers, Scale::WayBack] {
        let build = |g: &mut GraphBuilder, x| {
            let y = deep(g, x);
            let y = g.transpose(y, &LAST);
            let y = g.layer_norm_last("norm", y, 1e-6);
            let y = g.linear_at_places("wide", y, 2 * C);
            let y = g.activation(y, Activation::Gelu);
            let mut y = g.linear_at_places("narrow", y, C);
            if scale == Scale::Layers {
                let last = g.constant("last", &[C], true);
                y = g.binary(y, last, Binary::Mul);
            }
            y = g.transpose(y, &FRONT);
            if scale == Scale::WayBack {
                let front = g.constant("front", &[C, 1, 1], true);
                y = g.binary(front, y, Binary::Mul);
            }
            let x = g.add(x, y);
            deep(g, x)
        };
        let kernels = check(build, |x| {
            let y = norm_of(&turned_of(&deep_of(x), LAST));
            let y = linear_of(&y, "wide", 2 * C);
            let y = y.mapped(|x| 0.5 * x * (1.0 + libm::erf(x / 2f64.sqrt())));
            let y = turned_of(&linear_of(&y, "narrow", C), FRONT);
            let factor = match scale {
                Scale::Nowhere => None,
                Scale::Layers => Some(drawn("last", &[C])),
                Scale::WayBack => Some(drawn("front", &[C])),
            };
            let y = Whole::of(&y.sizes, |i| factor.as_ref().map_or(1.0, |of| of.values[i[1]]) * y.at(i));
            deep_of(&sum_of(x, &y))
        });
        let layers = kernels.iter().filter_map(|kernel| kernel.split(':').next());
        let steps: Vec<&str> = layers.filter(|name| ["transpose", "add", "mul"].contains(name)).collect();
        assert!(steps.is_empty(), "{scale:?}: {kernels:?}");
    }
}

#[test]
fn convolutions_of_what_comes_last_turn_nothing_around() {
    let build = |g: &mut GraphBuilder, x| {
        let x = g.transpose(x, &LAST);
        let x = g.linear_at_places("square", x, C);
        let y = g.transpose(x, &FRONT);
        let y = deep(g, y);
        let y = g.transpose(y, &LAST);
        let y = g.linear_at_places("wide", y, 2 * C);
        let y = g.linear_at_places("narrow", y, C);
        let x = g.add(x, y);
        let x = g.layer_norm_last("norm", x, 1e-6);
        let x = g.transpose(x, &FRONT);
        g.global_avg_pool(x)
    };
    let kernels = check(build, |x| {
        let x = linear_of(&turned_of(x, LAST), "square", C);
        let y = turned_of(&deep_of(&turned_of(&x, FRONT)), LAST);
        let y = linear_of(&linear_of(&y, "wide", 2 * C), "narrow", C);
        let x = norm_of(&sum_of(&x, &y));
        let pixels = (x.sizes[1] * x.sizes[2]) as f64;
        Whole::of(&[IMAGES, C, 1, 1], |i| {
            let all = (0..x.sizes[1]).flat_map(|y| (0..x.sizes[2]).map(move |x| [y, x]));
            all.map(|[y, x_]| x.at(&[i[0], y, x_, i[1]])).sum::<f64>() / pixels
        })
    });
    assert!(!kernels.iter().any(|kernel| kernel.starts_with("transpose")), "{kernels:?}");
}

#[test]
fn what_others_read_as_it_was_before_is_copied() {
    let build = |g: &mut GraphBuilder, x| {
        let x = deep(g, x);
        let y = g.transpose(x, &LAST);
        let y = g.layer_norm_last("norm", y, 1e-6);
        let y = g.linear_at_places("square", y, C);
        let y = g.transpose(y, &FRONT);
        g.add(x, y)
    };
    let kernels = check(build, |x| {
        let x = deep_of(x);
        let y = linear_of(&norm_of(&turned_of(&x, LAST)), "square", C);
        sum_of(&x, &turned_of(&y, FRONT))
    });
    assert!(kernels.contains(&"transpose: reorder".into()), "{kernels:?}");
    // What goes out is nobody's to read as it was before.
    let build = |g: &mut GraphBuilder, x| {
        let x = deep(g, x);
        let x = g.transpose(x, &LAST);
        let x = g.linear_at_places("square", x, C);
        g.transpose(x, &FRONT)
    };
    let kernels = check(build, |x| {
        let x = linear_of(&turned_of(&deep_of(x), LAST), "square", C);
        turned_of(&x, FRONT)
    });
    assert!(!kernels.iter().any(|kernel| kernel.starts_with("transpose")), "{kernels:?}");
}

/// A window of several pixels, and one that is all of its input, of more channels than a register has lanes.
#[test]
fn windows_read_what_lies_pixel_by_pixel() {
    let normed = |g: &mut GraphBuilder, x: Wire| {
        let x = deep(g, x);
        let x = g.transpose(x, &LAST);
        let x = g.layer_norm_last("norm", x, 1e-6);
        g.transpose(x, &FRONT)
    };
    let normed_of = |x: &Whole| norm_of(&turned_of(&deep_of(x), LAST));
    let down = |g: &mut GraphBuilder, x| {
        let x = normed(g, x);
        g.conv("down", x, Conv::new(7, 2).stride(2))
    };
    let all = |g: &mut GraphBuilder, x| {
        let x = normed(g, x);
        let x = g.flatten(x);
        g.linear("all", x, 4)
    };
    let of_down = check(down, |x| {
        let x = normed_of(x);
        let [weight, bias] = [drawn("down.weight", &[7, C, 2, 2]), drawn("down.bias", &[7])];
        Whole::of(&[IMAGES, 7, 2, 3], |i| {
            let taps = (0..4 * C).map(|tap| [tap / 4, tap / 2 % 2, tap % 2]);
            let product = |[c, row, column]: [usize; 3]| {
                weight.at(&[i[1], c, row, column]) * x.at(&[i[0], 2 * i[2] + row, 2 * i[3] + column, c])
            };
            taps.map(product).sum::<f64>() + bias.at(&i[1..2])
        })
    });
    let of_all = check(all, |x| {
        let x = turned_of(&normed_of(x), FRONT);
        linear_of(&Whole { sizes: vec![IMAGES, C * 5 * 6], values: x.values }, "all", 4)
    });
    for kernels in [of_down, of_all] {
        assert!(!kernels.iter().any(|kernel| kernel.starts_with("transpose")), "{kernels:?}");
    }
}

#[test]
fn constants_of_channels_become_part_of_a_layer() {
    let build = |g: &mut GraphBuilder, x| {
        let x = deep(g, x);
        let [front, whole] =
            [g.constant("front", &[C, 1, 1], true), g.constant("whole", &[1, C, 1, 1], true)];
        let one = g.constant("one", &[1], false);
        let x = g.add(front, x);
        let x = g.binary(x, whole, Binary::Mul);
        let x = g.binary(x, one, Binary::Sub);
        g.relu(x)
    };
    let kernels = check(build, |x| {
        let [front, whole, one] = [("front", C), ("whole", C), ("one", 1)].map(|(name, n)| drawn(name, &[n]));
        let x = deep_of(x);
        Whole::of(&x.sizes, |i| {
            ((x.at(i) + front.values[i[1]]) * whole.values[i[1]] - one.values[0]).max(0.0)
        })
    });
    assert_eq!(kernels.len(), 3, "beside what comes in and goes out: {kernels:?}");
}

/// Where there are as many of one as of the other.
#[test]
fn constants_of_columns_are_none_of_channels() {
    let build = |g: &mut GraphBuilder, x| {
        let x = g.conv("six", x, Conv::new(6, 1));
        let column = g.constant("column", &[6], true);
        g.binary(x, column, Binary::Mul)
    };
    let parameters: [(&str, &[usize]); 3] =
        [("six.weight", &[6, C, 1, 1]), ("six.bias", &[6]), ("column", &[6])];
    check_within(2e-5, &IMAGE, &parameters, build, |x| {
        let [weight, bias, column] = parameters.map(|(name, sizes)| drawn(name, sizes));
        Whole::of(&[IMAGES, 6, 5, 6], |i| {
            let of = |c: usize| weight.at(&[i[1], c, 0, 0]) * x.at(&[i[0], c, i[2], i[3]]);
            ((0..C).map(of).sum::<f64>() + bias.values[i[1]]) * column.values[i[3]]
        })
    });
}

/// Its heads are of what is in front, whatever the layers around it read last.
#[test]
fn attention_takes_its_channels_from_the_front() {
    let parameters: [(&str, &[usize]); 4] =
        [("in.weight", &[6, 6]), ("in.bias", &[6]), ("out.weight", &[6, 6]), ("out.bias", &[6])];
    let build = |g: &mut GraphBuilder, x| {
        let x = g.linear_at_places("in", x, 6);
        let x = g.attention([x, x, x], 2);
        g.linear_at_places("out", x, 6)
    };
    check_within(2e-5, &[4, 6], &parameters, build, |x| {
        let x = linear_of(x, "in", 6);
        let attention = Whole::of(&x.sizes, |i| {
            let first = i[1] / 2 * 2;
            let exp = |key: usize| {
                let like = |c: usize| x.at(&[i[0], c, i[2]]) * x.at(&[i[0], c, key]);
                ((like(first) + like(first + 1)) / 2f64.sqrt()).exp()
            };
            let all: f64 = (0..6).map(exp).sum();
            (0..6).map(|key| exp(key) / all * x.at(&[i[0], i[1], key])).sum()
        });
        linear_of(&attention, "out", 6)
    });
}

/// Images come in one behind the other.
#[test]
fn an_input_whose_batch_is_not_in_front_is_refused() {
    let plan = |sizes: &[usize], batch: usize| {
        let dims = Dims::with_batch(sizes, batch).unwrap();
        let mut g = Graph::builder_of(vec![Entry { name: "input".into(), dims, integers: false }]);
        let x = g.relu(g.input());
        let x = g.transpose(x, &[1, 0, 2]);
        g.relu(x);
        Runtime::new().plan(&g.finish().unwrap(), &State::default())
    };
    let error = plan(&[5, 1, 4], 1).unwrap_err().to_string();
    assert_eq!(
        error,
        "there is no kernel for an input [5, n, 4] whose batch is not in front: run the network by another engine"
    );
    // A single place before the batch is none.
    let found = plan(&[1, 1, 4], 1).unwrap().session().unwrap().run(&[1.0, -2.0, 3.0, 4.0]).unwrap().to_vec();
    assert_eq!(found, [1.0, 0.0, 3.0, 4.0]);
}
