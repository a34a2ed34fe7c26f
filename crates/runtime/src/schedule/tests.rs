//! Sparse plans beside dense ones of the same network.

use sapwood_graph::{
    Activation::{Sigmoid, Silu},
    Array, Conv, Graph, Op, State,
};
use sapwood_kernels::Level;

use crate::Runtime;

/// Channels that come in.
const NARROW: usize = 64;

/// Blocks that widen, look around and weight their channels.
fn blocks(side: usize, kernel: usize) -> Graph {
    let (narrow, wide) = (NARROW, 6 * NARROW);
    let mut g = Graph::builder([narrow, side, side]);
    let mut x = g.input();
    for block in 0..3 {
        let y = g.conv(&format!("{block}.widen"), x, Conv::new(wide, 1));
        let y = g.activation(y, Silu);
        let y = g.conv(&format!("{block}.look"), y, Conv::new(wide, kernel).same().groups(wide));
        let y = g.activation(y, Silu);
        let s = g.global_avg_pool(y);
        let s = g.conv(&format!("{block}.squeeze"), s, Conv::new(16, 1));
        let s = g.activation(s, Silu);
        let s = g.conv(&format!("{block}.weight"), s, Conv::new(wide, 1));
        let s = g.activation(s, Sigmoid);
        let y = g.scale(y, s);
        let y = g.conv(&format!("{block}.narrow"), y, Conv::new(narrow, 1));
        x = g.add(y, x);
    }
    g.finish().unwrap()
}

/// Weights of which all but every tenth, or those of depthwise layers, are this number instead.
fn state(graph: &Graph, otherwise: f32) -> State {
    let mut state = State::default();
    for node in graph.nodes() {
        let Op::Conv(spec) = &node.op else { continue };
        let keeps = |at: usize| spec.is_depthwise() || at.is_multiple_of(10);
        let value =
            |at: usize| if keeps(at) { ((at * 37 % 23) as f32 / 23.0 - 0.5) / 4.0 } else { otherwise };
        state.0.insert(format!("{}.weight", node.name).into(), Array::from_fn(spec.weight(), value));
        let bias = Array::from_fn([spec.outputs], |at| (at * 5 % 7) as f32 / 7.0 - 0.5);
        state.0.insert(format!("{}.bias", node.name).into(), bias);
    }
    state
}

#[test]
fn sparse_plans_answer_what_dense_ones_do() {
    // Rows with as much between them as a window of 3 or of 5 reads, or less.
    for side in [7, 9, 14, 15, 28] {
        for kernel in [3, 5] {
            let graph = blocks(side, kernel);
            let image: Vec<f32> =
                (0..NARROW * side * side).map(|at| (at * 37 % 101) as f32 / 101.0 - 0.5).collect();
            let answers = |level: Level, threads: usize, otherwise: f32| {
                let runtime = Runtime::new().level(level).threads(threads);
                let plan = runtime.plan(&graph, &state(&graph, otherwise)).unwrap();
                let sparse = plan.kernels().filter(|(_, kernel)| kernel.contains("sparse")).count();
                (plan.session().unwrap().run(&image).unwrap().to_vec(), sparse)
            };
            for level in Level::available() {
                // What is as good as nothing counts as there.
                let (expected, _) = answers(level, 1, 1e-30);
                let (found, sparse) = answers(level, 1, 0.0);
                let what = format!("{side} {kernel} {}", level.name());
                assert!(sparse > 0, "{what}");
                let size = expected.iter().fold(0f32, |most, x| most.max(x.abs()));
                for (found, expected) in found.iter().zip(&expected) {
                    assert!((found - expected).abs() < 1e-5 * size, "{what}: {found} instead of {expected}");
                }
                assert_eq!(answers(level, 3, 0.0).0, found, "{what}: whatever the number of threads is");
            }
        }
    }
}
