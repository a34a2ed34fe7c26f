//! Random networks and values for them.

use sapwood_graph::{Activation, Array, Conv, Dims, Graph, GraphBuilder, Op, ParamPath, Slice, State, Wire};

/// Numbers that follow from one another.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / (1u64 << 31) as f64
    }
}

/// A network of one operation for each number.
pub(crate) fn network(choices: &[u8]) -> Graph {
    let mut g = Graph::builder([3, 4, 4]);
    let x = g.conv("stem", g.input(), Conv::new(6, 3).same());
    let mut values = vec![x];
    for (at, choice) in choices.iter().enumerate() {
        let name = format!("layer{at}");
        let x = values[usize::from(choice / 16) % values.len()];
        let other = values[usize::from(choice / 5) % values.len()];
        let made = operation(&mut g, &name, choice % 16, x, other);
        values.push(made);
    }
    // Everything is read by somebody.
    let all: Vec<Wire> = values.iter().rev().take(3).copied().collect();
    let x = if all.len() == 1 { all[0] } else { g.concat(&all, 1) };
    let x = g.max_pool(x, 2, 2, 0);
    let x = g.flatten(x);
    g.linear("head", x, 3);
    g.finish().unwrap()
}

fn operation(g: &mut GraphBuilder, name: &str, choice: u8, x: Wire, other: Wire) -> Wire {
    let channels = g.shape(x)[0];
    match choice {
        0 => g.conv(name, x, Conv::new(4, 1)),
        1 => g.conv(name, x, Conv::new(6, 3).same().no_bias()),
        2 | 3 => g.batch_norm(name, x),
        4 => g.conv(name, x, Conv::new(channels, 3).same().groups(channels)),
        5 if channels.is_multiple_of(2) => g.conv(name, x, Conv::new(6, 1).groups(2)),
        6 => {
            let y = g.conv(name, x, Conv::new(g.shape(other)[0], 1));
            g.add(other, y)
        }
        7 => g.concat(&[x, other, x], 1),
        8 if 3 < channels => {
            let slice = |start, length| Slice { axis: 1, start, length, step: 1 };
            let (a, b) = (g.slice(x, slice(0, 2)), g.slice(x, slice(2, channels - 2)));
            g.concat(&[b, a], 1)
        }
        9 => {
            let s = g.global_avg_pool(x);
            let s = g.conv(&format!("{name}.reduce"), s, Conv::new(3, 1));
            let s = g.relu(s);
            let s = g.conv(&format!("{name}.excite"), s, Conv::new(channels, 1));
            let s = g.activation(s, Activation::Sigmoid);
            g.scale(x, s)
        }
        10 => g.max_pool(x, 3, 1, 1),
        11 => g.conv(name, x, Conv::new(5, 1).transposed(0)),
        12 if channels.is_multiple_of(2) => {
            let n = |sizes: &[usize]| Dims::batch_of(sizes).unwrap();
            let y = g.conv(name, x, Conv::new(channels, 1).groups(2));
            let y = g.reshape(y, n(&[2, channels / 2, 4, 4]));
            let y = g.transpose(y, &[0, 2, 1, 3, 4]);
            g.reshape(y, n(&[channels, 4, 4]))
        }
        13 => g.subsample(x, 1, channels + 3),
        14 if channels.is_multiple_of(3) => g.conv(name, x, Conv::new(6, 1).transposed(0).groups(3)),
        15 => g.conv(name, x, Conv::new(2 * channels, 1).groups(channels)),
        _ => g.relu(x),
    }
}

/// Values for every parameter of a network.
pub(crate) fn state(graph: &Graph, seed: u64) -> State {
    let mut numbers = Numbers(seed);
    let mut state = State::default();
    for node in graph.nodes() {
        let mut put = |name: &str, shape: Vec<usize>, from: f64, to: f64| {
            let value = Array::from_fn(shape, |_| from + (to - from) * numbers.next());
            state.0.insert(ParamPath::of(&node.name, name), value);
        };
        match node.op {
            Op::Conv(spec) => {
                put("weight", spec.weight(), -0.6, 0.6);
                if spec.bias {
                    put("bias", vec![spec.outputs], -0.5, 0.5);
                }
            }
            Op::Linear { inputs, outputs, bias, .. } => {
                put("weight", vec![outputs, inputs], -0.6, 0.6);
                if bias {
                    put("bias", vec![outputs], -0.5, 0.5);
                }
            }
            Op::LayerNorm { channels, .. } => {
                put("weight", vec![channels], 0.5, 1.5);
                put("bias", vec![channels], -0.3, 0.3);
            }
            Op::Constant { dims, .. } => put("", dims.sizes().to_vec(), -0.5, 0.5),
            Op::BatchNorm { channels, .. } => {
                for (name, from, to) in [
                    ("weight", 0.5, 1.5),
                    ("bias", -0.3, 0.3),
                    ("running_mean", -0.3, 0.3),
                    ("running_var", 0.5, 2.0),
                ] {
                    put(name, vec![channels], from, to);
                }
            }
            _ => {}
        }
    }
    state
}

/// How far outputs are apart, norm over norm.
pub(crate) fn far(a: &[f64], b: &[f64]) -> f64 {
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    assert_eq!(a.len(), b.len());
    norm(&mut a.iter().zip(b).map(|(a, b)| a - b)) / norm(&mut b.iter().copied()).max(1e-9)
}
