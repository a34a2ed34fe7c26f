//! A network on one example, place by place in f64: what the definitions of its operations say.

use sapwood_graph::{Activation, Array, Dims, Graph, Node, Op, State, Unary};

/// Dimensions, and the values of one example.
type Value = (Dims, Vec<f64>);

/// The output for one example.
pub(crate) fn run(graph: &Graph, state: &State, input: &[f64]) -> Vec<f64> {
    let dims = graph.dims().unwrap();
    let mut found: Vec<Value> = Vec::new();
    for (id, node) in graph.nodes().iter().enumerate() {
        let inputs: Vec<&Value> = node.inputs.iter().map(|input| &found[*input]).collect();
        let to = dims[id];
        let values = match node.op {
            Op::Input => input.to_vec(),
            Op::Constant { .. } => state.0[node.name.as_str()].iter().collect(),
            _ => operation(node, &inputs, &to, state),
        };
        assert_eq!(to.values(), values.len() as u128, "{}", node.name);
        found.push((to, values));
    }
    found[graph.ends()[0]].1.clone()
}

/// Sizes without the batch where it is in front.
fn sizes(dims: &Dims) -> &[usize] {
    dims.example().unwrap_or(dims.sizes())
}

fn operation(node: &Node, inputs: &[&Value], whole: &Dims, state: &State) -> Vec<f64> {
    let param = |name: &str| -> Option<Vec<f64>> {
        state.0.get(format!("{}.{name}", node.name).as_str()).map(|value: &Array| value.iter().collect())
    };
    let (dims, x) = inputs[0];
    let (sizes, to) = (sizes(dims), sizes(whole));
    let plane: usize = sizes[1..].iter().product();
    match node.op {
        Op::Conv(spec) => {
            let (weight, bias) = (param("weight").unwrap(), param("bias"));
            let ([h, w], [oh, ow]) = ([sizes[1], sizes[2]], [to[1], to[2]]);
            let (of_in, of_out) = (spec.inputs / spec.groups, spec.outputs / spec.groups);
            let (kernel, pad) = (spec.kernel, spec.padding);
            let mut y = vec![0.0; to.iter().product()];
            for o in 0..spec.outputs {
                y[o * oh * ow..(o + 1) * oh * ow].fill(bias.as_ref().map_or(0.0, |bias| bias[o]));
                for i in 0..of_in {
                    let group = o / of_out;
                    let input = group * of_in + i;
                    for ky in 0..kernel.h {
                        for kx in 0..kernel.w {
                            let pair = match spec.transposed {
                                None => o * of_in + i,
                                Some(_) => input * of_out + o % of_out,
                            };
                            let weight = weight[(pair * kernel.h + ky) * kernel.w + kx];
                            if spec.transposed.is_some() {
                                for (r, c) in (0..h).flat_map(|r| (0..w).map(move |c| (r, c))) {
                                    let (row, column) = (r * spec.stride.h + ky, c * spec.stride.w + kx);
                                    y[(o * oh + row) * ow + column] += weight * x[(input * h + r) * w + c];
                                }
                                continue;
                            }
                            for (r, c) in (0..oh).flat_map(|r| (0..ow).map(move |c| (r, c))) {
                                let row = (r * spec.stride.h + ky).wrapping_sub(pad.top);
                                let column = (c * spec.stride.w + kx).wrapping_sub(pad.left);
                                if row < h && column < w {
                                    y[(o * oh + r) * ow + c] += weight * x[(input * h + row) * w + column];
                                }
                            }
                        }
                    }
                }
            }
            y
        }
        Op::Linear { inputs, outputs, .. } => {
            let (weight, bias) = (param("weight").unwrap(), param("bias").unwrap_or(vec![0.0; outputs]));
            let dot = |x: &[f64], o: usize| {
                weight[o * inputs..(o + 1) * inputs].iter().zip(x).map(|(w, x)| w * x).sum::<f64>()
            };
            let of_place = |x: &[f64]| (0..outputs).map(|o| bias[o] + dot(x, o)).collect::<Vec<_>>();
            x.chunks(inputs).flat_map(of_place).collect()
        }
        Op::BatchNorm { epsilon, .. } => {
            let of = |name: &str| param(name).unwrap();
            let (scale, shift) = (of("weight"), of("bias"));
            let (mean, variance) = (of("running_mean"), of("running_var"));
            let normal = |(at, x): (usize, &f64)| {
                let c = at / plane;
                scale[c] * (x - mean[c]) / (variance[c] + epsilon).sqrt() + shift[c]
            };
            x.iter().enumerate().map(normal).collect()
        }
        // Over the last dimension.
        Op::LayerNorm { channels, epsilon, last: true } => {
            let (scale, shift) = (param("weight").unwrap(), param("bias").unwrap());
            let of_place = |x: &[f64]| -> Vec<f64> {
                let mean = x.iter().sum::<f64>() / channels as f64;
                let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / channels as f64;
                let normal = x.iter().map(|x| (x - mean) / (variance + epsilon).sqrt());
                normal.zip(scale.iter().zip(&shift)).map(|(x, (scale, shift))| scale * x + shift).collect()
            };
            x.chunks(channels).flat_map(of_place).collect()
        }
        Op::Activation(Activation::Relu) => x.iter().map(|x| x.max(0.0)).collect(),
        Op::Activation(Activation::Sigmoid) => x.iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect(),
        Op::Unary(Unary::Neg) => x.iter().map(|x| -x).collect(),
        Op::MaxPool(window) => {
            let ([h, w], [oh, ow]) = ([sizes[1], sizes[2]], [to[1], to[2]]);
            let mut y = vec![f64::NEG_INFINITY; to.iter().product()];
            for (at, y) in y.iter_mut().enumerate() {
                let (c, r, column) = (at / (oh * ow), at / ow % oh, at % ow);
                for (ky, kx) in (0..window.kernel.h).flat_map(|y| (0..window.kernel.w).map(move |x| (y, x))) {
                    let row = (r * window.stride.h + ky).wrapping_sub(window.padding.top);
                    let column = (column * window.stride.w + kx).wrapping_sub(window.padding.left);
                    if row < h && column < w {
                        *y = y.max(x[(c * h + row) * w + column]);
                    }
                }
            }
            y
        }
        Op::GlobalAvgPool => {
            x.chunks(plane).map(|plane| plane.iter().sum::<f64>() / plane.len() as f64).collect()
        }
        Op::Flatten | Op::Reshape(_) => x.clone(),
        Op::Transpose { order } => {
            let (from, to) = (dims.sizes(), whole.sizes());
            let inner = |sizes: &[usize], dim: usize| sizes[dim + 1..].iter().product::<usize>();
            let place = |at: usize| -> usize {
                let dims = order.iter().enumerate();
                dims.map(|(dim, old)| at / inner(to, dim) % to[dim] * inner(from, *old)).sum()
            };
            (0..x.len()).map(|at| x[place(at)]).collect()
        }
        Op::Concat { .. } => inputs.iter().flat_map(|(_, values)| values.iter().copied()).collect(),
        Op::Slice(slice) => {
            let inner: usize = sizes[slice.axis..].iter().product();
            let part = slice.start * inner..(slice.start + slice.length) * inner;
            x.chunks(sizes[slice.axis - 1] * inner).flat_map(|all| all[part.clone()].to_vec()).collect()
        }
        Op::MatMul => {
            let (other, columns) = (&inputs[1].1, to[to.len() - 1]);
            let (rows, over) = (to[to.len() - 2], sizes[sizes.len() - 1]);
            let of = |at: usize| -> f64 {
                let (stack, row, column) = (at / (rows * columns), at / columns % rows, at % columns);
                let terms = (0..over).map(|k| {
                    x[(stack * rows + row) * over + k] * other[(stack * over + k) * columns + column]
                });
                terms.sum()
            };
            (0..to.iter().product()).map(of).collect()
        }
        // Over the last dimension.
        Op::Softmax { .. } => {
            let of_row = |row: &[f64]| -> Vec<f64> {
                let sum: f64 = row.iter().map(|x| x.exp()).sum();
                row.iter().map(|x| x.exp() / sum).collect()
            };
            x.chunks(sizes[sizes.len() - 1]).flat_map(of_row).collect()
        }
        // The second may have the last dimensions alone.
        Op::Add => x.iter().zip(inputs[1].1.iter().cycle()).map(|(a, b)| a + b).collect(),
        Op::Scale => x.iter().enumerate().map(|(at, x)| x * inputs[1].1[at / plane]).collect(),
        Op::Subsample { stride, channels } => {
            let front = (channels - sizes[0]) / 2;
            let mut y = vec![0.0; to.iter().product()];
            for (at, y) in y.iter_mut().enumerate() {
                let (c, r, column) = (at / (to[1] * to[2]), at / to[2] % to[1], at % to[2]);
                if (front..front + sizes[0]).contains(&c) {
                    *y = x[((c - front) * sizes[1] + r * stride) * sizes[2] + column * stride];
                }
            }
            y
        }
        ref op => panic!("the evaluator knows no {}", op.kind()),
    }
}
