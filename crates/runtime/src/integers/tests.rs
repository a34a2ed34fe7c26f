//! Whole networks of integers against the scalar code, bit by bit.

mod drawn;
mod places;

use sapwood_graph::{
    Activation, Array, AvgPool, Conv, DType, Dims, Graph, Grid, Op, Per, Quantized, QuantizedNetwork, Slice,
    State, Symmetry, Window, Wire,
};

use super::random::{network, numbers};
use crate::{Dots, Exact, Runtime};

/// Compares plans with the scalar code: for all kinds of instructions, one to three threads, and one, two and seven
/// images at once. Gives what the kernels are called.
fn check(network: &QuantizedNetwork) -> Vec<String> {
    let (shape, mut names) = (network.graph.input(), Vec::new());
    let mut draw = numbers(7);
    let size: usize = shape.iter().product();
    let images: Vec<f32> = (0..7 * size).map(|_| 2.0 * draw()).collect();
    let expected = Exact::new(network.clone()).unwrap().run(&images, shape).unwrap();
    assert!(expected.iter().any(|x| *x != expected[0]), "outputs differ");
    let outputs = expected.len() / 7;
    for (dots, threads, batch) in Dots::available()
        .flat_map(|dots| (1..=3).flat_map(move |threads| [1, 2, 7].map(|batch| (dots, threads, batch))))
    {
        let plan = Runtime::new().threads(threads).batch(batch).dots(dots).plan_integers(network).unwrap();
        let floats = plan.kernels().filter(|(_, kernel)| kernel.contains("f32")).count();
        assert_eq!(floats, 0, "{:?}", plan.kernels().collect::<Vec<_>>());
        let mut session = plan.session().unwrap();
        // As many at once as there is room for, fewer, and again and again.
        for count in [batch, 1, 7] {
            let found = session.run(&images[..count * size]).unwrap();
            assert_eq!(found, &expected[..count * outputs], "{} {threads} {batch} {count}", dots.name());
        }
        names.extend(plan.kernels().map(|(_, kernel)| kernel.to_string()));
    }
    names
}

/// All ways in which values are kept: bytes with a zero point, and with a sign.
fn check_all(build: impl Fn() -> Graph) {
    for (dtype, symmetry) in
        [(DType::U8, Symmetry::Affine), (DType::I8, Symmetry::Symmetric), (DType::I8, Symmetry::Affine)]
    {
        check(&network(build(), dtype, symmetry, 3).unwrap());
    }
}

#[test]
fn rows_without_bounds_are_rounded_between_their_own() {
    let mut g = Graph::builder([6, 1, 1]);
    g.linear("fc", g.input(), 2);
    let weight = Array::new([2, 6], vec![1i8, -2, 3, 4, -5, 6, 0, 0, 1, 0, 0, 0]).unwrap();
    let weight = Quantized::new(weight, Per::Tensor, Array::new([], vec![0.5f32]).unwrap(), None).unwrap();
    let bias = Array::new([2], vec![0.25f32, -1.0]).unwrap();
    let network = QuantizedNetwork {
        graph: g.finish().unwrap(),
        weights: [("fc.weight".into(), weight)].into(),
        rest: State([("fc.bias".into(), bias)].into()),
        grids: [].into(),
        dynamic: ["fc".into()].into(),
    };
    // The example of ONNX's DynamicQuantizeLinear, and a row of zeros.
    let images = [0.0f32, 2.0, -3.0, -2.5, 1.34, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let x = [153.0, 255.0, 0.0, 26.0, 221.0, 179.0].map(|q: f32| (q - 153.0) * 5.0 / 255.0);
    let first = 0.5 * (x[0] - 2.0 * x[1] + 3.0 * x[2] + 4.0 * x[3] - 5.0 * x[4] + 6.0 * x[5]) + 0.25;
    let expected = [first, 0.5 * x[2] - 1.0, 0.25, -1.0];
    let plan = Runtime::new().batch(2).plan_integers(&network).unwrap();
    assert!(plan.kernels().any(|(_, kernel)| kernel.starts_with("linear of rounded rows")));
    let mut session = plan.session().unwrap();
    let found = session.run(&images).unwrap();
    assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-5), "{found:?}");
}

#[test]
fn groups_of_channels_run_where_a_layer_has_no_integers() {
    let mut g = Graph::builder([6, 5, 5]);
    let x = g.conv("grouped", g.input(), Conv::new(9, 3).same().groups(3));
    g.global_avg_pool(x);
    let graph = g.finish().unwrap();
    let mut draw = numbers(11);
    let mut array = |shape: &[usize]| Array::from_fn(shape, |_| draw());
    let rest = [("grouped.weight", array(&[9, 2, 3, 3])), ("grouped.bias", array(&[9]))];
    let rest = State(rest.map(|(path, value)| (path.into(), value)).into());
    let image: Vec<f32> = (0..150).map(|at| (at % 11) as f32 / 5.0 - 1.0).collect();
    let run = |plan: crate::Plan| plan.session().unwrap().run(&image).unwrap().to_vec();
    let expected = run(Runtime::new().plan(&graph, &rest).unwrap());
    let network = QuantizedNetwork { graph, weights: [].into(), rest, grids: [].into(), dynamic: [].into() };
    let plan = Runtime::new().plan_integers(&network).unwrap();
    let macs =
        plan.session().unwrap().profile(&image, 1).unwrap().rows.iter().map(|row| row.macs).sum::<u64>();
    assert_eq!(macs, 25 * 9 * 2 * 9, "zeros that groups are joined with are no work");
    let found = run(plan);
    assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?} {expected:?}");
}

/// A convolution that gives what it reads, whose input lies on steps of 1/16.
fn identity(
    behind: impl FnOnce(&mut sapwood_graph::GraphBuilder, Wire) -> Wire,
    grids: &[(&str, f32)],
) -> QuantizedNetwork {
    let mut g = Graph::builder([1, 2, 2]);
    let x = g.conv("conv", g.input(), Conv::new(1, 1));
    behind(&mut g, x);
    let graph = g.finish().unwrap();
    let scale = Array::new([], vec![1.0f32]).unwrap();
    let weight =
        Quantized::new(Array::new([1, 1, 1, 1], vec![1i8]).unwrap(), Per::Tensor, scale, None).unwrap();
    let scheme = sapwood_graph::Scheme::new(DType::U8, Symmetry::Affine).unwrap();
    let at = |name: &str| graph.nodes().iter().position(|node| node.name == name).unwrap();
    let mut all: std::collections::BTreeMap<usize, Grid> =
        grids.iter().map(|(name, top)| (at(name), scheme.grid(0.0, *top).unwrap())).collect();
    all.insert(0, scheme.grid(0.0, 255.0 / 16.0).unwrap());
    let weights = [("conv.weight".into(), weight)].into();
    let rest = State([("conv.bias".into(), Array::new([1], vec![0.0f32]).unwrap())].into());
    QuantizedNetwork { graph, weights, rest, grids: all, dynamic: [].into() }
}

#[test]
fn what_a_bound_or_a_second_grid_cuts_off_is_cut_off() {
    let image = [1.0, 5.5, 7.0, 15.0];
    let run = |network: &QuantizedNetwork| {
        Dots::available()
            .map(|dots| {
                let plan = Runtime::new().dots(dots).plan_integers(network).unwrap();
                plan.session().unwrap().run(&image).unwrap().to_vec()
            })
            .collect::<Vec<_>>()
    };
    let top = 255.0 / 32.0;
    // On a grid that goes on behind 6, of its own or of the layer before it.
    let relu6 = |g: &mut sapwood_graph::GraphBuilder, x| g.activation(x, Activation::Relu6);
    for grids in [&[("relu6", top)][..], &[("conv", top), ("relu6", top)]] {
        let network = identity(relu6, grids);
        assert_eq!(
            Exact::new(network.clone()).unwrap().run(&image, [1, 2, 2]).unwrap(),
            [1.0, 5.5, 6.0, 6.0]
        );
        run(&network).iter().for_each(|found| assert_eq!(found, &[1.0, 5.5, 6.0, 6.0]));
    }
    let network = identity(relu6, &[("conv", top)]);
    assert!(Exact::new(network.clone()).is_err());
    run(&network).iter().for_each(|found| assert_eq!(found, &[1.0, 5.5, 6.0, 6.0]));
    // A pool with a grid that ends before that of what it reads.
    let pool = |g: &mut sapwood_graph::GraphBuilder, x| g.op("pool", Op::MaxPool(Window::new(1, 1)), &[x]);
    let network = identity(pool, &[("conv", 255.0 / 16.0), ("pool", 255.0 / 51.0)]);
    assert!(Exact::new(network.clone()).is_err());
    for found in run(&network) {
        let expected = [1.0, 5.0, 5.0, 5.0];
        assert!(
            found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-5),
            "{found:?}"
        );
    }
    let short = Exact::new(identity(relu6, &[("relu6", top)])).unwrap().run(&image[..3], [1, 2, 2]);
    assert!(short.unwrap_err().to_string().contains("expected 4 numbers"));
}

/// Weights in integers that are all one.
fn ones(shape: &[usize], scale: f32) -> Quantized {
    let scale = Array::new([], vec![scale]).unwrap();
    Quantized::new(Array::from_fn(shape, |_| 1i8), Per::Tensor, scale, None).unwrap()
}

#[test]
fn a_flattening_with_a_grid_rounds_in_front_of_a_layer_too() {
    let sum = |g: &mut sapwood_graph::GraphBuilder, x| {
        let x = g.flatten(x);
        g.op("fc", Op::Linear { inputs: 4, outputs: 1, bias: false, places: false }, &[x])
    };
    let mut network = identity(sum, &[("conv", 255.0 / 16.0), ("flatten", 255.0 / 51.0)]);
    network.weights.insert("fc.weight".into(), ones(&[1, 4], 1.0));
    for dots in Dots::available() {
        let plan = Runtime::new().dots(dots).plan_integers(&network).unwrap();
        let found = plan.session().unwrap().run(&[1.0, 5.5, 7.0, 15.0]).unwrap().to_vec();
        assert!((found[0] - 16.0).abs() < 1e-4, "{}: {found:?}", dots.name());
    }
    let flat = network.graph.nodes().iter().position(|node| node.op == Op::Flatten).unwrap();
    network.grids.insert(flat, Grid::new(0.01, 0, [0, 65_535]).unwrap());
    let error = Runtime::new().plan_integers(&network).unwrap_err().to_string();
    assert!(error.contains("`flatten` (values on more than 256 integers)"), "{error}");
}

#[test]
fn a_bias_that_32_bits_do_not_hold_is_refused() {
    let mut network = identity(|_, x| x, &[]);
    network.weights.insert("conv.weight".into(), ones(&[1, 1, 1, 1], 1e-12));
    let refused = |bias: f32| {
        let mut network = network.clone();
        network.rest.0.insert("conv.bias".into(), Array::new([1], vec![bias]).unwrap());
        let planned = Runtime::new().plan_integers(&network).map(|_| ());
        let exact = Exact::new(network).unwrap().run(&[0.0; 4], [1, 2, 2]).map(|_| ());
        [planned, exact].map(|found| found.map_err(|error| error.to_string()))
    };
    let expected = "layer `conv`: 32 bits do not hold its bias of 0.75 in steps of 6.25e-14: \
                    give its weights a larger scale";
    assert_eq!(refused(0.75), [(); 2].map(|()| Err(expected.to_string())));
    assert_eq!(refused(1e-4), [Ok(()), Ok(())]);
}

#[test]
fn what_is_made_of_constants_alone_runs_and_rounded_ones_are_rounded_first() {
    let mut g = Graph::builder([1, 2, 2]);
    let latent = g.constant("latent", &[1, 1, 2], true);
    let query = g.op("expand", Op::Expand(Dims::batch_of(&[1, 2]).unwrap()), &[latent]);
    let query = g.linear_at_places("query", query, 2);
    let key = g.linear_at_places("key", query, 2);
    let x = g.reshape(g.input(), Dims::batch_of(&[2, 2]).unwrap());
    g.add(x, key);
    let graph = g.finish().unwrap();
    let at = |name: &str| graph.nodes().iter().position(|node| node.name == name).unwrap();
    let (input, query) = (at("input"), at("query"));
    let rest = [
        ("latent", Array::new([1, 1, 2], vec![0.5f32, -0.25])),
        ("query.weight", Array::new([2, 2], vec![1.0f32, 2.0, 3.0, 4.0])),
        ("query.bias", Array::new([2], vec![0.5f32, 0.0])),
        ("key.weight", Array::new([2, 2], vec![1.0f32, 0.0, 1.0, 1.0])),
        ("key.bias", Array::new([2], vec![0.0f32, 0.0])),
    ];
    let mut network = QuantizedNetwork {
        graph,
        weights: [].into(),
        rest: State(rest.map(|(path, value)| (path.into(), value.unwrap())).into()),
        grids: [(input, Grid::new(1.0, 0, [0, 255]).unwrap())].into(),
        dynamic: [].into(),
    };
    let check = |network: &QuantizedNetwork, expected: [f32; 4]| {
        let plan = Runtime::new().plan_integers(network).unwrap();
        let found = plan.session().unwrap().run(&[1.0, 2.0, 3.0, 4.0]).unwrap().to_vec();
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 0.02), "{found:?} {expected:?}");
    };
    // The query is 0.5 twice, and the key 0.5 and 1.
    check(&network, [1.5, 3.0, 3.5, 5.0]);
    network.dynamic.insert("query".into());
    check(&network, [1.5, 3.0, 3.5, 5.0]);
    network.grids.insert(query, Grid::new(0.75, 0, [-128, 127]).unwrap());
    check(&network, [1.75, 3.5, 3.75, 5.5]);
}

#[test]
fn as_many_images_as_have_room_are_computed_together() {
    let network = identity(|g, x| g.relu(x), &[("conv", 255.0 / 16.0)]);
    let plan = Runtime::new().batch(usize::MAX).plan_integers(&network).unwrap();
    assert!(1 < plan.images());
    let image = [1.0, 5.5, 7.0, 15.0];
    assert_eq!(plan.session().unwrap().run(&image).unwrap(), image);
}

#[test]
fn integers_that_are_only_moved_stay_what_they_are() {
    // Two images of two rows.
    let images = [1.0, 5.5, 7.0, 15.0, 2.0, 3.0, 4.0, 0.5];
    let moved = |g: &mut sapwood_graph::GraphBuilder, x| {
        let x = g.transpose(x, &[0, 1, 3, 2]);
        let x = g.reshape(x, Dims::batch_of(&[4, 1]).unwrap());
        let x = g.slice(x, Slice { axis: 1, start: 1, length: 2, step: 2 });
        g.reshape(x, Dims::batch_of(&[1, 1, 2]).unwrap())
    };
    let network = identity(moved, &[("conv", 255.0 / 16.0)]);
    let expected = [7.0, 15.0, 4.0, 0.5];
    assert_eq!(Exact::new(network.clone()).unwrap().run(&images, [1, 2, 2]).unwrap(), expected);
    let plan = Runtime::new().batch(2).plan_integers(&network).unwrap();
    assert_eq!(plan.session().unwrap().run(&images).unwrap(), &expected);
    // Examples that are not one behind the other.
    let turned = |g: &mut sapwood_graph::GraphBuilder, x| {
        let x = g.transpose(x, &[1, 0, 2, 3]);
        g.transpose(x, &[1, 0, 2, 3])
    };
    let error = Exact::new(identity(turned, &[("conv", 255.0 / 16.0)])).unwrap_err().to_string();
    assert_eq!(error, "layer `transpose`: it is not computed with integers");
    // What a sum would repeat.
    let unlike = |g: &mut sapwood_graph::GraphBuilder, x| {
        let [a, b] = [[2, 2, 1], [2, 1, 2]].map(|dims| g.reshape(x, Dims::batch_of(&dims).unwrap()));
        let sum = g.add(a, b);
        g.relu(sum)
    };
    let network = identity(unlike, &[("conv", 255.0 / 16.0), ("add", 255.0 / 16.0)]);
    let error = Exact::new(network).and_then(|exact| exact.run(&images, [1, 2, 2])).unwrap_err().to_string();
    assert_eq!(error, "layer `add`: summands of one shape are added as integers");
}

#[test]
fn residual_networks_are_exact() {
    check_all(|| {
        let mut g = Graph::builder([3, 16, 16]);
        let x = g.conv("stem", g.input(), Conv::new(20, 3).same().stride(2));
        let x = g.relu(x);
        let x = g.max_pool(x, 3, 2, 1);
        let block = |g: &mut sapwood_graph::GraphBuilder, x: Wire, name: &str, other: Option<Wire>| {
            let y = g.conv(&format!("{name}.1"), x, Conv::new(36, 3).same());
            let y = g.relu(y);
            let y = g.conv(&format!("{name}.2"), y, Conv::new(36, 3).same());
            let z = match other {
                // In both orders.
                None => g.add(x, y),
                Some(other) => g.add(y, other),
            };
            g.relu(z)
        };
        let shortcut = g.conv("short", x, Conv::new(36, 1));
        let x = block(&mut g, x, "a", Some(shortcut));
        let x = block(&mut g, x, "b", None);
        let x = g.global_avg_pool(x);
        g.linear("fc", x, 10);
        g.finish().unwrap()
    });
}

#[test]
fn chains_with_all_other_layers_are_exact() {
    check_all(|| {
        let mut g = Graph::builder([1, 14, 14]);
        let x = g.conv("conv1", g.input(), Conv::new(6, [5, 3]).padding([2, 1, 2, 1]));
        let x = g.activation(x, Activation::Relu6);
        let x = g.avg_pool(x, 3);
        let x = g.conv("deep", x, Conv::new(6, 3).same().groups(6));
        let x = g.activation(x, Activation::Relu6);
        let x = g.conv("groups", x, Conv::new(8, 3).same().dilation(1).groups(2).no_bias());
        // Read by two, so that it is a layer of its own.
        let y = g.relu(x);
        let y = g.add(y, x);
        let y = g.subsample(y, 2, 12);
        let z = g.flatten(y);
        let z = g.linear("fc1", z, 33);
        let z = g.relu(z);
        g.linear("fc2", z, 7);
        g.finish().unwrap()
    });
}

#[test]
fn values_behind_each_other_are_exact() {
    check_all(|| {
        let mut g = Graph::builder([3, 8, 8]);
        let x = g.conv("stem", g.input(), Conv::new(5, 3).same());
        let x = g.relu(x);
        let y = g.conv("squeeze", x, Conv::new(7, 1));
        let z = g.conv("wide", x, Conv::new(9, 3).same());
        let z = g.relu(z);
        let x = g.concat(&[x, y, z], 1);
        let x = g.conv("after", x, Conv::new(10, 3));
        let x = g.relu(x);
        let x = g.flatten(x);
        g.linear("fc", x, 4);
        g.finish().unwrap()
    });
}

#[test]
fn images_at_the_end_and_depthwise_layers_at_the_beginning_are_exact() {
    check_all(|| {
        let mut g = Graph::builder([17, 9, 7]);
        let x = g.conv("deep", g.input(), Conv::new(17, 3).groups(17).stride([2, 1]).padding([1, 1, 1, 1]));
        let x = g.op("pool", Op::MaxPool(Window::new(2, 1)), &[x]);
        g.conv("last", x, Conv::new(5, 1));
        g.finish().unwrap()
    });
}

#[test]
fn blocks_with_factors_and_soft_activations_run() {
    let mut g = Graph::builder([3, 12, 12]);
    let x = g.conv("stem", g.input(), Conv::new(16, 3).same().stride(2));
    let x = g.activation(x, Activation::HSwish);
    let y = g.conv("wide", x, Conv::new(24, 1));
    let y = g.activation(y, Activation::HSwish);
    let y = g.conv("deep", y, Conv::new(24, 3).same().groups(24));
    let y = g.activation(y, Activation::HSwish);
    let z = g.global_avg_pool(y);
    let z = g.conv("squeeze", z, Conv::new(8, 1));
    let z = g.relu(z);
    let z = g.conv("excite", z, Conv::new(24, 1));
    let z = g.activation(z, Activation::HSigmoid);
    let y = g.scale(y, z);
    let y = g.conv("narrow", y, Conv::new(16, 1));
    let x = g.add(y, x);
    let x = g.wrap(x, 1);
    let x = g.conv("last", x, Conv::new(16, 3));
    let x = g.flatten(x);
    let x = g.linear("fc", x, 9);
    g.activation(x, Activation::Sigmoid);
    is_near_float(network(g.finish().unwrap(), DType::U8, Symmetry::Affine, 11).unwrap(), &[]);
}

#[test]
fn what_has_no_integers_is_computed_in_floating_point() {
    let mut g = Graph::builder([3, 12, 12]);
    let x = g.conv("stem", g.input(), Conv::new(16, 3).same().stride(2));
    let x = g.activation(x, Activation::HSwish);
    let y = g.conv("float", x, Conv::new(16, 3).same());
    let y = g.activation(y, Activation::Sigmoid);
    let y = g.conv("last", y, Conv::new(4, 1));
    let y = g.op("mean", Op::AvgPool(AvgPool::touching(6)), &[y]);
    g.flatten(y);
    is_near_float(network(g.finish().unwrap(), DType::U8, Symmetry::Affine, 5).unwrap(), &["float"]);
}

/// Compares a network, some layers of which are in floating point, with one that is so from end to end: only what is
/// rounded differs.
fn is_near_float(mut network: QuantizedNetwork, floats: &[&str]) {
    for layer in floats {
        let path = sapwood_graph::ParamPath::of(layer, "weight");
        let quantized = network.weights.remove(&path).unwrap();
        network.rest.0.insert(path, quantized.dequantized());
    }
    let mut draw = numbers(9);
    let images: Vec<f32> = (0..2 * 3 * 12 * 12).map(|_| draw()).collect();
    let mut state = network.rest.clone();
    state.0.extend(network.weights.iter().map(|(path, weight)| (path.clone(), weight.dequantized())));
    let plan = Runtime::new().plan(&network.graph, &state).unwrap();
    let expected = plan.session().unwrap().run(&images).unwrap().to_vec();
    for dots in Dots::available() {
        let plan = Runtime::new().dots(dots).plan_integers(&network).unwrap();
        for (layer, kernel) in plan.kernels() {
            let is_float = floats.contains(&layer);
            let has_weights =
                network.graph.nodes().iter().any(|node| node.name == layer && node.op.has_weights());
            assert!(!has_weights || kernel.contains("int8") != is_float, "{layer}: {kernel}");
        }
        let found = plan.session().unwrap().run(&images).unwrap().to_vec();
        let far = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).sum::<f32>() / found.len() as f32;
        assert!(far < 0.02, "{}: {far} {found:?} {expected:?}", dots.name());
    }
}

#[test]
fn values_on_more_integers_than_a_byte_holds_are_refused() {
    let mut g = Graph::builder([2, 4, 4]);
    let x = g.conv("conv", g.input(), Conv::new(3, 3));
    let x = g.relu(x);
    let x = g.flatten(x);
    g.linear("fc", x, 2);
    let graph = g.finish().unwrap();
    let value = |shape: &[usize]| Array::from_fn(shape, |at| at as f32 / 50.0);
    let rest =
        [("conv.weight", &[3, 2, 3, 3][..]), ("conv.bias", &[3]), ("fc.weight", &[2, 12]), ("fc.bias", &[2])];
    let rest = State(rest.map(|(name, shape)| (name.into(), value(shape))).into());
    let network = |high: i32| QuantizedNetwork {
        graph: graph.clone(),
        weights: [].into(),
        rest: rest.clone(),
        grids: [(1, Grid::new(0.01, 0, [0, high]).unwrap())].into(),
        dynamic: [].into(),
    };
    Runtime::new().plan_integers(&network(255)).unwrap();
    let error = Runtime::new().plan_integers(&network(65_535)).unwrap_err().to_string();
    assert!(error.contains("`conv` (values on more than 256 integers)"), "{error}");
}
